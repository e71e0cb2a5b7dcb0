"""Where the bytes of an array stand in its file: what index, reading and checksums share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.arrays.grid import ChunkGrid
from hspyio.arrays.indexing import BasicIndexer
from hspyio.filters.pipeline import Pipeline
from hspyio.forks import derived
from hspyio.nodes.node import Filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ChunkManifest", "StoredArray"]


@dataclass(frozen=True, slots=True, eq=False)
class ChunkManifest:
    """The chunks that a file holds of an array, in the order of their place in the grid.

    An offset and a size are what the file claims: whoever reads by them looks first.

    Attributes
    ----------
    ids : ndarray of int64
        Ascending; the chunk's number in the grid.
    offsets, sizes : ndarray of int64
        Where it begins in the file, and its length there.
    masks : ndarray of int64
        A bit for each filter that was left out.
    """

    ids: NDArray[np.int64]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    masks: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Check that the arrays go together; nobody changes them from here on."""
        for name in ("ids", "offsets", "sizes", "masks"):
            given = np.asarray(getattr(self, name), np.int64)
            made = np.ascontiguousarray(given).view()
            made.flags.writeable = False
            object.__setattr__(self, name, made)
        if not self.ids.shape == self.offsets.shape == self.sizes.shape == self.masks.shape:
            raise ValueError("the arrays of a manifest differ in length")
        several = self.ids.size > 1
        if self.ids.ndim != 1 or (several and not (self.ids[1:] > self.ids[:-1]).all()):
            raise ValueError("the chunks of a manifest are not in order")

    @classmethod
    def empty(cls) -> ChunkManifest:
        """Of an array of which nothing was ever written."""
        return cls(*(np.empty(0, np.int64) for _ in range(4)))

    def __len__(self) -> int:
        """Number of chunks."""
        return len(self.ids)

    def rows(self, indexer: BasicIndexer, grid: ChunkGrid) -> tuple[NDArray[np.int64], bool]:
        """Which of the chunks a selection touches, and whether there is none missing.

        In the order of their offsets, as a disk likes them.
        """
        touched = indexer.touched(grid)
        wanted = 1
        for along in touched:
            wanted *= len(along)
        if wanted == len(self) == grid.count:
            return self._as_on_disk(np.arange(wanted)), True
        if wanted > len(self):
            inside = np.ones(len(self), bool)
            for axis, along in zip(grid.coords(self.ids).T, touched, strict=True):
                inside &= (axis >= along.start) & (axis < along.stop)
            return self._as_on_disk(np.flatnonzero(inside)), False
        numbers = indexer.numbers(grid)
        rows = np.minimum(np.searchsorted(self.ids, numbers), len(self) - 1)
        there = self.ids[rows] == numbers if len(self) else np.zeros(len(numbers), bool)
        return self._as_on_disk(rows[there]), bool(there.all())

    def _as_on_disk(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return rows[np.argsort(self.offsets[rows], kind="stable")]


@dataclass(frozen=True)
class StoredArray:
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
    def grid(self) -> ChunkGrid:
        """Its chunks."""
        assert self.chunks is not None
        return ChunkGrid(self.shape, self.chunks)

    def empty(self, shape: tuple[int, ...], *, filled: bool) -> NDArray[Any]:
        """A new array for the values, with the fill value in it where that is asked for."""
        if not filled:
            return np.empty(shape, self.dtype)
        if self.fill.count(0) == len(self.fill):
            return np.zeros(shape, self.dtype)
        return np.full(shape, np.frombuffer(self.fill, self.dtype)[0], self.dtype)
