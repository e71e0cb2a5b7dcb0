"""Stored chunks -> one array, on several threads, past HDF5."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.arrays.chunked import ChunkIndex, Stored
from hspyio.arrays.pieces import Bounds, Piece, buffers_of, pieces_of, unwanted_bytes
from hspyio.arrays.workers import Work, each
from hspyio.errors import DamagedFileError
from hspyio.filters.pipeline import Scratch
from hspyio.hdf5.snapshot import file_size, read_into
from hspyio.nodes.node import Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Span", "read_block", "read_chunks", "spans"]

_BLOCK = 4 * 2**20
"""Bytes of an unchunked array that a thread reads at a time."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is selected of one dimension.

    Attributes
    ----------
    start, step, count : int
        The first index, the distance to the next, and how many.
    single : bool
        Whether the dimension is dropped from the result.
    """

    start: int
    step: int
    count: int
    single: bool = False

    def within(self, low: int, high: int) -> tuple[slice, slice]:
        """The part that lies in an interval: where in the result, and where in the interval."""
        first = max(0, -(-(low - self.start) // self.step))
        last = min(self.count, -(-(high - self.start) // self.step))
        begin = self.start + first * self.step - low
        end = self.start + (last - 1) * self.step - low + 1
        return slice(first, max(first, last)), slice(begin, max(begin, end), self.step)

    @property
    def last(self) -> int:
        """The last index."""
        return self.start + (self.count - 1) * self.step


def spans(selection: Selection, shape: tuple[int, ...]) -> tuple[Span, ...]:
    """Selection as a span a dimension; dimensions that are not named are taken whole.

    Raises
    ------
    IndexError
        If it does not fit the array.
    """
    if len(selection) > len(shape):
        raise IndexError(f"{len(selection)} indices for an array of shape {shape}")
    whole = (slice(None),) * (len(shape) - len(selection))
    return tuple(_span(part, n) for part, n in zip((*selection, *whole), shape, strict=True))


def _span(part: slice | int, length: int) -> Span:
    if isinstance(part, slice):
        start, stop, step = part.indices(length)
        if step < 1:
            raise IndexError(f"a selection goes forward, not by {step}")
        return Span(start, step, len(range(start, stop, step)))
    index = int(part) + (length if part < 0 else 0)
    if not 0 <= index < length:
        raise IndexError(f"index {part} is out of bounds for a length of {length}")
    return Span(index, 1, 1, single=True)


def read_chunks(
    stored: Stored, index: ChunkIndex, descriptor: int, selection: Selection, work: Work
) -> NDArray[Any]:
    """Read a selection of a chunked array; each chunk it touches is read once, no other.

    Parameters
    ----------
    stored : Stored
        The array; its filters can be decoded here.
    index : ChunkIndex
        Its chunks.
    descriptor : int
        The file.
    selection : tuple of slice or int
        What to read.
    work : Work
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
    chosen = spans(selection, stored.shape)
    shape = tuple(span.count for span in chosen)
    size = math.prod(shape) * stored.dtype.itemsize
    work.expect(size)
    if not size:
        result = stored.empty(shape, filled=True)
    else:
        touched, complete = _touched(stored, index, chosen)
        result = stored.empty(shape, filled=not complete)
        reading = _Reading(stored, touched, descriptor, chosen, result, work)
        readers: list[_ChunkReader] = []

        def reader() -> Callable[[int], None]:
            readers.append(_ChunkReader(reading))
            return readers[-1].read

        # A page of memory that two threads fill at once is cleared twice, so not in one row.
        each(range(len(touched)), reader, work.threads, together=math.prod(stored.grid[1:]))
        work.advance(size - sum(reader.done for reader in readers))  # chunks that are not there
    return result.reshape([span.count for span in chosen if not span.single])


def _touched(stored: Stored, index: ChunkIndex, chosen: Sequence[Span]) -> tuple[ChunkIndex, bool]:
    """The chunks that a selection may touch, and whether there is none missing."""
    assert stored.chunks is not None
    ranges = [
        (span.start // step, span.last // step + 1)
        for span, step in zip(chosen, stored.chunks, strict=True)
    ]
    wanted = math.prod(high - low for low, high in ranges)
    if wanted == len(index) == math.prod(stored.grid):
        return index.select(np.arange(wanted)), True
    if wanted > len(index):
        coordinates = np.unravel_index(index.places, stored.grid)
        inside = np.ones(len(index), bool)
        for axis, (low, high) in zip(coordinates, ranges, strict=True):
            inside &= (axis >= low) & (axis < high)
        return index.select(np.flatnonzero(inside)), False
    axes = np.ix_(*(np.arange(low, high) for low, high in ranges))
    places = np.ravel_multi_index(np.broadcast_arrays(*axes), stored.grid).ravel()
    rows = np.minimum(np.searchsorted(index.places, places), len(index) - 1)
    there = index.places[rows] == places
    return index.select(rows[there]), bool(there.all())


class _Reading:
    """What the threads of one call have in common; chunks are known by their row in the index."""

    def __init__(
        self,
        stored: Stored,
        chunks: ChunkIndex,
        descriptor: int,
        chosen: tuple[Span, ...],
        result: NDArray[Any],
        work: Work,
    ) -> None:
        assert stored.chunks is not None
        self.pipeline = stored.pipeline
        self.descriptor = descriptor
        self.end = file_size(descriptor)
        self.result = result
        self.advance = work.advance
        self.facts: list[list[int]] = np.stack(
            [chunks.offsets, chunks.sizes, chunks.masks], axis=-1
        ).tolist()
        corners = np.stack(np.unravel_index(chunks.places, stored.grid), axis=-1)
        self.corners: list[list[int]] = (corners * np.array(stored.chunks)).tolist()
        self.memory = result.reshape(-1).view(np.uint8).data
        self._pieces: dict[Bounds, list[Piece]] = {}
        self._dimensions = tuple(zip(chosen, stored.chunks, stored.shape, strict=True))
        self._cuts: tuple[dict[int, tuple[slice, slice]], ...] = tuple({} for _ in chosen)

    def parts(self, row: int) -> tuple[NDArray[Any], tuple[slice, ...]]:
        """Where a chunk goes, a view of the result, and which part of the chunk that is."""
        cuts = [
            known.get(low) or known.setdefault(low, span.within(low, min(low + step, n)))
            for known, low, (span, step, n) in zip(
                self._cuts, self.corners[row], self._dimensions, strict=True
            )
        ]
        target = self.result[tuple(outside for outside, _ in cuts)]
        return target, tuple(inside for _, inside in cuts)

    def start_of(self, row: int) -> int:
        """Where in memory the first byte goes that is wanted of a chunk."""
        starts = (
            known[low][0].start for known, low in zip(self._cuts, self.corners[row], strict=True)
        )
        return sum(start * step for start, step in zip(starts, self.result.strides, strict=True))

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


class _ChunkReader:
    """What one thread does with each chunk, with buffers of its own."""

    def __init__(self, reading: _Reading) -> None:
        self._reading = reading
        self._scratch = Scratch()
        self.done = 0

    def read(self, row: int) -> None:
        """Read one chunk into its place."""
        target, inside = self._reading.parts(row)
        if not target.size:
            return
        try:
            self._decode(row, target, inside)
        except (OSError, RuntimeError, ValueError) as error:
            corner = tuple(self._reading.corners[row])
            raise DamagedFileError(f"its chunk at {corner} cannot be read: {error}") from None
        self.done += target.nbytes
        self._reading.advance(target.nbytes)

    def _decode(self, row: int, target: NDArray[Any], inside: tuple[slice, ...]) -> None:
        reading, pipeline = self._reading, self._reading.pipeline
        offset, size, mask = reading.facts[row]
        plain = all(mask >> i & 1 for i in range(len(pipeline.filters)))
        if plain and size == pipeline.size and (buffers := self._in_place(row, inside)):
            read_into(reading.descriptor, buffers, offset)
            return
        # Before a buffer is made: the file itself has to be that long.
        if size < 0 or offset < 0 or offset + size > reading.end:
            raise ValueError(f"it is said to be {size} bytes at {offset}, outside the file")
        buffer = self._scratch.take("stored", size)
        read_into(reading.descriptor, [buffer.data], offset)
        pipeline.decode(buffer, mask, target, inside, self._scratch)

    def _in_place(self, row: int, inside: tuple[slice, ...]) -> list[memoryview]:
        """The memory that a chunk's bytes fill in order; nothing where that is in small pieces."""
        reading = self._reading
        found = reading.pieces(inside)
        if not found:
            return []
        unwanted = self._scratch.take("unwanted", unwanted_bytes(found)).data
        return buffers_of(found, reading.memory, reading.start_of(row), unwanted)


def read_block(
    stored: Stored, descriptor: int, selection: Selection, work: Work
) -> NDArray[Any] | None:
    """Read an unchunked array, or whole rows of it; ``None`` for other selections of it.

    Parameters
    ----------
    stored : Stored
        The array.
    descriptor : int
        The file.
    selection : tuple of slice or int
        What to read.
    work : Work
        Threads, and who is told of the progress.

    Raises
    ------
    DamagedFileError
        If the file ends before the array does.
    """
    chosen = spans(selection, stored.shape)
    if chosen[0].step != 1 or any(
        span.count != n for span, n in zip(chosen[1:], stored.shape[1:], strict=True)
    ):
        return None
    shape = tuple(span.count for span in chosen)
    row = math.prod(stored.shape[1:]) * stored.dtype.itemsize
    work.expect(shape[0] * row)
    if stored.address is None:
        work.advance(shape[0] * row)
        return stored.empty(shape, filled=True).reshape(_kept(chosen))
    start, size = stored.address + chosen[0].start * row, shape[0] * row
    if start + size > file_size(descriptor):
        raise DamagedFileError(f"its values end at {start + size}, the file before that")
    result = stored.empty(shape, filled=False)
    if not size:
        return result.reshape(_kept(chosen))
    memory = result.reshape(-1).view(np.uint8).data
    each(
        range(0, size, _BLOCK), lambda: _block_reader(memory, descriptor, start, work), work.threads
    )
    return result.reshape(_kept(chosen))


def _kept(chosen: Sequence[Span]) -> list[int]:
    return [span.count for span in chosen if not span.single]


def _block_reader(
    memory: memoryview, descriptor: int, start: int, work: Work
) -> Callable[[int], None]:
    def read(begin: int) -> None:
        part = memory[begin : begin + _BLOCK]
        read_into(descriptor, [part], start + begin)
        work.advance(len(part))

    return read
