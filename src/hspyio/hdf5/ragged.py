"""Rows of variable length, read without a Python object a row on the way.

HDF5 keeps the rows in *global heaps* here and there in the file. The dataset itself, with its
chunks and filters, holds one reference a row: its length, the address of a heap, and a number
in that heap (HDF5's file format specification, III.E). The heaps are read from the file and picked
apart here, where no number of the file leads out of the bytes that were read.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.nodes.node import RaggedArray, ranges
from hspyio.records import record
from hspyio.system.byte_source import ByteSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["REFERENCE", "read_rows"]

REFERENCE = np.dtype([("length", "<u4"), ("address", "<u8"), ("index", "<u4")])
"""What stands in the dataset for a row."""

_HEAD = struct.Struct("<HHIQ")
"""What precedes a row in its heap: its number there, two fields of no matter here, its size.

A heap begins in a similar way: ``GCOL``, version 1, and its size.
"""

_MAGIC = int.from_bytes(b"GCOL\x01", "little")
_MOST_ROWS = 2**16
"""In one heap."""

_BLOCK = 2**20
"""Bytes of heaps that are read and picked apart at a time."""

_BIG = 2**20
"""Bytes of a heap above which its rows are read straight to their places."""

_LONG_ROW = 256
"""Items of a row, on average, above which one copy a row is faster than one index an item."""

_GAP = 128 * 2**10
"""Bytes from one heap to the next below which they are read together."""


def read_rows(references: NDArray[Any], source: ByteSource, base: np.dtype[Any]) -> RaggedArray:
    """Read rows of variable length.

    Parameters
    ----------
    references : ndarray of REFERENCE
        What stands in the dataset for the wanted rows; of any shape.
    source : ByteSource
        The file.
    base : numpy dtype
        Of the rows, from `row_dtype`.

    Returns
    -------
    RaggedArray
        Of the shape of the references. Where nothing was written rows are empty.

    Raises
    ------
    ValueError
        If a reference leads to where no such row is.
    OSError
        If the file cannot be read.
    """
    flat = references.reshape(-1)
    lengths = np.where(flat["address"] == 0, 0, flat["length"]).astype(np.int64)
    limit = source.size
    if lengths.sum(dtype=float) * base.itemsize > limit:
        raise ValueError("its rows are said to be longer than the file")
    rows = RaggedArray(np.empty(int(lengths.sum()), base), lengths.reshape(references.shape))
    memory = rows.values.view(np.uint8)
    blocks = list(_heap_blocks(flat, rows, source, limit))
    if not blocks:
        return rows
    starts = np.concatenate([block.starts for block in blocks])
    stops = np.concatenate([block.stops for block in blocks])
    with source.ahead(starts, stops - starts) as near:
        for block in blocks:
            if block.stops[0] - block.starts[0] > _BIG:
                _read_big(block, near, memory)
            else:
                _read_block(block, near, memory, math.gcd(base.itemsize, 8))
    return rows


@record
class _Block:
    """Some heaps, and the wanted rows in them, ordered by heap and number; not empty.

    Attributes
    ----------
    starts, stops : ndarray of int64
        The file's bytes from each heap to its end, or to the next one.
    heaps, numbers, sizes, targets : ndarray of int64
        For each row: which of the heaps, its number there, its bytes, and their place in memory.
    """

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    heaps: NDArray[np.int64]
    numbers: NDArray[np.int64]
    sizes: NDArray[np.int64]
    targets: NDArray[np.int64]


def _heap_blocks(
    references: NDArray[Any], rows: RaggedArray, source: ByteSource, limit: int
) -> Iterator[_Block]:
    itemsize = rows.values.itemsize
    places = np.flatnonzero(rows.lengths)
    if not places.size:
        return
    addresses, numbers = references["address"][places], references["index"][places]
    if int(addresses.max()) > min(limit - _HEAD.size, 2**46) or numbers.max() >= _MOST_ROWS:
        raise ValueError("a row is said to be outside the file")
    keys = addresses.astype(np.int64) * _MOST_ROWS + numbers
    order = np.argsort(keys, kind="stable")
    keys, places = keys[order], places[order]
    heaps = np.concatenate([[0], np.cumsum(np.diff(keys // _MOST_ROWS) != 0)])
    firsts = np.searchsorted(heaps, np.arange(heaps[-1] + 2))
    starts = keys[firsts[:-1]] // _MOST_ROWS
    stops = _stops(starts, source, limit)
    sizes = rows.lengths.reshape(-1)[places] * itemsize
    targets = rows.starts[places] * itemsize
    big = stops - starts > _BIG
    groups = np.cumsum(stops - starts) // _BLOCK
    cuts = np.flatnonzero((np.diff(groups) != 0) | big[1:] | big[:-1]) + 1
    for low, high in zip([0, *cuts], [*cuts, len(starts)], strict=True):
        of = slice(firsts[low], firsts[high])
        numbers = keys[of] % _MOST_ROWS
        yield _Block(
            starts[low:high], stops[low:high], heaps[of] - low, numbers, sizes[of], targets[of]
        )


def _stops(starts: NDArray[np.int64], source: ByteSource, limit: int) -> NDArray[np.int64]:
    """Where to read heaps to: up to the next one, or to their end if that one is far away."""
    stops = np.append(starts[1:], limit)
    far = np.flatnonzero(stops - starts > _GAP)
    heads = np.empty((len(far), _HEAD.size), np.uint8)
    source.expect(starts[far].tolist(), [_HEAD.size] * len(far))
    for head, start in zip(heads, starts[far].tolist(), strict=True):
        source.read_into([head.data], start)
    words = heads.reshape(-1).view("<i8")
    stops[far] = starts[far] + _heap_sizes(words, np.arange(len(far)) * 2, (stops - starts)[far])
    return stops


def _heap_sizes(
    words: NDArray[np.int64], places: NDArray[np.int64], most: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Sizes of heaps by what stands at their beginning.

    Raises
    ------
    ValueError
        If one is no heap, or larger than it can be.
    """
    sizes = words[places + 1]
    signed = (words[places] & (2**40 - 1)) == _MAGIC
    if not (signed & (sizes >= _HEAD.size) & (sizes <= most)).all():
        raise ValueError("a row is said to be where none can be")
    return sizes


def _read_block(block: _Block, source: ByteSource, memory: NDArray[np.uint8], unit: int) -> None:
    extents = block.stops - block.starts
    if (extents < _HEAD.size).any():
        raise ValueError("two heaps of rows overlap")
    padded = _padded(extents)
    places = np.cumsum(padded) - padded
    buffer = np.empty(int(padded.sum()), np.uint8)
    apart = (block.starts[1:] != block.stops[:-1]) | (padded != extents)[:-1]
    cuts = np.flatnonzero(apart) + 1
    for low, high in zip([0, *cuts], [*cuts, len(places)], strict=True):
        part = buffer[places[low] : places[high - 1] + extents[high - 1]]
        source.read_into([part.data], int(block.starts[low]))
    words = buffer.view("<i8")
    ends = places + _heap_sizes(words, places // 8, extents)
    sources = _row_places(block, words, places, ends)
    _gather(buffer, sources, memory, block, unit)


def _padded(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return -(-sizes // 8) * 8


def _row_places(
    block: _Block, words: NDArray[np.int64], places: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Where the rows' bytes begin.

    As a rule a heap's rows are numbered from 1 and stand one behind the other, so that their
    places follow from their sizes. Every one is checked; heaps that are different are searched.
    """
    heaps, numbers, sizes = block.heaps, block.numbers, block.sizes
    firsts = np.searchsorted(heaps, np.arange(len(places)))
    steps = _HEAD.size + _padded(sizes)
    before = np.cumsum(steps) - steps
    sources: NDArray[np.int64] = (places - before[firsts])[heaps] + before + 2 * _HEAD.size
    fits = sources + sizes <= ends[heaps]
    heads = np.where(fits, sources, _HEAD.size) // 8 - 2
    expected = numbers == np.arange(1, len(heaps) + 1) - firsts[heaps]
    found = ((words[heads] & (_MOST_ROWS - 1)) == numbers) & (words[heads + 1] == sizes)
    lasts = np.append(firsts[1:], len(heaps))
    for heap in np.unique(heaps[~(fits & expected & found)]).tolist():
        rows = slice(firsts[heap], lasts[heap])
        listed = _listed(partial(_HEAD.unpack_from, words.data), int(places[heap]), int(ends[heap]))
        sources[rows] = _looked_up(listed, numbers[rows], sizes[rows])
    return sources


def _listed(
    head: Callable[[int], tuple[int, ...]], start: int, end: int
) -> dict[int, tuple[int, int]]:
    """Place and size of what is in a heap, by its number; free space has number 0."""
    found: dict[int, tuple[int, int]] = {}
    place = start + _HEAD.size
    for _ in range(_MOST_ROWS + 1):
        if place + _HEAD.size > end:
            break
        number, _, _, size = head(place)
        step = -(-size // 8) * 8 + (_HEAD.size if number else 0)
        if place + step > end or step < _HEAD.size:
            break
        if number:
            found[number] = (place + _HEAD.size, size)
        place += step
    return found


def _looked_up(
    listed: dict[int, tuple[int, int]], numbers: NDArray[np.int64], sizes: NDArray[np.int64]
) -> list[int]:
    found = [listed.get(number, (0, -1)) for number in numbers.tolist()]
    if any(there < size for (_, there), size in zip(found, sizes.tolist(), strict=True)):
        raise ValueError("a row is not where it is said to be")
    return [place for place, _ in found]


def _gather(
    buffer: NDArray[np.uint8],
    sources: NDArray[np.int64],
    memory: NDArray[np.uint8],
    block: _Block,
    unit: int,
) -> None:
    """Copy rows to their places: one by one where they are long, else item by item, all at once."""
    sizes, targets = block.sizes, block.targets
    if sizes.sum() > _LONG_ROW * unit * len(sizes):
        for source, size, target in zip(
            sources.tolist(), sizes.tolist(), targets.tolist(), strict=True
        ):
            memory[target : target + size] = buffer[source : source + size]
        return
    counts = sizes // unit
    items = buffer.view(f"u{unit}")[ranges(sources // unit, counts)]
    into = memory.view(f"u{unit}")
    if (targets[1:] == (targets + sizes)[:-1]).all():
        start = int(targets[0]) // unit
        into[start : start + len(items)] = items
    else:
        into[ranges(targets // unit, counts)] = items


def _read_big(block: _Block, source: ByteSource, memory: NDArray[np.uint8]) -> None:
    """Read the rows of one heap straight to their places."""
    start, stop = int(block.starts[0]), int(block.stops[0])
    buffer = bytearray(_HEAD.size)

    def head(place: int) -> tuple[int, ...]:
        source.read_into([memoryview(buffer)], place)
        return _HEAD.unpack(buffer)

    starts = _looked_up(_listed(head, start, stop), block.numbers, block.sizes)
    pairs = zip(starts, block.sizes.tolist(), block.targets.tolist(), strict=True)
    for start, size, target in pairs:
        source.read_into([memory[target : target + size].data], start)
