"""Where the texts of attributes stand, looked at before HDF5 does.

HDF5 believes what a file says of texts of variable length: it takes memory for as many bytes as are
said, and goes from item to item of a heap without end where one has no length. So what attributes
say of their texts is read from the object's header, and the heaps they lead to are walked once.
Attributes that stand in dense storage, which has checksums, are left to HDF5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from hspyio.errors import DamagedFileError
from hspyio.system.calls import file_size, read_up_to

__all__ = ["Heaps", "References", "attribute_references", "check_lengths", "references_at"]

References = list[tuple[int, int, int]]
"""Length of each text, address of its heap, and its number there."""

_ATTRIBUTE = 0x0C
_CONTINUATION = 0x10
_MOST_HEADER = 64 * 2**20
_MOST_BLOCKS = 1000
_VARIABLE = 9
_SIZES = struct.Struct("<BBHHH")
_REFERENCE = struct.Struct("<IQI")
_ITEM = struct.Struct("<HH4xQ")
_HEAD = struct.Struct("<4sB3xQ")
_READ = 65536


def attribute_references(descriptor: int, address: int) -> dict[bytes, References]:
    """Find what the attributes of an object say of their texts and rows of variable length.

    Parameters
    ----------
    descriptor : int
        The file; addresses in it count from its first byte.
    address : int
        Of the object's header.

    Returns
    -------
    dict
        By the name of the attribute; without those that stand elsewhere, or are of other types.
    """
    found: dict[bytes, References] = {}
    try:
        for kind, body in header_messages(descriptor, address):
            if kind == _ATTRIBUTE:
                place = _end_of_name(body)
                if place is not None and body[place] & 15 == _VARIABLE:
                    name, references = _references(body, place)
                    found[name] = references
    except (struct.error, IndexError, ValueError):
        pass  # HDF5 says what is wrong with it
    return found


def references_at(descriptor: int, place: int, count: int) -> References:
    """What stands in a dataset for its texts; less of them where the file ends before.

    Parameters
    ----------
    descriptor : int
        The file.
    place : int
        Where the dataset's block begins.
    count : int
        How many texts.
    """
    content = bytes_at(descriptor, place, count * _REFERENCE.size)
    whole = len(content) // _REFERENCE.size * _REFERENCE.size
    return list(_REFERENCE.iter_unpack(content[:whole]))


def _end_of_name(body: bytes) -> int | None:
    """Where the type begins in a message of an attribute; ``None`` if it stands elsewhere."""
    version = body[0]
    if version == 1:
        return 8 + (body[2] + 256 * body[3] + 7 & ~7)
    if version in (2, 3) and not body[1]:
        return (9 if version == 3 else 8) + body[2] + 256 * body[3]
    return None


def _references(body: bytes, place: int) -> tuple[bytes, References]:
    """Name and texts of an attribute of variable length, the type of which is at a place."""
    version, _, name_size, *sizes = _SIZES.unpack_from(body)
    name_at = 9 if version == 3 else 8
    name = body[name_at : name_at + name_size].rstrip(b"\0")
    start = place + sum((size + 7 & ~7) if version == 1 else size for size in sizes)
    end = start + (len(body) - start) // _REFERENCE.size * _REFERENCE.size
    return name, list(_REFERENCE.iter_unpack(body[start:end]))


def check_lengths(references: References, file_bytes: int) -> None:
    """Refuse texts that are said to be longer than the file.

    Raises
    ------
    DamagedFileError
        If they are.
    """
    if sum(length for length, heap, _ in references if heap) > file_bytes:
        raise DamagedFileError("is said to be longer than the file")


class Heaps:
    """The heaps of one file; each is looked at once."""

    def __init__(self) -> None:
        self._good: set[int] = set()

    def unknown(self, references: References) -> set[int]:
        """Addresses of the heaps that were not looked at yet."""
        return {heap for _, heap, _ in references if heap and heap not in self._good}

    def check(self, addresses: set[int], descriptor: int) -> None:
        """Refuse heaps that HDF5 would not get to the end of.

        Parameters
        ----------
        addresses : set of int
            From `unknown`.
        descriptor : int
            The file.

        Raises
        ------
        DamagedFileError
            If one is damaged.
        """
        end = file_size(descriptor)
        for address in addresses:
            if not _is_sound(descriptor, address, end):
                raise DamagedFileError("has its text in a part of the file that is damaged")
            self._good.add(address)


def _is_sound(descriptor: int, address: int, end: int) -> bool:
    """Whether the items of a heap follow one another up to its end."""
    content = bytes_at(descriptor, address, min(_READ, end - address))
    if len(content) < _HEAD.size:
        return False
    signature, version, size = _HEAD.unpack_from(content)
    if signature != b"GCOL" or version != 1 or not _HEAD.size <= size <= end - address:
        return False
    place = _HEAD.size
    while place + _ITEM.size <= size:
        if place + _ITEM.size <= len(content):
            number, _, length = _ITEM.unpack_from(content, place)
        else:
            number, _, length = _ITEM.unpack(bytes_at(descriptor, address + place, _ITEM.size))
        step = _ITEM.size + -(-length // 8) * 8 if number else length
        if step <= 0 or place + step > size:
            return False
        place += step
    return True


# headers that HDF5 has read already, so that they are not checked again


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
        yield from _messages(descriptor, address, start, new=new)


def _messages(
    descriptor: int, address: int, start: bytes, *, new: bool
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
        for kind, body in _split(content[skipped : skipped + size], new=new, ordered=ordered):
            if kind == _CONTINUATION and len(body) >= 16:
                at, count = struct.unpack_from("<QQ", body)
                blocks.append((at, 4, count - 8) if new else (at, 0, count))
            else:
                yield kind, body


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
