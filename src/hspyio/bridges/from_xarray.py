"""xarray's DataArrays as signals: those that were signals, and any others."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names
from hspyio.bridges.coordinates import AXIS, axis_without_coordinate, coordinate_axis, even_axis
from hspyio.bridges.parts_of_data import join_parts
from hspyio.bridges.tree_text import tree_of
from hspyio.errors import ConversionError, HspyError, Problem, warn_user
from hspyio.model.axes import Axis, UniformAxis
from hspyio.model.given import kind_of, more_than_an_array
from hspyio.model.signal import Signal
from hspyio.model.tree import MetadataTree
from hspyio.suggestions import listing, missing

if TYPE_CHECKING:
    import xarray
    from numpy.typing import NDArray

__all__ = ["from_xarray"]

_TREES = (
    names.METADATA,
    names.ORIGINAL_METADATA,
    names.ATTRIBUTES,
    names.LEARNING_RESULTS,
    names.MODELS,
)
_TEXTS = (names.PACKAGE, names.PACKAGE_VERSION)
_OURS = "hspy_"
_FOREIGN = "xarray"
"""The node of the original metadata for what a signal has no place for."""


def from_xarray(
    array: xarray.DataArray | xarray.Dataset, *, signal_dims: Sequence[Hashable] | None = None
) -> Signal:
    """Make a signal of a DataArray, or of a Dataset with one variable.

    Parameters
    ----------
    array : xarray.DataArray or xarray.Dataset
        What `Signal.to_xarray` or ``xr.open_dataset(..., engine="hspyio")`` has made gives an
        equal signal, also where it comes from a netCDF file or a Zarr store. Of others, evenly
        spaced coordinates become uniform axes, other numbers data axes, dates seconds since the
        first one; a dimension without a coordinate counts from 0. ``long_name`` or the name is
        the title, and all that a signal has no place for (attributes, other coordinates) stands
        in ``original_metadata.xarray``. Dask arrays stay lazy.
    signal_dims : sequence of dimensions, optional
        The signal axes; the others navigate. This goes before what the coordinates say; where
        nothing says it all are signal axes.

    Returns
    -------
    Signal

    Raises
    ------
    ConversionError
        If no signal can be made of it; all that is in the way is named.

    Warns
    -----
    HspyWarning
        Coordinates that are no numbers are named; their axes count from 0.
    """
    chosen = _one_array(array)
    problems = _problems(chosen, signal_dims)
    notes: list[Problem] = []
    axes = [_axis(chosen, dim, problems, notes) for dim in chosen.dims] if not problems else []
    trees = _trees(chosen, problems)
    if problems:
        raise ConversionError("cannot be part of a signal", problems)
    if signal_dims is not None:
        pairs = zip(axes, chosen.dims, strict=True)
        axes = [replace(axis, navigate=dim not in signal_dims) for axis, dim in pairs]
    if names.METADATA not in trees:
        trees[names.METADATA] = _metadata(chosen)
    if foreign := _foreign(chosen):
        known = trees.get(names.ORIGINAL_METADATA, {})
        trees[names.ORIGINAL_METADATA] = {**known, _FOREIGN: foreign}
    if notes:
        lines = "".join(f"\n  {note}" for note in notes)
        warn_user(f"not all of it fits a signal's axes:{lines}")
    trees[names.METADATA] = MetadataTree(trees[names.METADATA])  # a file's, not a caller's
    return Signal(chosen.data, axes, **trees)


# what it is made of


def _one_array(array: Any) -> xarray.DataArray:
    import xarray

    if isinstance(array, xarray.DataArray):
        return array
    if not isinstance(array, xarray.Dataset):
        raise ConversionError(
            f"array is a {kind_of(array)}; from_xarray takes a DataArray, or a Dataset with one "
            f"variable{_instead(array)}"
        )
    whole = join_parts(array)
    found = list(whole.data_vars)
    if len(found) == 1:
        return whole[found[0]]
    if not found:
        raise ConversionError("array is a Dataset without variables, so that there are no data")
    raise ConversionError(
        f"array is a Dataset with {len(found)} variables: {listing(found)}; give one of them, "
        f"such as from_xarray(dataset[{found[0]!r}])"
    )


def _instead(array: object) -> str:
    """The call that was probably meant."""
    if isinstance(array, str | os.PathLike):
        return "; xarray.open_dataset(path) opens a file"
    if isinstance(array, Signal):
        return "; signal.to_xarray() is the way back"
    if meant := more_than_an_array(array):
        return f"; {meant}"
    return "; Signal(array, axes) makes a signal of an array"


def _problems(array: xarray.DataArray, signal_dims: Sequence[Hashable] | None) -> list[Problem]:
    problems = []
    twice = {dim for dim in array.dims if array.dims.count(dim) > 1}
    if twice:
        message = f"{', '.join(map(repr, twice))} stand more than once; rename them"
        problems.append(Problem("dims", message))
    if isinstance(signal_dims, str):
        message = f"is one text; give a list: signal_dims=[{signal_dims!r}]"
        problems.append(Problem("signal_dims", message))
        signal_dims = ()
    problems += [
        Problem("signal_dims", f"{dim!r} is no dimension{missing(str(dim), array.dims)}")
        for dim in signal_dims or ()
        if dim not in array.dims
    ]
    if array.dtype == object:
        message = "are Python objects; convert them to numbers or texts with astype"
        problems.append(Problem("data", message))
    problems += [
        Problem(f"coords[{name!r}]", "are Python objects; convert or drop them (reset_index)")
        for name, coord in array.coords.items()
        if coord.dtype == object and not _are_texts(coord.values)
    ]
    return problems


def _are_texts(values: NDArray[Any]) -> bool:
    return all(isinstance(item, str) for item in values.reshape(-1).tolist())


def _trees(array: xarray.DataArray, problems: list[Problem]) -> dict[str, Any]:
    """The parts of a signal that its attributes hold."""
    found: dict[str, Any] = {}
    for name in (*_TREES, *_TEXTS):
        text = array.attrs.get(f"{_OURS}{name}")
        if text is None:
            continue
        where = f"attrs[{_OURS + name!r}]"
        try:
            value = tree_of(str(text), where)
        except HspyError as error:
            problems.append(Problem(where, error.message))
            continue
        expected = dict if name in _TREES else str
        if isinstance(value, expected):
            found[name] = value
        else:
            problems.append(Problem(where, f"holds no {expected.__name__}"))
    return found


def _metadata(array: xarray.DataArray) -> dict[str, Any]:
    """What xarray's own words say of the data, in HyperSpy's."""
    long_name, units = (array.attrs.get(key) for key in ("long_name", "units"))
    title = long_name if isinstance(long_name, str) else str(array.name or "")
    made: dict[str, Any] = {"General": {"title": title}}
    if isinstance(units, str) and units:
        made["Signal"] = {"quantity": f"{title or 'Intensity'} ({units})"}
    return made


def _foreign(array: xarray.DataArray) -> dict[str, Any]:
    """What a signal has no place for."""
    ours = f"{_OURS}{names.METADATA}" in array.attrs
    known = {"long_name", "units"} if ours else set()
    attrs = {
        str(key): value
        for key, value in array.attrs.items()
        if not str(key).startswith(_OURS) and key not in known
    }
    coords = {
        str(name): _coordinate_tree(coord)
        for name, coord in array.coords.items()
        if name not in array.dims or not _is_held(coord) or _others(coord.attrs)
    }
    return {key: part for key, part in (("attrs", attrs), ("coords", coords)) if part}


def _is_held(coord: xarray.DataArray) -> bool:
    """Whether the axis says all that its values do."""
    return coord.dtype.kind in "biuf" or AXIS in coord.attrs


def _others(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """The attributes of a coordinate that its axis does not hold."""
    held = {"units", "space", "is_binned", AXIS} | ({"long_name"} if AXIS in attrs else set())
    return {str(key): value for key, value in attrs.items() if key not in held}


def _coordinate_tree(coord: xarray.DataArray) -> dict[str, Any]:
    values = np.asarray(coord.values)
    if values.dtype == object:
        values = values.astype(str)
    return {"dims": [str(dim) for dim in coord.dims], "values": values, "attrs": dict(coord.attrs)}


# axes


def _axis(
    array: xarray.DataArray, dim: Hashable, problems: list[Problem], notes: list[Problem]
) -> Axis:
    size = array.sizes[dim]
    where = f"coords[{dim!r}]"
    plain = UniformAxis(str(dim), size=size)
    try:
        if dim not in array.coords:
            record = array.attrs.get(f"{AXIS}_{dim}")
            where = f"attrs['{AXIS}_{dim}']"
            return plain if record is None else axis_without_coordinate(record, size, where)
        return _axis_of(array.coords[dim], str(dim), where, notes)
    except HspyError as error:
        problems.append(Problem(error.where or where, error.message))
        return plain


def _axis_of(coord: xarray.DataArray, dim: str, where: str, notes: list[Problem]) -> Axis:
    values = np.asarray(coord.values)
    attributes = dict(coord.attrs)
    if "units" in coord.encoding:
        attributes.setdefault("units", coord.encoding["units"])
    if values.dtype.kind in "biuf":
        return coordinate_axis(dim, values, attributes, where)
    kind = attributes.get("space")
    axis = UniformAxis(dim, size=len(values), navigate=kind == "navigation")
    if values.dtype.kind == "m":
        return _durations(axis, values, coord, where)
    if values.dtype.kind == "M" and len(values) and not np.any(np.isnat(values)):
        seconds = (values - values[0]) / np.timedelta64(1, "s")
        return even_axis(replace(axis, units="s"), np.asarray(seconds))
    notes.append(Problem(where, f"are {_kind_word(values)}, no numbers; the axis counts from 0"))
    return axis


def _kind_word(values: NDArray[Any]) -> str:
    return {"M": "dates", "c": "complex", "O": "texts", "U": "texts", "T": "texts"}.get(
        values.dtype.kind, str(values.dtype)
    )


_UNITS: dict[str, Any] = {
    "days": "D",
    "hours": "h",
    "minutes": "m",
    "seconds": "s",
    "milliseconds": "ms",
}
_UNITS |= {"microseconds": "us", "nanoseconds": "ns"}


def _durations(axis: UniformAxis, values: NDArray[Any], coord: Any, where: str) -> Axis:
    """Numbers again: xarray takes those with the units ``seconds`` in a file for durations."""
    units = str(coord.encoding.get("units", ""))
    unit: Any = _UNITS.get(units, "s")
    numbers = np.asarray(values / np.timedelta64(1, unit))
    if units in _UNITS:
        attributes = {**coord.attrs, "units": units}
        return coordinate_axis(str(axis.name), numbers, attributes, where)
    return even_axis(replace(axis, units="s"), numbers)
