"""A selection of an array -> what of each chunk goes where in the result.

All arithmetic on slices is here: `BasicIndexer` for slices that go forward and single indices,
which is what sources read, and `OrthogonalIndexer` for what dask and xarray ask for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hspyio.arrays.grid import ChunkGrid, Region
from hspyio.nodes.node import Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "BasicIndexer",
    "ChunkProjection",
    "ChunkProjections",
    "OrthogonalIndexer",
    "Range",
    "Run",
]


class ChunkProjection(NamedTuple):
    """What of one chunk goes where.

    Attributes
    ----------
    coords : tuple of int
        The chunk's place in the grid.
    chunk_selection : tuple of slice
        What is wanted of the chunk.
    out_selection : tuple of slice
        Where that goes in the result, which has all dimensions here.
    """

    coords: tuple[int, ...]
    chunk_selection: Region
    out_selection: Region


@dataclass(frozen=True, slots=True)
class Range:
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

    @classmethod
    def of(cls, part: slice | int, length: int) -> Range:
        """Take a slice or an index of a dimension.

        Raises
        ------
        IndexError
            If it is not in the dimension, or goes backward.
        """
        if isinstance(part, slice):
            start, stop, step = part.indices(length)
            if step < 1:
                raise IndexError(f"a selection goes forward, not by {step}")
            return cls(start, step, len(range(start, stop, step)))
        index = int(part) + (length if part < 0 else 0)
        if not 0 <= index < length:
            raise IndexError(f"index {part} is out of bounds for a length of {length}")
        return cls(index, 1, 1, single=True)

    @property
    def last(self) -> int:
        """The last index."""
        return self.start + (self.count - 1) * self.step

    def beyond(self, count: int) -> Range:
        """All but the first few of it."""
        return Range(self.start + count * self.step, self.step, self.count - count, self.single)

    @property
    def as_slice(self) -> slice:
        """The indices as numpy takes them; a single one keeps its dimension."""
        return slice(self.start, self.last + 1 if self.count else self.start, self.step)

    def within(self, low: int, high: int) -> tuple[slice, slice]:
        """The part that lies in an interval: where in the result, and where in the interval."""
        first = max(0, -(-(low - self.start) // self.step))
        last = min(self.count, -(-(high - self.start) // self.step))
        begin = self.start + first * self.step - low
        end = self.start + (last - 1) * self.step - low + 1
        return slice(first, max(first, last)), slice(begin, max(begin, end), self.step)

    def touched(self, step: int) -> range:
        """Coords of the chunks, of such a length, in which some of it may lie."""
        return range(self.start // step, self.last // step + 1) if self.count else range(0)


class BasicIndexer:
    """A selection of slices and single indices; dimensions that are not named are taken whole.

    Parameters
    ----------
    selection : tuple of slice or int
        Slices go forward.
    shape : tuple of int
        Of the array.

    Attributes
    ----------
    ranges : tuple of Range
        What is selected of each dimension.
    shape : tuple of int
        Of the result, with one for each dimension that is dropped from it.

    Raises
    ------
    IndexError
        If it does not fit the array.
    """

    def __init__(self, selection: Selection, shape: tuple[int, ...]) -> None:
        if len(selection) > len(shape):
            raise IndexError(f"{len(selection)} indices for an array of shape {shape}")
        whole = (slice(None),) * (len(shape) - len(selection))
        parts = zip((*selection, *whole), shape, strict=True)
        self.ranges = tuple(Range.of(part, n) for part, n in parts)
        self.shape = tuple(one.count for one in self.ranges)
        self._array = shape

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def kept(self) -> tuple[int, ...]:
        """Shape of the result."""
        return tuple(one.count for one in self.ranges if not one.single)

    @property
    def dropped(self) -> tuple[slice | int, ...]:
        """What makes the result of an array of `shape`."""
        return tuple(0 if one.single else slice(None) for one in self.ranges)

    @property
    def slices(self) -> Region:
        """The selection in slices alone: what it reads has `shape`."""
        return tuple(one.as_slice for one in self.ranges)

    @property
    def is_rows(self) -> bool:
        """Whether it is one piece of the array's memory: neighbours along the first dimension."""
        rest = zip(self.ranges[1:], self._array[1:], strict=True)
        return self.ranges[0].step == 1 and all(one.count == n for one, n in rest)

    def touched(self, grid: ChunkGrid) -> tuple[range, ...]:
        """Coords of the chunks in which some of it may lie, along each dimension."""
        if not self.size:
            return (range(0),) * len(self.ranges)
        steps = zip(self.ranges, grid.chunk, strict=True)
        return tuple(one.touched(step) for one, step in steps)

    def numbers(self, grid: ChunkGrid) -> NDArray[np.int64]:
        """Numbers of these chunks, ascending."""
        total = np.zeros(1, np.int64)
        for coords, stride in zip(self.touched(grid), grid.strides.tolist(), strict=True):
            along = np.arange(coords.start, coords.stop, dtype=np.int64) * stride
            total = (total[:, None] + along).reshape(-1)
        return total

    def projections(self, grid: ChunkGrid) -> Iterator[ChunkProjection]:
        """What goes where, of every chunk of which something is wanted, in C order."""
        steps = zip(self.ranges, self.touched(grid), grid.chunk, grid.shape, strict=True)
        cuts = [
            [(i, *one.within(i * step, min((i + 1) * step, n))) for i in coords]
            for one, coords, step, n in steps
        ]
        for cut in product(*cuts):
            if all(out.start < out.stop for _, out, _ in cut):
                coords, out, inside = zip(*cut, strict=True)
                yield ChunkProjection(coords, inside, out)


class ChunkProjections:
    """What goes where of many chunks at once, as arrays with an item for each.

    Parameters
    ----------
    indexer : BasicIndexer
        What is selected.
    grid : ChunkGrid
        The chunks.
    ids : ndarray of int64
        Their numbers.

    Attributes
    ----------
    ids : ndarray of int64
        Their numbers.
    corners : ndarray of int64
        Where in the array each chunk begins: ``(n, rank)``.
    starts : ndarray of int64
        The first index of the result that each fills: ``(n, rank)``.
    counts : ndarray of int64
        How many values each brings.
    whole : ndarray of bool
        Whether all of it is wanted, value beside value.
    """

    def __init__(self, indexer: BasicIndexer, grid: ChunkGrid, ids: NDArray[np.int64]) -> None:
        self._ranges, self._steps, self._shape = indexer.ranges, grid.chunk, grid.shape
        self._known: tuple[dict[int, tuple[slice, slice]], ...] = tuple({} for _ in grid.chunk)
        self.ids, self.corners = ids, grid.corners(ids)
        one = [np.array([getattr(r, name) for r in indexer.ranges], np.int64) for name in _FIELDS]
        start, step, count = one
        ends = np.minimum(self.corners + np.array(grid.chunk), np.array(grid.shape))
        self.starts = np.maximum(0, -((start - self.corners) // step))
        stops = np.minimum(count, -((start - ends) // step))
        lengths = np.maximum(0, stops - self.starts)
        self.counts = lengths.prod(axis=1, dtype=np.int64)
        dense = (step == 1) | (lengths == 1)
        self.whole = ((lengths == np.array(grid.chunk)) & dense).all(axis=1)

    def select(self, places: NDArray[np.intp]) -> ChunkProjections:
        """Some of them."""
        made = copy(self)
        for name in ("ids", "corners", "starts", "counts", "whole"):
            setattr(made, name, getattr(self, name)[places])
        return made

    def cut(self, place: int) -> tuple[Region, Region]:
        """Of one of them: where in the result, and where in the chunk."""
        cuts = [
            known.get(low) or known.setdefault(low, one.within(low, min(low + step, n)))
            for known, low, one, step, n in zip(
                self._known, self.corners[place].tolist(), self._ranges, self._steps, self._shape,
                strict=True,
            )
        ]  # fmt: skip
        return tuple(out for out, _ in cuts), tuple(inside for _, inside in cuts)


_LARGE = 2**22
"""Bytes above which a selection is read in several pieces."""
_FIELDS = ("start", "step", "count")


class Run(NamedTuple):
    """What is read of one dimension at a time.

    Attributes
    ----------
    read : slice or int
        What is read, going forward.
    taken : slice or ndarray of int, or None
        What is wanted of that; ``None``: all of it, as it was read.
    out : slice
        Where that goes among the sorted indices of the dimension.
    """

    read: slice | int
    taken: slice | NDArray[np.intp] | None
    out: slice


class OrthogonalIndexer:
    """A selection that takes each dimension for itself: slices, indices, lists of them, masks.

    Parameters
    ----------
    selection : object or tuple of objects
        What dask or xarray ask for; dimensions that are not named are taken whole.
    shape : tuple of int
        Of the array.
    """

    def __init__(self, selection: Any, shape: tuple[int, ...]) -> None:
        parts = selection if isinstance(selection, tuple) else (selection,)
        whole = (slice(None),) * (len(shape) - len(parts))
        self._parts = [_plain(part, n) for part, n in zip((*parts, *whole), shape, strict=True)]

    def read(self, read: Callable[[Selection], NDArray[Any]]) -> NDArray[Any]:
        """Read it in one go: all that lies between the first and the last index of a list."""
        runs = [_run(part) for part in self._parts]
        values = read(tuple(run.read for run in runs))
        axis = 0
        for run in runs:
            if run.taken is not None:
                values = values[(slice(None),) * axis + (run.taken,)]
            axis += isinstance(run.read, slice)
        return values

    def read_apart(
        self,
        read: Callable[[Selection], NDArray[Any]],
        dtype: np.dtype[Any],
        chunk: Sequence[int],
        pieces: int,
        each: Callable[[Callable[[tuple[Run, ...]], None], list[tuple[Run, ...]]], None],
    ) -> NDArray[Any]:
        """Read only near what is wanted: a list is cut where a whole chunk lies between two.

        Parameters
        ----------
        read : callable
            Reads a selection of slices that go forward.
        dtype : numpy dtype
            Of the values.
        chunk : sequence of int
            Lengths of the storage chunks.
        pieces : int
            How many a large range of the first dimension falls into, at whole chunks.
        each : callable
            Calls its first argument with each of its second, perhaps on threads.
        """
        wanted = [_sorted(part) for part in self._parts]
        result = np.empty([len(part) for part, _ in wanted], dtype)

        def fill(block: tuple[Run, ...]) -> None:
            values = read(tuple(run.read for run in block))
            for axis, run in enumerate(block):
                if run.taken is not None:
                    values = values[(slice(None),) * axis + (run.taken,)]
            result[tuple(run.out for run in block)] = values

        if result.size:
            shares = [pieces if result.nbytes > _LARGE else 1, *(1 for _ in wanted[1:])]
            runs = [
                _runs(part, step, share)
                for (part, _), step, share in zip(wanted, chunk, shares, strict=False)
            ]
            each(fill, list(product(*runs)))
        for axis in reversed(range(len(wanted))):
            result = result[(slice(None),) * axis + (wanted[axis][1],)]
        return result


def _plain(part: Any, length: int) -> range | int | NDArray[np.intp]:
    """One dimension's selection, with every index counted from the front."""
    if isinstance(part, slice):
        return range(*part.indices(length))
    listed = np.asarray(part)
    if listed.dtype == bool:
        listed = np.flatnonzero(listed)
    if not listed.ndim:
        return int(listed) + (length if -length <= listed < 0 else 0)
    return np.where(listed < 0, listed + length, listed).astype(np.intp)


def _run(part: range | int | NDArray[np.intp]) -> Run:
    """All of a dimension at a time."""
    out = slice(None)
    if isinstance(part, int):
        return Run(part, None, out)
    if not len(part):
        return Run(slice(0, 0), None, out)
    if isinstance(part, range):
        if part.step > 0:
            return Run(slice(part.start, part.stop, part.step), None, out)
        return Run(slice(part[-1], part[0] + 1, -part.step), slice(None, None, -1), out)
    low = int(part.min())
    return Run(slice(low, int(part.max()) + 1), part - low, out)


def _sorted(part: range | int | NDArray[np.intp]) -> tuple[range | NDArray[np.intp], Any]:
    """What is wanted of a dimension, ascending, and the index that then makes it what was asked."""
    if isinstance(part, int):
        return range(part, part + 1), 0
    if isinstance(part, range):
        return (part, slice(None)) if part.step > 0 else (part[::-1], slice(None, None, -1))
    return np.unique(part, return_inverse=True)


def _runs(wanted: range | NDArray[np.intp], step: int, shares: int) -> list[Run]:
    """A range in shares of whole chunks; indices apart where a whole chunk lies between them."""
    if isinstance(wanted, range):
        stride = max(1, step // wanted.step)
        length = max(1, len(wanted) // (shares * stride)) * stride if shares > 1 else len(wanted)
        cuts = [(low, wanted[low : low + length]) for low in range(0, len(wanted), length)]
        return [
            Run(slice(part.start, part.stop, part.step), None, slice(low, low + len(part)))
            for low, part in cuts
        ]
    gaps = np.flatnonzero(np.diff(wanted // step) > 1) + 1
    return [
        Run(
            slice(int(wanted[low]), int(wanted[high - 1]) + 1),
            wanted[low:high] - wanted[low],
            slice(low, high),
        )
        for low, high in pairwise([0, *gaps.tolist(), len(wanted)])
    ]
