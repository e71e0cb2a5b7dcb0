"""What of an experiment's group is there for NeXus viewers, and is no part of the signal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hspyio import names
from hspyio.nodes.node import Attribute, Group

__all__ = ["is_annotated", "nexus_attributes", "nexus_members", "without_nexus"]

_VALUES = names.NX_AXIS_VALUES.format(r"\d+")
_ATTRIBUTES = {
    names.NX_CLASS,
    names.NX_SIGNAL,
    names.NX_AXES,
    names.NX_INTERPRETATION,
}


def is_annotated(group: Group) -> bool:
    """Whether an experiment's group is a NeXus group of plottable data."""
    return (
        _text(group, names.NX_CLASS) == names.NX_DATA
        and _text(group, names.NX_SIGNAL) == names.DATA
    )


def nexus_attributes(group: Group) -> frozenset[str]:
    """Names of the attributes that stand on an experiment's group for NeXus viewers."""
    if not is_annotated(group):
        return frozenset()
    indices = re.compile(_VALUES + names.NX_INDICES)
    return frozenset(
        name for name in group.attributes if name in _ATTRIBUTES or indices.fullmatch(name)
    )


def nexus_members(group: Group) -> frozenset[str]:
    """Names of the members that stand in an experiment's group for NeXus viewers."""
    if not is_annotated(group):
        return frozenset()
    own = re.compile(f"{_VALUES}|{names.NX_TITLE}")
    return frozenset(name for name in group.members if own.fullmatch(name))


def without_nexus(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of the root, or of the ``Experiments`` group, without those for NeXus viewers."""
    if _text(Group(attributes), names.NX_CLASS) not in (names.NX_ROOT, names.NX_ENTRY):
        return dict(attributes)
    own = (names.NX_CLASS, names.NX_DEFAULT)
    return {name: node for name, node in attributes.items() if name not in own}


def _text(group: Group, name: str) -> str:
    node = group.attributes.get(name)
    if isinstance(node, Attribute) and isinstance(node.value, bytes):
        return node.value.decode("utf-8", "replace")
    return ""
