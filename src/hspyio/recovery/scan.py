"""Look through a damaged file for objects that nothing leads to any more."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from hspyio.arrays.workers import Workers
from hspyio.hdf5.format.file_bytes import UNREADABLE_PIECE, FileBytes
from hspyio.hdf5.format.links import links_of, table_entries
from hspyio.hdf5.format.object_header import (
    LAYOUT,
    LINK,
    LINK_INFO,
    SYMBOL_TABLE,
    ObjectHeader,
    object_header,
)
from hspyio.records import value

__all__ = ["Found", "Search", "search_objects", "search_trees"]

_BLOCK = 16 * 2**20
_MOST_FOUND = 200_000
_OLD = rb"\x01\x00[\x01-\x40]\x00\x01\0\0\0.[\x00-\x1f]\0\0\0\0\0\0[\x00-\x18]\0..[\x00-\x07]\0\0\0"
"""Header of HDF5's older form: version 1, a few messages, one link, a length, a first message."""
_OBJECTS = re.compile(rb"OHDR\x02|SNOD\x01|" + _OLD, re.DOTALL)
_ALIGNED = 8
_TREES = re.compile(rb"TREE\x01")
_CONTINUATION, _GROUP_INFO, _LAST = 0x10, 0x0A, 0x18
_MOST_BLOCK = 65536


@value
class Found:
    """An object that was found.

    Attributes
    ----------
    is_group : bool
        Whether it is a group, else a dataset.
    links : tuple of (str, int)
        Names of the members of a group, and their addresses, as far as they can be read.
    """

    is_group: bool
    links: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Search:
    """What was found.

    Attributes
    ----------
    objects : dict of int to Found
        By address.
    names : dict of int to str
        Names that an object has in a group that was found, by the object's address.
    parents : dict of int to int
        Address of that group, by the object's address.
    """

    objects: dict[int, Found] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)


def search_objects(content: FileBytes, workers: Workers) -> Search:
    """Read a whole file and find groups and datasets.

    Those that HDF5 1.8 or later has written in its newer form begin with a signature. Those of
    the older form have none: they are found by the symbol tables that name them, which have one,
    and by what every one begins with.
    """
    found = Search()
    tables: list[int] = []
    old: list[int] = []
    for place, signature in _places(content, _OBJECTS, workers):
        if signature[:4] == b"OHDR":
            _note(content, place, found)
        elif signature[:4] == b"SNOD":
            tables.append(place)
        elif place % _ALIGNED == 0:
            old.append(place)
    for place in old:
        if _is_old_header(content, place):
            _note(content, place, found)
    for place in tables:
        for address in _named_in(content, place):
            _note(content, address, found)
    for parent, one in found.objects.items():
        for name, address in one.links:
            found.names[address], found.parents[address] = name, parent
    return found


def search_trees(content: FileBytes, workers: Workers) -> list[int]:
    """Read a whole file and find the nodes of all trees of chunks."""
    return [place for place, _ in _places(content, _TREES, workers)]


def _note(content: FileBytes, address: int, found: Search) -> None:
    if address not in found.objects and len(found.objects) < _MOST_FOUND:
        try:
            one = _object(object_header(content, address), content)
        except UNREADABLE_PIECE:
            return
        if one is not None:
            found.objects[address] = one


def _object(header: ObjectHeader, content: FileBytes) -> Found | None:
    """What a header is of; ``None`` if of neither a group nor a dataset."""
    kinds = {kind for kind, _, _ in header.messages}
    if LAYOUT in kinds:
        return Found(is_group=False)
    if not kinds & {LINK_INFO, _GROUP_INFO, SYMBOL_TABLE, LINK}:
        return None
    try:
        listed = links_of(header, content).items()
    except UNREADABLE_PIECE:
        return Found(is_group=True)
    return Found(True, tuple((name, link) for name, link in listed if isinstance(link, int)))


def _is_old_header(content: FileBytes, address: int) -> bool:
    """Whether the header of a group or dataset in HDF5's older form stands at an address."""
    start = content.up_to(address, 16)
    if len(start) < 16:
        return False
    (length,) = struct.unpack_from("<I", start, 8)
    block = content.up_to(address + 16, min(length, _MOST_BLOCK))
    kinds: set[int] = set()
    place = 0
    while place + 8 <= len(block):
        kind, size = struct.unpack_from("<HH", block, place)
        if kind > _LAST or size % 8 or place + 8 + size > length:
            return False
        kinds.add(kind)
        place += 8 + size
    return place == length and bool(kinds & {LAYOUT, SYMBOL_TABLE, _CONTINUATION})


def _named_in(content: FileBytes, place: int) -> list[int]:
    """Addresses of the objects that a node of a symbol table names."""
    try:
        return [address for _, address, _, _ in table_entries(place, content) if address]
    except UNREADABLE_PIECE:
        return []


def _places(
    content: FileBytes, pattern: re.Pattern[bytes], workers: Workers
) -> list[tuple[int, bytes]]:
    """Where signatures stand; a file is read block by block."""
    size = content.end
    workers.progress.expect(size)
    places: list[tuple[int, bytes]] = []
    for begin in range(0, size, _BLOCK):
        block = content.up_to(begin, _BLOCK + 32)
        places += [
            (begin + match.start(), match.group())
            for match in pattern.finditer(block)
            if match.start() < _BLOCK
        ]
        workers.progress.advance(min(_BLOCK, size - begin))
        if len(places) > _MOST_FOUND:
            break
    return places
