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
from hspyio.bridges.tree_text import text_of
from hspyio.converters.type_hints import loads
from hspyio.errors import AxesError, ConversionError, Problem, warn_user
from hspyio.model.models import Model
from hspyio.model.signal import Signal
from hspyio.model.tree import MetadataTree
from hspyio.nodes.node import Array, Attribute, Group, StoredSource
from hspyio.packages import imported
from hspyio.records import record

if TYPE_CHECKING:
    import xarray
    from numpy.typing import NDArray

__all__ = [
    "DATA",
    "Description",
    "array_of",
    "description",
    "from_xarray",
    "plain_source",
    "to_xarray",
    "without_large",
]

DATA = names.DATA
_NO_FORM = "cannot be held by xarray"
_LARGEST = 2**20
"""Bytes of an array in the metadata above which it is no attribute."""
_QUANTITY = re.compile(r"(.+?)\s*\(([^()]+)\)\s*")


def to_xarray(signal: Signal) -> xarray.DataArray:
    """See `Signal.to_xarray`."""
    return array_of(description(signal), signal.data)


@record
class Description:
    """All of a signal but its data, in xarray's terms."""

    dimensions: list[str]
    coordinates: dict[str, tuple[str, NDArray[Any], dict[str, Any]]]
    attributes: dict[str, Any]


def description(
    signal: Signal, *, original_metadata: bool = True, results: bool = True
) -> Description:
    """What becomes of axes and metadata, with or without that tree and the results and models."""
    problems = _data_problems(signal)
    attributes = _attributes(signal, problems, original_metadata, results)
    dimensions = dimension_names(signal.axes, DATA)
    coordinates = _coordinates(signal, dimensions, attributes, problems)
    if problems:
        raise ConversionError(_NO_FORM, problems)
    return Description(dimensions, coordinates, attributes)


def array_of(about: Description, data: Any) -> xarray.DataArray:
    """The same with data of whatever kind xarray takes."""
    imported("xarray")
    from hspyio.bridges.xarray_pages import DataArray

    try:
        with warnings.catch_warnings():  # of dates that it converts
            warnings.simplefilter("ignore", UserWarning)
            made = DataArray(data, about.coordinates, about.dimensions, DATA, about.attributes)
    except (TypeError, ValueError) as error:
        message = f"{data.dtype} is not known to xarray: {error}"
        raise ConversionError(_NO_FORM, [Problem("data", message)]) from None
    if _same_type(made.dtype, data.dtype):
        return made
    message = f"{data.dtype} would become {made.dtype}; convert them before"
    raise ConversionError(_NO_FORM, [Problem("data", message)])


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


def without_large(signal: Signal, notes: list[Problem]) -> Signal:
    """The signal without what is too large for attributes; that is noted."""
    made = signal.copy()
    for part in ("metadata", "original_metadata", "attributes", "learning_results"):
        setattr(made, part, _small_parts(getattr(signal, part), part, notes))
    trees = {name: model.tree for name, model in signal.models.items()}
    made.models = {
        name: Model(MetadataTree(_small_parts(tree, f"models.{name}", notes)))
        for name, tree in trees.items()
    }
    return made


def _small_parts(tree: Mapping[Any, Any], where: str, notes: list[Problem]) -> dict[Any, Any]:
    kept: dict[Any, Any] = {}
    for key, value in tree.items():
        path = f"{where}.{key}"
        size = _bytes_of(value.data if isinstance(value, Signal) else value)
        if size > _LARGEST:
            notes.append(Problem(path, f"{size:,} bytes are too many for an attribute: left out"))
        elif isinstance(value, Mapping):
            before = len(notes)
            inner = _small_parts(value, path, notes)
            kept[key] = value if len(notes) == before else inner
        else:
            kept[key] = value
    return kept


def _bytes_of(value: Any) -> int:
    return int(value.nbytes) if hasattr(value, "dtype") else 0


def plain_source(group: Group, signal: Signal) -> StoredSource | None:
    """An experiment's data in its file, if they can be read in parts and mean what stands there."""
    node = group.members[names.DATA]
    if not isinstance(node, Array) or not isinstance(node.source, StoredSource):
        return None
    same = signal.data.dtype == node.type and signal.data.shape == node.shape
    return node.source if same and not _is_hinted(group) else None


def _is_hinted(group: Group) -> bool:
    """Whether the data were of a type, such as masked arrays, that HDF5 has no own form for."""
    node = group.attributes.get(names.TYPES)
    text = node.value if isinstance(node, Attribute) else b""
    try:
        return isinstance(text, bytes) and bool(text and loads(text.decode()).child(names.DATA))
    except ValueError:  # reading has said so
        return False
