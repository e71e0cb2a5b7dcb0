"""HDF5 datasets -> arrays whose bytes stay where they are until they are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from h5py import h5d, h5o, h5s, h5t

from hspyio.errors import DamagedFileError, FilterError, HspyError
from hspyio.filters import codec_of
from hspyio.node import Array, Damaged, Filter, LooseRows, Rows, Selection, Vlen
from hspyio.records import record
from hspyio.storage.handles import FileHandle
from hspyio.storage.types import from_h5py, plain_values, to_h5py
from hspyio.storage.work import Work

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hspyio.storage.stored import ChunkIndex, Stored

__all__ = [
    "LazySource",
    "Session",
    "dataset_node",
    "filter_available",
    "filters_of",
    "stored_bytes",
]

_SMALL = 256 * 2**10
"""Bytes below which threads cost more than they bring."""


@dataclass(slots=True, eq=False, repr=False)
class Session:
    """One opening of a file; its datasets answer while it lasts.

    Attributes
    ----------
    handle : FileHandle
        The same file, for what is read past HDF5, and for lazy arrays.
    allow_external : bool
        Whether external links, external storage and virtual datasets are followed.
    number : int
        What HDF5 calls the file.
    work : Work
        How arrays are read.
    open : bool
        Whether it still lasts.
    shared : bool
        Whether lazy arrays hold the handle, so that it has to outlast the session.
    """

    handle: FileHandle
    allow_external: bool
    number: int
    work: Work = field(default_factory=Work)
    open: bool = True
    shared: bool = False

    @property
    def path(self) -> str:
        """The file."""
        return self.handle.path

    def holds(self, dataset: h5d.DatasetID) -> bool:
        """Whether a dataset is in this very file; a link may have led to another."""
        return not self.allow_external or h5o.get_info(dataset).fileno == self.number

    def end(self) -> None:
        """Close what only this session holds."""
        self.open = False
        if not self.shared:
            self.handle.close()


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
    filters = filters_of(dataset)
    of_rows = isinstance(kind, Vlen) and isinstance(kind.base, np.dtype)
    source = _RowsInFile if of_rows else _FileSource
    return Array(kind, source(dataset, where, session, filters), chunks=chunks, filters=filters)


def filters_of(dataset: h5d.DatasetID) -> tuple[Filter, ...]:
    """The filters of a dataset, with the options that stand in the file."""
    creation = dataset.get_create_plist()
    return tuple(_filter(creation, i) for i in range(creation.get_nfilters()))


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
        self._check_open()
        stored = self._layout()
        with _named(self._session.path, self._where):
            values = None if stored is None else self._past_hdf5(stored, selection)
            if values is None:
                return _through_hdf5(self._dataset, selection, self._filters)
            return values

    def _check_open(self) -> None:
        if not self._session.open:
            raise DamagedFileError("is closed", path=self._session.path, where=self._where)

    def _past_hdf5(self, stored: Stored, selection: Selection) -> NDArray[Any] | None:
        from hspyio.storage.stored import chunk_index

        session = self._session
        index = partial(chunk_index, self._dataset, stored)
        return _past_hdf5(stored, index, session.handle, selection, session.work)

    def _layout(self) -> Stored | None:
        """How the engine reads it; small arrays are read faster by HDF5 itself."""
        built_in = all(codec_of(step.id).everywhere for step in self._filters)
        size = math.prod(self._dataset.shape) * self._dataset.dtype.itemsize
        return None if built_in and size < _SMALL else self._stored()

    def _stored(self) -> Stored | None:
        if not self._session.holds(self._dataset):
            return None
        from hspyio.storage.stored import stored_layout

        return stored_layout(self._dataset, from_h5py(self._dataset.dtype), self._filters)

    def detached(self) -> LazySource:
        """A source that goes on when the file is closed, and can be pickled."""
        self._session.shared = True
        foreign = self._session.allow_external  # perhaps
        return LazySource(self._session.handle, self._where, self.shape, self._stored(), foreign)


class _RowsInFile(_FileSource):
    """An array of rows of numbers of variable length, in a file that is open."""

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        return self.rows(selection).read()

    def rows(self, selection: Selection = ()) -> Rows:
        """All rows of a selection, end to end."""
        from hspyio.storage.stored import layout_of
        from hspyio.storage.vlen import REFERENCE, read_rows, row_dtype

        self._check_open()
        session = self._session
        with _named(session.path, self._where):
            base = row_dtype(self._dataset) if session.holds(self._dataset) else None
            stored = None if base is None else layout_of(self._dataset, REFERENCE, self._filters)
            references = None if stored is None else self._past_hdf5(stored, selection)
            if base is not None and references is not None:
                with session.handle.descriptor() as descriptor:
                    return read_rows(references, descriptor, base)
            objects = _through_hdf5(self._dataset, selection, self._filters)
            kind = from_h5py(self._dataset.dtype)
            assert isinstance(kind, Vlen) and isinstance(kind.base, np.dtype)
            return LooseRows.of(objects, kind.base).rows()


@record
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
    stored : Stored or None
        How it stands in the file, where it is read past HDF5.
    foreign : bool
        Whether its values may stand in another file, which HDF5 finds by the path only.
    """

    handle: FileHandle
    where: str
    shape: tuple[int, ...]
    stored: Stored | None = None
    foreign: bool = False

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection.

        Raises
        ------
        StaleFileError
            If the file has changed.
        DamagedFileError
            If the values cannot be read.
        """
        with _named(self.handle.path, self.where):
            if self.stored is not None:
                values = _past_hdf5(self.stored, self._index, self.handle, selection, Work())
                if values is not None:
                    return values
            with self.handle.open(by_path=self.foreign) as file:
                dataset = file[self.where].id
                return _through_hdf5(dataset, selection, filters_of(dataset))

    def _index(self) -> ChunkIndex | None:
        from hspyio.storage.stored import chunk_index

        assert self.stored is not None
        stored = self.stored
        return self.handle.index(self.where, lambda file: chunk_index(file[self.where].id, stored))


@contextmanager
def _named(path: str, where: str) -> Iterator[None]:
    """Errors name the file and the array; what HDF5 raises becomes one of ours."""
    try:
        yield
    except HspyError as error:
        error.path = error.path or path
        error.where = error.where or where
        raise
    except MemoryError as error:
        raise DamagedFileError(
            "does not fit into memory; use lazy=True", path=path, where=where
        ) from error
    except (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise DamagedFileError(
            f"its values cannot be read: {error}", path=path, where=where
        ) from error


def _past_hdf5(
    stored: Stored,
    index: Callable[[], ChunkIndex | None],
    handle: FileHandle,
    selection: Selection,
    work: Work,
) -> NDArray[Any] | None:
    """Read on the engine; ``None`` for what only HDF5 reads."""
    from hspyio.storage.gather import read_block, read_chunks

    with handle.descriptor() as descriptor:
        if stored.chunks is None:
            return read_block(stored, descriptor, selection, work)
        chunks = index()
        if chunks is None:
            return None
        return read_chunks(stored, chunks, descriptor, selection, work)


def _through_hdf5(
    dataset: h5d.DatasetID, selection: Selection, filters: tuple[Filter, ...]
) -> NDArray[Any]:
    _check_available(filters)
    kind = from_h5py(dataset.dtype)
    if dataset.dtype.subdtype is not None:
        values = np.asarray(h5py.Dataset(dataset)[()])[selection]
    elif selection and not _is_everything(selection, dataset.shape):
        # h5py makes a scalar of one value, in the machine's byte order: it gets slices only.
        from hspyio.storage.gather import spans

        chosen = spans(selection, dataset.shape)
        slices = tuple(
            slice(span.start, span.last + 1 if span.count else span.start, span.step)
            for span in chosen
        )
        values = np.asarray(h5py.Dataset(dataset)[slices])
        kept = tuple(0 if span.single else slice(None) for span in chosen)
        return plain_values(values, kind)[(*kept, ...)]
    else:
        values = np.empty(dataset.shape, dataset.dtype)
        dataset.read(h5s.ALL, h5s.ALL, values, h5t.py_create(to_h5py(kind)))
    return plain_values(values, kind)


def _is_everything(selection: Selection, shape: tuple[int, ...]) -> bool:
    return len(selection) == len(shape) and all(
        isinstance(part, slice) and part.indices(length) == (0, length, 1)
        for part, length in zip(selection, shape, strict=True)
    )


def _check_available(filters: tuple[Filter, ...]) -> None:
    for step in filters:
        if not filter_available(step.id):
            package = codec_of(step.id).package or "its HDF5 plugin"
            raise FilterError(
                f"is compressed with {step.name}, which is not available here; install {package}"
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
