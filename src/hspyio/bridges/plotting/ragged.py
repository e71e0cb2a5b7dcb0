"""Pictures of ragged arrays: how much stands where, and what it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hspyio.arrays.workers import Workers
from hspyio.bridges.plotting.panels import Histogram, Image, Lines, Panel, Points
from hspyio.bridges.plotting.scales import Scale, limits_of
from hspyio.errors import TooLargeError
from hspyio.model.axes import Axes, UniformAxis
from hspyio.system.memory import available_memory

__all__ = ["ragged_panels"]

_MOST_VALUES = 1_000_000
_MOST_POINTS = 20_000
_FEW = 12
_BINS = 100


def ragged_panels(data: Any, axes: Axes, workers: Workers) -> tuple[list[Panel], list[str]]:
    """Panels for a ragged array, and notes about them."""
    count = math.prod(data.shape)
    most = available_memory()
    if most is not None and count * 8 > most:
        raise TooLargeError(f"has {count:,} items, more than can be counted in memory")
    sizes = np.zeros(data.shape, np.float64)
    sample = _Sample()
    workers.progress.expect(sizes.size)
    for place, block in _blocks(data):
        counts = [sample.add(item) for item in block.ravel()]
        sizes[place] = np.reshape(np.array(counts, np.float64), block.shape)
        workers.progress.advance(block.size)
    panels = _navigator(sizes, axes) if sizes.size > 1 else []
    notes = [f"{sizes.size:,} items of {_extremes(sizes)} values"]
    if sample.parts:
        panels.append(sample.panel(sizes.size))
        if sample.cut:
            notes.append(f"drawn: the first {sample.taken:,} values")
    elif not panels:
        panels = [_counts_line(sizes.reshape(-1), axes)]
    return panels, notes


def _extremes(sizes: NDArray[Any]) -> str:
    low, high = int(sizes.min()), int(sizes.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _blocks(data: Any) -> Iterator[tuple[tuple[slice, ...], NDArray[Any]]]:
    if isinstance(data, np.ndarray):
        yield (slice(None),) * data.ndim, data
        return
    core: Any = import_module("dask.array.core")
    for place in core.slices_from_chunks(data.chunks):
        yield place, data[place].compute()


class _Sample:
    """The first numbers of the items, as long as all items are of one form."""

    def __init__(self) -> None:
        self.parts: list[NDArray[Any]] = []
        self.taken = 0
        self.cut = False
        self._form: tuple[bool, bool] | None = None

    def add(self, item: Any) -> int:
        """Take an item."""
        array = item if isinstance(item, np.ndarray) else _as_array(item)
        if array is None:
            return int(item is not None)
        count = len(array) if array.ndim == 2 and array.shape[1] > 1 else array.size
        if array.dtype.kind in "biuf" and array.size:
            form = (array.ndim == 2 and array.shape[1] > 1, True)
            self._form = self._form or form
            if form == self._form and self.taken < _MOST_VALUES:
                self.parts.append(array[:, :2] if form[0] else array.reshape(-1))
                self.taken += array.size
            else:
                self.cut = True
        return count

    def panel(self, items: int) -> Panel:
        """The panel that fits what was taken."""
        assert self._form is not None
        if self._form[0]:
            points = np.concatenate(self.parts).astype(np.float64)
            if len(points) > _MOST_POINTS:
                chosen = np.random.default_rng(0).choice(len(points), _MOST_POINTS, replace=False)
                title = f"{_MOST_POINTS:,} of {len(points):,} points"
                points = points[np.sort(chosen)]
            else:
                title = f"{len(points):,} points"
            return Points(points, ("column 0", "column 1"), title)
        if items <= _FEW:
            return self._lines()
        values = np.concatenate(self.parts).astype(np.float64)
        values = values[np.isfinite(values)]
        counts, edges = np.histogram(values if values.size else np.zeros(1), _BINS)
        return Histogram(edges, counts, "values", f"{values.size:,} values")

    def _lines(self) -> Lines:
        longest = max(map(len, self.parts))
        lines = []
        for part in self.parts:
            line = np.full(longest, np.nan)
            line[: len(part)] = part
            lines.append(line)
        labels = [f"item {index}" for index in range(len(lines))] if len(lines) > 1 else []
        return Lines(Scale.of(UniformAxis("index", size=longest)), lines, labels)


def _as_array(item: Any) -> NDArray[Any] | None:
    """Numbers in lists are values too; anything else is one."""
    if isinstance(item, list | tuple):
        try:
            return np.asarray(item)
        except ValueError:
            return None
    return np.asarray(item) if isinstance(item, int | float | np.generic) else None


def _navigator(sizes: NDArray[Any], axes: Axes) -> list[Panel]:
    longer = [index for index, size in enumerate(sizes.shape) if size > 1]
    if len(longer) == 1 or len(axes) != sizes.ndim:
        return [_counts_line(sizes.reshape(-1), axes)]
    others = tuple(index for index in range(sizes.ndim) if index not in longer[-2:])
    values = sizes.sum(axis=others)
    scales = [Scale.of(axes[index], as_image=True) for index in longer[-2:]]
    title = "values in each item"
    return [Image(scales[0], scales[1], values, limits_of(values, False), "viridis", "", title)]


def _counts_line(sizes: NDArray[Any], axes: Axes) -> Lines:
    fitting = [axis for axis in axes if axis.size == sizes.size and math.prod(axes.shape) > 0]
    axis = fitting[0] if fitting else UniformAxis("item", size=sizes.size)
    return Lines(Scale.of(axis), [sizes], quantity="values", title="values in each item")
