"""Object headers (HDF5's file format specification, IV.A), whole and sound or not at all."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from hspyio.hdf5.format.file_bytes import UNREADABLE_PIECE, FileBytes, damaged, unsupported

__all__ = [
    "ATTRIBUTE",
    "ATTRIBUTE_INFO",
    "CACHE_IMAGE",
    "DATASPACE",
    "DATATYPE",
    "EXTERNAL",
    "FILL",
    "FILL_OLD",
    "FILTERS",
    "LAYOUT",
    "LINK",
    "LINK_INFO",
    "NODE_RANKS",
    "PARTS",
    "SHARED_TABLE",
    "SYMBOL_TABLE",
    "ObjectHeader",
    "object_header",
    "shared_body",
]

DATASPACE, LINK_INFO, DATATYPE, FILL_OLD, FILL, LINK = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
EXTERNAL, LAYOUT, FILTERS, ATTRIBUTE = 0x07, 0x08, 0x0B, 0x0C
SHARED_TABLE, SYMBOL_TABLE, ATTRIBUTE_INFO = 0x0F, 0x11, 0x15
NODE_RANKS, PARTS, CACHE_IMAGE = 0x13, 0x14, 0x18
_EMPTY, _BOGUS, _CONTINUATION, _LINK_COUNT, _LAST = 0x00, 0x09, 0x10, 0x16, 0x18
_SHARED, _NEEDED = 0x02, 0x80
_START = 512
_MOST_BLOCKS = 1000
_MOST_MESSAGES = 100_000
"""In one header; HDF5 puts many attributes or links elsewhere."""
_OLD_START = struct.Struct("<HHII")
_OLD_ALIGNED = 16
_OLD_HEAD = struct.Struct("<HHB3x")
_NEW_HEAD, _NEW_HEAD_ORDERED = struct.Struct("<BHB"), struct.Struct("<BHBH")

_OLDEST_SHARED, _NEWEST_SHARED = 1, 3
_IN_HEAP, _IN_HEADER = 1, 2

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
    shared : list of int
        Which of the messages say where another one stands, whose body they share.
    """

    address: int
    links: int
    ordered: bool
    messages: list[Message]
    shared: list[int] = field(default_factory=list)
    _first: dict[int, bytes] = field(default_factory=dict, init=False)
    _repeated: set[int] = field(default_factory=set, init=False)

    def only(self, kind: int) -> bytes | None:
        """The body of the one message of a kind; ``None`` if there is none.

        Raises
        ------
        DamagedFileError
            If there are several.
        """
        if not self._first:
            self._sort()
        if kind in self._repeated:
            raise damaged(f"its header has several messages of kind {kind}")
        return self._first.get(kind)

    def _sort(self) -> None:
        """Look once at all messages: they are asked for kind by kind."""
        first = self._first
        for kind, _, body in self.messages:
            if kind in first:
                self._repeated.add(kind)
            else:
                first[kind] = body


def object_header(content: FileBytes, address: int) -> ObjectHeader:
    """Read a header.

    Parameters
    ----------
    content : FileBytes
        The file.
    address : int
        Where it begins.

    Raises
    ------
    DamagedFileError
        If there is none, or it is damaged.
    UnsupportedFeatureError
        If it is of a kind that is rare.
    """
    header = _header(content, address)
    for index in header.shared:
        kind, order, body = header.messages[index]
        try:
            header.messages[index] = (kind, order, shared_body(content, kind, body))
        except UNREADABLE_PIECE as error:
            content.lose(error)
            header.messages[index] = (_EMPTY, order, b"")
    return header


def shared_body(content: FileBytes, kind: int, body: bytes) -> bytes:
    """The body of a message that stands elsewhere: as a rule that of a named datatype.

    Parameters
    ----------
    content : FileBytes
        The file.
    kind : int
        Of the message.
    body : bytes
        What says where it stands.

    Raises
    ------
    DamagedFileError, UnsupportedFeatureError
        If it is not there, or in a heap for messages of all objects.
    """
    version, way = body[0], body[1] if len(body) > 1 else 0
    if version == _OLDEST_SHARED:
        place = body[8:]
        way = _IN_HEADER
    else:
        place = body[2:]
    if way == _IN_HEAP:
        raise unsupported("it has a message that it shares with other objects by a heap")
    if version > _NEWEST_SHARED or way not in (0, _IN_HEADER) or len(place) < content.offset_size:
        raise damaged("a message that it shares with others is damaged")
    holder = _header(content, int.from_bytes(place[: content.offset_size], "little"))
    found = None if holder.shared else holder.only(kind)
    if found is None:
        raise damaged("a message that it shares with another object is not there")
    return found


def _header(content: FileBytes, address: int) -> ObjectHeader:
    start = content.up_to(address, _START)
    try:
        if start[:5] == b"OHDR\x02":
            return _new(content, address, start)
        if start[:2] == b"\x01\x00":
            return _old(content, address, start)
    except (struct.error, IndexError):
        raise damaged("its header ends too early") from None
    raise damaged(f"there is no header at {address:,}")


def _new(content: FileBytes, address: int, start: bytes) -> ObjectHeader:
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
    content.check(block)
    for _ in range(_MOST_BLOCKS):
        content.taken[place] = len(block)
        count += _take(content, block, head, len(block) - 4, shape, header, pending)
        block = b""
        while pending and not block:
            place, length = pending.pop(0)
            try:
                block = _continuation(content, place, length)
            except UNREADABLE_PIECE as error:
                content.lose(error)
        if not block:
            return header
        if count > _MOST_MESSAGES:
            break
        head = 4
    raise damaged("its header has no end")


def _continuation(content: FileBytes, place: int, length: int) -> bytes:
    block = content.at(place, length)
    if block[:4] != b"OCHK" or length < 8:
        raise damaged("a part of its header is not where it is said to be")
    content.check(block)
    return block


def _old(content: FileBytes, address: int, start: bytes) -> ObjectHeader:
    """Of version 1: it says how many messages there are."""
    _, count, links, length = _OLD_START.unpack_from(start)
    header = ObjectHeader(address, links, False, [])
    content.taken[address] = _OLD_ALIGNED
    pending = [(address + _OLD_ALIGNED, length)]
    for _ in range(_MOST_BLOCKS):
        place, length = pending.pop(0)
        content.taken[place] = length
        try:
            block = content.at(place, length)
            count -= _take(content, block, 0, length, _OLD_HEAD, header, pending)
        except UNREADABLE_PIECE as error:
            content.lose(error)
        if count < 0 or not pending:
            break
    if count or pending:
        content.lose(damaged("its header has other messages than it says"))
    return header


def _take(
    content: FileBytes,
    block: bytes,
    place: int,
    end: int,
    head: struct.Struct,
    header: ObjectHeader,
    pending: list[tuple[int, int]],
) -> int:
    """Add the messages of a block, and the blocks that they lead to; how many there were."""
    old, size_of_head, count = head is _OLD_HEAD, head.size, 0
    messages, unpack, has_order = header.messages, head.unpack_from, head is _NEW_HEAD_ORDERED
    while place + size_of_head <= end:
        order = 0
        if has_order:
            kind, length, flags, order = unpack(block, place)
        else:
            kind, length, flags = unpack(block, place)
        place += size_of_head
        body = block[place : place + length]
        place += length
        count += 1
        if count > _MOST_MESSAGES or place > end:
            content.lose(damaged("its header is longer than it says"))
            return count
        if kind > _LAST or kind == _BOGUS:
            if flags & _NEEDED:
                content.lose(unsupported(f"its header has a message of kind {kind}"))
        elif kind == _CONTINUATION:
            pending.append(content.extent.unpack_from(body))
        elif kind == _LINK_COUNT:
            header.links = int.from_bytes(body[1:5], "little")
        elif kind != _EMPTY:
            if flags & _SHARED:
                header.shared.append(len(messages))
            messages.append((kind, order, body))
    if old and place != end:
        content.lose(damaged("its header ends too early"))
    return count
