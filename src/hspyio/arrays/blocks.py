"""Blocks of an array that is being computed -> its stored chunks, in any order.

The encoder works where the block is, on a thread or on another machine; the target stands beside
the file, and is the only one that writes.
"""

from __future__ import annotations

import math
import os
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, product
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hspyio.arrays.grid import ChunkGrid
from hspyio.arrays.indexing import BasicIndexer
from hspyio.arrays.workers import Workers
from hspyio.arrays.writing import ChunkSink, write_chunks
from hspyio.filters.codec import Bytes
from hspyio.filters.pipeline import Pipeline, Scratch
from hspyio.nodes.node import Selection
from hspyio.records import record
from hspyio.system.calls import free_space, read_into, write_from

__all__ = [
    "BlockCopier",
    "BlockEncoder",
    "ChunkTarget",
    "Encoder",
    "Piece",
    "ScratchTarget",
    "Target",
    "WholeBlocks",
    "bounds_of",
    "open_scratch",
    "shared_bytes",
]

Bounds: TypeAlias = tuple[tuple[int, int], ...]
"""Where a block begins and ends along each dimension."""

Piece: TypeAlias = tuple[int, Bounds, Bytes, int]
"""The chunk's number, which part of it this is (nothing: all of it, encoded), bytes, mask."""

Lengths: TypeAlias = Sequence[Sequence[int]]
"""Of the blocks along each dimension."""

_MOST_SHARED = 64 * 2**20
"""Bytes of chunks that may wait in memory for the rest of their blocks."""


@dataclass(frozen=True)
class BlockEncoder:
    """Cuts blocks of an array of some shape into chunks and compresses them; can be pickled."""

    pipeline: Pipeline
    shape: tuple[int, ...]

    @property
    def grid(self) -> ChunkGrid:
        """The chunks."""
        return ChunkGrid(self.shape, self.pipeline.chunk)

    def pieces(self, selection: Selection, values: NDArray[Any]) -> Iterator[Piece]:
        """The chunks that a block covers, encoded, and its parts of those it shares with others."""
        block = BasicIndexer(selection, self.shape)
        values = np.asarray(values).astype(self.pipeline.dtype, copy=False)
        scratch = Scratch()
        grid = self.grid
        for coords, inside, out in block.projections(grid):
            number, piece = grid.number(coords), values[out]
            if piece.shape == tuple(part.stop - part.start for part in grid.region(number)):
                data, mask = self.pipeline.encode(piece, scratch)
                yield number, (), data, mask
            else:
                bounds = tuple((part.start, part.stop) for part in inside)
                yield number, bounds, piece.tobytes(), 0


class BlockCopier:
    """Leaves blocks as they are, for filters that only HDF5 has."""

    def pieces(self, selection: Selection, values: NDArray[Any]) -> Iterator[Piece]:
        """The block; its number is of no matter, its part is where in the array it is."""
        if values.size:
            yield 0, bounds_of(selection), values.tobytes(), 0


def bounds_of(selection: Selection) -> Bounds:
    """Where a block begins and ends along each dimension."""
    return tuple((part.start, part.stop) for part in selection if isinstance(part, slice))


class Encoder(Protocol):
    """What makes pieces of blocks, perhaps elsewhere."""

    def pieces(self, selection: Selection, values: NDArray[Any]) -> Iterator[Piece]:
        """The pieces of a block."""
        ...


class Target(Protocol):
    """Where the blocks of an array go."""

    @property
    def encoder(self) -> Encoder:
        """What makes pieces of blocks."""
        ...

    @property
    def where(self) -> str:
        """Path of the array in the file, for messages."""
        ...

    def take(self, piece: Piece) -> None:
        """Store what the encoder made."""
        ...

    def missing(self) -> int:
        """What has not come yet: chunks, or values."""
        ...

    def __setitem__(self, selection: Selection, values: NDArray[Any]) -> None:
        """Store a block, from any thread."""
        ...

    def finish(self) -> None:
        """Write what waits for all blocks, when they are there."""
        ...


class ChunkTarget:
    """Stores the chunks of blocks that come in any order, from many threads.

    A chunk that several blocks share is put together in memory until the last part of it is
    there. What comes a second time, since a worker died and another one did its work again, is
    left out.
    """

    def __init__(
        self, sink: ChunkSink, encoder: BlockEncoder, workers: Workers, where: str = ""
    ) -> None:
        self.encoder = encoder
        self.where = where
        self._sink = sink
        self._workers = workers
        self._lock = threading.Lock()
        self._stored: set[int] = set()
        self._shared: dict[int, _Shared] = {}

    def __setitem__(self, selection: Selection, values: NDArray[Any]) -> None:
        """Store a block: slices with step 1."""
        for piece in self.encoder.pieces(selection, values):
            self.take(piece)

    def write(self, values: NDArray[Any], threads: int) -> None:
        """Store a block that is the whole array, which no other thread helps to compute."""
        values = np.asarray(values).astype(self.encoder.pipeline.dtype, copy=False)
        workers = replace(self._workers, threads=threads)
        write_chunks(self._sink, self.encoder.pipeline, values, workers)
        self._stored.update(range(self.encoder.grid.count))

    def take(self, piece: Piece) -> None:
        """Store a chunk, or keep a part of it until the others have come."""
        number, inside, data, mask = piece
        if inside:
            whole = self._joined(number, inside, data)
            if whole is None:
                return
            data, mask = self.encoder.pipeline.encode(whole, Scratch())
        grid = self.encoder.grid
        with self._lock:
            if number in self._stored:
                return
            self._stored.add(number)
            self._sink.write([number], [(data, mask)])
        self._workers.progress.advance(
            _size(grid.region(number)) * self.encoder.pipeline.dtype.itemsize
        )

    def _joined(self, number: int, inside: Bounds, data: Bytes) -> NDArray[Any] | None:
        """The whole chunk when its last part has come."""
        with self._lock:
            if number in self._stored:
                return None
            if number not in self._shared:
                shape = [part.stop - part.start for part in self.encoder.grid.region(number)]
                empty = np.empty(shape, self.encoder.pipeline.dtype)
                self._shared[number] = _Shared(empty, set(), empty.size)
            shared = self._shared[number]
            if inside in shared.there:
                return None
            shared.there.add(inside)
            part = shared.values[tuple(slice(*bounds) for bounds in inside)]
            part[...] = np.frombuffer(data, part.dtype).reshape(part.shape)
            shared.missing -= part.size
            if shared.missing:
                return None
            return self._shared.pop(number).values

    def missing(self) -> int:
        """Chunks that have not come yet."""
        return self.encoder.grid.count - len(self._stored)

    def finish(self) -> None:
        """Nothing waits: a chunk is written with its last block."""


@dataclass(slots=True)
class _Shared:
    """A chunk that is being put together."""

    values: NDArray[Any]
    there: set[Bounds]
    missing: int


def _size(region: tuple[slice, ...]) -> int:
    return math.prod(part.stop - part.start for part in region)


# blocks that are stored as they are


class WholeBlocks:
    """What targets have in common that take blocks as they are, each once."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], where: str) -> None:
        self.encoder = BlockCopier()
        self.where = where
        self._dtype = dtype
        self._lock = threading.Lock()
        self._there: set[Bounds] = set()
        self._missing = math.prod(shape)

    def take(self, piece: Piece) -> None:
        """Store a block that came as bytes."""
        _, bounds, data, _ = piece
        shape = [stop - start for start, stop in bounds]
        values = np.frombuffer(data, self._dtype).reshape(shape)
        self[tuple(slice(*part) for part in bounds)] = values

    def __setitem__(self, selection: Selection, values: NDArray[Any]) -> None:
        """Store a block, from any thread."""
        raise NotImplementedError

    def note(self, bounds: Bounds, size: int) -> None:
        """Count a block that is stored; one that came a second time was there already."""
        with self._lock:
            if bounds not in self._there:
                self._there.add(bounds)
                self._missing -= size

    def missing(self) -> int:
        """Values that have not come yet."""
        return self._missing

    def finish(self) -> None:
        """Nothing waits."""


# blocks that lie across the chunks: on disk until all are there, not in memory


def shared_bytes(blocks: Lengths, chunk: Sequence[int], itemsize: int) -> int:
    """Bytes of the chunks that are begun and wait for other blocks, when these come in C order."""
    count = 0
    for axis, (lengths, step) in enumerate(zip(blocks, chunk, strict=True)):
        edges = set(accumulate(lengths))
        if all(edge % step == 0 or edge == sum(lengths) for edge in edges):
            continue  # no chunk lies in two blocks
        outer = math.prod(max(sizes) for sizes in blocks[:axis])
        inner = math.prod(sum(sizes) for sizes in blocks[axis + 1 :])
        count += outer * min(step, sum(lengths)) * inner
    return itemsize * count


def open_scratch(blocks: Lengths, chunk: Sequence[int], itemsize: int, folder: str) -> int | None:
    """A file without a name for chunks that wait; ``None`` where memory does, or has to."""
    if not folder or shared_bytes(blocks, chunk, itemsize) <= _MOST_SHARED:
        return None
    room = free_space(folder)
    if room is not None and room < itemsize * math.prod(map(sum, blocks)):
        return None
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            return os.dup(file.fileno())
    except OSError:
        return None


@record
class _Cut:
    """Where blocks cut chunks along a dimension: into parts in one block and one chunk each."""

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


class ScratchTarget(WholeBlocks):
    """Keeps blocks in a scratch file until all are there; then writes their chunks.

    In the scratch file a chunk is in one piece: its parts, each the common one of a block and the
    chunk, stand there one behind the other. So a block is computed once and gone when it is there,
    and a chunk is read in one go.
    """

    def __init__(
        self,
        sink: ChunkSink,
        pipeline: Pipeline,
        blocks: Lengths,
        scratch: int,
        workers: Workers,
        where: str,
    ) -> None:
        shape = tuple(sum(sizes) for sizes in blocks)
        super().__init__(shape, pipeline.dtype, where)
        self.shape = shape
        self._sink = sink
        self._pipeline = pipeline
        self._grid = ChunkGrid(shape, pipeline.chunk)
        self._cuts = [_Cut.of(*pair) for pair in zip(blocks, pipeline.chunk, strict=True)]
        self._scratch = scratch
        self._close = weakref.finalize(self, os.close, scratch)
        self._workers = workers

    def __setitem__(self, selection: Selection, values: NDArray[Any]) -> None:
        """Store a block, one of those that were announced."""
        if not values.size:
            return
        region = bounds_of(selection)
        values = values.astype(self._pipeline.dtype, copy=False)
        pairs = zip(self._cuts, region, strict=True)
        for places in product(*(cut.within(*bounds) for cut, bounds in pairs)):
            inside = tuple(
                slice(int(cut.starts[i]) - start, int(cut.starts[i] + cut.lengths[i]) - start)
                for cut, i, (start, _) in zip(self._cuts, places, region, strict=True)
            )
            part = np.ascontiguousarray(values[inside])
            write_from(self._scratch, [part.reshape(-1).view(np.uint8).data], self._place(places))
        self.note(region, values.size)

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
            write_chunks(self._sink, self._pipeline, self, self._workers)
        finally:
            self._close()
