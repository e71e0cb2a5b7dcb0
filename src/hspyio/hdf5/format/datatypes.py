"""Datatype and dataspace messages (HDF5's file format specification, IV.A.2.b and d)."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.errors import HspyError, UnsupportedFeatureError
from hspyio.hdf5.format import conversions
from hspyio.hdf5.format.file_bytes import FileBytes, damaged
from hspyio.nodes.node import StorageType, Text, Vlen
from hspyio.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DiskType", "Space", "TypeTable", "values_of"]

_INTEGER, _FLOAT, _, _STRING, _BITS, _OPAQUE, _COMPOUND = range(7)
_REFERENCE, _ENUM, _VARIABLE, _ARRAY, _COMPLEX = range(7, 12)
_NEWEST = 5
_PACKED = 3
"""The version from which on names are not padded, and offsets are as short as can be."""
_HEAD = struct.Struct("<B3sI")
_INTEGER_BITS = struct.Struct("<HH")
_FLOAT_BITS = struct.Struct("<HHBBBBI")
_FLOATS = {
    2: (0, 16, 10, 5, 0, 10, 15),
    4: (0, 32, 23, 8, 0, 23, 127),
    8: (0, 64, 52, 11, 0, 52, 1023),
    16: (0, 80, 64, 15, 0, 64, 16383),
}
"""Those that numpy has, in the machine's form; the last where it has one of these."""
_LONGEST = np.dtype(np.longdouble)
_HAS_63_BITS = np.finfo(_LONGEST).nmant == 63
_IMPLIED = 0x20
_BOOLEAN = {b"FALSE": 0, b"TRUE": 1}
_MOST_VALUES = 2**62
_MOST_DEPTH = 16
"""Types within types."""
_MOST_TYPE = 2**31
"""Bytes of one value; numpy takes less."""
_MOST_TEXT = 64 * 2**20
"""Bytes of a text of one length."""
_NUMPY_TAG = b"NUMPY:"
_USUAL_FORM = 128
"""Bytes that describe type and shape of an attribute, as a rule."""

Convert = Callable[["NDArray[Any]"], "NDArray[Any]"]


@record
class DiskType:
    """A type as it stands in a file.

    Attributes
    ----------
    kind : numpy dtype, Text or Vlen
        What it is.
    stored : numpy dtype
        Of the bytes in the file; those of a reference for what has variable length.
    shape : tuple of int
        Dimensions that every value has, of an array type.
    convert : callable, optional
        What makes values of the stored ones, where they are not the same.
    base : DiskType, optional
        Of the rows, for those of variable length.
    size : int
        Bytes of a value in the file.
    is_fixed : bool
        Whether values stand where they are said to, and not in a heap.
    """

    kind: StorageType
    stored: np.dtype[Any]
    shape: tuple[int, ...] = ()
    convert: Convert | None = None
    base: DiskType | None = None
    size: int = field(init=False)
    is_fixed: bool = field(init=False)

    def __post_init__(self) -> None:
        text = isinstance(self.kind, Text) and self.kind.length is not None
        self.size = math.prod(self.shape) * self.stored.itemsize  # type: ignore[misc]
        self.is_fixed = isinstance(self.kind, np.dtype) or text  # type: ignore[misc]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values, where they have one length."""
        if isinstance(self.kind, np.dtype):
            return self.kind
        return self.stored if self.is_fixed else np.dtype(object)


@record
class Space:
    """A dataspace.

    Attributes
    ----------
    shape : tuple of int or None
        Length of each dimension, ``()`` for a single value, ``None`` for no value at all.
    most : tuple of int or None
        How long each may become, ``None`` for those without end.
    """

    shape: tuple[int, ...] | None
    most: tuple[int | None, ...] = ()


class TypeTable:
    """The types and spaces of one file, known again by their descriptions.

    Parameters
    ----------
    content : FileBytes
        The file.
    """

    def __init__(self, content: FileBytes) -> None:
        self._known: dict[bytes, DiskType] = {}
        self._spaces: dict[bytes, Space] = {}
        self._sizes = content.offset_size, content.length_size

    def of(self, description: bytes) -> DiskType:
        """The type that a message describes.

        Raises
        ------
        DamagedFileError
            If it is damaged, or of a kind that numpy has not.
        """
        found = self._known.get(description)
        if found is None:
            found = self._known[description] = _type(description, self._sizes[0])
        return found

    def form(
        self, description: bytes, of_type: int, place: int
    ) -> tuple[DiskType, tuple[int, ...] | None]:
        """The type and the shape of an attribute, which nearly all share with others.

        Parameters
        ----------
        description : bytes
            Of the type, and of the dataspace behind it.
        of_type : int
            Bytes of the first.
        place : int
            Where the second begins.

        Raises
        ------
        DamagedFileError
            If one of them is damaged, or the type of a kind that numpy has not.
        """
        if len(description) <= _USUAL_FORM:
            return _usual_form(description, of_type, place, *self._sizes)
        return self.of(description[:of_type]), self.space(description[place:]).shape

    def space(self, body: bytes) -> Space:
        """The dataspace that a message describes.

        Raises
        ------
        DamagedFileError
            If it is damaged.
        """
        found = self._spaces.get(body)
        if found is None:
            found = self._spaces[body] = _space(body, self._sizes[1])
        return found


@lru_cache(maxsize=1024)
def _usual_form(
    description: bytes, of_type: int, place: int, offset_size: int, length_size: int
) -> tuple[DiskType, tuple[int, ...] | None]:
    """What `TypeTable.form` gives, which is the same few in all files of a process."""
    kind = _type(description[:of_type], offset_size)
    return kind, _space(description[place:], length_size).shape


def _type(description: bytes, offset_size: int) -> DiskType:
    try:
        return _Parser(description, _reference(offset_size)).parse(0)
    except HspyError:
        raise
    except (struct.error, IndexError, ValueError, TypeError, OverflowError) as error:
        raise damaged(f"its type is damaged: {error}") from None


@cache
def _reference(offset_size: int) -> np.dtype[Any]:
    """What stands for a value of variable length."""
    return np.dtype([("length", "<u4"), ("address", f"<u{offset_size}"), ("index", "<u4")])


class _Parser:
    """One description, from its beginning to its end."""

    def __init__(self, body: bytes, reference: np.dtype[Any]) -> None:
        self._body = body
        self._place = 0
        self._reference = reference

    def parse(self, depth: int) -> DiskType:
        """The type that begins here."""
        if depth > _MOST_DEPTH:
            raise damaged(f"a type of more than {_MOST_DEPTH} types within types is not read")
        first, bits, size = self._take(_HEAD)
        version, kind = first >> 4, first & 15
        if not 1 <= version <= _NEWEST or not 0 < size < _MOST_TYPE:
            raise damaged(f"its type is of version {version} and {size:,} bytes")
        if kind in (_INTEGER, _BITS):
            return self._integer(bits, size, signed=kind == _INTEGER and bool(bits[0] & 8))
        if kind == _FLOAT:
            return self._float(bits, size)
        if kind == _STRING:
            return _text(bits, size)
        if kind == _OPAQUE:
            return self._opaque(bits[0], size)
        if kind == _COMPOUND:
            return self._compound(version, bits, size, depth)
        if kind == _ENUM:
            return self._enumeration(version, bits, size, depth)
        if kind == _VARIABLE:
            return self._variable(bits, size, depth)
        if kind == _ARRAY:
            return self._array(version, size, depth)
        if kind == _COMPLEX:
            return self._complex(size, depth)
        raise _no_part(
            "HDF5 references" if kind == _REFERENCE else f"values of HDF5's class {kind}"
        )

    def _take(self, form: struct.Struct) -> tuple[Any, ...]:
        found = form.unpack_from(self._body, self._place)
        self._place += form.size
        return found

    def _bytes(self, length: int) -> bytes:
        found = self._body[self._place : self._place + length]
        if len(found) < length:
            raise damaged("its type ends too early")
        self._place += length
        return found

    def _number(self, width: int) -> int:
        return int.from_bytes(self._bytes(width), "little")

    def _name(self, version: int) -> bytes:
        end = self._body.index(0, self._place)
        length = end + 1 - self._place
        found = self._body[self._place : end]
        self._place += length if version >= _PACKED else -(-length // 8) * 8
        return found

    def _integer(self, bits: bytes, size: int, *, signed: bool) -> DiskType:
        offset, precision = self._take(_INTEGER_BITS)
        if size not in (1, 2, 4, 8):
            raise _no_part(f"integers of {size} bytes")
        order = ">" if bits[0] & 1 else "<"
        dtype = np.dtype(f"{order}{'i' if signed else 'u'}{size}")
        if (offset, precision) == (0, 8 * size):
            return DiskType(dtype, dtype)
        if not 0 < precision < 64 or offset + precision > 8 * size:
            raise damaged(f"its integers have {precision} bits at bit {offset}")
        convert = conversions.part_of_integer(dtype, offset, precision)
        return DiskType(dtype, np.dtype(f"{order}u{size}"), (), convert)

    def _float(self, bits: bytes, size: int) -> DiskType:
        facts = self._take(_FLOAT_BITS)
        sign, implied, order = bits[1], bits[0] & 0x30, ">" if bits[0] & 1 else "<"
        if bits[0] & 0x40:
            raise _no_part("floating-point numbers in VAX order")
        usual = _FLOATS.get(size) == facts and sign == facts[1] - 1
        if usual and size <= 8 and implied == _IMPLIED:
            dtype = np.dtype(f"{order}f{size}")
            return DiskType(dtype, dtype)
        if usual and size == _LONGEST.itemsize and not implied and _HAS_63_BITS:
            longest = np.dtype(f"{order}f{size}")
            return DiskType(longest, longest)
        dtype, convert = conversions.any_float(
            facts, sign, size, order, implied=implied == _IMPLIED
        )
        return DiskType(dtype, np.dtype(f"{order}u{size}"), (), convert)

    def _opaque(self, length: int, size: int) -> DiskType:
        tag = self._bytes(min(length, len(self._body) - self._place)).split(b"\0", 1)[0]
        dtype = np.dtype(f"V{size}")
        if tag.startswith(_NUMPY_TAG):
            dtype = np.dtype(tag[len(_NUMPY_TAG) :].decode())
            if dtype.kind not in "VMm" or dtype.hasobject or dtype.itemsize != size:
                raise _no_part(f"opaque bytes that are to be {dtype}")
        return DiskType(dtype, dtype)

    def _compound(self, version: int, bits: bytes, size: int, depth: int) -> DiskType:
        fields: list[tuple[str, int, DiskType]] = []
        width = 4 if version < _PACKED else (size.bit_length() + 7) // 8
        for _ in range(int.from_bytes(bits[:2], "little")):
            name = self._name(version).decode("utf-8", "surrogateescape")
            place = self._number(width)
            shape = self._old_dimensions() if version == 1 else ()
            kind = self.parse(depth + 1)
            if not kind.is_fixed:
                raise _no_part("structures of what has variable length")
            if shape:
                kind = DiskType(kind.kind, kind.stored, (*shape, *kind.shape), kind.convert)
            fields.append((name, place, kind))
        stored = np.dtype(
            {
                "names": [name for name, _, _ in fields],
                "formats": [(kind.stored, kind.shape) for _, _, kind in fields],
                "offsets": [place for _, place, _ in fields],
                "itemsize": size,
            }
        )
        return _structure(fields, stored)

    def _old_dimensions(self) -> tuple[int, ...]:
        rank = self._number(1)
        self._bytes(3 + 4 + 4)
        shape = struct.unpack("<4I", self._bytes(16))
        if rank > len(shape):
            raise damaged("a field of its type has too many dimensions")
        return shape[:rank]

    def _enumeration(self, version: int, bits: bytes, size: int, depth: int) -> DiskType:
        base = self.parse(depth + 1)
        if base.size != size or base.dtype.kind not in "iu":
            raise damaged("its enumeration is not one of integers")
        named = [self._name(version) for _ in range(int.from_bytes(bits[:2], "little"))]
        values = np.frombuffer(self._bytes(size * len(named)), base.stored)
        if base.convert is not None:
            values = base.convert(values)
        if dict(zip(named, values.tolist(), strict=True)) != _BOOLEAN:
            return base
        kind = np.dtype(bool)
        stored = kind if size == 1 else base.stored
        return DiskType(kind, stored, (), conversions.truth_of)

    def _variable(self, bits: bytes, size: int, depth: int) -> DiskType:
        kind, charset = bits[0] & 15, bits[1] & 15
        if size != self._reference.itemsize or kind > 1 or charset > 1:
            raise damaged("values of variable length that are neither rows nor text are not read")
        if kind == 1:
            return DiskType(Text(None, utf8=charset == 1), self._reference)
        base = self.parse(depth + 1)
        if isinstance(base.kind, Vlen):
            raise _no_part("rows of rows of variable length")
        if base.shape:
            raise _no_part("rows of arrays")
        return DiskType(Vlen(base.kind), self._reference, (), None, base)

    def _array(self, version: int, size: int, depth: int) -> DiskType:
        rank = self._number(1)
        if version < _PACKED:
            self._bytes(3)
        shape = struct.unpack(f"<{rank}I", self._bytes(4 * rank))
        if version < _PACKED:
            self._bytes(4 * rank)
        base = self.parse(depth + 1)
        if math.prod(shape) * base.size != size:
            raise damaged("its array type is of another size than its items make")
        return DiskType(base.kind, base.stored, (*shape, *base.shape), base.convert, base.base)

    def _complex(self, size: int, depth: int) -> DiskType:
        part = self.parse(depth + 1)
        if part.size * 2 != size or part.dtype.kind != "f":
            raise damaged("its complex numbers are not made of floating-point numbers")
        fields = [("r", 0, part), ("i", part.size, part)]
        stored = np.dtype([("r", part.stored), ("i", part.stored)])
        return _structure(fields, stored)


def _no_part(what: str) -> UnsupportedFeatureError:
    """The error about a type that may well be sound."""
    return UnsupportedFeatureError(f"cannot be read: {what} are not part of the format")


def _text(bits: bytes, size: int) -> DiskType:
    padding, charset = bits[0] & 15, bits[0] >> 4
    if padding > 2 or charset > 1 or size > _MOST_TEXT:
        raise damaged(f"texts of {size:,} bytes in a form that HDF5 has not")
    ends = (conversions.ended_by_zero, None, conversions.padded_with_spaces)[padding]
    return DiskType(Text(size, utf8=charset == 1), np.dtype(f"S{size}"), (), ends)


def _structure(fields: list[tuple[str, int, DiskType]], stored: np.dtype[Any]) -> DiskType:
    """A structure, or the complex number that it is."""
    kinds = [kind for _, _, kind in fields]
    if [name for name, _, _ in fields] == ["r", "i"] and _are_parts(kinds):
        part = kinds[0].dtype
        kind = np.dtype(f"{part.byteorder.replace('=', '<')}c{2 * part.itemsize}")
        in_order = [place for _, place, _ in fields] == [0, part.itemsize]
        if in_order and stored.itemsize == kind.itemsize and kinds[0].convert is None:
            return DiskType(kind, kind)
        return DiskType(kind, stored, (), conversions.complex_of(kind, kinds[0].convert))
    if all(kind.convert is None for kind in kinds):
        return DiskType(stored, stored)
    if all(kind.dtype.itemsize <= kind.stored.itemsize for kind in kinds):
        offsets, size = [place for _, place, _ in fields], stored.itemsize
    else:
        sizes = [math.prod(kind.shape) * kind.dtype.itemsize for kind in kinds]
        offsets, size = [sum(sizes[:i]) for i in range(len(sizes))], sum(sizes)
    dtype: np.dtype[Any] = np.dtype(
        {
            "names": [name for name, _, _ in fields],
            "formats": [(kind.dtype, kind.shape) for kind in kinds],
            "offsets": offsets,
            "itemsize": size,
        }
    )
    converts = {name: kind.convert for name, _, kind in fields}
    return DiskType(dtype, stored, (), conversions.fields_of(dtype, converts))


def _are_parts(kinds: list[DiskType]) -> bool:
    """Whether these are the parts of a complex number that numpy has."""
    one, other = kinds
    same = one.dtype == other.dtype and not one.shape and not other.shape
    return same and one.dtype.kind == "f" and one.dtype.itemsize > 2


def _space(body: bytes, width: int) -> Space:
    if len(body) < 4 or body[0] not in (1, 2):
        raise damaged("its shape is of a version to come, or damaged")
    rank, flags = body[1], body[2]
    place = 8 if body[0] == 1 else 4
    if body[0] == 2 and (body[3] > 2 or bool(rank) != (body[3] == 1)):
        raise damaged("its shape is damaged")
    if body[0] == 2 and body[3] == 2:
        return Space(None)
    if flags > 1 or rank > 32 or len(body) < place + rank * width * (1 + (flags & 1)):
        raise damaged("its shape is damaged")

    def lengths(start: int) -> tuple[int, ...]:
        ends = range(start, start + rank * width, width)
        return tuple(int.from_bytes(body[i : i + width], "little") for i in ends)

    shape = lengths(place)
    if math.prod(shape) > _MOST_VALUES or max(shape, default=0) > _MOST_VALUES:
        raise damaged("it is said to have more values than there can be")
    most = lengths(place + rank * width) if flags else shape
    endless = (1 << 8 * width) - 1
    return Space(shape, tuple(None if n == endless else n for n in most))


def values_of(content: bytes, kind: DiskType, shape: tuple[int, ...]) -> NDArray[Any]:
    """Values of one length from their bytes.

    Raises
    ------
    DamagedFileError
        If there are too few bytes, or too many.
    """
    whole = (*shape, *kind.shape)
    if len(content) != math.prod(whole) * kind.stored.itemsize:
        raise damaged(f"it has {len(content):,} bytes of values instead of what its shape takes")
    if not content:
        return np.empty(whole, kind.dtype)
    if not whole:  # most attributes are one number
        value: NDArray[Any] = np.ndarray((), kind.stored, bytearray(content))
        return value if kind.convert is None else kind.convert(value)
    values = np.frombuffer(content, kind.stored).reshape(whole).copy()
    return values if kind.convert is None else kind.convert(values)
