"""What of an array was written, told for each signal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hspyio.streaming.coverage import Coverage
from hspyio.streaming.layout import StreamLayout

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["covered_chunks", "written_mask"]


def written_mask(
    layout: StreamLayout, full: NDArray[np.bool_] | None, parts: Mapping[int, Coverage], length: int
) -> NDArray[np.bool_]:
    """Where signals were written whole.

    Parameters
    ----------
    layout : StreamLayout
        The array.
    full : ndarray of bool or None
        Which chunks were, by their numbers; ``None`` of an array that is appended to.
    parts : mapping of int to Coverage
        What was written of others.
    length : int
        Of the first dimension, of an array that is appended to.

    Returns
    -------
    ndarray of bool
        In the shape of the navigation axes; without any, one value.
    """
    dims = layout.navigation_dims
    if full is None:
        return np.ones([length if i == 0 else layout.shape[i] for i in dims], bool)
    signal = tuple(i for i in range(len(layout.shape)) if i not in dims)
    missing = ~full.reshape(layout.grid.counts)
    wide = np.asarray(missing.any(axis=signal) if signal else missing)
    for axis, dim in enumerate(dims):
        wide = np.repeat(wide, layout.chunk[dim], axis=axis)
    made = np.array(~wide[tuple(slice(layout.shape[i]) for i in dims)])
    columns: dict[tuple[int, ...], list[int]] = {}
    for number in parts:
        coords = layout.grid.coords(np.array([number]))[0].tolist()
        columns.setdefault(tuple(coords[i] for i in dims), []).append(number)
    for numbers in columns.values():
        _mark_column(made, layout, full, parts, numbers)
    return made


def _mark_column(
    made: NDArray[np.bool_],
    layout: StreamLayout,
    full: NDArray[np.bool_],
    parts: Mapping[int, Coverage],
    numbers: list[int],
) -> None:
    """Note what was written where some of the chunks that hold the same signals are not full."""
    dims = layout.navigation_dims
    counts = layout.grid.counts
    corner = layout.grid.coords(np.array(numbers[:1]))[0].tolist()
    signal = [i for i in range(len(counts)) if i not in dims]
    whole = 1
    for i in signal:
        whole *= counts[i]
    column = full.reshape(counts)[
        tuple(corner[i] if i in dims else slice(None) for i in range(len(counts)))
    ]
    others = int(np.asarray(column).sum()) - sum(bool(full[number]) for number in numbers)
    if others + len(numbers) < whole:
        return
    region = tuple(layout.grid.region(numbers[0])[i] for i in dims)
    there = np.ones(tuple(part.stop - part.start for part in region), bool)
    for number in numbers:
        there &= _of_signals(parts[number], dims)
    made[region] = there


def _of_signals(part: Coverage, dims: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which signals of a chunk were written, as far as they lie in it."""
    rank = len(part.shape)
    whole = part.within(rank)
    return np.asarray(whole.all(axis=tuple(i for i in range(rank) if i not in dims)))


def covered_chunks(
    layout: StreamLayout, written: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], dict[int, Coverage]]:
    """The inverse: which chunks are full, and what was written of others, by what a file says."""
    dims = layout.navigation_dims
    full = np.zeros(layout.grid.count, bool)
    parts: dict[int, Coverage] = {}
    for number in range(layout.grid.count):
        region = layout.grid.region(number)
        there = written[tuple(region[i] for i in dims)]
        full[number] = there.all()
        if there.any() and not full[number]:
            part = Coverage(layout.inside(number))
            for place in np.argwhere(there).tolist():
                at = dict(zip(dims, place, strict=True))
                part.mark(
                    tuple(
                        slice(at[i], at[i] + 1) if i in at else slice(0, n)
                        for i, n in enumerate(part.shape)
                    )
                )
            parts[number] = part
    return full, parts
