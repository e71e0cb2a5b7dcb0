"""Storage types and names of links -> as h5py and HDF5 have them."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from h5py import h5t

from hspyio.nodes.node import StorageType, Text, Vlen
from hspyio.records import record

__all__ = ["WriteType", "WriteTypes", "readable_name", "stored_name", "to_h5py"]


def stored_name(where: str | bytes) -> bytes:
    """A path as it stands in the file; what is no UTF-8 is lone surrogates here, bytes in h5py."""
    return where if isinstance(where, bytes) else where.encode("utf-8", "surrogateescape")


def readable_name(name: str | bytes) -> str:
    """Inverse of `stored_name`."""
    return name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")


def to_h5py(kind: StorageType) -> np.dtype[Any]:
    """The dtype, with h5py's metadata, that makes h5py write the type."""
    if isinstance(kind, Text):
        text: np.dtype[Any] = h5py.string_dtype("utf-8" if kind.utf8 else "ascii", kind.length)
        return text
    if isinstance(kind, Vlen):
        rows: np.dtype[Any] = h5py.vlen_dtype(to_h5py(kind.base))
        return rows
    return kind


# types that many attributes and small datasets share, made once


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
