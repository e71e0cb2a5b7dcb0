"""One array -> stored chunks, compressed on several threads, past HDF5's filters."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from h5py import h5d
from h5py._objects import phil
from numpy.typing import NDArray

from hspyio.arrays.grid import ChunkGrid
from hspyio.arrays.manifest import ChunkManifest
from hspyio.arrays.workers import each
from hspyio.filters.codec import Bytes
from hspyio.filters.pipeline import Pipeline, Scratch
from hspyio.hdf5.output import Output

__all__ = ["rows_in_place", "write_allocated", "write_chunks"]

_MOST_ROWS = 512
_LEAST_ROW = 4096
"""Bytes below which they are copied faster than they are written one by one."""
_LOOK_AHEAD = 16 * 2**20
"""Bytes of finished chunks that may wait for one that comes before them."""


@dataclass(slots=True)
class _InOrder:
    """Hands finished chunks over in their order, one thread at a time."""

    write: Callable[[int, Bytes, int], None]
    changed: threading.Condition = field(default_factory=threading.Condition)
    ready: dict[int, tuple[Bytes, int]] = field(default_factory=dict)
    waiting: int = 0
    next: int = 0
    busy: bool = False
    failed: bool = False

    def wait_for_room(self, number: int) -> None:
        """Wait until not too much is waiting, unless this is the chunk they wait for."""
        with self.changed:
            while self.waiting > _LOOK_AHEAD and number > self.next and not self.failed:
                self.changed.wait()

    def deliver(self, number: int, data: Bytes, mask: int) -> None:
        """Take a finished chunk, and hand over all whose turn it is."""
        with self.changed:
            self.ready[number] = (data, mask)
            self.waiting += len(data)
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
            self.write(self.next, *item)
            with self.changed:
                self.waiting -= len(item[0])
                self.next += 1
                self.changed.notify_all()

    def fail(self) -> None:
        """Let nobody wait any more."""
        with self.changed:
            self.failed = True
            self.changed.notify_all()


class Values(Protocol):
    """What chunks are cut out of: an array, or what reads each of them."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        ...

    def __getitem__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        """The values of one chunk."""
        ...


def write_chunks(
    dataset: h5d.DatasetID, pipeline: Pipeline, values: Values, output: Output
) -> None:
    """Compress an array on several threads, and store its chunks in their order.

    Parameters
    ----------
    dataset : h5py DatasetID
        New, with the filters of the pipeline.
    pipeline : Pipeline
        Can encode.
    values : Values
        An array of any strides, or its like; a few chunks of it are copied at a time.
    output : Output
        The file, and how to work.
    """
    grid = ChunkGrid(values.shape, pipeline.chunk)

    def store(number: int, data: Bytes, mask: int) -> None:
        with phil:  # h5py 3.12 takes its lock for every call but those of raw chunks
            dataset.write_direct_chunk(grid.corner(number), data, mask)
        output.check()

    queue = _InOrder(store)

    def encoder() -> Callable[[int], None]:
        scratch = Scratch()

        def encode(number: int) -> None:
            queue.wait_for_room(number)
            part = values[grid.region(number)]
            data, mask = pipeline.encode(part, scratch)
            # Only bytes are the queue's to keep; an array is the thread's buffer, or the user's.
            queue.deliver(number, data if isinstance(data, bytes) else bytes(data), mask)
            output.work.advance(part.nbytes)

        return encode

    each(range(grid.count), encoder, output.work.threads, queue.fail)


def write_allocated(
    index: ChunkManifest, pipeline: Pipeline, values: NDArray[Any], output: Output
) -> None:
    """Write an array without filters into chunks that have their place already, in parallel.

    Parameters
    ----------
    index : ChunkManifest
        A place for every chunk.
    pipeline : Pipeline
        Without filters.
    values : ndarray
        Any strides.
    output : Output
        The file, and how to work.
    """
    grid = ChunkGrid(values.shape, pipeline.chunk)

    def writer() -> Callable[[int], None]:
        scratch = Scratch()

        def write(row: int) -> None:
            part = values[grid.region(int(index.ids[row]))]
            pieces = rows_in_place(part, pipeline.chunk)
            if not pieces:
                pieces = [np.frombuffer(pipeline.encode(part, scratch)[0], np.uint8).data]
            output.write_at(pieces, int(index.offsets[row]))
            output.work.advance(part.nbytes)

        return write

    each(range(len(index)), writer, output.work.threads)


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
