"""HDF5 datasets -> arrays whose bytes stay where they are until they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5s, h5t
from numpy.typing import NDArray

from hspyio.errors import DamagedFileError, FilterError
from hspyio.filters import codec_of
from hspyio.node import Array, Damaged, Filter, Selection
from hspyio.storage.handles import FileHandle
from hspyio.storage.types import from_h5py, plain_values, to_h5py

__all__ = ["LazySource", "Session", "dataset_node", "filter_available", "stored_bytes"]


@dataclass(slots=True)
class Session:
    """One opening of a file; its datasets answer while it lasts."""

    path: str
    allow_external: bool
    open: bool = True


def dataset_node(dataset: h5d.DatasetID, where: str, session: Session) -> Array | Damaged:
    """Node of a dataset; nothing of its values is read."""
    if dataset.get_space().get_simple_extent_type() == h5s.NULL:
        return Damaged("is a dataset without a shape, which is not part of the format")
    creation = dataset.get_create_plist()
    layout = creation.get_layout()
    foreign = layout == h5d.VIRTUAL or creation.get_external_count() > 0
    if foreign and not session.allow_external:
        return Damaged("has its values in other files; allow_external=True reads them")
    kind = from_h5py(dataset.dtype)
    chunked = layout == h5d.CHUNKED and dataset.dtype.subdtype is None
    chunks = tuple(creation.get_chunk()) if chunked else None
    filters = tuple(_filter(creation, i) for i in range(creation.get_nfilters()))
    return Array(
        kind, _FileSource(dataset, where, session, filters), chunks=chunks, filters=filters
    )


def _filter(creation: Any, index: int) -> Filter:
    number, _, options, name = creation.get_filter(index)
    codec = codec_of(number)
    known = codec.name if not codec.name.startswith("filter ") else ""
    text = known or name.decode("latin-1") or codec.name
    return Filter(number, tuple(int(option) for option in options), text)


class _FileSource:
    """An array in a file that is open."""

    def __init__(
        self,
        dataset: h5d.DatasetID,
        where: str,
        session: Session,
        filters: tuple[Filter, ...],
    ) -> None:
        self._dataset = dataset
        self._where = where
        self._session = session
        self._filters = filters

    @property
    def shape(self) -> tuple[int, ...]:
        inner = self._dataset.dtype.subdtype
        return (*self._dataset.shape, *(inner[1] if inner else ()))

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        if not self._session.open:
            raise DamagedFileError("is closed", path=self._session.path, where=self._where)
        return _read(self._dataset, selection, self._session.path, self._where, self._filters)

    def detached(self, handle: FileHandle | None = None) -> LazySource:
        """A source that goes on when the file is closed, and can be pickled."""
        return LazySource(handle or FileHandle(self._session.path), self._where, self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class LazySource:
    """An array in a file that is opened for each read.

    Attributes
    ----------
    handle : FileHandle
        The file.
    where : str
        Path of the dataset in it.
    shape : tuple of int
        Length of each dimension.
    """

    handle: FileHandle
    where: str
    shape: tuple[int, ...]

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection.

        Raises
        ------
        StaleFileError
            If the file has changed.
        DamagedFileError
            If the values cannot be read.
        """
        with self.handle.open() as file:
            dataset = file[self.where].id
            creation = dataset.get_create_plist()
            filters = tuple(_filter(creation, i) for i in range(creation.get_nfilters()))
            return _read(dataset, selection, self.handle.path, self.where, filters)


def _read(
    dataset: h5d.DatasetID,
    selection: Selection,
    path: str,
    where: str,
    filters: tuple[Filter, ...],
) -> NDArray[Any]:
    _check_available(filters, path, where)
    kind = from_h5py(dataset.dtype)
    try:
        if dataset.dtype.subdtype is not None:
            values = np.asarray(h5py.Dataset(dataset)[()])[selection]
        elif selection and not _is_everything(selection, dataset.shape):
            values = np.asarray(h5py.Dataset(dataset)[selection])
        else:
            values = np.empty(dataset.shape, dataset.dtype)
            dataset.read(h5s.ALL, h5s.ALL, values, h5t.py_create(to_h5py(kind)))
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        raise DamagedFileError(
            f"its values cannot be read: {error}", path=path, where=where
        ) from error
    except MemoryError as error:
        raise DamagedFileError(
            f"{dataset.shape} of {dataset.dtype} do not fit into memory; use lazy=True",
            path=path,
            where=where,
        ) from error
    return plain_values(values, kind)


def _is_everything(selection: Selection, shape: tuple[int, ...]) -> bool:
    return len(selection) == len(shape) and all(
        isinstance(part, slice) and part.indices(length) == (0, length, 1)
        for part, length in zip(selection, shape, strict=True)
    )


def _check_available(filters: tuple[Filter, ...], path: str, where: str) -> None:
    for step in filters:
        if not filter_available(step.id):
            package = codec_of(step.id).package or "its HDF5 plugin"
            raise FilterError(
                f"is compressed with {step.name}, which is not available here; install {package}",
                path=path,
                where=where,
            )


def filter_available(number: int) -> bool:
    """Whether HDF5 has a filter, after asking hdf5plugin for those it carries."""
    if h5py.h5z.filter_avail(number):
        return True
    if codec_of(number).package == "hdf5plugin":
        try:
            import hdf5plugin  # noqa: F401
        except ImportError:
            return False
    return bool(h5py.h5z.filter_avail(number))


def stored_bytes(array: Array) -> int:
    """Bytes that an array of an open file takes on disk."""
    if isinstance(array.source, _FileSource):
        return int(array.source._dataset.get_storage_size())
    return 0
