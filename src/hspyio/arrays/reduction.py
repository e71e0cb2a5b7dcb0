"""Sums and maxima over some dimensions of an array, in memory or lazy: each block is seen once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from hspyio.arrays.workers import Workers, run
from hspyio.errors import TooLargeError
from hspyio.nodes.computed import computed, derive

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["How", "is_reducible", "reduce_array", "reduce_by_parts", "reduced_dtype"]

How: TypeAlias = Literal["sum", "max"]

_BLOCK = 4 * 2**20
"""Bytes of a part that one thread takes: integers are looked at twice, for the largest and to be
added, and are in the processor's cache still; from shorter calls threads wait for each other."""
_SHORTEST = 128
"""Items of a run below which a run takes longer to begin than to add."""
_FEWEST = 16
"""Items of a row below which it takes longer to begin than to add."""
_PART = 64 * 2**20
"""Bytes of a lazy array that are in memory at a time."""
_KINDS = "biufc"


def is_reducible(dtype: np.dtype[Any]) -> bool:
    """Whether values of a type can be added and compared."""
    return dtype.kind in _KINDS


def reduced_dtype(dtype: np.dtype[Any], how: How) -> np.dtype[Any]:
    """Type of the result: sums have 64 bits, complex values count by their modulus."""
    if how == "max":
        return np.abs(np.empty(0, dtype)).dtype if dtype.kind == "c" else dtype.newbyteorder("=")
    wide = {"b": "u8", "u": "u8", "i": "i8"}.get(dtype.kind, "f8")
    if dtype.kind in "fc":
        return np.result_type(np.abs(np.empty(0, dtype)).dtype, wide)
    return np.dtype(wide)


def reduce_array(data: Any, axes: Sequence[int], how: How, workers: Workers) -> Any:
    """Reduce some dimensions: numpy's arrays at once on all threads, dask's when it is computed."""
    if isinstance(data, np.ndarray):
        return _reduce_in_memory(data, tuple(axes), how, workers)
    return _reduce_lazily(data, tuple(axes), how)


def _reduce_in_memory(
    data: NDArray[Any], axes: tuple[int, ...], how: How, workers: Workers
) -> NDArray[Any]:
    kept = [axis for axis in range(data.ndim) if axis not in axes]
    order = (*kept, *axes)
    rows = data.transpose(order)
    inner = tuple(range(len(kept), data.ndim))
    result = np.empty([data.shape[axis] for axis in kept], reduced_dtype(data.dtype, how))
    workers.progress.expect(data.nbytes)
    if not result.size:
        return result
    row = rows[(0,) * len(kept)].nbytes
    parts = _parts(result.shape, max(1, _BLOCK // max(1, row)))

    def reducer() -> Callable[[tuple[slice, ...]], None]:
        def reduce_part(part: tuple[slice, ...]) -> None:
            values = rows[part]
            result[part] = _reduce_block(values, inner, how)
            workers.progress.advance(values.nbytes)

        return reduce_part

    run(parts, reducer, workers.threads)
    return result


def _parts(shape: tuple[int, ...], most: int) -> list[tuple[slice, ...]]:
    """Parts of an array of up to so many items: whole rows where they are that short."""
    inner = 1
    axis = len(shape) - 1
    while axis > 0 and inner * shape[axis] <= most:
        inner *= shape[axis]
        axis -= 1
    step = max(1, most // inner)
    return [
        (*(slice(i, i + 1) for i in outer), slice(low, low + step))
        for outer in np.ndindex(*shape[:axis])
        for low in range(0, shape[axis], step)
    ]


def _reduce_block(values: NDArray[Any], axes: tuple[int, ...], how: How) -> NDArray[Any]:
    if values.dtype.kind == "c":
        values = np.abs(values)
    if how == "max":
        return np.asarray(values.max(axis=axes))
    return _sum_block(values, axes)


def _sum_block(values: NDArray[Any], axes: tuple[int, ...]) -> NDArray[Any]:
    """Sums in 64 bits; those of integers in one piece of memory begin in as few as hold them."""
    dtype = reduced_dtype(values.dtype, "sum")
    kept = [axis for axis in range(values.ndim) if axis not in axes]
    rows = values.transpose(*kept, *axes)
    narrow = values.dtype.kind in "iu" and values.dtype.itemsize < 8
    if not narrow or not rows.flags.c_contiguous or not rows.size:
        return np.asarray(values.sum(axis=axes, dtype=dtype))
    shape = rows.shape[: len(kept)]
    rows = rows.reshape(math.prod(shape), -1)
    result = np.empty(len(rows), dtype)
    step = max(1, _BLOCK // rows[0].nbytes)
    for low in range(0, len(rows), step):
        result[low : low + step] = _sum_rows(rows[low : low + step], dtype)
    return result.reshape(shape)


def _sum_rows(rows: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The sum of each row: of runs so short that the narrow type of the values holds their sums.

    That is up to three times as fast as 64 bits from the start, since nothing is converted.
    """
    if rows.shape[1] < _FEWEST:
        return np.asarray(rows.sum(axis=1, dtype=dtype))
    most = int(rows.max())
    if dtype.kind == "i":
        most = max(most, -int(rows.min()))
    for size in (1, 2, 4):
        largest = 2 ** (8 * size - (dtype.kind == "i")) - 1
        run_length = largest // max(1, most)
        if size >= rows.itemsize and run_length >= _SHORTEST and rows.shape[1] > 1:
            starts = np.arange(0, rows.shape[1], run_length)
            rows = np.add.reduceat(rows, starts, axis=1, dtype=f"{dtype.kind}{size}")
            most *= run_length
    return np.asarray(rows.sum(axis=1, dtype=dtype))


def reduce_by_parts(data: Any, axes: Sequence[int], how: How, workers: Workers) -> NDArray[Any]:
    """Reduce a lazy array at once, some of its blocks in memory at a time, each of them once."""
    kept = [axis for axis in range(data.ndim) if axis not in axes]
    shape = tuple(data.shape[axis] for axis in kept)
    try:
        result = np.empty(shape, reduced_dtype(data.dtype, how))
    except (MemoryError, ValueError):
        raise TooLargeError(f"a map of {shape} values does not fit into memory") from None
    workers.progress.expect(data.nbytes)
    quiet = Workers(workers.threads, asked=workers.asked)
    lengths = {axis: data.chunks[axis] for axis in kept}
    row = data.dtype.itemsize * math.prod(data.shape[axis] for axis in axes)
    for part in product(*_steps(lengths, max(1, _PART // max(1, row)))):
        region = [slice(None)] * data.ndim
        for axis, one in zip(kept, part, strict=True):
            region[axis] = one
        values = computed(data[tuple(region)])
        result[part] = _reduce_in_memory(values, tuple(axes), how, quiet)
        workers.progress.advance(values.nbytes)
    return result


def _steps(lengths: Mapping[int, Sequence[int]], most: int) -> list[list[slice]]:
    """Whole blocks in a row along each dimension, the last first, of up to so many items."""
    found: list[list[slice]] = []
    for sizes in reversed(list(lengths.values())):
        slices: list[slice] = []
        begin = end = 0
        for size in sizes:
            if end > begin and end + size - begin > most:
                slices.append(slice(begin, end))
                begin = end
            end += size
        slices.append(slice(begin, end))
        found.insert(0, slices)
        most = max(1, most // max(one.stop - one.start for one in slices))
    return found


def _reduce_lazily(data: Any, axes: tuple[int, ...], how: How) -> Any:
    """A block of each block; where signals lie in several, these are reduced by dask."""
    dtype = reduced_dtype(data.dtype, how)
    if all(len(data.chunks[axis]) == 1 for axis in axes):
        kept = [axis for axis in range(data.ndim) if axis not in axes]
        return derive(data, partial(_reduce_block, axes=axes, how=how), kept, dtype)
    each = data.map_blocks(
        partial(_reduce_in_place, axes=axes, how=how),
        chunks=[(1,) * len(n) if axis in axes else n for axis, n in enumerate(data.chunks)],
        dtype=dtype,
        meta=np.empty((0,) * data.ndim, dtype),
    )
    return each.max(axes) if how == "max" else each.sum(axes, dtype=dtype)


def _reduce_in_place(block: NDArray[Any], axes: tuple[int, ...], how: How) -> NDArray[Any]:
    return np.expand_dims(_reduce_block(np.asarray(block), axes, how), axes)
