"""HDF5 file -> nodes: groups filled on demand, arrays whose bytes stay where they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5s, h5t

from hspyio.errors import DamagedFileError, HspyError, MissingFileError, NotHspyError
from hspyio.node import Array, Attribute, Damaged, Group, Text
from hspyio.storage.datasets import Session, dataset_node
from hspyio.storage.types import from_h5py, plain_bytes, plain_values

__all__ = ["open_root"]

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
    session = Session(text, allow_external)
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


def _group(group: h5g.GroupID, where: str, session: Session, ancestors: tuple[Any, ...]) -> Group:
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
    parent: h5py.Group, name: str, where: str, session: Session, ancestors: tuple[Any, ...]
) -> Group | Array | Damaged:
    location = _resolved(parent, name, session, _MOST_LINKS)
    if isinstance(location, h5g.GroupID):
        if _identity(location) in ancestors:
            return Damaged("is a link to a group that holds it")
        return _group(location, where, session, ancestors)
    if isinstance(location, h5d.DatasetID):
        return dataset_node(location, where, session)
    return Damaged("is a named datatype, which is not part of the format")


def _resolved(parent: h5py.Group, path: str, session: Session, most: int) -> Any:
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
        return Attribute(kind, plain_bytes(values[()]))
    return Attribute(kind, plain_values(values, kind))
