"""Maps of all positions, coarse at first and finer with each block that is read."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hspyio.bridges.viewer.source import Cube, Part, group_means
from hspyio.errors import DamagedFileError
from hspyio.records import record

__all__ = ["Map", "Summed", "coarse_to_fine", "progressive_map", "region_signals"]

Pause = Callable[[], None]
"""Called before each block: it waits while there is something more urgent, and may raise."""

_OFTEN = 0.25
"""Seconds between two states of a map that are shown."""
_COARSE = 64
"""Blocks of the first state."""
_FLOATS = 4 * 2**20
"""Values that are weighed at a time: they are floats then."""


@record
class Summed:
    """What becomes of the signal at each position.

    Attributes
    ----------
    window : tuple of slice
        The part of it that counts; all of it if empty.
    mask : numpy.ndarray or None
        Which points of that part; all without one.
    step : int or None
        Means over so many points each, in the place of one sum: a row of an image.
    """

    window: Part = ()
    mask: NDArray[np.bool_] | None = None
    step: int | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What two of them that sum the same have in common."""
        parts = tuple((part.start, part.stop) for part in self.window)
        return parts, None if self.mask is None else self.mask.tobytes(), self.step

    def of(self, values: NDArray[Any], inner: int) -> NDArray[np.float64]:
        """The sums of signals, the last axes of an array; nan of those without a number."""
        values = _real(values)
        if self.step is not None:
            rows = np.moveaxis(values, -1, 0)
            return np.moveaxis(group_means(rows.astype(np.float64), (self.step,)), 0, -1)
        outside = values.shape[: values.ndim - inner]
        flat = values.reshape(-1, math.prod(values.shape[values.ndim - inner :]))
        if self.mask is None:
            return _sums(flat).reshape(outside)
        counts = self.mask.reshape(-1)
        each = max(1, _FLOATS // flat.shape[1])
        parts = [
            _weighed(flat[start : start + each], counts) for start in range(0, flat.shape[0], each)
        ]
        return np.concatenate(parts).reshape(outside)


def _real(values: NDArray[Any]) -> NDArray[Any]:
    """Complex values by their modulus, colours by their mean, masked ones as no number."""
    if values.dtype.names:
        names = [name for name in "RGB" if name in values.dtype.names]
        return np.asarray(np.mean([values[name] for name in names], axis=0))
    if np.ma.isMaskedArray(values):
        return np.asarray(np.ma.filled(values.astype(np.float64), np.nan))
    return np.abs(values) if values.dtype.kind == "c" else values


def _sums(flat: NDArray[Any]) -> NDArray[Any]:
    """Exact for integers, whose sums fit into 64 bits."""
    if flat.dtype.kind in "bu":
        return np.asarray(flat.sum(axis=1, dtype=np.uint64), np.float64)
    if flat.dtype.kind == "i":
        return np.asarray(flat.sum(axis=1, dtype=np.int64), np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        return _mended(flat.sum(axis=1, dtype=np.float64), flat)


def _weighed(flat: NDArray[Any], counts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The sums of the points that count."""
    with np.errstate(invalid="ignore", over="ignore"):
        return _mended(flat.astype(np.float64) @ counts.astype(np.float64), flat, counts)


def _mended(sums: NDArray[Any], flat: NDArray[Any], counts: Any = True) -> NDArray[np.float64]:
    """Sums without what is no number; only those are looked at that have some of it."""
    if flat.dtype.kind == "f":
        odd = np.flatnonzero(~np.isfinite(sums))
        good = np.isfinite(flat[odd]) & counts
        rest = np.where(good, flat[odd], 0).sum(axis=1, dtype=np.float64)
        sums[odd] = np.where(good.any(axis=1), rest, np.nan)
    return np.asarray(sums)


@dataclass(slots=True, eq=False)
class Map:
    """A map as far as it is known.

    Attributes
    ----------
    values : numpy.ndarray
        What is known; nan elsewhere.
    shown : numpy.ndarray
        The same, with the mean of a neighbour where nothing is known yet.
    done : float
        The share of the blocks that were read, 1 at the end.
    lost : int
        How many of them are damaged; their values are nan.
    """

    values: NDArray[np.float64]
    shown: NDArray[np.float64]
    done: float
    lost: int = 0


def coarse_to_fine(grid: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All corners of a grid: first a few that are far apart, then those between, and so on."""
    stride = 1
    while math.prod(-(-size // stride) for size in grid) > _COARSE:
        stride *= 2
    first = True
    while stride:
        for corner in itertools.product(*(range(0, size, stride) for size in grid)):
            if first or any(at // stride % 2 for at in corner):
                yield corner
        first = False
        stride //= 2


@dataclass(slots=True, eq=False)
class _Grid:
    """Blocks that are read, and the mean of each."""

    shape: tuple[int, ...]
    steps: tuple[int, ...]
    means: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        blocks = tuple(-(-n // step) for n, step in zip(self.shape, self.steps, strict=True))
        self.means = np.full(blocks, np.nan)

    def filled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values, with the mean of the next block before where one is not known."""
        means, stride = self.means, 2
        while np.isnan(means).any() and stride < 2 * max(means.shape):
            nearest = np.ix_(*(np.arange(n) // stride * stride for n in means.shape))
            means = np.where(np.isnan(means), self.means[nearest], means)
            stride *= 2
        for axis, (n, step) in enumerate(zip(self.shape, self.steps, strict=True)):
            means = means.take(np.arange(n) // step, axis=axis)
        extra = values.ndim - means.ndim
        means = means.reshape(means.shape + (1,) * extra)
        return np.where(np.isnan(values), means, values)


def progressive_map(
    cube: Cube, outer: Sequence[int], summed: Summed, pause: Pause
) -> Iterator[Map]:
    """The map of one sum a position, now and then while it is made, and at last whole.

    Parameters
    ----------
    cube : Cube
        What is read, each block once.
    outer : sequence of int
        Where the first navigation axes stand still.
    summed : Summed
        What becomes of each signal.
    pause : callable
        Called before each block.
    """
    count, inner = len(outer), len(cube.inner)
    shape, steps = cube.navigation_shape[count:], cube.steps[count:]
    grid = _Grid(shape, steps)
    row = () if summed.step is None else (-(-cube.inner_shape[0] // summed.step),)
    values = np.full((*shape, *row), np.nan)
    total, last, lost = math.prod(grid.means.shape), time.monotonic(), 0
    for done, corner in enumerate(coarse_to_fine(grid.means.shape), start=1):
        pause()
        block = cube.block_at(outer, corner)
        try:
            sums = summed.of(cube.block(block, summed.window), inner)[(0,) * count]
        except DamagedFileError:
            lost += 1
        else:
            values[block.ranges[count:]] = sums
            grid.means[corner] = _mean(sums)
        if done < total and time.monotonic() - last > _OFTEN:
            yield Map(values, grid.filled(values), done / total, lost)
            last = time.monotonic()
    yield Map(values, values, 1.0, lost)


def _mean(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else 0.0


def region_signals(
    cube: Cube, ranges: tuple[slice, ...], pause: Pause
) -> Iterator[tuple[NDArray[Any], NDArray[Any], int, float]]:
    """The sum of the signals of a region, now and then while it is made, and at last whole.

    Yields
    ------
    numpy.ndarray, numpy.ndarray, int, float
        Sums, nan where no signal has a number; of how many numbers each; of how many signals; and
        the share of the region that is read.
    """
    positions = math.prod(part.stop - part.start for part in ranges)
    dtype = np.complex128 if cube.is_complex else np.float64
    total: NDArray[Any] = np.zeros(cube.inner_shape, dtype)
    known = np.zeros(cube.inner_shape, np.int64)
    count, last = 0, time.monotonic()
    for slab in cube.slabs(ranges):
        pause()
        values = cube.values(slab)
        flat = values.reshape(-1, *cube.inner_shape)
        if np.ma.isMaskedArray(flat) or flat.dtype.names:
            flat = _real(flat)
        if flat.dtype.kind in "fc":
            finite = np.isfinite(flat)
            known += finite.sum(axis=0)
            flat = np.where(finite, flat, 0)
        else:
            known += len(flat)
        total += flat.sum(axis=0, dtype=dtype)
        count += len(flat)
        if count < positions and time.monotonic() - last > _OFTEN:
            yield np.where(known > 0, total, np.nan), known, count, count / positions
            last = time.monotonic()
    yield np.where(known > 0, total, np.nan), known, count, 1.0
