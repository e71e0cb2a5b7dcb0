"""Where the bytes of an array stand in its file: what the engine reads by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.filters.pipeline import Pipeline
from hspyio.forks import derived
from hspyio.nodes.node import Filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ChunkIndex", "Stored", "no_chunks"]


@dataclass(frozen=True)
class Stored:
    """An array as it stands in a file. Plain data, which can be pickled.

    Attributes
    ----------
    shape : tuple of int
        Length of each dimension.
    dtype : numpy dtype
        Of the values, byte for byte as they are stored.
    chunks : tuple of int or None
        Chunk shape, ``None`` where the values stand in one block.
    filters : tuple of Filter
        With the options in the file.
    fill : bytes
        The value of what was never written; nothing for zero.
    address : int or None
        Where the one block begins, ``None`` if it was never written.
    tree : int or None
        Where the tree of the chunks begins, if that is known.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...] | None
    filters: tuple[Filter, ...]
    fill: bytes
    address: int | None = None
    tree: int | None = None

    @derived
    def pipeline(self) -> Pipeline:
        """What decodes its chunks."""
        assert self.chunks is not None
        return Pipeline(self.filters, self.dtype, self.chunks)

    @derived
    def grid(self) -> tuple[int, ...]:
        """Number of chunks along each dimension."""
        assert self.chunks is not None
        return tuple(-(-n // step) for n, step in zip(self.shape, self.chunks, strict=True))

    def empty(self, shape: tuple[int, ...], *, filled: bool) -> NDArray[Any]:
        """A new array for the values, with the fill value in it where that is asked for."""
        if not filled:
            return np.empty(shape, self.dtype)
        if self.fill.count(0) == len(self.fill):
            return np.zeros(shape, self.dtype)
        return np.full(shape, np.frombuffer(self.fill, self.dtype)[0], self.dtype)


@dataclass(frozen=True, slots=True, eq=False)
class ChunkIndex:
    """The chunks that a file holds of an array, in the order of their place in the grid.

    Attributes
    ----------
    places : ndarray of int64
        Ascending; the chunk's place in the grid, counted in C order.
    offsets, sizes : ndarray of int64
        Where it begins in the file, and its length there.
    masks : ndarray of int64
        A bit for each filter that was left out.
    """

    places: NDArray[np.int64]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    masks: NDArray[np.int64]

    def select(self, rows: NDArray[np.int64]) -> ChunkIndex:
        """Some of the chunks, in the order of their offsets, as a disk likes them."""
        rows = rows[np.argsort(self.offsets[rows], kind="stable")]
        return ChunkIndex(self.places[rows], self.offsets[rows], self.sizes[rows], self.masks[rows])

    def __len__(self) -> int:
        """Number of chunks."""
        return len(self.places)


def no_chunks() -> ChunkIndex:
    """The index of an array of which nothing was ever written."""
    return ChunkIndex(*(np.empty(0, np.int64) for _ in range(4)))
