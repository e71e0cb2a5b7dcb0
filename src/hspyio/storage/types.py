"""Storage types <-> h5py's dtypes, and values without h5py's notes on them."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from hspyio.node import StorageType, Text, Vlen

__all__ = ["from_h5py", "plain_bytes", "plain_values", "to_h5py"]


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
