"""Look through a damaged file for objects that nothing leads to any more."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from hspyio.arrays.workers import Work
from hspyio.hdf5.lenient_headers import Header, is_old_header, read_header
from hspyio.system.calls import file_size, read_into

__all__ = ["Search", "search_objects", "search_trees"]

_BLOCK = 16 * 2**20
_MOST_FOUND = 200_000
_OLD = rb"\x01\x00[\x01-\x40]\x00\x01\0\0\0.[\x00-\x1f]\0\0\0\0\0\0[\x00-\x18]\0..[\x00-\x07]\0\0\0"
"""Header of HDF5's older form: version 1, a few messages, one link, a length, a first message."""
_OBJECTS = re.compile(rb"OHDR\x02|SNOD\x01|" + _OLD, re.DOTALL)
_ALIGNED = 8
_TREES = re.compile(rb"TREE\x01")
_ENTRY = struct.Struct("<QQI4x16x")


@dataclass(slots=True)
class Search:
    """What was found.

    Attributes
    ----------
    headers : dict of int to Header
        By address.
    names : dict of int to str
        Names that an object has in a group that was found, by the object's address.
    parents : dict of int to int
        Address of that group, by the object's address.
    """

    headers: dict[int, Header] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)


def search_objects(descriptor: int, work: Work) -> Search:
    """Read a whole file and find groups and datasets.

    Those that HDF5 1.8 or later has written in its newer form begin with a signature. Those of
    the older form have none: they are found by the symbol tables that name them, which have one,
    and by what every one begins with.

    Parameters
    ----------
    descriptor : int
        The file.
    work : Work
        Who is told of the progress.
    """
    found = Search()
    tables: list[int] = []
    old: list[int] = []
    for place, signature in _places(descriptor, _OBJECTS, work):
        if signature[:4] == b"OHDR":
            _note(descriptor, place, found)
        elif signature[:4] == b"SNOD":
            tables.append(place)
        elif place % _ALIGNED == 0:
            old.append(place)
    for place in old:
        if is_old_header(descriptor, place):
            _note(descriptor, place, found)
    for place in tables:
        for address in _named_in(descriptor, place):
            _note(descriptor, address, found)
    for parent, header in found.headers.items():
        for name, address in header.links:
            found.names[address], found.parents[address] = name, parent
    return found


def search_trees(descriptor: int, work: Work) -> list[int]:
    """Read a whole file and find the nodes of all trees of chunks."""
    return [place for place, _ in _places(descriptor, _TREES, work)]


def _note(descriptor: int, address: int, found: Search) -> None:
    if address not in found.headers and len(found.headers) < _MOST_FOUND:
        header = read_header(descriptor, address)
        if header is not None and header.kind:
            found.headers[address] = header


def _named_in(descriptor: int, place: int) -> list[int]:
    """Addresses of the objects that a node of a symbol table names."""
    size = file_size(descriptor)
    head = _read(descriptor, place, min(8, size - place))
    count = int.from_bytes(head[6:8], "little") if len(head) == 8 else 0
    content = _read(descriptor, place + 8, min(count * _ENTRY.size, size - place - 8))
    whole = len(content) // _ENTRY.size * _ENTRY.size
    return [address for _, address, _ in _ENTRY.iter_unpack(content[:whole]) if address]


def _read(descriptor: int, place: int, length: int) -> bytes:
    buffer = bytearray(max(length, 0))
    if buffer:
        read_into(descriptor, [memoryview(buffer)], place)
    return bytes(buffer)


def _places(descriptor: int, pattern: re.Pattern[bytes], work: Work) -> list[tuple[int, bytes]]:
    """Where signatures stand; a file is read block by block."""
    size = file_size(descriptor)
    work.expect(size)
    places: list[tuple[int, bytes]] = []
    for begin in range(0, size, _BLOCK):
        block = _read(descriptor, begin, min(_BLOCK + 32, size - begin))
        places += [
            (begin + match.start(), match.group())
            for match in pattern.finditer(block)
            if match.start() < _BLOCK
        ]
        work.advance(min(_BLOCK, size - begin))
        if len(places) > _MOST_FOUND:
            break
    return places
