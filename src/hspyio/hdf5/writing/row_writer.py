"""Rows of variable length, written without a Python object a row on the way.

HDF5 is handed pointers into one flat array, and puts the rows into its global heaps.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import h5py
import h5py.defs
import numpy as np
from h5py import _objects, h5d, h5p, h5s, h5t

from hspyio.hdf5.ragged import REFERENCE
from hspyio.hdf5.writing.h5types import to_h5py
from hspyio.nodes.node import Array, RaggedArray, RaggedList, Vlen

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["row_access", "write_rows"]

_POINTER = np.dtype([("length", np.uintp), ("address", np.uintp)])
"""HDF5's ``hvl_t``, what stands in memory for a row."""

_WRITTEN = 4 * 2**20
"""Bytes of rows that are copied for one call to HDF5."""

_LEAST_CACHE, _MOST_CACHE = 2**20, 32 * 2**20
"""Bytes of memory for chunks that are filled in several calls."""


def row_access(array: Array) -> h5p.PropDAID:
    """How a dataset of rows is to be opened for `write_rows`: no chunk is compressed twice.

    Parameters
    ----------
    array : Array
        Of type Vlen; planned.
    """
    access = h5p.create(h5p.DATASET_ACCESS)
    if array.chunks is not None:
        across = zip(array.shape[1:], array.chunks[1:], strict=True)
        size = array.chunks[0] * math.prod(-(-n // step) * step for n, step in across)
        access.set_chunk_cache(
            521, min(max(_LEAST_CACHE, size * REFERENCE.itemsize), _MOST_CACHE), 1.0
        )
    return access


def write_rows(
    dataset: h5d.DatasetID, array: Array, advance: Callable[[int], None] | None = None
) -> None:
    """Write rows of variable length.

    Parameters
    ----------
    dataset : h5py DatasetID
        Made with the type and the shape of the array.
    array : Array
        Of type Vlen.
    advance : callable, optional
        Told of the number of rows that are written, again and again.
    """
    assert isinstance(array.type, Vlen)
    source, base = array.source, array.type.base
    if not isinstance(base, np.dtype) or not _is_as_in_memory(dataset, base):
        _write_objects(dataset, array)
        return
    if not isinstance(source, (RaggedArray, RaggedList)):
        source = RaggedList.of(source.read(), base)
    if not source.lengths.size:
        return
    for region in _regions(source.lengths * base.itemsize, array.chunks):
        rows = source.rows(region)
        _write_block(dataset, rows, base, [part.start for part in region])
        if advance is not None:
            advance(rows.lengths.size)


def _is_as_in_memory(dataset: h5d.DatasetID, base: np.dtype[Any]) -> bool:
    """Whether HDF5 may copy rows out of an array as they are."""
    kind = dataset.get_type()
    return (
        not base.hasobject
        and kind.get_size() == _POINTER.itemsize
        and bool(kind.get_super().equal(h5t.py_create(base, logical=True)))
    )


def _write_objects(dataset: h5d.DatasetID, array: Array) -> None:
    """Write what only h5py can: rows of text."""
    assert isinstance(array.type, Vlen)
    dtype, inner = to_h5py(array.type), to_h5py(array.type.base)
    objects = array.source.read()
    result = np.empty(objects.shape, dtype)
    flat = result.reshape(-1)
    for index, row in enumerate(objects.reshape(-1)):
        flat[index] = np.asarray(row).astype(inner)
    dataset.write(h5s.ALL, h5s.ALL, result, h5t.py_create(dtype))


def _regions(
    sizes: NDArray[np.int64], chunks: tuple[int, ...] | None
) -> Iterator[tuple[slice, ...]]:
    """Regions of a limited number of bytes, in C order; of whole chunks where they can be."""
    inner = tuple(slice(0, n) for n in sizes.shape[1:])
    ends = np.cumsum(sizes.reshape(len(sizes), -1).sum(axis=1))
    start, done = 0, 0
    while start < len(ends):
        stop = int(np.searchsorted(ends, done + _WRITTEN, side="right"))
        whole = stop if chunks is None else stop // chunks[0] * chunks[0]
        if stop <= start and inner:
            stop = start + 1
            parts = _regions(sizes[start], chunks and chunks[1:])
            yield from ((slice(start, stop), *part) for part in parts)
        else:
            stop = whole if start < whole < len(ends) else max(start + 1, stop)
            yield (slice(start, stop), *inner)
        start, done = stop, int(ends[stop - 1])


def _write_block(
    dataset: h5d.DatasetID, rows: RaggedArray, base: np.dtype[Any], corner: list[int]
) -> None:
    values = np.ascontiguousarray(rows.values, base)
    if rows.lengths.min(initial=0) < 0 or rows.lengths.sum() != values.size:
        raise ValueError("the rows are not as long as they should be")  # HDF5 would read beyond
    if rows.lengths.max(initial=0) >= 2**32:
        raise ValueError("a row of 2**32 items or more has no form in HDF5")
    pointers = np.empty(rows.shape, _POINTER)
    pointers["length"] = rows.lengths
    starts = (rows.starts * base.itemsize).reshape(rows.shape)
    pointers["address"] = values.ctypes.data + starts
    kind, memory, space = dataset.get_type(), h5s.create_simple(rows.shape), dataset.get_space()
    space.select_hyperslab(tuple(corner), rows.shape)
    write = _h5dwrite()
    if write is None:
        dataset.write(memory, space, pointers, kind)
    else:
        write(dataset.id, kind.id, memory.id, space.id, 0, pointers.ctypes.data)


_SIGNATURE = b"herr_t (hid_t, hid_t, hid_t, hid_t, hid_t, void *)"


@cache
def _h5dwrite() -> Callable[..., object] | None:
    """HDF5's function, as h5py offers it to compiled modules; ``None`` where it does not.

    It raises as h5py does. h5py's own method copies each row on the way, for twice the time.
    """
    number, pointer = ctypes.c_int64, ctypes.c_void_p
    try:
        lock = _objects.phil
        capsule = h5py.defs.__pyx_capi__["H5Dwrite"]
        address_of = ctypes.PYFUNCTYPE(pointer, ctypes.py_object, ctypes.c_char_p)(
            ("PyCapsule_GetPointer", ctypes.pythonapi)
        )
        address = address_of(capsule, _SIGNATURE)
    except (AttributeError, KeyError, ValueError):  # the last: another signature
        return None
    function = ctypes.PYFUNCTYPE(ctypes.c_int, number, number, number, number, number, pointer)(
        address
    )

    def write(*arguments: int) -> None:
        with lock:
            function(*arguments)

    return write
