"""Storage types <-> h5py's dtypes, and values without h5py's notes on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from h5py import h5t

from hspyio.nodes.node import StorageType, Text, Vlen
from hspyio.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "ReadType",
    "ReadTypes",
    "WriteType",
    "WriteTypes",
    "blank",
    "check_type",
    "from_h5py",
    "plain_bytes",
    "plain_values",
    "to_h5py",
]


def blank(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array for HDF5 to read into: it leaves out what was never written, if told not to fill."""
    return np.empty(shape, dtype) if dtype.hasobject else np.zeros(shape, dtype)


def to_h5py(kind: StorageType) -> np.dtype[Any]:
    """The dtype, with h5py's metadata, that makes h5py write the type."""
    if isinstance(kind, Text):
        text: np.dtype[Any] = h5py.string_dtype("utf-8" if kind.utf8 else "ascii", kind.length)
        return text
    if isinstance(kind, Vlen):
        rows: np.dtype[Any] = h5py.vlen_dtype(to_h5py(kind.base))
        return rows
    return kind


def from_h5py(dtype: np.dtype[Any]) -> StorageType:
    """The type behind a dtype that h5py gives; an array type is that of its items.

    Raises
    ------
    TypeError
        For references, for rows of rows, and for structures that hold what has no fixed length.
    """
    text = h5py.check_string_dtype(dtype)
    if text is not None:
        return Text(text.length, utf8=text.encoding == "utf-8")
    base = h5py.check_vlen_dtype(dtype)
    if base is not None:
        inner = from_h5py(base)
        if isinstance(inner, Vlen):
            raise TypeError("rows of rows of variable length are not part of the format")
        return Vlen(inner)
    if h5py.check_ref_dtype(dtype) is not None:
        raise TypeError("HDF5 references are not part of the format")
    if dtype.subdtype is not None:
        return from_h5py(dtype.subdtype[0])
    if dtype.hasobject:
        raise TypeError(f"type {dtype} is not part of the format")
    return _without_metadata(dtype)


_MOST_DEPTH = 16
"""Types within types."""
_ROWS_OR_TEXT = 3
"""Where a type of variable length says which of the two it is, in HDF5's description of it."""


def check_type(stored: h5t.TypeID, depth: int = 0) -> None:
    """Refuse types that numpy or h5py would come to harm with.

    Parameters
    ----------
    stored : h5py.h5t.TypeID
        As it stands in the file.
    depth : int
        How many types it is in.

    Raises
    ------
    TypeError
        If types are nested too deeply, the name of an opaque one says that it is another, or one
        of variable length is of no kind that HDF5 knows: it crashes over its values.
    """
    kind = stored.get_class()
    if kind in (h5t.INTEGER, h5t.FLOAT, h5t.STRING):
        return
    if depth > _MOST_DEPTH:
        raise TypeError(f"a type of more than {_MOST_DEPTH} types within types is not read")
    if kind == h5t.COMPOUND:
        for index in range(stored.get_nmembers()):
            check_type(stored.get_member_type(index), depth + 1)
    elif kind in (h5t.ARRAY, h5t.VLEN):
        if kind == h5t.VLEN and stored.encode()[_ROWS_OR_TEXT] & 0x0F > 1:
            raise TypeError("values of variable length that are neither rows nor text are not read")
        check_type(stored.get_super(), depth + 1)
    elif kind == h5t.OPAQUE:
        dtype = stored.dtype  # what its tag says, Python objects among that
        if dtype.kind not in "VMm" or dtype.hasobject or dtype.itemsize != stored.get_size():
            raise TypeError(f"opaque bytes that are to be {dtype} are not read")


def _without_metadata(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """An enumeration is its numbers; h5py's notes on a dtype are dropped."""
    if dtype.metadata is None or dtype.names is not None:
        return dtype
    return np.dtype(dtype.str)


def plain_bytes(value: Any) -> bytes:
    """Bytes of one string; a null pointer in the file is an empty one."""
    return bytes(value) if isinstance(value, (bytes, np.bytes_)) else b""


def plain_values(values: NDArray[Any], kind: StorageType) -> NDArray[Any]:
    """Values without h5py's notes on the dtype, strings as ``bytes``."""
    if isinstance(kind, Text):
        if kind.length is not None:
            return values.view(f"S{kind.length}")
        plain = np.empty(values.shape, object)
        plain.ravel()[:] = [plain_bytes(value) for value in values.ravel()]
        return plain
    if isinstance(kind, Vlen):
        return values
    return values.view(kind) if values.dtype.metadata else values


# types that many attributes and small datasets share, made once


@record
class ReadType:
    """A type in a file, and what reading its values takes.

    Attributes
    ----------
    kind : numpy dtype, Text or Vlen
        What a node says of it.
    dtype : numpy dtype
        Of the buffer, as h5py has it.
    memory : h5py.h5t.TypeID
        What HDF5 converts the values to.
    """

    kind: StorageType
    dtype: np.dtype[Any]
    memory: h5t.TypeID


class ReadTypes:
    """The types of one open file, known again by HDF5's own description of them."""

    def __init__(self) -> None:
        self._known: dict[bytes, ReadType] = {}

    def of(self, stored: h5t.TypeID) -> ReadType:
        """What reading a type takes.

        Raises
        ------
        TypeError
            See `from_h5py`; HDF5's own errors for types that are damaged.
        """
        description = stored.encode()
        found = self._known.get(description)
        if found is None:
            check_type(stored)
            dtype = stored.dtype
            found = ReadType(from_h5py(dtype), dtype, h5t.py_create(dtype))
            self._known[description] = found
        return found


@record
class WriteType:
    """A type that is written.

    Attributes
    ----------
    dtype : numpy dtype
        Of the values, as h5py needs it.
    file, memory : h5py.h5t.TypeID
        How values are stored, and what they are stored from.
    """

    dtype: np.dtype[Any]
    file: h5t.TypeID
    memory: h5t.TypeID


class WriteTypes:
    """The types that one call writes."""

    def __init__(self) -> None:
        self._known: dict[StorageType, WriteType] = {}

    def of(self, kind: StorageType) -> WriteType:
        """What writing a type takes."""
        if not _is_told_by_equality(kind):
            return _write_type(kind)
        found = self._known.get(kind)
        if found is None:
            found = self._known[kind] = _write_type(kind)
        return found


def _write_type(kind: StorageType) -> WriteType:
    dtype = to_h5py(kind)
    return WriteType(dtype, h5t.py_create(dtype, logical=True), h5t.py_create(dtype))


def _is_told_by_equality(kind: StorageType) -> bool:
    """Whether an equal type makes equal files: equal dtypes may differ in h5py's notes."""
    if isinstance(kind, np.dtype):
        return kind.metadata is None and kind.fields is None and kind.subdtype is None
    return isinstance(kind, Text)
