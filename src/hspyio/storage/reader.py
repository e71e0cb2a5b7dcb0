"""HDF5 file -> nodes: groups filled on demand, arrays whose bytes stay where they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5s, h5t
from numpy.typing import NDArray

from hspyio.errors import DamagedFileError, FilterError, HspyError, MissingFileError, NotHspyError
from hspyio.filters import codec_of
from hspyio.node import (
    Array,
    Attribute,
    Damaged,
    Filter,
    Group,
    Selection,
    StorageType,
    Text,
    Vlen,
)
from hspyio.storage.handles import FileHandle
from hspyio.storage.types import from_h5py, to_h5py

__all__ = ["LazySource", "open_root", "stored_bytes"]

T = TypeVar("T")

_MOST_LINKS = 16
"""How many soft links may lead on to each other; HDF5's own limit."""
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@contextmanager
def open_root(path: str | os.PathLike[str], *, allow_external: bool = False) -> Iterator[Group]:
    """Open a file and give its root group; its arrays can be read within the ``with`` block.

    Parameters
    ----------
    path : path-like
        The file.
    allow_external : bool
        Whether external links, external storage and virtual datasets are followed.

    Raises
    ------
    MissingFileError
        If there is no such file.
    NotHspyError
        If it is no HDF5 file.
    DamagedFileError
        If HDF5 cannot open it.
    """
    text = os.fspath(path)
    _check_is_file(text)
    try:
        file = h5py.File(text, "r")
    except (OSError, RuntimeError, ValueError) as error:
        raise _cannot_open(text, error) from error
    session = _Session(text, allow_external)
    try:
        with file:
            yield _group(file.id, "/", session, ())
    finally:
        session.open = False


def _check_is_file(path: str) -> None:
    if not os.path.exists(path):
        raise MissingFileError("no such file", path=path)
    if os.path.isdir(path):
        raise NotHspyError("is a folder, not an HSpy file", path=path)


def _cannot_open(path: str, error: Exception) -> HspyError:
    """Say what the file is instead, if it is no HDF5 file."""
    with Path(path).open("rb") as stream:
        start = stream.read(512)
    if start[:8] == _SIGNATURE:
        return DamagedFileError(f"is an HDF5 file that HDF5 cannot open: {error}", path=path)
    if not start:
        return NotHspyError("is empty; an HSpy file is an HDF5 file", path=path)
    return NotHspyError(
        f"is not an HDF5 file: looked for HDF5's signature at its start, found {start[:8]!r}",
        path=path,
    )


@dataclass(slots=True)
class _Session:
    """One opening of a file; its datasets answer while it lasts."""

    path: str
    allow_external: bool
    open: bool = True


class _OnDemand(Mapping[str, T]):
    """A mapping with known names whose values are made when first asked for."""

    def __init__(self, names: list[str], make: Callable[[str], T]) -> None:
        self._names = dict.fromkeys(names)
        self._make = make
        self._made: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._made:
            if name not in self._names:
                raise KeyError(name)
            self._made[name] = self._make(name)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _group(group: h5g.GroupID, where: str, session: _Session, ancestors: tuple[Any, ...]) -> Group:
    """Node of a group; `ancestors` end circles of links."""
    identity = _identity(group)
    inside = (*ancestors, identity)
    handle = h5py.Group(group)
    try:
        children = _names(handle)
        attributes = {name: _attribute(group, name) for name in _attribute_names(group)}
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise DamagedFileError(
            f"cannot be read: {error}", path=session.path, where=where
        ) from error

    def member(name: str) -> Group | Array | Damaged:
        place = f"{where.rstrip('/')}/{name}"
        try:
            return _member(handle, name, place, session, inside)
        except HspyError as error:
            return Damaged(error.message)
        except (AttributeError, OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            return Damaged(f"cannot be read: {error}")

    return Group(attributes, _OnDemand(children, member))


def _names(listed: Iterable[str | bytes]) -> list[str]:
    """Names as text; bytes that are no UTF-8 become lone surrogates, as in file names."""
    return [
        name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
        for name in listed
    ]


def _stored_name(name: str) -> bytes:
    """Inverse of `_names`."""
    return name.encode("utf-8", "surrogateescape")


def _identity(location: Any) -> tuple[int, int]:
    info = h5o.get_info(location)
    return (int(info.fileno), int(info.addr))


def _member(
    parent: h5py.Group, name: str, where: str, session: _Session, ancestors: tuple[Any, ...]
) -> Group | Array | Damaged:
    location = _resolved(parent, name, session, _MOST_LINKS)
    if isinstance(location, h5g.GroupID):
        if _identity(location) in ancestors:
            return Damaged("is a link to a group that holds it")
        return _group(location, where, session, ancestors)
    if isinstance(location, h5d.DatasetID):
        return _dataset(location, where, session)
    return Damaged("is a named datatype, which is not part of the format")


def _resolved(parent: h5py.Group, path: str, session: _Session, most: int) -> Any:
    """Open what a path leads to, link by link, so that none leads to another file unasked.

    Raises
    ------
    DamagedFileError
        If a link leads to another file, to nothing, or in a circle.
    """
    location: Any = parent.file.id if path.startswith("/") else parent.id
    for name in path.split("/"):
        if name in ("", "."):
            continue
        stored = _stored_name(name)
        group = h5o.open(location, b".")  # has to live as long as its links are asked
        links = group.links
        kind = links.get_info(stored).type
        if kind == h5l.TYPE_EXTERNAL and not session.allow_external:
            file = links.get_val(stored)[0].decode(errors="replace")
            raise DamagedFileError(
                f"is a link to another file, {file!r}; allow_external=True follows it"
            )
        if kind != h5l.TYPE_SOFT:
            location = h5o.open(location, stored)
            continue
        if most == 0:
            raise DamagedFileError("is a link that leads in a circle")
        [target] = _names([links.get_val(stored)])
        try:
            location = _resolved(h5py.Group(group), target, session, most - 1)
        except (AttributeError, KeyError, RuntimeError, ValueError) as error:
            message = f"is a link to {target!r}, which is not there"
            raise DamagedFileError(message) from error
    return location


# attributes


def _attribute_names(group: h5g.GroupID) -> list[str]:
    return _names(h5py.AttributeManager(h5py.Group(group)))


def _attribute(group: h5g.GroupID, name: str) -> Attribute | Damaged:
    try:
        handle = h5a.open(group, _stored_name(name))
        if handle.get_space().get_simple_extent_type() == h5s.NULL:
            return Damaged("is an empty attribute, which is not part of the format")
        dtype = handle.dtype
        kind = from_h5py(dtype)
        values = np.empty(handle.shape, dtype)
        handle.read(values, mtype=h5t.py_create(dtype))
    except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
        return Damaged(f"cannot be read: {error}")
    if isinstance(kind, Text) and not values.shape:
        return Attribute(kind, _bytes(values[()]))
    return Attribute(kind, _plain(values, kind))


def _bytes(value: Any) -> bytes:
    """Bytes of one string; a null pointer in the file is an empty one."""
    return bytes(value) if isinstance(value, (bytes, np.bytes_)) else b""


def _plain(values: NDArray[Any], kind: StorageType) -> NDArray[Any]:
    """Values without h5py's notes on the dtype, strings as ``bytes``."""
    if isinstance(kind, Text):
        if kind.length is not None:
            return values.view(f"S{kind.length}")
        plain = np.empty(values.shape, object)
        plain.ravel()[:] = [_bytes(value) for value in values.ravel()]
        return plain
    if isinstance(kind, Vlen):
        return values
    return values.view(kind) if values.dtype.metadata else values


# datasets


def _dataset(dataset: h5d.DatasetID, where: str, session: _Session) -> Array | Damaged:
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
        session: _Session,
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
    return _plain(values, kind)


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
