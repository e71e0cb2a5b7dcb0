"""The chunks of an array: numbered in C order, with their places and the arithmetic between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from hspyio.errors import DamagedFileError
from hspyio.forks import derived

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ChunkGrid", "Region", "is_row_major"]

Region: TypeAlias = tuple[slice, ...]
"""A part of an array: a slice with a beginning, an end and step 1 for each dimension."""

_MOST_CHUNKS = 2**62


@dataclass(frozen=True)
class ChunkGrid:
    """The chunks of an array.

    A chunk has a number (its place in C order), coords (the same along each dimension) and a
    corner (where in the array it begins).

    Attributes
    ----------
    shape, chunk : tuple of int
        Of the array, and of a chunk.
    """

    shape: tuple[int, ...]
    chunk: tuple[int, ...]

    @derived
    def counts(self) -> tuple[int, ...]:
        """Chunks along each dimension."""
        return tuple(-(-n // step) for n, step in zip(self.shape, self.chunk, strict=True))

    @derived
    def count(self) -> int:
        """Chunks of the array."""
        return math.prod(self.counts)

    @derived
    def strides(self) -> NDArray[np.int64]:
        """Steps in the numbers from a chunk to the next along each dimension.

        Raises
        ------
        DamagedFileError
            If there are more chunks than numbers for them.
        """
        if math.prod(self.counts) > _MOST_CHUNKS:
            raise DamagedFileError(f"is said to have {self.count:,} chunks")
        after = [math.prod(self.counts[i + 1 :]) for i in range(len(self.counts))]
        return np.array([min(n, _MOST_CHUNKS) for n in after], np.int64)

    def numbers(self, coords: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers of chunks, by their coords: an array of ``(n, rank)``."""
        return np.asarray(coords @ self.strides, np.int64)

    def coords(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Inverse of `numbers`."""
        counts = np.maximum(np.array(self.counts, np.int64), 1)
        return numbers[:, None] // np.maximum(self.strides, 1) % counts

    def corners(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where in the array chunks begin: an array of ``(n, rank)``."""
        return self.coords(numbers) * np.array(self.chunk, np.int64)

    def number(self, coords: tuple[int, ...]) -> int:
        """Number of one chunk."""
        number = 0
        for i, count in zip(coords, self.counts, strict=True):
            number = number * count + i
        return number

    def corner(self, number: int) -> tuple[int, ...]:
        """Where in the array one chunk begins."""
        starts = []
        for count, step in zip(reversed(self.counts), reversed(self.chunk), strict=True):
            number, i = divmod(number, count)
            starts.append(i * step)
        return tuple(reversed(starts))

    def region(self, number: int) -> Region:
        """The part of the array that a chunk holds; at its edge smaller than the chunk."""
        return tuple(
            slice(low, min(low + step, n))
            for low, step, n in zip(self.corner(number), self.chunk, self.shape, strict=True)
        )

    def bounds(self, number: int) -> tuple[tuple[int, int], ...]:
        """The same, as first index and the one after the last."""
        return tuple((part.start, part.stop) for part in self.region(number))


def is_row_major(chunk: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether a whole chunk is one piece of an array's memory: ones, anything, then all."""
    inner = len(chunk)
    while inner and chunk[inner - 1] == shape[inner - 1]:
        inner -= 1
    return all(n == 1 for n in chunk[: max(0, inner - 1)])
