"""Where the texts of attributes stand, looked at before HDF5 does.

HDF5 believes what a file says of texts of variable length: it takes memory for as many bytes as are
said, and goes from item to item of a heap without end where one has no length. So what attributes
say of their texts is read from the object's header, and the heaps they lead to are walked once.
Attributes that stand in dense storage, which has checksums, are left to HDF5.
"""

from __future__ import annotations

import struct

from hspyio.errors import DamagedFileError
from hspyio.hdf5.lenient_headers import bytes_at, header_messages
from hspyio.system.calls import file_size

__all__ = ["Heaps", "References", "attribute_references", "check_lengths", "references_at"]

References = list[tuple[int, int, int]]
"""Length of each text, address of its heap, and its number there."""

_ATTRIBUTE = 0x0C
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
