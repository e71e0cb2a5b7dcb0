"""One array -> stored chunks, small ones in batches, compressed on several threads."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hspyio.arrays.grid import ChunkGrid, is_row_major
from hspyio.arrays.manifest import ChunkManifest
from hspyio.arrays.workers import Workers, run
from hspyio.filters.codec import Bytes
from hspyio.filters.pipeline import Pipeline, Scratch

__all__ = ["ChunkSink", "Encoded", "rows_in_place", "write_allocated", "write_chunks"]

Encoded: TypeAlias = tuple[Bytes, int]
"""A chunk as it is to be stored, and a bit for each filter that was left out."""

_BATCH = 2**18
"""Bytes of the chunks that are encoded at a time: they stay in the processor's cache."""
_MOST_CHUNKS = 1024
_SHARES = 4
"""Batches a thread, so that all have work to the end."""
_MOST_ROWS = 512
_LEAST_ROW = 4096
"""Bytes below which they are copied faster than they are written one by one."""
_LOOK_AHEAD = 16 * 2**20
"""Bytes of finished chunks that may wait for one that comes before them."""


@dataclass(slots=True)
class _InOrder:
    """Hands finished chunks over in their order, one thread at a time."""

    write: Callable[[int, Sequence[Encoded]], None]
    changed: threading.Condition = field(default_factory=threading.Condition)
    ready: dict[int, Sequence[Encoded]] = field(default_factory=dict)
    waiting: int = 0
    next: int = 0
    busy: bool = False
    failed: bool = False

    def wait_for_room(self, number: int) -> None:
        """Wait until not too much is waiting, unless this is the chunk they wait for."""
        with self.changed:
            while self.waiting > _LOOK_AHEAD and number > self.next and not self.failed:
                self.changed.wait()

    def deliver(self, number: int, chunks: Sequence[Encoded]) -> None:
        """Take finished chunks, and hand over all whose turn it is."""
        with self.changed:
            self.ready[number] = chunks
            self.waiting += _bytes_of(chunks)
            if self.busy or self.failed:
                return
            self.busy = True
        self._hand_over()

    def _hand_over(self) -> None:
        while True:
            with self.changed:
                item = self.ready.pop(self.next, None)
                if item is None:
                    self.busy = False
                    return
            self.write(self.next, item)
            with self.changed:
                self.waiting -= _bytes_of(item)
                self.next += 1
                self.changed.notify_all()

    def fail(self) -> None:
        """Let nobody wait any more."""
        with self.changed:
            self.failed = True
            self.changed.notify_all()


def _bytes_of(chunks: Sequence[Encoded]) -> int:
    return sum(len(data) for data, _ in chunks)


class Values(Protocol):
    """What chunks are cut out of: an array, or what reads each of them."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        ...

    def __getitem__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        """The values of one chunk."""
        ...


class ChunkSink(Protocol):
    """Where encoded chunks go, by their numbers in the grid; one thread at a time."""

    def write(self, numbers: Sequence[int], chunks: Sequence[Encoded]) -> None:
        """Store chunks, in their order; what the file cannot take is raised."""
        ...


def write_chunks(sink: ChunkSink, pipeline: Pipeline, values: Values, workers: Workers) -> None:
    """Compress an array on several threads, and store its chunks in their order.

    Parameters
    ----------
    sink : ChunkSink
        Takes the chunks.
    pipeline : Pipeline
        Can encode.
    values : Values
        An array of any strides, or its like; a few chunks of it are copied at a time.
    workers : Workers
        Threads, and who is told of the progress.
    """
    grid = ChunkGrid(values.shape, pipeline.chunk)
    batches = _batches(grid.count, pipeline.size, workers.threads)

    def store(number: int, chunks: Sequence[Encoded]) -> None:
        sink.write(batches[number], chunks)

    queue = _InOrder(store)

    def encoder() -> Callable[[int], None]:
        scratch = Scratch()

        def encode(number: int) -> None:
            queue.wait_for_room(number)
            chunks, size = _encoded(pipeline, values, grid, batches[number], scratch)
            queue.deliver(number, chunks)
            workers.progress.advance(size)

        return encode

    run(range(len(batches)), encoder, workers.threads, queue.fail)


def _batches(count: int, size: int, threads: int) -> list[range]:
    """Chunks in a row that are worked on together: small ones, but all threads have some."""
    most = max(1, min(_BATCH // max(size, 1), _MOST_CHUNKS))
    if threads > 1:
        most = max(1, min(most, count // (_SHARES * threads)))
    return [range(low, min(low + most, count)) for low in range(0, count, most)]


def _encoded(
    pipeline: Pipeline, values: Values, grid: ChunkGrid, batch: range, scratch: Scratch
) -> tuple[list[Encoded], int]:
    """Chunks in a row, encoded, and how many bytes of the array they hold."""
    if len(batch) == 1:
        part = values[grid.region(batch[0])]
        data, mask = pipeline.encode(part, scratch)
        # Only bytes are the queue's to keep; an array is the thread's buffer, or the user's.
        return [(data if isinstance(data, bytes) else bytes(data), mask)], part.nbytes
    chunks, size = _together(pipeline, values, grid, batch, scratch)
    return [*pipeline.encode_batch(chunks, scratch)], size


def _together(
    pipeline: Pipeline, values: Values, grid: ChunkGrid, batch: range, scratch: Scratch
) -> tuple[NDArray[Any], int]:
    """Chunks in one piece of memory, with zeros beyond the array's edge; and their bytes."""
    shape = (len(batch), *pipeline.chunk)
    size = len(batch) * pipeline.size
    if isinstance(values, np.ndarray) and (found := _in_memory(values, grid, batch)) is not None:
        return found.reshape(shape), size
    buffer = scratch.take("batch", size)
    made = buffer.view(pipeline.dtype).reshape(shape)
    done = 0
    for chunk, number in zip(made, batch, strict=True):
        part = values[grid.region(number)]
        pipeline.pad(part, chunk)
        done += part.nbytes
    return made, done


def _in_memory(values: NDArray[Any], grid: ChunkGrid, batch: range) -> NDArray[Any] | None:
    """Whole chunks that follow each other in an array's memory; ``None`` for others."""
    if not values.flags.c_contiguous:
        return None
    step = math.prod(grid.chunk)
    first, last = grid.region(batch[0]), grid.region(batch[-1])
    if any(part.stop - part.start != n for part, n in zip(last, grid.chunk, strict=True)):
        return None
    strides = [math.prod(grid.shape[i + 1 :]) for i in range(len(grid.shape))]
    begins = [
        sum(part.start * stride for part, stride in zip(region, strides, strict=True))
        for region in (first, last)
    ]
    if not is_row_major(grid.chunk, grid.shape) or begins[1] - begins[0] != step * (len(batch) - 1):
        return None
    return values.reshape(-1)[begins[0] : begins[1] + step]


def write_allocated(
    manifest: ChunkManifest,
    pipeline: Pipeline,
    values: NDArray[Any],
    write_at: Callable[[Sequence[memoryview], int], None],
    workers: Workers,
) -> None:
    """Write an array without filters into chunks that have their place already, in parallel.

    Parameters
    ----------
    manifest : ChunkManifest
        A place for every chunk.
    pipeline : Pipeline
        Without filters.
    values : ndarray
        Any strides.
    write_at : callable
        Writes buffers to a place in the file, from any thread.
    workers : Workers
        Threads, and who is told of the progress.
    """
    grid = ChunkGrid(values.shape, pipeline.chunk)
    offsets = manifest.offsets
    batches = _batches(grid.count, pipeline.size, workers.threads)

    def writer() -> Callable[[int], None]:
        scratch = Scratch()

        def write(number: int) -> None:
            batch = batches[number]
            if len(batch) == 1:
                part = values[grid.region(batch[0])]
                pieces = rows_in_place(part, pipeline.chunk)
                if not pieces:
                    pieces = [np.frombuffer(pipeline.encode(part, scratch)[0], np.uint8).data]
                write_at(pieces, int(offsets[batch[0]]))
                workers.progress.advance(part.nbytes)
                return
            chunks, size = _together(pipeline, values, grid, batch, scratch)
            memory = chunks.reshape(-1).view(np.uint8).data
            apart = np.diff(offsets[batch.start : batch.stop]) != pipeline.size
            for low, high in pairwise([0, *(np.flatnonzero(apart) + 1).tolist(), len(batch)]):
                part_of = memory[low * pipeline.size : high * pipeline.size]
                write_at([part_of], int(offsets[batch.start + low]))
            workers.progress.advance(size)

        return write

    run(range(len(batches)), writer, workers.threads)


def rows_in_place(target: NDArray[Any], chunk: tuple[int, ...]) -> list[memoryview]:
    """The pieces of memory that a whole chunk fills in order; none where they are small."""
    if target.shape != chunk:
        return []
    rows, length = 1, target.itemsize
    outer = list(target.shape)
    while outer and (outer[-1] == 1 or target.strides[len(outer) - 1] == length):
        length *= outer.pop()
    rows = math.prod(outer)
    if rows > _MOST_ROWS or (rows > 1 and length < _LEAST_ROW):
        return []
    inner = (slice(None),) * (target.ndim - len(outer))
    return [
        target[(*place, ..., *inner)].reshape(-1).view(np.uint8).data
        for place in np.ndindex(*outer)
    ]
