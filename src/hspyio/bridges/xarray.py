"""Signals as xarray's DataArrays, and back without loss."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names
from hspyio.bridges.coordinates import (
    AXIS,
    axis_record,
    coordinate_attributes,
    coordinate_values,
    dimension_names,
)
from hspyio.bridges.from_xarray import from_xarray
from hspyio.bridges.packages import imported
from hspyio.bridges.tree_text import text_of
from hspyio.errors import AxesError, ConversionError, Problem, warn_user
from hspyio.model.signal import Signal

if TYPE_CHECKING:
    import xarray

__all__ = ["DATA", "array_of", "from_xarray", "to_xarray"]

DATA = names.DATA
_QUANTITY = re.compile(r"(.+?)\s*\(([^()]+)\)\s*")


def to_xarray(signal: Signal) -> xarray.DataArray:
    """See `Signal.to_xarray`."""
    return array_of(signal, signal.data)


def array_of(
    signal: Signal, data: Any, *, original_metadata: bool = True, results: bool = True
) -> xarray.DataArray:
    """The same with data of another kind.

    Parameters
    ----------
    signal : Signal
        Its axes and metadata.
    data : array
        What xarray takes for the data.
    original_metadata, results : bool
        Whether that tree, and the learning results and models, become attributes.

    Raises
    ------
    ConversionError
        As `to_xarray`.
    """
    problems = _data_problems(signal)
    attributes = _attributes(signal, problems, original_metadata, results)
    dimensions = dimension_names(signal.axes, DATA)
    coordinates = _coordinates(signal, dimensions, attributes, problems)
    made = None if problems else _made(data, dimensions, coordinates, attributes, problems)
    if made is None:
        raise ConversionError("cannot be held by xarray", problems)
    return made


def _made(
    data: Any,
    dimensions: list[str],
    coordinates: dict[str, Any],
    attributes: dict[str, Any],
    problems: list[Problem],
) -> xarray.DataArray | None:
    """The array, or a problem where xarray would make other values of the data."""
    xr: Any = imported("xarray", "xarray")
    try:
        with warnings.catch_warnings():  # of dates that it converts
            warnings.simplefilter("ignore", UserWarning)
            made: xarray.DataArray = xr.DataArray(data, coordinates, dimensions, DATA, attributes)
    except (TypeError, ValueError) as error:
        problems.append(Problem("data", f"{data.dtype} is not known to xarray: {error}"))
        return None
    if _same_type(made.dtype, data.dtype):
        return made
    message = f"{data.dtype} would become {made.dtype}; convert them before"
    problems.append(Problem("data", message))
    return None


def _same_type(one: np.dtype[Any], other: np.dtype[Any]) -> bool:
    return one == other and one.metadata == other.metadata


def _data_problems(signal: Signal) -> list[Problem]:
    problems = []
    if signal.ragged:
        message = "are ragged: arrays of different shapes have no dimensions in common"
        problems.append(Problem("data", message))
    if isinstance(getattr(signal.data, "_meta", signal.data), np.ma.MaskedArray):  # lazy or not
        message = "are masked, which xarray is not; fill them: s.data = s.data.filled(0)"
        problems.append(Problem("data", message))
    try:
        signal.check_axes()
    except AxesError as error:
        problems.append(Problem("axes", error.message))
    return problems


def _coordinates(
    signal: Signal, dimensions: list[str], attributes: dict[str, Any], problems: list[Problem]
) -> dict[str, Any]:
    """A coordinate for each axis; one whose points are not known is an attribute alone."""
    made: dict[str, Any] = {}
    odd: list[str] = []
    for index, (axis, name) in enumerate(zip(signal.axes, dimensions, strict=False)):
        record = axis_record(axis, f"axes[{index}]", problems)
        try:
            values = coordinate_values(axis)
        except AxesError as error:
            attributes[f"{AXIS}_{name}"] = record
            odd.append(error.message)
            continue
        made[name] = (name, values, {**coordinate_attributes(axis, name), AXIS: record})
    if odd:
        message = f"no coordinate is made of {'; '.join(odd)}"
        warn_user(message)
    return made


def _attributes(
    signal: Signal, problems: list[Problem], original_metadata: bool, results: bool
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if signal.title and signal.title.isprintable():
        made["long_name"] = signal.title
    if units := _units(signal):
        made["units"] = units
    trees: dict[str, Mapping[Any, Any]] = {names.METADATA: signal.metadata}
    if original_metadata:
        trees[names.ORIGINAL_METADATA] = signal.original_metadata
    optional: dict[str, Mapping[Any, Any]] = {names.ATTRIBUTES: signal.attributes}
    if results:
        optional[names.LEARNING_RESULTS] = signal.learning_results
        optional[names.MODELS] = {name: model.tree for name, model in signal.models.items()}
    trees |= {name: tree for name, tree in optional.items() if tree}
    for name, tree in trees.items():
        made[f"hspy_{name}"] = text_of(tree, name, problems)
    for name in (names.PACKAGE, names.PACKAGE_VERSION):
        if getattr(signal, name):
            made[f"hspy_{name}"] = text_of(getattr(signal, name), name, problems)
    return made


def _units(signal: Signal) -> str:
    """The units of the data, which HyperSpy keeps as ``Intensity (Counts)``."""
    quantity = signal.metadata.get_item("Signal.quantity", None)
    found = _QUANTITY.fullmatch(quantity) if isinstance(quantity, str) else None
    return found[2] if found and quantity.isprintable() else ""
