"""Object headers (HDF5's file format specification, IV.A), whole and sound or not at all."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hspyio.hdf5.format.file_bytes import Content, LeftToHdf5Error

__all__ = [
    "ATTRIBUTE",
    "ATTRIBUTE_INFO",
    "DATASPACE",
    "DATATYPE",
    "EXTERNAL",
    "FILL",
    "FILTERS",
    "LAYOUT",
    "LINK",
    "LINK_INFO",
    "SYMBOL_TABLE",
    "ObjectHeader",
    "object_header",
]

DATASPACE, LINK_INFO, DATATYPE, FILL, LINK, EXTERNAL = 0x01, 0x02, 0x03, 0x05, 0x06, 0x07
LAYOUT, FILTERS, ATTRIBUTE, SYMBOL_TABLE, ATTRIBUTE_INFO = 0x08, 0x0B, 0x0C, 0x11, 0x15
_EMPTY, _BOGUS, _CONTINUATION, _LINK_COUNT, _LAST = 0x00, 0x09, 0x10, 0x16, 0x17
_SHARED = 2
_START = 512
_MOST_BLOCKS = 1000
_MOST_MESSAGES = 100_000
"""In one header; HDF5 puts many attributes or links elsewhere."""
_BLOCK = struct.Struct("<QQ")
_OLD_START = struct.Struct("<HHII")
_OLD_ALIGNED = 16
_OLD_HEAD = struct.Struct("<HHB3x")
_NEW_HEAD, _NEW_HEAD_ORDERED = struct.Struct("<BHB"), struct.Struct("<BHBH")

Message = tuple[int, int, bytes]
"""Its kind, when it was made beside others, and its body."""


@dataclass(slots=True, eq=False, repr=False)
class ObjectHeader:
    """What a header says of its object.

    Attributes
    ----------
    address : int
        Where it begins.
    links : int
        How many hard links lead to the object.
    ordered : bool
        Whether it is known in which order attributes were made.
    messages : list of (int, int, bytes)
        Kind, number by the order of making, and body.
    """

    address: int
    links: int
    ordered: bool
    messages: list[Message]

    def only(self, kind: int) -> bytes | None:
        """The body of the one message of a kind; ``None`` if there is none.

        Raises
        ------
        LeftToHdf5Error
            If there are several.
        """
        found = None
        for number, _, body in self.messages:
            if number == kind:
                if found is not None:
                    raise LeftToHdf5Error
                found = body
        return found


def object_header(content: Content, address: int) -> ObjectHeader:
    """Read a header.

    Parameters
    ----------
    content : Content
        The file.
    address : int
        Where it begins.

    Raises
    ------
    LeftToHdf5Error
        If there is none, it is damaged, or of a kind that is rare.
    """
    start = content.up_to(address, _START)
    try:
        if start[:5] == b"OHDR\x02":
            return _new(content, address, start)
        if start[:2] == b"\x01\x00":
            return _old(content, address, start)
    except (struct.error, IndexError):
        raise LeftToHdf5Error from None
    raise LeftToHdf5Error


def _new(content: Content, address: int, start: bytes) -> ObjectHeader:
    """Of version 2: every block has a checksum."""
    flags = start[5]
    place = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    head = place + width
    whole = head + int.from_bytes(start[place:head], "little") + 4
    block = start[:whole] if whole <= len(start) else content.at(address, whole)
    ordered = bool(flags & 4)
    shape = _NEW_HEAD_ORDERED if ordered else _NEW_HEAD
    header = ObjectHeader(address, 1, ordered, [])
    pending: list[tuple[int, int]] = []
    count = 0
    place = address
    for _ in range(_MOST_BLOCKS):
        content.check(block)
        content.taken[place] = len(block)
        count += _take(block, head, len(block) - 4, shape, header, pending)
        if not pending:
            return header
        if count > _MOST_MESSAGES:
            break
        place, length = pending.pop(0)
        block = content.at(place, length)
        head = 4
        if block[:4] != b"OCHK" or length < 8:
            break
    raise LeftToHdf5Error


def _old(content: Content, address: int, start: bytes) -> ObjectHeader:
    """Of version 1: it says how many messages there are."""
    _, count, links, length = _OLD_START.unpack_from(start)
    header = ObjectHeader(address, links, False, [])
    content.taken[address] = _OLD_ALIGNED
    pending = [(address + _OLD_ALIGNED, length)]
    for _ in range(_MOST_BLOCKS):
        place, length = pending.pop(0)
        content.taken[place] = length
        count -= _take(content.at(place, length), 0, length, _OLD_HEAD, header, pending)
        if count < 0 or not pending:
            break
    if count or pending:
        raise LeftToHdf5Error
    return header


def _take(
    block: bytes,
    place: int,
    end: int,
    head: struct.Struct,
    header: ObjectHeader,
    pending: list[tuple[int, int]],
) -> int:
    """Add the messages of a block, and the blocks that they lead to; how many there were."""
    old, size_of_head, count = head is _OLD_HEAD, head.size, 0
    messages = header.messages
    while place + size_of_head <= end:
        kind, length, flags, *order = head.unpack_from(block, place)
        place += size_of_head
        body = block[place : place + length]
        place += length
        count += 1
        if (
            count > _MOST_MESSAGES
            or place > end
            or flags & _SHARED
            or kind > _LAST
            or kind == _BOGUS
        ):
            raise LeftToHdf5Error
        if kind == _CONTINUATION:
            pending.append(_BLOCK.unpack_from(body))
        elif kind == _LINK_COUNT:
            header.links = int.from_bytes(body[1:5], "little")
        elif kind != _EMPTY:
            messages.append((kind, order[0] if order else 0, body))
    if old and place != end:
        raise LeftToHdf5Error
    return count
