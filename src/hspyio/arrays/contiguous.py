"""Arrays in one block: what lies between the first value that is wanted and the last is read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.arrays.indexing import BasicIndexer, Range
from hspyio.arrays.manifest import StoredArray
from hspyio.arrays.workers import Workers, run
from hspyio.errors import DamagedFileError
from hspyio.nodes.node import Selection
from hspyio.records import record
from hspyio.system.byte_source import ByteSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_block"]

_BLOCK = 4 * 2**20
"""Bytes that a thread reads at a time."""
_NEAR, _WASTE = 2**16, 16
"""Bytes, and times the bytes that are wanted, that are read for a part of an array."""


def read_block(
    stored: StoredArray, source: ByteSource, selection: Selection, workers: Workers
) -> NDArray[Any]:
    """Read an unchunked array, or a part of it.

    Parameters
    ----------
    stored : StoredArray
        The array.
    source : ByteSource
        The file.
    selection : tuple of slice or int
        What to read.
    workers : Workers
        Threads, and who is told of the progress.

    Raises
    ------
    DamagedFileError
        If the file ends before the array does.
    """
    indexer = BasicIndexer(selection, stored.shape)
    size = indexer.size * stored.dtype.itemsize
    workers.progress.expect(size)
    result = stored.empty(indexer.shape, filled=stored.address is None)
    if stored.address is None or not size:
        workers.progress.advance(size)
        return result.reshape(indexer.kept)
    _check_end(stored, indexer, source.size)
    if indexer.is_rows:
        start = stored.address + _first(stored, indexer.ranges)
        memory = result.reshape(-1).view(np.uint8).data

        begins = np.arange(0, size, _BLOCK).astype(np.int64)
        with source.ahead(start + begins, np.minimum(size - begins, _BLOCK)) as near:

            def reader() -> Callable[[int], None]:
                return lambda begin: _read_rows(memory, near, start, begin, workers)

            run(range(0, size, _BLOCK), reader, workers.threads)
    else:
        _read_parts(stored, source, list(_parts(stored, indexer.ranges, result)))
        workers.progress.advance(size)
    return result.reshape(indexer.kept)


def _strides(stored: StoredArray) -> list[int]:
    """Bytes from one index to the next along each dimension."""
    rank = len(stored.shape)
    return [math.prod(stored.shape[i + 1 :]) * stored.dtype.itemsize for i in range(rank)]


def _first(stored: StoredArray, ranges: Sequence[Range]) -> int:
    """Where the first of the selected values begins in the block."""
    pairs = zip(ranges, _strides(stored), strict=True)
    return sum(one.start * stride for one, stride in pairs)


def _last(stored: StoredArray, ranges: Sequence[Range]) -> int:
    """Where the last of them ends."""
    pairs = zip(ranges, _strides(stored), strict=True)
    return sum(one.last * stride for one, stride in pairs) + stored.dtype.itemsize


def _check_end(stored: StoredArray, indexer: BasicIndexer, size: int) -> None:
    assert stored.address is not None
    end = stored.address + _last(stored, indexer.ranges)
    if end > size:
        raise DamagedFileError(f"its values end at {end}, the file before that")


def _read_rows(
    memory: memoryview, source: ByteSource, start: int, begin: int, workers: Workers
) -> None:
    part = memory[begin : begin + _BLOCK]
    source.read_into([part], start + begin)
    workers.progress.advance(len(part))


@record
class _Part:
    """Some values of a block, and what lies between them.

    Attributes
    ----------
    offset, size : int
        The bytes that are read.
    ranges : tuple of Range
        The values, of the whole array.
    target : ndarray
        Where they are to be.
    """

    offset: int
    size: int
    ranges: tuple[Range, ...]
    target: NDArray[Any]


def _parts(stored: StoredArray, ranges: tuple[Range, ...], target: NDArray[Any]) -> Iterator[_Part]:
    """What lies between the first value and the last, in halves where most is not wanted."""
    assert stored.address is not None
    first, last = _first(stored, ranges), _last(stored, ranges)
    wide = last - first > min(_BLOCK, max(_NEAR, _WASTE * target.nbytes))
    if not wide or target.size <= 1:
        yield _Part(stored.address + first, last - first, ranges, target)
        return
    axis = next(axis for axis, one in enumerate(ranges) if one.count > 1)
    one, half = ranges[axis], ranges[axis].count // 2
    halves = Range(one.start, one.step, half), one.beyond(half)
    places = slice(0, half), slice(half, one.count)
    for part, place in zip(halves, places, strict=True):
        inner = (*ranges[:axis], part, *ranges[axis + 1 :])
        yield from _parts(stored, inner, target[(slice(None),) * axis + (place,)])


def _read_parts(stored: StoredArray, source: ByteSource, parts: list[_Part]) -> None:
    """Read them, in the order in which they stand there."""
    strides = _strides(stored)
    offsets = np.array([part.offset for part in parts], np.int64)
    sizes = np.array([part.size for part in parts], np.int64)
    with source.ahead(offsets, sizes) as near:
        for part in parts:
            buffer = np.empty(part.size, np.uint8)
            near.read_into([buffer.data], part.offset)
            steps = [one.step * step for one, step in zip(part.ranges, strides, strict=True)]
            part.target[...] = np.ndarray(part.target.shape, stored.dtype, buffer, strides=steps)
