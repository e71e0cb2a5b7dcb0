"""Open a damaged or truncated file and read what can be read of it: the work of the other process.

A file that was cut is opened as if it were as long as it once was; one without a superblock or a
root gets one of ours. Objects can be reached past the groups that lead to them, by their address.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np
from h5py import h5g, h5o, h5r, h5s, h5t

from hspyio.arrays.workers import Work
from hspyio.errors import UNREADABLE, DamagedFileError
from hspyio.hdf5.format.superblock import LENGTH, lookup3
from hspyio.hdf5.guard_hdf5 import ObjectCensus
from hspyio.hdf5.h5py_reader import node_at, root_of
from hspyio.hdf5.limits import Budget
from hspyio.hdf5.snapshot import FileHandle, PaddedFile, file_size, handle_of, read_into
from hspyio.hdf5.via_h5py import Session
from hspyio.nodes.node import Array, Damaged, Group

__all__ = ["BY_ADDRESS", "ReachedCensus", "address_of", "open_salvaged"]

BY_ADDRESS = "\0"
"""What the name of an object begins with that is known by its address only; no name in a file
holds it."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ADDRESS = struct.Struct("<Q")
_UNDEFINED = b"\xff" * 8
_MOST_END = 2**60
_UNKNOWN_END = 2**50
"""Bytes that a file may have lost of which nobody knows how long it was."""
_ROOT_SIZE = 512


class ReachedCensus(ObjectCensus):
    """Notes the addresses of what is reached.

    Attributes
    ----------
    reached : list of int
        Since somebody took the last ones away.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reached: list[int] = []

    def enter(self, location: Any, *, followed: bool) -> tuple[int, int]:
        """Count an object and note its address."""
        address = address_of(location)
        self.count((0, address), 1, followed=False)
        self.reached.append(address)
        return 0, address

    def pass_by(self, location: Any) -> None:
        """Note the address of an object."""
        self.reached.append(address_of(location))


def address_of(location: Any) -> int:
    """Address of an object's header, without a look at what the header leads to."""
    number: tuple[int, int] = h5g.get_objinfo(location, b".").objno
    return number[0] | number[1] << 32


@contextmanager
def open_salvaged(
    path: str, *, work: Work, budget: Budget, census: ReachedCensus
) -> Iterator[Group]:
    """Open a file, however damaged, and give its root group.

    Parameters
    ----------
    path : str
        The file.
    work : Work
        How arrays are read.
    budget : Budget
        The memory that arrays may take.
    census : ReachedCensus
        Notes what is reached.

    Returns
    -------
    context manager of Group
        What can be listed of the root, perhaps nothing; each member named `BY_ADDRESS` and a number
        is the object at that address.
    """
    handle = handle_of(path)
    file, lost = _opened(handle)
    session = Session(handle, False, int(h5o.get_info(file.id).fileno), work)
    session.budget, session.census = budget, census
    try:
        with file:
            root = root_of(file, session, salvage=True)
            members = {"": Damaged(lost)} if lost else root.members
            yield Group(root.attributes, _Addressed(members, lambda n: _at(file, n, session)))
    finally:
        session.end()


class _Addressed(Mapping[str, Any]):
    """The members of a group, and beside them all there is in the file by address."""

    def __init__(self, members: Mapping[str, Any], find: Callable[[int], Any]) -> None:
        self._members, self._find = members, find
        self._found: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if not name.startswith(BY_ADDRESS):
            return self._members[name]
        if name not in self._found:
            self._found[name] = self._find(int(name[len(BY_ADDRESS) :]))
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


def _at(file: h5py.File, address: int, session: Session) -> Group | Array | Damaged:
    """The object at an address, opened as if a reference in a file led there."""
    with h5py.File("reference", "w", driver="core", backing_store=False) as memory:
        dataset = memory.create_dataset("reference", (1,), h5py.ref_dtype)
        stored = np.array([address], "<u8")
        dataset.id.write(h5s.ALL, h5s.ALL, stored, h5t.STD_REF_OBJ)
        reference = dataset[0]
    try:
        return node_at(h5r.dereference(reference, file.id), "", session)
    except UNREADABLE as error:
        return Damaged(f"cannot be read: {error}")


# the start and the end of the file


def _opened(handle: FileHandle) -> tuple[h5py.File, str]:
    """The file in HDF5, and why its own root is not the root, if so."""
    with handle.descriptor() as descriptor:
        size = file_size(descriptor)
        start = bytearray(min(LENGTH, size))
        read_into(descriptor, [memoryview(start)], 0)
    known = _stated(bytes(start))
    error: Exception = ValueError("its superblock, the first bytes of the file, is damaged")
    if known is not None:
        end, content = known
        try:
            file = _file(handle, content, max(end, size))
            h5o.get_info(file.id)
            return file, ""
        except UNREADABLE as found:
            error = found
    end = max(size, known[0]) if known else size + _UNKNOWN_END
    end += -end % 8
    tail = _empty_root()
    content = _superblock(end, end + len(tail))
    try:
        return _file(handle, content, end, tail), f"cannot be read: {error}"
    except UNREADABLE as found:
        raise DamagedFileError(f"cannot be opened at all: {found}", path=handle.path) from None


def _file(handle: FileHandle, start: bytes, end: int, tail: bytes = b"") -> h5py.File:
    with handle.descriptor() as descriptor:
        raw = PaddedFile(os.dup(descriptor), start, end, tail)
    return h5py.File(raw, "r")


def _stated(start: bytes) -> tuple[int, bytes] | None:
    """Where the file ends as its superblock says, and that as if nobody were writing the file."""
    if len(start) < LENGTH or start[:8] != _SIGNATURE or start[8] > 3:
        return None
    version = start[8]
    if version in (0, 1):
        place = 40 + 4 * version
        end = int(_ADDRESS.unpack_from(start, place)[0])
        return (end, start) if 0 < end < _MOST_END else None
    (end,) = _ADDRESS.unpack_from(start, 28)
    sound = lookup3(start[:44]) == int.from_bytes(start[44:48], "little")
    if not sound or not 0 < end < _MOST_END:
        return None
    content = start[:11] + b"\0" + start[12:44]
    return end, content + struct.pack("<I", lookup3(content))


def _superblock(root: int, end: int) -> bytes:
    """A superblock of version 2."""
    start = _SIGNATURE + b"\x02\x08\x08\x00" + bytes(8) + _UNDEFINED
    start += _ADDRESS.pack(end) + _ADDRESS.pack(root)
    return start + struct.pack("<I", lookup3(start))


def _empty_root() -> bytes:
    """The object header of a group without members."""
    links = b"\x02" + struct.pack("<HB", 18, 0) + b"\x00\x00" + 2 * _UNDEFINED
    group = b"\x0a" + struct.pack("<HB", 2, 0) + b"\x00\x00"
    header = b"OHDR\x02\x00" + bytes([len(links + group)]) + links + group
    return (header + struct.pack("<I", lookup3(header))).ljust(_ROOT_SIZE, b"\0")
