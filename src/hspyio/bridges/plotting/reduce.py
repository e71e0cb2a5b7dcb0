"""Sums and counts of data of any size along chosen axes, block by block, in one pass."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hspyio.arrays.workers import Workers
from hspyio.nodes.computed import thread_limit

__all__ = ["Kept", "Read", "Reduced", "reduce_data"]

_BLOCK = 2**25
"""Bytes that are worked on at a time, a thread; a dask array's own blocks may be larger."""
_PLACES = 20
"""How many blocks at least a part of the data is made of, if they can be so small."""
_COLOURS = ("R", "G", "B", "A")

Block = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of the axes; along all others the values are summed."""

    axes: tuple[int, ...]
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reduced:
    """Sums of finite values, and how many they are: float64 or complex128, and int64."""

    total: NDArray[Any]
    count: NDArray[np.int64]

    def mean(self) -> NDArray[Any]:
        """Means; nan where there was no finite value."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.count > 0, self.total / self.count, np.nan)


@dataclass(frozen=True, slots=True)
class Read:
    """What was read: bytes, of how many, and how many values were not finite or masked."""

    bytes: int
    of: int
    left_out: int


def reduce_data(
    data: Any,
    wanted: Sequence[Kept],
    *,
    leading: Sequence[int],
    modulus: bool,
    most_bytes: int | None,
    workers: Workers,
) -> tuple[list[Reduced], Read]:
    """Sum data along axes, in the memory of a few blocks."""
    item = data.dtype.itemsize
    whole = math.prod(data.shape) * item
    if most_bytes is not None and whole > most_bytes:
        small = list(_blocks(data, min(_BLOCK, most_bytes // _PLACES)))
        blocks = _chosen(small, tuple(leading), most_bytes / whole)
    else:
        blocks = list(_blocks(data, _BLOCK))
    workers.progress.expect(sum(_size(block) for block in blocks) * item)
    results = [_empty(data, kept, modulus) for kept in wanted]
    read = left_out = 0
    for block, (parts, missing) in _partial_sums(data, blocks, wanted, modulus, workers):
        for result, (place, total, count) in zip(results, parts, strict=True):
            result.total[place] += total
            result.count[place] += count
        left_out += missing
        read += _size(block) * item
        workers.progress.advance(_size(block) * item)
    return results, Read(read, whole, left_out)


def _partial_sums(
    data: Any, blocks: list[Block], wanted: Sequence[Kept], modulus: bool, workers: Workers
) -> Iterator[tuple[Block, Any]]:
    if isinstance(data, np.ndarray):
        for block in blocks:
            yield block, _sums(data[block], _starts(block), wanted, modulus)
        return
    dask: Any = import_module("dask")
    tasks = dask.delayed(_sums)
    with dask.config.set(num_workers=thread_limit(workers.threads, asked=workers.asked)):
        for batch in _batches(blocks, workers):
            made = [tasks(data[block], _starts(block), wanted, modulus) for block in batch]
            yield from zip(batch, dask.compute(*made), strict=True)


def _batches(blocks: list[Block], workers: Workers) -> Iterator[list[Block]]:
    for start in range(0, len(blocks), workers.threads):
        yield blocks[start : start + workers.threads]


# one block


def _sums(
    block: Any, starts: tuple[int, ...], wanted: Sequence[Kept], modulus: bool
) -> tuple[list[tuple[Block, NDArray[Any], Any]], int]:
    """The share of one block in each result: where, sums, counts; and how much was left out."""
    values, finite = _numbers(block, modulus)
    starts = (*starts, *(0,) * (values.ndim - len(starts)))
    missing = 0 if finite is None else finite.size - int(np.count_nonzero(finite))
    return [_share(values, finite, starts, kept) for kept in wanted], missing


def _share(
    values: NDArray[Any], finite: NDArray[Any] | None, starts: tuple[int, ...], kept: Kept
) -> tuple[Block, NDArray[Any], Any]:
    others = tuple(axis for axis in range(values.ndim) if axis not in kept.axes)
    dtype = np.complex128 if values.dtype.kind == "c" else np.float64
    total = values.sum(axis=others, dtype=dtype)
    if finite is None:
        each = math.prod(values.shape[axis] for axis in others)
        count = np.full(total.shape, each, np.int64)
    else:
        count = finite.sum(axis=others, dtype=np.int64)
    place = []
    for position, (axis, step) in enumerate(zip(kept.axes, kept.steps, strict=True)):
        start, size = starts[axis], values.shape[axis]
        first, last = start // step, (start + size - 1) // step
        place.append(slice(first, last + 1))
        if step > 1:
            edges = [max(0, index * step - start) for index in range(first, last + 1)]
            total = np.add.reduceat(total, edges, axis=position)
            count = np.add.reduceat(count, edges, axis=position)
    return tuple(place), total, count


def _numbers(block: Any, modulus: bool) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Values to sum, 0 where one is not finite or masked, and which are finite if not all."""
    if block.dtype.names:
        block = _colours(block)
    masked = np.ma.getmask(block)
    values = np.ma.getdata(block)
    if values.dtype.kind == "c" and modulus:
        values = np.abs(values)
    if values.dtype.kind in "fc":
        finite = np.isfinite(values) & ~masked
    elif masked is np.ma.nomask:
        return values, None
    else:
        finite = ~masked
    if finite.all():
        return values, None
    return np.where(finite, values, 0), finite


def _colours(block: Any) -> NDArray[Any]:
    """Fields R, G, B and perhaps A as a last axis, from 0 to 1."""
    names = [name for name in _COLOURS if name in block.dtype.names]
    largest = np.iinfo(block.dtype[names[0]]).max
    return np.stack([block[name] for name in names], axis=-1) / np.float32(largest)


# blocks


def _blocks(data: Any, most: int) -> Iterator[Block]:
    """All blocks: a dask array's own or some together, of an array in memory slabs."""
    if isinstance(data, np.ndarray):
        steps = _slab(data.shape, data.dtype.itemsize, most)
        edges = [
            [*range(0, size, step), size] for size, step in zip(data.shape, steps, strict=True)
        ]
    else:
        own = [[0, *itertools.accumulate(sizes)] for sizes in data.chunks]
        edges = _merged(own, data.dtype.itemsize, most)
    pieces = [[slice(a, b) for a, b in itertools.pairwise(edge) if b > a] for edge in edges]
    return itertools.product(*pieces)


def _merged(edges: list[list[int]], itemsize: int, most: int) -> list[list[int]]:
    """Neighbouring blocks of a dask array together, where they are small: each costs time."""
    longest = [max(itertools.starmap(_length, itertools.pairwise(edge))) for edge in edges]
    merged = list(edges)
    for axis in reversed(range(len(edges))):
        share = most // max(1, math.prod(longest) * itemsize)
        step = max(1, min(share, len(edges[axis]) - 1))
        merged[axis] = [*edges[axis][:-1:step], edges[axis][-1]]
        longest[axis] *= step
    return merged


def _length(start: int, stop: int) -> int:
    return stop - start


def _slab(shape: tuple[int, ...], itemsize: int, most: int) -> list[int]:
    steps = [max(1, size) for size in shape]
    for axis in range(len(steps)):
        rest = math.prod(steps) // steps[axis] * itemsize
        steps[axis] = min(steps[axis], max(1, most // max(1, rest)))
    return steps


def _chosen(blocks: list[Block], leading: tuple[int, ...], share: float) -> list[Block]:
    """Blocks at some positions of the leading axes, all that there is at those."""
    by_position: dict[tuple[int, ...], list[Block]] = {}
    for block in blocks:
        where = tuple(block[axis].start for axis in leading) if leading else _starts(block)
        by_position.setdefault(where, []).append(block)
    positions = list(by_position)
    number = max(1, int(len(positions) * share))
    drawn = np.random.default_rng(0).choice(len(positions), number, replace=False)
    return [block for index in sorted(drawn.tolist()) for block in by_position[positions[index]]]


def _empty(data: Any, kept: Kept, modulus: bool) -> Reduced:
    sizes = (*data.shape, len([name for name in _COLOURS if name in (data.dtype.names or ())]))
    shape = [-(-sizes[axis] // step) for axis, step in zip(kept.axes, kept.steps, strict=True)]
    dtype = np.complex128 if data.dtype.kind == "c" and not modulus else np.float64
    return Reduced(np.zeros(shape, dtype), np.zeros(shape, np.int64))


def _starts(block: Block) -> tuple[int, ...]:
    return tuple(piece.start for piece in block)


def _size(block: Block) -> int:
    return math.prod(piece.stop - piece.start for piece in block)
