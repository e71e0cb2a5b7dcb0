"""Object headers, read without HDF5: from a damaged file, as far as they go.

Only what is needed of HDF5's file format: whether an object is a group or a dataset, which objects
it names, and its messages. Addresses and lengths take 8 bytes, as in every file of the field. But
for `header_messages`, nothing here raises for what a damaged file may hold.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from hspyio.hdf5.format.superblock import lookup3
from hspyio.records import value
from hspyio.system.calls import read_up_to

__all__ = [
    "UNDEFINED",
    "Header",
    "bytes_at",
    "header_messages",
    "is_old_header",
    "read_header",
]

_LINK_INFO, _LAYOUT, _GROUP_INFO, _LINK = 0x02, 0x08, 0x0A, 0x06
_CONTINUATION, _SYMBOL_TABLE = 0x10, 0x11
UNDEFINED = 2**64 - 1
"""An address where there is nothing."""
_MOST_HEADER = 64 * 2**20
_MOST_BLOCKS = 1000
_MOST_BLOCK = 65536
_MOST_KIND = 0x18
_CHUNKED = 2
_ADDRESS = struct.Struct("<Q")


@value
class Header:
    """What an object header tells.

    Attributes
    ----------
    kind : str
        ``"group"``, ``"dataset"`` or ``""``.
    links : tuple of (str, int)
        Names of members and their addresses, as far as they stand in the header itself.
    tree : int or None
        Address of the tree of a dataset's chunks, where it has one of HDF5's first kind.
    rank : int
        Dimensions of a dataset that has such a tree.
    """

    kind: str
    links: tuple[tuple[str, int], ...] = ()
    tree: int | None = None
    rank: int = 0


def bytes_at(descriptor: int, address: int, length: int) -> bytes:
    """What stands in a file; less where it ends before.

    Parameters
    ----------
    descriptor : int
        The file.
    address, length : int
        Where, and how many bytes.
    """
    if not 0 <= address < 2**62 or not 0 < length <= _MOST_HEADER:
        return b""
    buffer = bytearray(length)
    count = read_up_to(descriptor, [memoryview(buffer)], address)
    return bytes(buffer[:count])


def read_header(descriptor: int, address: int) -> Header | None:
    """Read an object header of any version; ``None`` if there is none, or it is damaged.

    Parameters
    ----------
    descriptor : int
        The file.
    address : int
        Where it begins.
    """
    start = bytes_at(descriptor, address, 64)
    new = start[:5] == b"OHDR\x02"
    if not new and start[:2] != b"\x01\x00":
        return None
    try:
        messages = list(_messages(descriptor, address, start, new=new))
    except (struct.error, IndexError):
        return None
    if not messages:
        return None
    kinds = {kind for kind, _ in messages}
    if _LAYOUT in kinds:
        layout = next(body for kind, body in messages if kind == _LAYOUT)
        return Header("dataset", (), *_tree_of(layout))
    if kinds & {_LINK_INFO, _GROUP_INFO, _SYMBOL_TABLE, _LINK}:
        links = tuple(filter(None, (_link(body) for kind, body in messages if kind == _LINK)))
        return Header("group", links)
    return Header("")


def is_old_header(descriptor: int, address: int) -> bool:
    """Whether the header of a group or dataset in HDF5's older form stands at an address.

    Parameters
    ----------
    descriptor : int
        The file.
    address : int
        Where it would begin.
    """
    start = bytes_at(descriptor, address, 16)
    if len(start) < 16:
        return False
    (length,) = struct.unpack_from("<I", start, 8)
    content = bytes_at(descriptor, address + 16, min(length, _MOST_BLOCK))
    kinds: set[int] = set()
    place = 0
    while place + 8 <= len(content):
        kind, size = struct.unpack_from("<HH", content, place)
        if kind > _MOST_KIND or size % 8 or place + 8 + size > length:
            return False
        kinds.add(kind)
        place += 8 + size
    return place == length and bool(kinds & {_LAYOUT, _SYMBOL_TABLE, _CONTINUATION})


def header_messages(descriptor: int, address: int) -> Iterator[tuple[int, bytes]]:
    """The messages of a header that HDF5 has read already, without checking it again.

    Parameters
    ----------
    descriptor : int
        The file.
    address : int
        Where it begins.

    Raises
    ------
    IndexError, struct.error
        If there is none, or it is damaged.
    """
    start = bytes_at(descriptor, address, 512)
    new = start[:5] == b"OHDR\x02"
    if new or start[:2] == b"\x01\x00":
        yield from _messages(descriptor, address, start, new=new, checked=False)


def _messages(
    descriptor: int, address: int, start: bytes, *, new: bool, checked: bool = True
) -> Iterator[tuple[int, bytes]]:
    """The messages of a header, those of its continuations included."""
    ordered = bool(new and start[5] & 4)
    if new:
        flags = start[5]
        place = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        length = int.from_bytes(start[place : place + width], "little")
        blocks = [(address, place + width, length)]
    else:
        (length,) = struct.unpack_from("<I", start, 8)
        blocks = [(address, 16, length)]
    for number, (begin, skipped, size) in enumerate(blocks):
        if number >= _MOST_BLOCKS:
            return
        whole = skipped + size + (4 if new else 0)
        known = start if begin == address and whole <= len(start) else None
        content = known or bytes_at(descriptor, begin, whole)
        if new and checked and not _is_sound(content[:whole], skipped + size):
            if number == 0:
                return
            continue
        for kind, body in _split(content[skipped : skipped + size], new=new, ordered=ordered):
            if kind == _CONTINUATION and len(body) >= 16:
                at, count = struct.unpack_from("<QQ", body)
                blocks.append((at, 4, count - 8) if new else (at, 0, count))
            else:
                yield kind, body


def _is_sound(content: bytes, size: int) -> bool:
    whole = len(content) == size + 4 and size > 4
    return whole and lookup3(content[:size]) == int.from_bytes(content[size:], "little")


def _split(content: bytes, *, new: bool, ordered: bool) -> Iterator[tuple[int, bytes]]:
    place, head = 0, (6 if ordered else 4) if new else 8
    while place + head <= len(content):
        if new:
            kind, size = content[place], int.from_bytes(content[place + 1 : place + 3], "little")
        else:
            kind, size = struct.unpack_from("<HH", content, place)
        body = content[place + head : place + head + size]
        if len(body) < size:
            return
        yield kind, body
        place += head + size


def _link(body: bytes) -> tuple[str, int] | None:
    """Name and address of a hard link."""
    if len(body) < 4 or body[0] != 1:
        return None
    flags, place = body[1], 2
    if flags & 8:
        if body[place] != 0:
            return None
        place += 1
    place += (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length = int.from_bytes(body[place : place + width], "little")
    place += width
    if place + length + 8 > len(body):
        return None
    name = body[place : place + length].decode("utf-8", "surrogateescape")
    return name, int(_ADDRESS.unpack_from(body, place + length)[0])


def _tree_of(layout: bytes) -> tuple[int | None, int]:
    """Address of the chunk tree that a layout message names, and its rank."""
    if len(layout) >= 11 and layout[0] == 3 and layout[1] == _CHUNKED:
        address, rank = int(_ADDRESS.unpack_from(layout, 3)[0]), layout[2] - 1
    elif len(layout) >= 16 and layout[0] in (1, 2) and layout[2] == _CHUNKED:
        address, rank = int(_ADDRESS.unpack_from(layout, 8)[0]), layout[1] - 1
    else:
        return None, 0
    return (None, 0) if address == UNDEFINED else (address, rank)
