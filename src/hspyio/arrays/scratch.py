"""Blocks that lie across the chunks of a file: kept on disk until all are there, not in memory."""

from __future__ import annotations

import math
import os
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from itertools import accumulate, product
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.arrays.blocks import BlockCopier, Piece
from hspyio.arrays.grid import ChunkGrid
from hspyio.arrays.writing import ChunkSink, write_chunks
from hspyio.filters.pipeline import Pipeline
from hspyio.hdf5.output import Output
from hspyio.nodes.node import Selection
from hspyio.records import record
from hspyio.system.calls import read_into, write_from

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ScratchTarget", "open_scratch", "shared_bytes"]

_MOST_SHARED = 64 * 2**20
"""Bytes of chunks that may wait in memory for the rest of their blocks."""

Chunks = Sequence[Sequence[int]]
"""Lengths of the blocks along each dimension."""


def shared_bytes(blocks: Chunks, chunk: Sequence[int], itemsize: int) -> int:
    """Bytes of the chunks that are begun and wait for other blocks, when these come in C order.

    Parameters
    ----------
    blocks : sequence of sequences of int
        Lengths of the blocks along each dimension.
    chunk : sequence of int
        The chunk shape.
    itemsize : int
        Bytes of a value.
    """
    for axis, (lengths, step) in enumerate(zip(blocks, chunk, strict=True)):
        edges = set(accumulate(lengths))
        if all(edge % step == 0 or edge == sum(lengths) for edge in edges):
            continue  # no chunk lies in two blocks
        outer = math.prod(max(sizes) for sizes in blocks[:axis])
        inner = math.prod(sum(sizes) for sizes in blocks[axis + 1 :])
        return itemsize * outer * min(step, sum(lengths)) * inner
    return 0


def open_scratch(blocks: Chunks, chunk: Sequence[int], itemsize: int, output: Output) -> int | None:
    """Descriptor of a file without a name, beside the one that is written, for chunks that wait.

    ``None`` if they are few enough for memory, or if there is no room for it.
    """
    if not output.folder or shared_bytes(blocks, chunk, itemsize) <= _MOST_SHARED:
        return None
    size = itemsize * math.prod(map(sum, blocks))
    try:
        if hasattr(os, "fstatvfs"):
            room = os.fstatvfs(output.fileno())
            if room.f_bavail * room.f_frsize < size:
                return None
        with tempfile.TemporaryFile(dir=output.folder, buffering=0) as file:
            return os.dup(file.fileno())
    except OSError:
        return None


@record
class _Cut:
    """Where the blocks cut the chunks along one dimension.

    Attributes
    ----------
    starts, lengths : ndarray of int64
        Of the parts, none of which lies in two blocks or in two chunks.
    step : int
        Length of a chunk.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    step: int

    @classmethod
    def of(cls, sizes: Sequence[int], step: int) -> _Cut:
        """Cut a dimension."""
        length = sum(sizes)
        edges = np.unique([*accumulate(sizes), *range(0, length, step), 0, length])
        return cls(edges[:-1], np.diff(edges), step)

    def within(self, start: int, stop: int) -> range:
        """Numbers of the parts in a range that begins and ends with some of them."""
        low, high = np.searchsorted(self.starts, [start, stop])
        return range(int(low), int(high))


class ScratchTarget:
    """Takes blocks in any order, from many threads, into a scratch file; then writes their chunks.

    In the scratch file a chunk is in one piece: its parts, each the common one of a block and the
    chunk, stand there one behind the other. So a block is computed once and gone when it is there,
    and a chunk is read in one go.

    Parameters
    ----------
    sink : ChunkSink
        Takes the chunks.
    pipeline : Pipeline
        Can encode.
    blocks : sequence of sequences of int
        Lengths of the blocks along each dimension.
    scratch : int
        Descriptor of an empty file; closed at the end, also where that never comes.
    output : Output
        The file, and how to work.
    where : str
        Path of the array in the file, for messages.
    """

    def __init__(
        self,
        sink: ChunkSink,
        pipeline: Pipeline,
        blocks: Chunks,
        scratch: int,
        output: Output,
        where: str,
    ) -> None:
        self.encoder = BlockCopier()
        self.where = where
        self.shape = tuple(sum(sizes) for sizes in blocks)
        self._sink = sink
        self._pipeline = pipeline
        self._grid = ChunkGrid(self.shape, pipeline.chunk)
        self._cuts = [_Cut.of(*pair) for pair in zip(blocks, pipeline.chunk, strict=True)]
        self._scratch = scratch
        self._close = weakref.finalize(self, os.close, scratch)
        self._output = output
        self._lock = threading.Lock()
        self._there: set[tuple[int, ...]] = set()
        self._missing = math.prod(self.shape)

    def take(self, piece: Piece) -> None:
        """Store a block that came as bytes."""
        _, bounds, data, _ = piece
        shape = [stop - start for start, stop in bounds]
        values = np.frombuffer(data, self._pipeline.dtype).reshape(shape)
        self[tuple(slice(*part) for part in bounds)] = values

    def missing(self) -> int:
        """Values that have not come yet."""
        return self._missing

    def __setitem__(self, selection: Selection, values: NDArray[Any]) -> None:
        """Store a block, one of those that were announced."""
        if not values.size:
            return
        region = [(part.start, part.stop) for part in selection if isinstance(part, slice)]
        values = values.astype(self._pipeline.dtype, copy=False)
        pairs = zip(self._cuts, region, strict=True)
        for places in product(*(cut.within(*bounds) for cut, bounds in pairs)):
            inside = tuple(
                slice(int(cut.starts[i]) - start, int(cut.starts[i] + cut.lengths[i]) - start)
                for cut, i, (start, _) in zip(self._cuts, places, region, strict=True)
            )
            part = np.ascontiguousarray(values[inside])
            write_from(self._scratch, [part.reshape(-1).view(np.uint8).data], self._place(places))
        with self._lock:
            corner = tuple(start for start, _ in region)
            if corner not in self._there:
                self._there.add(corner)
                self._missing -= values.size
        self._output.check()

    def _place(self, places: tuple[int, ...]) -> int:
        """Where a part begins in the scratch file: after those before it in its chunk."""
        number, before, outer = 0, 0, 1
        for cut, i, count, n in zip(self._cuts, places, self._grid.counts, self.shape, strict=True):
            chunk, start = divmod(int(cut.starts[i]), cut.step)
            length = min(cut.step, n - chunk * cut.step)
            number = number * count + chunk
            before = before * length + outer * start
            outer *= int(cut.lengths[i])
        slot = number * self._pipeline.size
        return slot + before * self._pipeline.dtype.itemsize

    def __getitem__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        """Read a chunk back."""
        corner = [part.start // step for part, step in zip(region, self._grid.chunk, strict=True)]
        number = int(np.ravel_multi_index(corner, self._grid.counts))
        shape = tuple(part.stop - part.start for part in region)
        values = np.empty(math.prod(shape), self._pipeline.dtype)
        memory = values.view(np.uint8).data
        read_into(self._scratch, [memory], number * self._pipeline.size)
        return self._in_order(values, region, shape)

    def _in_order(
        self, values: NDArray[Any], region: tuple[slice, ...], shape: tuple[int, ...]
    ) -> NDArray[Any]:
        cuts = [
            cut.within(part.start, part.stop) for cut, part in zip(self._cuts, region, strict=True)
        ]
        split = [axis for axis, parts in enumerate(cuts) if len(parts) > 1]
        if not split or (len(split) == 1 and math.prod(shape[: split[0]]) == 1):
            return values.reshape(shape)
        result, done = np.empty(shape, values.dtype), 0
        for place in self._places_in(cuts, region):
            part = result[place]
            part[...] = values[done : done + part.size].reshape(part.shape)
            done += part.size
        return result

    def _places_in(
        self, cuts: list[range], region: tuple[slice, ...]
    ) -> Iterator[tuple[slice, ...]]:
        listed = []
        for cut, parts, whole in zip(self._cuts, cuts, region, strict=True):
            starts = (cut.starts[parts.start : parts.stop] - whole.start).tolist()
            lengths = cut.lengths[parts.start : parts.stop].tolist()
            pairs = zip(starts, lengths, strict=True)
            listed.append([slice(start, start + length) for start, length in pairs])
        return product(*listed)

    def finish(self) -> None:
        """Write all chunks, when all blocks are there."""
        try:
            write_chunks(self._sink, self._pipeline, self, self._output.work)
        finally:
            self._close()
