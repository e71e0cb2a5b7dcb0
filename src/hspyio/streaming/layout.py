"""How the array of a stream is stored: its shape, chunks and filters, which never change."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hspyio.arrays.chunk_shapes import guess_chunks, stream_chunks, user_chunks
from hspyio.arrays.grid import ChunkGrid
from hspyio.arrays.indexing import BasicIndexer, ChunkProjection
from hspyio.errors import FilterError, OptionError, byte_text
from hspyio.filters.pipeline import Pipeline
from hspyio.forks import derived
from hspyio.hdf5.limits import UNSUSPICIOUS
from hspyio.hdf5.writing.dataset_writer import stored_filters
from hspyio.nodes.node import Array, Filter, Group, IndexedSource, MemorySource
from hspyio.options import WriteOptions
from hspyio.transaction.plan import plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Put", "StreamLayout", "planned_layout"]

Put: TypeAlias = Callable[[int, int], tuple[int | None, int]]
"""See `IndexedSource.put`."""

_MOST_CHUNKS = 2**60
_MOST_ROWS = 2**40


class StreamLayout:
    """The array.

    Parameters
    ----------
    node : Array
        Its type, chunks, filters as they are to stand in the file, and signal dimensions.
    shape : tuple of int
        Length of each dimension; of the open one at the beginning.
    is_open : bool
        Whether the first dimension grows.
    fill : ndarray
        The value of what was never written, without dimensions.
    """

    def __init__(
        self, node: Array, shape: tuple[int, ...], *, is_open: bool, fill: NDArray[Any]
    ) -> None:
        assert node.chunks is not None and isinstance(node.type, np.dtype)
        self.shape, self.is_open, self.fill = shape, is_open, fill
        self.signal_dims = node.signal_dims or ()
        self.chunk: tuple[int, ...] = node.chunks
        self.pipeline = Pipeline(node.filters, node.type, node.chunks)
        self._node = node

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values, as they are stored."""
        return self.pipeline.dtype

    @derived
    def grid(self) -> ChunkGrid:
        """Its chunks; with an open dimension more than there will ever be, of the same numbers."""
        if not self.is_open:
            return ChunkGrid(self.shape, self.chunk)
        across = ChunkGrid(self.shape[1:], self.chunk[1:]).count
        rows = min(_MOST_ROWS, _MOST_CHUNKS // max(1, across))
        return ChunkGrid((rows * self.chunk[0], *self.shape[1:]), self.chunk)

    @derived
    def across(self) -> tuple[ChunkProjection, ...]:
        """What of one frame goes into which chunk, of all dimensions but the first."""
        shape, chunk = self.shape[1:], self.chunk[1:]
        if not shape:
            return (ChunkProjection((), (), ()),)
        return tuple(BasicIndexer((), shape).projections(ChunkGrid(shape, chunk)))

    def inside(self, number: int) -> tuple[int, ...]:
        """Shape of the part of a chunk that lies in the array."""
        return tuple(part.stop - part.start for part in self.grid.region(number))

    @property
    def frame_bytes(self) -> int:
        """Bytes of what one index of the first dimension holds."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    @property
    def navigation_dims(self) -> tuple[int, ...]:
        """Dimensions that hold no signal: what was written is told for each of their places."""
        return tuple(i for i in range(len(self.shape)) if i not in self.signal_dims)

    def node(self, length: int, address: int | None, put: Put | None = None) -> Array:
        """The array as one state of the file has it.

        Parameters
        ----------
        length : int
            Of the first dimension.
        address : int or None
            Of the index of its chunks.
        put : callable, optional
            What writes chunks and index, instead: see `IndexedSource`.
        """
        shape = (length, *self.shape[1:])
        most = (None, *self.shape[1:]) if self.is_open else None
        return replace(
            self._node, source=IndexedSource(shape, self.fill, address, put), maxshape=most
        )


def planned_layout(
    node: Array, shape: tuple[int, ...], options: WriteOptions, *, is_open: bool, fill: NDArray[Any]
) -> StreamLayout:
    """Choose chunks and filters of a new array.

    Raises
    ------
    OptionError, FilterError
        If options make no sense, or a filter can only be applied by HDF5.
    """
    assert isinstance(node.type, np.dtype)
    chunk = _chunk(shape, node, options, is_open=is_open)
    sample = replace(node, source=MemorySource(np.broadcast_to(fill, chunk)), inline=False)
    group = plan(Group({}, {"data": sample}), _with_chunks(options, chunk))
    planned = group.members["data"]
    assert isinstance(planned, Array)
    filters = stored_filters(planned, node.type)
    if not Pipeline(filters, node.type, chunk).encodes:
        raise FilterError(
            f"compression {_named(filters)} cannot be applied by several threads while data come; "
            "take gzip, lzf, a filter of hdf5plugin that hspyio knows, or None"
        )
    return StreamLayout(
        replace(planned, filters=filters, chunks=chunk), shape, is_open=is_open, fill=fill
    )


def _check_size(chunk: tuple[int, ...], size: int) -> None:
    """Refuse chunks in which the first few frames would be a suspiciously small part."""
    if size > UNSUSPICIOUS:
        raise OptionError(
            f"chunks {chunk} are of {byte_text(size)} each, of which a file that has just begun "
            f"fills little; use chunks of {byte_text(UNSUSPICIOUS)} at most, or leave them out"
        )


def _with_chunks(options: WriteOptions, chunk: tuple[int, ...]) -> WriteOptions:
    return WriteOptions(
        chunks=chunk,
        compression=options.compression,
        compression_opts=options.compression_opts,
        shuffle=options.shuffle,
    )


def _named(filters: tuple[Filter, ...]) -> str:
    return ", ".join(step.name or str(step.id) for step in filters)


def _chunk(
    shape: tuple[int, ...], node: Array, options: WriteOptions, *, is_open: bool
) -> tuple[int, ...]:
    assert isinstance(node.type, np.dtype)
    size = node.type.itemsize
    endless = (_MOST_ROWS, *shape[1:]) if is_open else shape
    if isinstance(options.chunks, tuple):
        given = user_chunks(options.chunks, endless, size)
        if given is None:
            raise OptionError(
                f"chunks {options.chunks} has {len(options.chunks)} lengths, the data have "
                f"{len(shape)} dimensions"
            )
        if is_open:
            _check_size(given, math.prod(given) * size)
        return given
    if options.chunks is True:
        return guess_chunks(shape, size)
    # One that grows never lies within a chunk as a whole, whatever its axis says.
    return stream_chunks(endless, size, [i for i in node.signal_dims or () if i or not is_open])
