"""Blocks of an array that is being computed -> its stored chunks, in any order.

The encoder works where the block is, on a thread or on another machine; the target stands beside
the file, and is the only one that writes.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import h5py
import numpy as np
from h5py import h5d
from numpy.typing import NDArray

from hspyio.arrays.grid import ChunkGrid
from hspyio.arrays.indexing import BasicIndexer
from hspyio.arrays.writing import ChunkSink, write_chunks
from hspyio.filters.codec import Bytes
from hspyio.filters.pipeline import Pipeline, Scratch
from hspyio.hdf5.output import Output
from hspyio.nodes.node import Selection

__all__ = [
    "BlockCopier",
    "BlockEncoder",
    "ChunkTarget",
    "Encoder",
    "Piece",
    "PlainTarget",
    "Target",
]

Piece: TypeAlias = tuple[int, tuple[tuple[int, int], ...], Bytes, int]
"""The chunk's number, which part of it this is (nothing: all of it, encoded), bytes, mask."""


@dataclass(frozen=True)
class BlockEncoder:
    """Cuts blocks into chunks and compresses them. Plain data, which can be pickled.

    Attributes
    ----------
    pipeline : Pipeline
        Can encode.
    shape : tuple of int
        Of the whole array.
    """

    pipeline: Pipeline
    shape: tuple[int, ...]

    @property
    def grid(self) -> ChunkGrid:
        """The chunks."""
        return ChunkGrid(self.shape, self.pipeline.chunk)

    def pieces(self, selection: Selection, values: NDArray[Any]) -> Iterator[Piece]:
        """The chunks that a block covers, encoded, and its parts of those it shares with others.

        Parameters
        ----------
        selection : tuple of slice
            Where the block is, with step 1.
        values : ndarray
            The block, of just that shape.
        """
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
            yield 0, _bounds(selection), values.tobytes(), 0


def _bounds(selection: Selection) -> tuple[tuple[int, int], ...]:
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
    """Takes blocks in any order, from many threads, and stores their chunks.

    A chunk that several blocks share is put together in memory until the last part of it is
    there. What comes a second time, since a worker died and another one did its work again, is
    left out.

    Parameters
    ----------
    sink : ChunkSink
        Takes the chunks.
    encoder : BlockEncoder
        Makes its chunks.
    output : Output
        The file, and how to work.
    where : str
        Path of the array in the file, for messages.
    """

    def __init__(
        self, sink: ChunkSink, encoder: BlockEncoder, output: Output, where: str = ""
    ) -> None:
        self.encoder = encoder
        self.where = where
        self._sink = sink
        self._output = output
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
        work = replace(self._output.work, threads=threads)
        write_chunks(self._sink, self.encoder.pipeline, values, work)
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
        self._output.work.advance(_size(grid.region(number)) * self.encoder.pipeline.dtype.itemsize)

    def _joined(
        self, number: int, inside: tuple[tuple[int, int], ...], data: Bytes
    ) -> NDArray[Any] | None:
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
    there: set[tuple[tuple[int, int], ...]]
    missing: int


def _size(region: tuple[slice, ...]) -> int:
    return math.prod(part.stop - part.start for part in region)


class PlainTarget:
    """Takes blocks for filters that only HDF5 has.

    Parameters
    ----------
    dataset : h5py DatasetID
        New.
    output : Output
        The file, and how to work.
    where : str
        Path of the array in the file, for messages.
    """

    def __init__(self, dataset: h5d.DatasetID, output: Output, where: str = "") -> None:
        self.encoder = BlockCopier()
        self.where = where
        self._dataset = h5py.Dataset(dataset)
        self._output = output
        self._lock = threading.Lock()
        self._stored: set[tuple[tuple[int, int], ...]] = set()
        self._missing: int = math.prod(self._dataset.shape)

    def take(self, piece: Piece) -> None:
        """Store a block that came as bytes."""
        _, bounds, data, _ = piece
        shape = [stop - start for start, stop in bounds]
        values = np.frombuffer(data, self._dataset.dtype).reshape(shape)
        self[tuple(slice(*part) for part in bounds)] = values

    def missing(self) -> int:
        """Values that have not come yet."""
        return self._missing

    def finish(self) -> None:
        """Nothing waits: blocks go straight to HDF5."""

    def __setitem__(self, selection: Selection, values: NDArray[Any]) -> None:
        """Store a block."""
        bounds = _bounds(selection)
        with self._lock:
            self._dataset[selection] = values
            if bounds not in self._stored:
                self._stored.add(bounds)
                self._missing -= values.size
        self._output.check()
        self._output.work.advance(values.nbytes)
