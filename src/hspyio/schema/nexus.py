"""NeXus: what makes other viewers plot the data of a file with calibrated axes.

The file's root is the NXroot, ``Experiments`` the NXentry, and each experiment's own group the
NXdata: ``data`` is in it already, so that nothing is linked or stored twice, and whoever opens
the group sees it plotted. HSpy keeps axes as attributes, NeXus wants datasets; they stand beside
``data`` under names that no HSpy reader looks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names
from hspyio.converters.kinds import is_annotated, nexus_attributes, nexus_members, without_nexus
from hspyio.converters.strings import store_text
from hspyio.errors import AxesError, Problem
from hspyio.model.axes import Axis
from hspyio.nodes.node import Array, Attribute, Group, Kept, MemorySource, Node, Text, Vlen

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["annotated", "is_annotated", "marked", "nexus_members", "without_annotation"]

_MOST_POINTS = 2**22
"""Longer axes take more room than they are worth: no viewer draws so many points."""
_INTERPRETATIONS = {1: "spectrum", 2: "image"}


def annotated(
    group: Group, data: Node | None, title: str, axes: Sequence[Axis], where: str
) -> tuple[Group, list[Problem]]:
    """Make an experiment's group an NXdata group, where NeXus viewers plot its data."""
    reason = _unplottable(data)
    if reason:
        return group, [Problem(where, f"is not annotated for NeXus viewers: {reason}")]
    assert isinstance(data, Array)
    problems: list[Problem] = []
    members: dict[str, Any] = {}
    listed: list[bytes] = []
    attributes: dict[str, Attribute] = {
        names.NX_CLASS: _text(names.NX_DATA),
        names.NX_SIGNAL: _text(names.DATA),
    }
    for index, size in enumerate(data.shape):
        name = names.NX_AXIS_VALUES.format(index)
        try:
            members[name] = _axis(axes[index] if index < len(axes) else None, index, size)
            if name in group.members:
                raise AxesError(f"something else is called {name}")
        except AxesError as error:
            members.pop(name, None)
            place = f"{where}/{names.AXIS_PREFIX}{index}"
            problems.append(Problem(place, f"has no values for NeXus viewers: {error.message}"))
            listed.append(b".")
        else:
            listed.append(name.encode())
            attributes[name + names.NX_INDICES] = Attribute(np.dtype("i8"), np.array(index, "i8"))
    if listed:
        attributes[names.NX_AXES] = Attribute(Text(), np.array(listed, object))
    if interpretation := _interpretation(axes):
        attributes[names.NX_INTERPRETATION] = _text(interpretation)
    if title and names.NX_TITLE not in group.members:
        members[names.NX_TITLE] = _title(title)
    made = Group({**group.attributes, **attributes}, {**group.members, **members}, group.ordered)
    return made, problems


def _unplottable(data: Node | None) -> str:
    """Why data are nothing that NeXus viewers plot, ``""`` if they are."""
    if not isinstance(data, Array):
        return "there are no data"
    if isinstance(data.type, Vlen):
        return "the data are ragged, for which NeXus has no form"
    if isinstance(data.type, Text):
        return "the data are text"
    if data.type.kind not in "biufc":
        return f"the data are of type {data.type}, such as colours, for which NeXus has no form"
    return ""


def _axis(axis: Axis | None, index: int, size: int) -> Array:
    """The dataset of an axis."""
    if axis is None or axis.size != size:
        raise AxesError("it does not fit the data")
    if size > _MOST_POINTS:
        raise AxesError(f"it has {size} points, more than any viewer draws")
    values = _plain(axis.values)
    name = axis.name or f"axis {index}"
    attributes = {names.NX_LONG_NAME: f"{name} ({axis.units})" if axis.units else name}
    if axis.units:
        attributes[names.NX_UNITS] = axis.units
    return Array(
        values.dtype,
        MemorySource(values),
        inline=True,
        attributes={key: _text(value) for key, value in attributes.items()},
    )


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Values in a type that every viewer reads."""
    if values.dtype.kind == "c":
        raise AxesError("its values are complex")
    plain = values.dtype.kind in "iu" or values.dtype in (np.float32, np.float64)
    return np.ascontiguousarray(values, None if plain else np.float64)


def _interpretation(axes: Sequence[Axis]) -> str:
    """How to show more dimensions than a plot has: the last ones, where those are the signal's."""
    count = sum(not axis.navigate for axis in axes)
    last = [axis.navigate for axis in axes[len(axes) - count :]]
    return "" if any(last) else _INTERPRETATIONS.get(count, "")


def _title(title: str) -> Array:
    stored = _text(title)
    assert isinstance(stored.value, bytes)
    values = np.empty((), object)
    values[()] = stored.value
    return Array(stored.type, MemorySource(values), inline=True)


def _text(text: str) -> Attribute:
    """Text as every program reads it: what it cannot hold is left out."""
    return store_text(text.replace("\0", ""))[0]


def without_annotation(group: Group) -> Group:
    """An experiment's group without what stands there for NeXus viewers."""
    attributes, members = nexus_attributes(group), nexus_members(group)
    return replace(
        group,
        attributes={k: v for k, v in group.attributes.items() if k not in attributes},
        members={k: v for k, v in group.members.items() if k not in members},
    )


def marked(root: Group, stored: Mapping[str, Group]) -> Group:
    """Make a file's root an NXroot, if anything in it is annotated."""
    holder = root.members.get(names.EXPERIMENTS)
    if not isinstance(holder, Group):
        return root
    groups = {name: _known(node, stored) for name, node in holder.members.items()}
    found = [name for name, group in groups.items() if group and is_annotated(group)]
    if not found and any(map(is_annotated, stored.values())):
        found = list(groups)  # the last one is gone; what is said by default must not name it
    if not found:
        return root
    entry = _defaulting(holder, names.NX_ENTRY, found[0])
    root = _defaulting(root, names.NX_ROOT, names.EXPERIMENTS)
    return replace(root, members={**root.members, names.EXPERIMENTS: entry})


def _known(node: Node, stored: Mapping[str, Group]) -> Group | None:
    if isinstance(node, Kept):
        return stored.get(node.where.rpartition("/")[2])
    return node if isinstance(node, Group) else None


def _defaulting(group: Group, kind: str, default: str) -> Group:
    own = {names.NX_CLASS: _text(kind), names.NX_DEFAULT: _text(default)}
    return replace(group, attributes={**without_nexus(group.attributes), **own})
