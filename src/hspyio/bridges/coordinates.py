"""Axes <-> the dimensions and coordinates of xarray."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names
from hspyio.bridges.tree_text import text_of, tree_of
from hspyio.errors import AxesError, HspyError, Problem
from hspyio.model.axes import Axis, DataAxis, UniformAxis, axis_from_dict, axis_to_dict

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "AXIS",
    "axis_record",
    "axis_without_coordinate",
    "coordinate_attributes",
    "coordinate_axis",
    "coordinate_values",
    "dimension_names",
    "even_axis",
    "safe_names",
]

AXIS = "hspy_axis"
SPACE = "space"
BINNED = "is_binned"
NAVIGATION, SIGNAL = "navigation", "signal"
_ROUNDING = 1e-9
"""What evenly spaced points may be off, relative to their distance."""
_MOST_ROUNDING = 1e-3
"""The same for points of few digits."""


def dimension_names(axes: Sequence[Axis], reserved: str) -> list[str]:
    """A name for each dimension: that of its axis where no other has it."""
    return safe_names([axis.name or "" for axis in axes], "axis", reserved)


def safe_names(texts: Sequence[str], spare: str, *reserved: str) -> list[str]:
    """Names that differ, and that xarray, netCDF and Zarr take."""
    taken = list(reserved)
    made = []
    for index, text in enumerate(texts):
        name = unique = _clean(text) or f"{spare}_{index}"
        count = 1
        while unique in taken:
            count += 1
            unique = f"{name}_{count}"
        taken.append(unique)
        made.append(unique)
    return made


def _clean(text: str) -> str:
    """Without what netCDF refuses: slashes, control characters, spaces and signs at the ends."""
    shown = "".join(char if char.isprintable() and char != "/" else "_" for char in text).strip()
    name = unicodedata.normalize("NFC", shown)[:200].strip()
    if name and name[0].isascii() and not (name[0].isalnum() or name[0] == "_"):
        name = f"_{name}"
    return "" if set(name) <= {"_"} else name


# Axis -> coordinate


def coordinate_values(axis: Axis) -> NDArray[Any]:
    """The points of an axis as an index of xarray can hold them."""
    with np.errstate(all="ignore"):  # points may be infinite
        values = np.asarray(axis.values)
        if values.dtype.kind in "iu" or values.dtype.name in ("float32", "float64"):
            return values.astype(values.dtype.newbyteorder("="), copy=False)
        return values.astype(np.float64)


def coordinate_attributes(axis: Axis, dimension: str) -> dict[str, Any]:
    """What people read with a coordinate: its name, units and space."""
    made: dict[str, Any] = {}
    if axis.name is not None and axis.name != dimension and _is_text(axis.name):
        made["long_name"] = axis.name
    if axis.units and _is_text(axis.units):
        made["units"] = axis.units
    made[SPACE] = NAVIGATION if axis.navigate else SIGNAL
    if axis.is_binned:
        made[BINNED] = 1
    return made


def _is_text(text: str) -> bool:
    """Whether an attribute can hold it."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def axis_record(axis: Axis, where: str, problems: list[Problem]) -> str:
    """All that an axis says as one text; its points only where a coordinate changes them."""
    content = axis_to_dict(axis)
    content.pop(names.INDEX_IN_ARRAY, None)
    if isinstance(axis, DataAxis) and _same(_cast(coordinate_values(axis), axis.axis), axis.axis):
        content[names.AXIS] = axis.axis.dtype.str
    return text_of(content, where, problems)


def _cast(values: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
    with np.errstate(all="ignore"):
        return values.astype(like.dtype)


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype.kind != "f":
        return bool(np.array_equal(one, other))
    signs = np.array_equal(np.signbit(one) & ~np.isnan(one), np.signbit(other) & ~np.isnan(other))
    return signs and bool(np.array_equal(one, other, equal_nan=True))


# coordinate -> Axis


def axis_without_coordinate(record: str, size: int, where: str) -> Axis:
    """The axis that a record describes, for a dimension that has no coordinate."""
    axis = axis_from_dict(_recorded(record, where), where=where)
    if axis.size != size:
        raise AxesError(f"describes {axis.size} points, the dimension has {size}", where=where)
    return axis


def coordinate_axis(
    name: str, values: NDArray[Any], attributes: Mapping[str, Any], where: str
) -> Axis:
    """Make an axis of a coordinate.

    What its attributes and values say now goes before what is recorded of the axis that they
    once came from: a coordinate may have been cut, or given other units.
    """
    axis = _axis_of_record(name, values, attributes, where)
    told = coordinate_attributes(axis, name)
    changes: dict[str, Any] = {}
    if told.get("units", "") != attributes.get("units", ""):
        changes["units"] = None if "units" not in attributes else str(attributes["units"])
    if attributes.get(SPACE, told[SPACE]) != told[SPACE]:
        changes["navigate"] = attributes[SPACE] == NAVIGATION
    if bool(attributes.get(BINNED, 0)) != axis.is_binned:
        changes["is_binned"] = not axis.is_binned
    return replace(axis, **changes) if changes else axis


def _axis_of_record(
    name: str, values: NDArray[Any], attributes: Mapping[str, Any], where: str
) -> Axis:
    if AXIS not in attributes:
        navigate = attributes.get(SPACE) == NAVIGATION
        return even_axis(UniformAxis(name, navigate=navigate), values)
    content = _recorded(str(attributes[AXIS]), f"{where}@{AXIS}")
    if isinstance(content.get(names.AXIS), str):
        try:
            content[names.AXIS] = values.astype(np.dtype(content[names.AXIS]))
        except (TypeError, ValueError) as error:
            raise AxesError(f"makes no sense: {error}", where=f"{where}@{AXIS}") from None
    axis = axis_from_dict(content, size=len(values), where=f"{where}@{AXIS}")
    try:
        known = coordinate_values(axis)
    except AxesError:  # a formula that is not understood made no coordinate
        return even_axis(axis, values)
    same = len(known) == len(values) and np.array_equal(known, values, equal_nan=True)
    return axis if same else even_axis(axis, values)


def _recorded(text: str, where: str) -> dict[str, Any]:
    content = tree_of(text, where)
    if not isinstance(content, dict):
        raise HspyError("describes no axis", where=where)
    return content


def even_axis(like: Axis, values: NDArray[Any]) -> Axis:
    """The axis through some points: a uniform one where they are evenly spaced."""
    common: dict[str, Any] = {
        "name": like.name,
        "units": like.units,
        "navigate": like.navigate,
        "is_binned": like.is_binned,
        "extra": like.extra,
    }
    with np.errstate(all="ignore"):  # of points without a sensible distance
        scale = _scale(values, like)
    if scale is None:
        return DataAxis(**common, axis=values)
    return UniformAxis(**common, size=len(values), offset=float(values[0]), scale=scale)


def _scale(values: NDArray[Any], like: Axis) -> float | None:
    """The distance of evenly spaced points; ``None`` for others."""
    exact = values.dtype.kind == "f" or bool(np.all(np.abs(values.astype(float)) < 2**53))
    if not len(values) or not exact or not np.all(np.isfinite(values)):
        return None
    points = values.astype(np.float64)
    known = like.scale if isinstance(like, UniformAxis) else 1.0
    if len(points) == 1:
        return known
    scale = float(points[-1] - points[0]) / (len(points) - 1)
    off = np.abs(points[0] + scale * np.arange(len(points)) - points)
    rounding = np.finfo(values.dtype).eps if values.dtype.kind == "f" else 0
    most = max(_ROUNDING * abs(scale), 4 * float(rounding) * float(np.max(np.abs(points))))
    most = min(most, _MOST_ROUNDING * abs(scale))
    if scale == 0 or not np.isfinite(scale) or np.any(off > most):
        return None
    steps = round(scale / known) if known and np.isfinite(scale / known) else 0
    if steps and abs(steps * known - scale) <= most:
        return steps * known
    return scale
