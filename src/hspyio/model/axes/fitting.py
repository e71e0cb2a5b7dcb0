"""Axes that fit the data of a signal, of what is given for them; or all that does not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hspyio import names
from hspyio.errors import AxesError, warn_user
from hspyio.model.axes.checks import NAME, UNITS, is_number
from hspyio.model.axes.collection import Axes, default_axes
from hspyio.model.axes.dicts import axis_from_dict, unknown_keys
from hspyio.model.axes.kinds import Axis, DataAxis, FunctionalAxis, UniformAxis

_OURS = (UniformAxis, DataAxis, FunctionalAxis)


def axes_for(
    data: Any,
    axes: Iterable[Axis | Mapping[str, Any]] | None,
    signal_dimension: int | None,
    *,
    strict: bool = True,
) -> Axes:
    """Axes that fit the data, or one error that says all that is wrong.

    `strict` tells of unknown keys of a caller's dicts; those of another program are kept.
    """
    if any(size != size for size in data.shape):  # noqa: PLR0124 # dask's nan: not known yet
        raise AxesError(
            f"a dimension of the data, {data.shape}, has no known size; "
            "data.compute_chunk_sizes() finds it"
        )
    if axes is None:
        default = 0 if data.dtype == object else data.ndim
        return default_axes(data.shape, default if signal_dimension is None else signal_dimension)
    notes: list[str] = []
    made, problems = _made_axes(data, _listed(axes), notes, strict)
    problems += misfits(data, made)
    if problems:
        raise AxesError(misfit_message(data, problems))
    if notes:
        warn_user(" ".join(notes))
    if isinstance(axes, Axes) and signal_dimension is None:
        return axes
    whole = [axis for axis in made if axis is not None]
    if signal_dimension is not None:
        whole = _with_signal_dimension(whole, signal_dimension)
    return Axes(whole)


def _listed(axes: Any) -> list[Any]:
    """The axes one by one; what is no row of them is refused before it is walked."""
    if type(axes) is list and all(isinstance(axis, _OURS) for axis in axes):
        return axes
    if hasattr(axes, "navigation_axes") and hasattr(axes, "as_dictionary"):
        return list(axes.as_dictionary().values())  # HyperSpy's AxesManager walks over positions
    if isinstance(axes, str | Mapping | Axis) or not isinstance(axes, Iterable):
        kind = type(axes).__name__
        meant = "[axes]" if isinstance(axes, Mapping | Axis) else '[{"name": "x"}, ...]'
        raise AxesError(f"axes are a {kind}; give a list with one for each dimension: {meant}")
    return [
        axis.get_axis_dictionary() if hasattr(type(axis), "get_axis_dictionary") else axis
        for axis in axes
    ]


def _made_axes(
    data: Any, items: list[Any], notes: list[str], strict: bool
) -> tuple[list[Axis | None], list[str]]:
    """An axis of each item, None where that is not possible, and why."""
    axes: list[Axis | None] = []
    problems: list[str] = []
    for index, item in enumerate(items):
        size = data.shape[index] if index < data.ndim else None
        made = None
        if isinstance(item, _OURS):
            made = item
        elif isinstance(item, Mapping):
            try:
                made = axis_from_dict(item, size=size, strict=strict)
                problems += _misplaced(item, index) if strict else []
                notes += [] if strict else _no_texts(item, index)
                unknown = unknown_keys(item)
                notes += [
                    f"axes[{index}]: {note}{'.' * (note[-1] != '?')} It is kept in .extra."
                    for note in unknown
                    if strict or "did" in note
                ]
            except AxesError as error:
                problems.append(f"axes[{index}]: {error.message}")
        else:
            meant = f'; write {{"name": {item!r}}}' if isinstance(item, str) else ""
            problems.append(f"axes[{index}]: a {type(item).__name__} is no axis{meant}")
        axes.append(made)
    return axes, problems


def _no_texts(item: Mapping[str, Any], index: int) -> list[str]:
    """What another program has as a number where text belongs; text is made of it."""
    return [
        f"axes[{index}]: {key} is {item[key]!r}, no text; it is stored as {str(item[key])!r}."
        for key in (NAME, UNITS)
        if is_number(item.get(key))
    ]


def _misplaced(item: Mapping[str, Any], index: int) -> list[str]:
    told = item.get(names.INDEX_IN_ARRAY)
    if isinstance(told, int) and told != index:
        return [f"axes[{index}]: says index_in_array={told}; give them in the order of the array"]
    return []


def _with_signal_dimension(axes: list[Axis], signal_dimension: int) -> list[Axis]:
    if not 0 <= signal_dimension <= len(axes):
        raise AxesError(f"signal_dimension is {signal_dimension}, there are {len(axes)} axes")
    navigating = len(axes) - signal_dimension
    return [
        axis if axis.navigate == (index < navigating) else _turned(axis)
        for index, axis in enumerate(axes)
    ]


def _turned(axis: Axis) -> Axis:
    """A copy for the other space: the caller's axis stays as it is."""
    return replace(axis, navigate=not axis.navigate)


def misfits(data: Any, axes: Sequence[Axis | None]) -> list[str]:
    """What of the axes does not fit the data, or is not of its kind."""
    if not axes and data.dtype == object:
        return []  # what HyperSpy hands over for a single ragged item
    problems = []
    if len(axes) != data.ndim:
        problems.append(f"{len(axes)} axes for {data.ndim} dimensions")
    for index, (axis, size) in enumerate(zip(axes, data.shape, strict=False)):
        if axis is None:
            continue
        try:
            axis.check()
        except AxesError as error:
            problems.append(f"axes[{index}]: {error.message}")
            continue
        if axis.size != size:
            problems.append(f"axis {index} {axis.name!r} has size {axis.size}, the data {size}")
    return problems


def misfit_message(data: Any, problems: list[str]) -> str:
    """All of them as one sentence."""
    return f"the axes do not fit the data of shape {data.shape}: {'; '.join(problems)}"
