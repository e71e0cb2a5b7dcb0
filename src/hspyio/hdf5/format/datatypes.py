"""Datatype and dataspace messages (HDF5's file format specification, IV.A.2.b and d)."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.hdf5.format.file_bytes import LeftToHdf5Error
from hspyio.nodes.node import StorageType, Text
from hspyio.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["REFERENCE_BYTES", "DiskType", "TypeTable", "dataspace", "values_of"]

REFERENCE_BYTES = 16
"""What stands for a text of variable length: its length, the address of a heap, a number there."""

_INTEGER, _FLOAT, _STRING, _COMPOUND, _ENUM, _VARIABLE = 0, 1, 3, 6, 8, 9
_HEAD = struct.Struct("<B3sI")
_INTEGER_BITS = struct.Struct("<HH")
_FLOAT_BITS = struct.Struct("<HHBBBBI")
_FLOATS = {
    2: (0, 16, 10, 5, 0, 10, 15),
    4: (0, 32, 23, 8, 0, 23, 127),
    8: (0, 64, 52, 11, 0, 52, 1023),
}
_BOOLEAN = {b"FALSE": 0, b"TRUE": 1}
_MOST_VALUES = 2**62
_MOST_TEXT = 64 * 2**20
"""Bytes of a text of one length; numpy takes less than 2 GiB."""


@record
class DiskType:
    """A type as it stands in a file.

    Attributes
    ----------
    kind : numpy dtype or Text
        What it is.
    dtype : numpy dtype or None
        Of the bytes; ``None`` for texts of variable length.
    ends : bool
        Whether texts of one length end where a zero byte stands.
    """

    kind: StorageType
    dtype: np.dtype[Any] | None
    ends: bool = False

    @property
    def size(self) -> int:
        """Bytes of a value."""
        return REFERENCE_BYTES if self.dtype is None else self.dtype.itemsize


class TypeTable:
    """The types of one file, known again by their descriptions."""

    def __init__(self) -> None:
        self._known: dict[bytes, DiskType] = {}

    def of(self, description: bytes) -> DiskType:
        """The type that a message describes.

        Raises
        ------
        LeftToHdf5Error
            If it is another than numbers, texts and yes or no.
        """
        found = self._known.get(description)
        if found is None:
            try:
                found = self._known[description] = _type(description)
            except (struct.error, IndexError, ValueError):
                raise LeftToHdf5Error from None
        return found


def _type(body: bytes) -> DiskType:
    first, bits, size = _HEAD.unpack_from(body)
    version, kind = first >> 4, first & 15
    if not 1 <= version <= 3:
        raise LeftToHdf5Error
    rest = body[_HEAD.size :]
    if kind == _STRING:
        padding, charset = bits[0] & 15, bits[0] >> 4
        if padding > 1 or charset > 1 or not 0 < size <= _MOST_TEXT:
            raise LeftToHdf5Error
        return DiskType(Text(size, utf8=charset == 1), np.dtype(f"S{size}"), padding == 0)
    if kind == _VARIABLE:
        text, charset = bits[0] & 15, bits[1] & 15
        if text != 1 or charset > 1 or size != REFERENCE_BYTES:
            raise LeftToHdf5Error
        return DiskType(Text(None, utf8=charset == 1), None)
    if kind == _ENUM:
        dtype = _boolean(version, bits, size, rest)
    elif kind == _COMPOUND:
        dtype = _complex(version, bits, size, rest)
    else:
        dtype = _number(kind, bits, size, rest)
    return DiskType(dtype, dtype)


def _number(kind: int, bits: bytes, size: int, rest: bytes) -> np.dtype[Any]:
    order = ">" if bits[0] & 1 else "<"
    if kind == _INTEGER and size in (1, 2, 4, 8):
        if _INTEGER_BITS.unpack_from(rest) == (0, 8 * size):
            return np.dtype(f"{order}{'i' if bits[0] & 8 else 'u'}{size}")
    elif kind == _FLOAT and size in _FLOATS:
        usual = bits[0] & 0x70 == 0x20 and bits[1] == 8 * size - 1
        if usual and _FLOAT_BITS.unpack_from(rest) == _FLOATS[size]:
            return np.dtype(f"{order}f{size}")
    raise LeftToHdf5Error


def _boolean(version: int, bits: bytes, size: int, rest: bytes) -> np.dtype[Any]:
    """Yes or no, an enumeration of two numbers of one byte."""
    first, base_bits, base_size = _HEAD.unpack_from(rest)
    place = _HEAD.size + _INTEGER_BITS.size
    base = _number(first & 15, base_bits, base_size, rest[_HEAD.size :])
    if bits[:2] != b"\x02\x00" or size != 1 or base != np.dtype("i1"):
        raise LeftToHdf5Error
    names = []
    for _ in range(2):
        name, place = _member_name(version, rest, place)
        names.append(name)
    if dict(zip(names, rest[place : place + 2], strict=True)) != _BOOLEAN:
        raise LeftToHdf5Error
    return np.dtype(bool)


def _member_name(version: int, body: bytes, place: int) -> tuple[bytes, int]:
    """A name, and the place after it."""
    end = body.index(0, place)
    length = end + 1 - place
    return body[place:end], place + (length if version == 3 else -(-length // 8) * 8)


def _complex(version: int, bits: bytes, size: int, rest: bytes) -> np.dtype[Any]:
    """A complex number: a structure of two floats, ``r`` and ``i``."""
    if bits[:2] != b"\x02\x00" or size not in (8, 16):
        raise LeftToHdf5Error
    place, parts = 0, []
    for expected, offset in ((b"r", 0), (b"i", size // 2)):
        name, place = _member_name(version, rest, place)
        width = 1 if version == 3 else 4
        at = int.from_bytes(rest[place : place + width], "little")
        place += width
        if version == 1:
            if rest[place]:
                raise LeftToHdf5Error
            place += 28
        if (name, at) != (expected, offset):
            raise LeftToHdf5Error
        first, part_bits, part_size = _HEAD.unpack_from(rest, place)
        place += _HEAD.size
        if first & 15 != _FLOAT or part_size != size // 2:
            raise LeftToHdf5Error
        parts.append(_number(_FLOAT, part_bits, part_size, rest[place:]))
        place += _FLOAT_BITS.size
    if parts[0] != parts[1]:
        raise LeftToHdf5Error
    return np.dtype(f"{parts[0].byteorder.replace('=', '<')}c{size}")


def dataspace(body: bytes) -> tuple[int, ...]:
    """The shape that a message tells, ``()`` for a single value.

    Raises
    ------
    LeftToHdf5Error
        If it is none, or that of an empty attribute.
    """
    if len(body) < 4 or body[0] not in (1, 2):
        raise LeftToHdf5Error
    rank, flags = body[1], body[2]
    place = 8 if body[0] == 1 else 4
    empty = body[0] == 2 and (body[3] > 1 or bool(body[3]) != bool(rank))
    if empty or flags > 1 or rank > 32 or len(body) < place + rank * (8 + 8 * flags):
        raise LeftToHdf5Error
    shape = struct.unpack_from(f"<{rank}Q", body, place)
    if math.prod(shape) > _MOST_VALUES or max(shape, default=0) > _MOST_VALUES:
        raise LeftToHdf5Error
    return shape


def values_of(content: bytes, kind: DiskType, shape: tuple[int, ...]) -> NDArray[Any]:
    """Values from their bytes: numbers, or texts of one length.

    Raises
    ------
    LeftToHdf5Error
        If a yes or no is neither, or there are too few bytes.
    """
    assert kind.dtype is not None
    if len(content) != math.prod(shape) * kind.dtype.itemsize:
        raise LeftToHdf5Error
    if kind.dtype.kind == "b" and content.strip(b"\0\1"):
        raise LeftToHdf5Error
    if kind.ends:
        size = kind.dtype.itemsize
        pieces = (content[i : i + size] for i in range(0, len(content), size))
        texts = [piece.split(b"\0", 1)[0] for piece in pieces]
        return np.array(texts, kind.dtype).reshape(shape)
    if not content:
        return np.empty(shape, kind.dtype)
    return np.frombuffer(content, kind.dtype).reshape(shape).copy()
