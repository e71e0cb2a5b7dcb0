"""Stored chunks -> whoever wants them: one loop reads them, on several threads, past HDF5.

Neighbours in the file are read in one go, and what is known of chunks is known as arrays: of a
chunk of 2 KB that is decoded in 5 microseconds, every line of Python counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hspyio.arrays.grid import is_row_major
from hspyio.arrays.indexing import BasicIndexer, ChunkProjections
from hspyio.arrays.manifest import ChunkManifest, StoredArray
from hspyio.arrays.workers import Workers, run
from hspyio.errors import DamagedFileError, UnreadableFileError
from hspyio.filters.pipeline import Scratch
from hspyio.nodes.node import Selection
from hspyio.records import record
from hspyio.system.byte_source import ByteSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ChunkConsumer", "read_chunks", "visit"]

_BATCH = 2**18
"""Decoded bytes of the chunks that are read at a time: they stay in the processor's cache."""
_MOST_CHUNKS = 1024
_GAP = 4096
"""Bytes between two chunks that are read with them: as many as a node of their index."""
_SHARES = 4
"""Batches a thread, so that all have work to the end."""


class ChunkConsumer:
    """What one thread does with the chunks it is given, by their place in the list of them."""

    def buffers(self, places: range) -> list[memoryview]:
        """Memory for the bytes of neighbours, in order, gaps too; nothing to have them in a buffer.

        Where all of them went into that, `take` is not called.
        """
        return []

    def take(self, places: range, contents: Sequence[memoryview]) -> None:
        """Use the stored bytes of chunks; called again with each alone if that fails."""
        raise NotImplementedError

    def done(self, places: range) -> None:
        """Count chunks of which all that could be used is."""

    def fail(self, place: int, error: Exception) -> None:
        """Raise an error of one chunk, or note what is lost with it."""
        raise error


@record
class _Visited:
    """Chunks in the order of their offsets, as all threads of a visit see them."""

    source: ByteSource
    end: int
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    edges: list[int]


def visit(
    source: ByteSource,
    manifest: ChunkManifest,
    rows: NDArray[np.int64],
    size: int,
    workers: Workers,
    make: Callable[[], ChunkConsumer],
    together: int = 1,
) -> None:
    """Read chunks, neighbours in the file in one go, and hand them to consumers.

    Parameters
    ----------
    source : ByteSource
        The file.
    manifest : ChunkManifest
        Where chunks stand in it.
    rows : ndarray of int64
        Which of them, in the order of their offsets; a chunk's place is its place here.
    size : int
        Bytes of a decoded chunk.
    workers : Workers
        How many threads.
    make : callable
        Makes what one thread does with its chunks.
    together : int
        How many chunks in a row one thread takes, where neighbours share memory.
    """
    offsets, sizes = manifest.offsets[rows], manifest.sizes[rows]
    most = max(1, min(_BATCH // max(size, 1), _MOST_CHUNKS))
    if workers.threads > 1:
        most = max(1, min(most, len(rows) // (_SHARES * workers.threads)))
    end = source.size
    edges = _edges(offsets, sizes, most, 2 * size + _GAP, end)
    with source.ahead(offsets, sizes) as near:
        visited = _Visited(near, end, offsets, sizes, edges)

        def visitor() -> Callable[[int], None]:
            return _Visitor(visited, make()).visit

        run(range(len(edges) - 1), visitor, workers.threads, together=max(1, together // most))


def _edges(
    offsets: NDArray[np.int64], sizes: NDArray[np.int64], most: int, usual: int, end: int
) -> list[int]:
    """Where batches begin, and the end of the last: neighbours of usual size, not too many."""
    count = len(offsets)
    if most == 1 or not count:
        return list(range(count + 1))
    alone = (offsets < 0) | (sizes < 0) | (sizes > usual) | (offsets > end - sizes)
    gaps = offsets[1:] - offsets[:-1] - sizes[:-1]
    apart = np.ones(count, bool)
    apart[1:] = alone[1:] | alone[:-1] | (gaps < 0) | (gaps > _GAP)
    places = np.arange(count)
    since = places - np.maximum.accumulate(np.where(apart, places, 0))
    edges: list[int] = np.flatnonzero(apart | (since % most == 0)).tolist()
    return [*edges, count]


class _Visitor:
    """One thread of a visit."""

    def __init__(self, visited: _Visited, consumer: ChunkConsumer) -> None:
        self._visited = visited
        self._consumer = consumer
        self._scratch = Scratch()

    def visit(self, number: int) -> None:
        """Have a batch read; where that fails, each of its chunks alone."""
        low, high = self._visited.edges[number : number + 2]
        batch = range(low, high)
        failure = self._failure(batch)
        if failure is None or len(batch) == 1:
            self._end(batch, failure)
            return
        for place in batch:
            alone = range(place, place + 1)
            self._end(alone, self._failure(alone))

    def _end(self, batch: range, failure: Exception | None) -> None:
        if failure is not None:
            self._consumer.fail(batch[0], failure)
        self._consumer.done(batch)

    def _failure(self, batch: range) -> Exception | None:
        try:
            self._read(batch)
        except Exception as error:
            return error
        return None

    def _read(self, batch: range) -> None:
        visited, part = self._visited, slice(batch.start, batch.stop)
        offsets, sizes = visited.offsets[part].tolist(), visited.sizes[part].tolist()
        start, end = offsets[0], offsets[-1] + sizes[-1]
        buffers = self._consumer.buffers(batch)
        if buffers:
            visited.source.read_into(buffers, start)
            return
        # Before a buffer is made: the file itself has to be that long.
        if start < 0 or sizes[0] < 0:
            raise ValueError(f"it is said to be {sizes[0]} bytes at {start}, outside the file")
        if end > visited.end:
            raise ValueError(f"its bytes end at {end}, the file before that")
        content = self._scratch.take("read", end - start).data
        visited.source.read_into([content], start)
        begins = [offset - start for offset in offsets]
        pairs = zip(begins, sizes, strict=True)
        self._consumer.take(batch, [content[begin : begin + size] for begin, size in pairs])


# an array


def read_chunks(
    stored: StoredArray,
    manifest: ChunkManifest,
    source: ByteSource,
    selection: Selection,
    workers: Workers,
) -> NDArray[Any]:
    """Read a selection of a chunked array; each chunk it touches is read once, no other.

    Parameters
    ----------
    stored : StoredArray
        The array; its filters can be decoded here.
    manifest : ChunkManifest
        Its chunks.
    source : ByteSource
        The file.
    selection : tuple of slice or int
        What to read.
    workers : Workers
        Threads, and who is told of the progress.

    Returns
    -------
    ndarray
        New; the fill value where no chunk is.

    Raises
    ------
    DamagedFileError
        If a chunk cannot be decoded.
    IndexError
        If the selection does not fit the array.
    """
    indexer, grid = BasicIndexer(selection, stored.shape), stored.grid
    size = indexer.size * stored.dtype.itemsize
    workers.progress.expect(size)
    if not size:
        return stored.empty(indexer.kept, filled=True)
    rows, complete = manifest.rows(indexer, grid)
    result = stored.empty(indexer.shape, filled=not complete)
    projections = ChunkProjections(indexer, grid, manifest.ids[rows])
    wanted = np.flatnonzero(projections.counts)
    if len(wanted) < len(rows):
        rows, projections = rows[wanted], projections.select(wanted)
    reading = _Reading(stored, manifest, rows, projections, result, workers)
    # A page of memory that two threads fill at once is cleared twice, so not in one row.
    row = math.prod(grid.counts[1:])
    visit(source, manifest, rows, stored.pipeline.size, workers, lambda: _Placer(reading), row)
    workers.progress.advance(size - int(reading.sizes.sum()))  # chunks that are not there
    return result.reshape(indexer.kept)


class _Reading:
    """What the threads of one call have in common."""

    def __init__(
        self,
        stored: StoredArray,
        manifest: ChunkManifest,
        rows: NDArray[np.int64],
        projections: ChunkProjections,
        result: NDArray[Any],
        workers: Workers,
    ) -> None:
        self.pipeline = pipeline = stored.pipeline
        self.projections, self.result = projections, result
        self.advance = workers.progress.advance
        self.masks = manifest.masks[rows]
        self.sizes = projections.counts * result.itemsize
        self.starts = projections.starts @ np.array(result.strides, np.int64)
        self.memory = result.reshape(-1).view(np.uint8)
        every = (1 << len(pipeline.filters)) - 1
        self.plain = (self.masks & every == every) & (manifest.sizes[rows] == pipeline.size)
        self.offsets = manifest.offsets[rows]
        self._pieces: dict[Bounds, list[Piece]] = {}
        chunk = tuple((0, n) for n in pipeline.chunk)
        self.in_one_piece = projections.whole & self._is_one_piece(chunk)

    def _is_one_piece(self, chunk: Bounds) -> bool:
        """Whether the result has a whole chunk in one piece of memory."""
        inside = math.prod(self.pipeline.chunk) > 0 and self.result.size > 0
        return inside and is_row_major(self.pipeline.chunk, self.result.shape)

    def pieces(self, inside: tuple[slice, ...]) -> list[Piece]:
        """The pieces that a chunk falls into, by the part of it that is wanted."""
        if any(part.step != 1 for part in inside):
            return []
        part = tuple((part.start, part.stop) for part in inside)
        found = self._pieces.get(part)
        if found is None:
            itemsize, strides = self.result.itemsize, self.result.strides
            found = self._pieces[part] = pieces_of(self.pipeline.chunk, part, strides, itemsize)
        return found


class _Placer(ChunkConsumer):
    """Puts the values of chunks into the result; a thread has one, with buffers of its own."""

    def __init__(self, reading: _Reading) -> None:
        self._reading = reading
        self._scratch = Scratch()

    def done(self, places: range) -> None:
        """Tell of the bytes of the result that are there."""
        self._reading.advance(int(self._reading.sizes[places.start : places.stop].sum()))

    def fail(self, place: int, error: Exception) -> None:
        """Raise the error of a chunk, with where in the array that begins."""
        damaged = isinstance(error, (OSError, RuntimeError, ValueError))
        if not damaged or isinstance(error, UnreadableFileError):
            raise error
        corner = tuple(self._reading.projections.corners[place].tolist())
        raise DamagedFileError(f"its chunk at {corner} cannot be read: {error}") from None

    def buffers(self, places: range) -> list[memoryview]:
        """The memory that chunks without filters fill in order; nothing for small pieces."""
        reading, part = self._reading, slice(places.start, places.stop)
        if not reading.plain[part].all():
            return []
        found: list[memoryview] = []
        end = 0
        for low, high in self._rows(places):
            begin = int(reading.offsets[low])
            if found and begin > end:
                found.append(self._scratch.take("unwanted", _GAP)[: begin - end].data)
            if reading.in_one_piece[low]:
                start = int(reading.starts[low])
                size = (high - low) * reading.pipeline.size
                found.append(reading.memory[start : start + size].data)
            else:
                pieces = self._in_pieces(low)
                if not pieces:
                    return []
                found += pieces
            end = int(reading.offsets[high - 1]) + reading.pipeline.size
        return found

    def _in_pieces(self, place: int) -> list[memoryview]:
        reading = self._reading
        pieces = reading.pieces(reading.projections.cut(place)[1])
        unwanted = self._scratch.take("unwanted", unwanted_bytes(pieces)).data
        start = int(reading.starts[place])
        return buffers_of(pieces, reading.memory.data, start, unwanted)

    def _rows(self, places: range) -> list[tuple[int, int]]:
        """The chunks that follow each other in memory as in the file, from one to another."""
        reading, part = self._reading, slice(places.start, places.stop)
        size = reading.pipeline.size
        follows = reading.in_one_piece[part][1:] & reading.in_one_piece[part][:-1]
        follows &= np.diff(reading.starts[part]) == size
        follows &= np.diff(reading.offsets[part]) == size
        edges = [0, *(np.flatnonzero(~follows) + 1).tolist(), len(places)]
        first = places.start
        return [(first + a, first + b) for a, b in pairwise(edges)]

    def take(self, places: range, contents: Sequence[memoryview]) -> None:
        """Decode chunks into their place."""
        reading, part = self._reading, slice(places.start, places.stop)
        pipeline, masks = reading.pipeline, reading.masks[part]
        if len(places) == 1 or not (masks == masks[0]).all():
            for place, content in zip(places, contents, strict=True):
                out, inside = reading.projections.cut(place)
                data, mask = np.frombuffer(content, np.uint8), int(reading.masks[place])
                pipeline.decode(data, mask, reading.result[out], inside, self._scratch)
            return
        follow = (
            reading.in_one_piece[part].all()
            and (np.diff(reading.starts[part]) == pipeline.size).all()
        )
        if follow:
            start = int(reading.starts[places.start])
            target = reading.memory[start : start + len(places) * pipeline.size]
        else:
            target = self._scratch.take("batch", len(places) * pipeline.size)
        pipeline.decode_batch(contents, int(masks[0]), target, self._scratch)
        if not follow:
            self._place(places, target)

    def _place(self, places: range, decoded: NDArray[np.uint8]) -> None:
        """Copy decoded chunks to their places."""
        reading = self._reading
        result, projections = reading.result, reading.projections
        values = decoded.view(result.dtype).reshape(-1, *reading.pipeline.chunk)
        for chunk, place in zip(values, places, strict=True):
            out, inside = projections.cut(place)
            result[out] = chunk[inside]


# memory that a chunk's bytes fill, piece by piece

Bounds: TypeAlias = tuple[tuple[int, int], ...]
"""First index and the one after the last, for each dimension of a chunk."""

Piece: TypeAlias = tuple[int, int]
"""Where it begins, from the part's first byte, and its length; -1 for what nobody wants."""

_UNWANTED = -1
_MOST_PIECES = 1000
"""One call of the system takes 1024."""
_LEAST_PIECE = 4096
"""Bytes below which they are copied faster than they are read one by one."""


def pieces_of(
    chunk: tuple[int, ...], part: Bounds, strides: tuple[int, ...], itemsize: int
) -> list[Piece]:
    """The pieces that a chunk falls into, of which a part is wanted.

    Parameters
    ----------
    chunk : tuple of int
        Shape of the chunk.
    part : tuple of (int, int)
        What is wanted of it.
    strides : tuple of int
        Bytes from one item of the part to the next in memory, along each dimension.
    itemsize : int
        Bytes of an item.

    Returns
    -------
    list of (int, int)
        All of the chunk, in order; nothing where they are small, or too many.
    """
    pieces, below = [(0, itemsize)], itemsize
    for (low, high), length, stride in reversed(list(zip(part, chunk, strides, strict=True))):
        if len(pieces) * (high - low) > _MOST_PIECES and pieces != [(0, stride)]:
            return []
        pieces = _joined(
            [
                (_UNWANTED, low * below),
                *_repeated(pieces, high - low, stride),
                (_UNWANTED, (length - high) * below),
            ]
        )
        if len(pieces) > _MOST_PIECES:
            return []
        below *= length
    wanted = [size for place, size in pieces if place != _UNWANTED]
    return pieces if sum(wanted) >= _LEAST_PIECE * len(wanted) else []


def _repeated(pieces: list[Piece], count: int, stride: int) -> list[Piece]:
    """The pieces of so many indices along a dimension."""
    if pieces == [(0, stride)]:
        return [(0, stride * count)]
    return [
        (place if place == _UNWANTED else place + step * stride, size)
        for step in range(count)
        for place, size in pieces
    ]


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Without empty ones; what lies side by side is one."""
    found: list[Piece] = []
    for place, size in pieces:
        if not size:
            continue
        before, length = found[-1] if found else (0, -1)
        if length > 0 and place == (before if before == _UNWANTED else before + length):
            found[-1] = (before, length + size)
        else:
            found.append((place, size))
    return found


def buffers_of(
    pieces: list[Piece], memory: memoryview, start: int, unwanted: memoryview
) -> list[memoryview]:
    """Pieces as a call of the system takes them.

    Parameters
    ----------
    pieces : list of (int, int)
        From `pieces_of`.
    memory : memoryview
        Of bytes, in which the part lies.
    start : int
        Where in that its first byte is.
    unwanted : memoryview
        Takes what nobody wants; as long as the longest such piece.
    """
    return [
        unwanted[:size] if place == _UNWANTED else memory[start + place : start + place + size]
        for place, size in pieces
    ]


def unwanted_bytes(pieces: list[Piece]) -> int:
    """Length of the longest piece that nobody wants."""
    return max((size for place, size in pieces if place == _UNWANTED), default=0)
