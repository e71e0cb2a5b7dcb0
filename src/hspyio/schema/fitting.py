"""Axes as a file has them, made to fit the data: for signals, and for RosettaSciIO's dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hspyio import names
from hspyio.errors import AxesError, Problem
from hspyio.model.axes import Axis, UniformAxis, axis_from_dict, axis_to_dict
from hspyio.model.axes.checks import (
    BINNED,
    EXPRESSION,
    NAME,
    NAVIGATE,
    OFFSET,
    SCALE,
    SIZE,
    TYPE,
    UNITS,
    X,
    is_number,
    scalar,
)

__all__ = ["fitting_axes", "fitting_dicts"]

_WHOLE = (int, np.integer)
_LABEL = (str, type(None))
_DECIDING = (names.AXIS, EXPRESSION)
"""What tells the kind of an axis by being there."""


def fitting_axes(
    axes: Sequence[Mapping[str, Any]], data: Any, where: str, problems: list[Problem]
) -> list[Axis]:
    """An axis for each dimension of the data; what does not fit is a problem, and mended."""
    return [
        _fitting(axis if _is_usual(axis, size) else _as_meant(axis), size, place, problems)
        or UniformAxis(size=size)
        for axis, size, place in _each(axes, data, where)
    ]


def fitting_dicts(
    axes: Sequence[Mapping[str, Any]], data: Any, where: str, problems: list[Problem]
) -> list[dict[str, Any]]:
    """The same as dicts, in which what HyperSpy takes stays as the file has it."""
    result = []
    for axis, size, place in _each(axes, data, where):
        if _is_usual(axis, size):
            result.append(dict(axis))
            continue
        made = _fitting(_as_meant(axis), size, place, problems)
        whole = axis_to_dict(made or UniformAxis(size=size))
        result.append(_as_stored(axis, whole) if made else whole)
    return result


def _each(
    axes: Sequence[Mapping[str, Any]], data: Any, where: str
) -> Iterator[tuple[Mapping[str, Any], int, str]]:
    if data.dtype == object and not axes:
        return
    for index, size in enumerate(data.shape):
        axis = axes[index] if index < len(axes) else {}
        yield axis, size, f"{where}/{names.AXIS_PREFIX}{index}"


def _is_usual(axis: Mapping[str, Any], size: int) -> bool:
    """Whether it is a uniform axis as HyperSpy writes it, which most are: told in a moment."""
    return (
        isinstance(kind := axis.get(TYPE), str)
        and kind == UniformAxis.kind
        and isinstance(axis.get(SIZE), _WHOLE)
        and axis[SIZE] == size
        and isinstance(axis.get(OFFSET), float)
        and isinstance(axis.get(SCALE), float)
        and isinstance(axis.get(NAVIGATE), bool)
        and isinstance(axis.get(BINNED), bool)
        and isinstance(axis.get(NAME), _LABEL)
        and isinstance(axis.get(UNITS), _LABEL)
        and names.AXIS not in axis
        and EXPRESSION not in axis
    )


def _fitting(
    axis: Mapping[str, Any], size: int, where: str, problems: list[Problem]
) -> Axis | None:
    """The axis as stored, mended where it contradicts the data; none where it is no axis."""
    try:
        made = axis_from_dict(axis, size=size)
    except AxesError as error:
        problems.append(Problem(where, f"{error.message}; replaced by a plain axis"))
        return None
    if made.size == size:
        return made
    problems.append(Problem(where, f"has size {made.size}, the data {size}; mended"))
    if isinstance(made, UniformAxis):
        return replace(made, size=size)
    return UniformAxis(name=made.name, units=made.units, size=size, navigate=made.navigate)


# what other programs write, and what they mean by it


def _as_meant(axis: Mapping[str, Any]) -> dict[str, Any]:
    """The axis with every number a number, every flag a flag, as far as it can be told."""
    result = {
        key: value for key, value in axis.items() if value is not None or key in (NAME, UNITS)
    }
    for key, meant in _MEANT.items():
        if key in result:
            result[key] = meant(result[key])
    if isinstance(inner := result.get(X), Mapping):
        result[X] = _as_meant(inner)
    return result


def _single(value: Any) -> Any:
    """One value, be it in an array or a list; text of bytes."""
    value = scalar(value)
    if isinstance(value, list | tuple) and len(value) == 1:
        value = scalar(value[0])
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _flag(value: Any) -> Any:
    single = _single(value)
    if isinstance(single, str):
        return {"true": True, "false": False}.get(single.lower(), value)
    return bool(single) if is_number(single) and single in (0, 1) else single


def _number(value: Any) -> Any:
    single = _single(value)
    try:
        return float(single) if isinstance(single, str) else single
    except ValueError:
        return value


def _size(value: Any) -> Any:
    number = _number(value)
    whole = isinstance(number, float) and number.is_integer()
    return int(number) if whole else number


def _label(value: Any) -> Any:
    single = _single(value)
    return value if single is None else single


def _points(value: Any) -> Any:
    """One row: what is a line or a column of a table elsewhere."""
    try:
        points = np.asarray(value)
    except ValueError:
        return value
    return points.ravel() if points.ndim == 2 and 1 in points.shape else value


_MEANT: dict[str, Callable[[Any], Any]] = {
    NAME: _label,
    UNITS: _label,
    NAVIGATE: _flag,
    BINNED: _flag,
    SIZE: _size,
    OFFSET: _number,
    SCALE: _number,
    names.AXIS: _points,
    EXPRESSION: _label,
}


# back to what was stored


def _as_stored(stored: Mapping[str, Any], made: Mapping[str, Any]) -> dict[str, Any]:
    """The stored dict with what was mended; what it lacks, HyperSpy has its own defaults for."""
    if not stored or _deciding(stored) != _deciding(made):
        return dict(made)
    result = {key: value for key, value in stored.items() if key not in _DECIDING or key in made}
    for key, value in made.items():
        if key == X and isinstance(stored.get(X), Mapping):
            result[X] = _as_stored(stored[X], value)
        elif key in stored and not _is_kept(stored[key], value):
            result[key] = value
    if SCALE in made and SIZE in made:
        result.setdefault(SIZE, made[SIZE])
    return result


def _deciding(axis: Mapping[str, Any]) -> list[bool]:
    return [axis.get(key) is not None for key in _DECIDING]


def _is_kept(stored: Any, made: Any) -> bool:
    """Whether HyperSpy reads what is stored as what was made of it."""
    if isinstance(made, np.ndarray):
        return np.ndim(stored) == 1
    if np.ndim(stored) != 0 or isinstance(stored, np.ndarray):
        return False
    if isinstance(made, bool) or isinstance(stored, bool | np.bool):
        return isinstance(made, bool) and isinstance(stored, bool | np.bool) and stored == made
    if is_number(made):
        return is_number(stored) and bool(stored == made)
    return bool(stored == made) if isinstance(made, str | None) else True
