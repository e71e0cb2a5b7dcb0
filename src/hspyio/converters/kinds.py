"""How the name of an item carries its type: the one place that parses names (format, section 4.2).

Writing uses it too: a key is written as it is exactly where reading gives it back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

import numpy as np

from hspyio import names
from hspyio.nodes.node import Array, Attribute, Group, Node, Text, Vlen

__all__ = [
    "Kind",
    "classify",
    "is_annotated",
    "is_own_member",
    "nexus_attributes",
    "nexus_members",
    "reads_back_as",
    "without_nexus",
]

_MARK = "_"
"""What every prefix begins with; most names begin with a letter, and are told at once."""

_MEMBERS = {
    names.METADATA,
    names.ORIGINAL_METADATA,
    names.ATTRIBUTES,
    names.LEARNING_RESULTS,
    names.PEAK_LEARNING_RESULTS,
    names.MAPPED_PARAMETERS,
    names.ORIGINAL_PARAMETERS,
    names.MVA_RESULTS,
    names.PEAK_MVA_RESULTS,
    names.MASKS,
    names.SEAL,
}
_AXES = re.compile(r"axis-\d+|_(list|tuple)_\d+_axes")


def is_own_member(name: str) -> bool:
    """Whether a member of a signal's group is part of the format, data aside."""
    return name in _MEMBERS or _AXES.fullmatch(name) is not None


class Kind(Enum):
    """What an item is, going by its name and the form it stands in."""

    SKIP = auto()
    DAMAGED = auto()
    EMPTY_LIST = auto()
    EMPTY_TUPLE = auto()
    BYTES = auto()
    DATETIME = auto()
    TEXT = auto()
    NUMBER = auto()
    VLEN_ATTRIBUTE = auto()
    SIGNAL = auto()
    WRAPPED_SIGNAL = auto()
    AXES_MANAGER = auto()
    LIST_DATASET = auto()
    TUPLE_DATASET = auto()
    TEXT_ARRAY = auto()
    RAGGED = auto()
    ARRAY = auto()
    LIST = auto()
    TUPLE = auto()
    DICT = auto()


def classify(name: str, node: Node) -> tuple[Kind, str]:
    """Return what an item is and the key it stands for."""
    if isinstance(node, Attribute):
        return _attribute(name, node)
    if isinstance(node, Array):
        return _dataset(name, node)
    if isinstance(node, Group):
        return _group(name, node)
    return Kind.DAMAGED, name


def reads_back_as(prefix: str, key: str, node: Node) -> bool:
    """Whether the prefix with the key reads as the key, and as what the prefix says."""
    if not prefix and not key.startswith(_MARK) and key != names.RAGGED_SHAPES_3_1:
        return True
    kind, _ = classify(f"{prefix}x", node)
    return classify(prefix + key, node) == (kind, key)


def _attribute(name: str, node: Attribute) -> tuple[Kind, str]:
    marked = _marked_attribute(name) if name.startswith(_MARK) else None
    if marked is not None:
        return marked
    if isinstance(node.type, Text):
        return Kind.TEXT, name
    if isinstance(node.type, Vlen):
        return Kind.VLEN_ATTRIBUTE, name
    return Kind.NUMBER, name


def _marked_attribute(name: str) -> tuple[Kind, str] | None:
    if name.startswith(names.SIGNAL):
        return Kind.SKIP, name
    for prefix, kind in (
        (names.LIST + names.EMPTY, Kind.EMPTY_LIST),
        (names.TUPLE + names.EMPTY, Kind.EMPTY_TUPLE),
        (names.BYTES, Kind.BYTES),
    ):
        if name.startswith(prefix):
            return kind, name[len(prefix) :]
    if name.startswith((names.DATETIME + "date", names.DATETIME + "time")):
        return Kind.DATETIME, name[len(names.DATETIME) :]
    return None


def _dataset(name: str, node: Array) -> tuple[Kind, str]:
    if name.startswith(names.RAGGED_SHAPES) or _is_old_shapes(name, node):
        return Kind.SKIP, name
    if name.startswith(names.SIGNAL):
        return Kind.SIGNAL, name[len(names.SIGNAL) :]
    for prefix, kind in ((names.LIST, Kind.LIST_DATASET), (names.TUPLE, Kind.TUPLE_DATASET)):
        if name.startswith(prefix):
            return kind, name[len(prefix) :]
    if isinstance(node.type, Text):
        return Kind.TEXT_ARRAY, name
    if isinstance(node.type, Vlen):
        return Kind.RAGGED, name
    return Kind.ARRAY, name


def _is_old_shapes(name: str, node: Array) -> bool:
    """The shapes of format 3.1: one dataset for all ragged arrays of the group."""
    return (
        name == names.RAGGED_SHAPES_3_1
        and isinstance(node.type, Vlen)
        and isinstance(node.type.base, np.dtype)
        and node.type.base.kind in "iu"
    )


def _group(name: str, node: Group) -> tuple[Kind, str]:
    if name.startswith(names.RAGGED_SHAPES):
        return Kind.SKIP, name
    if name.startswith(names.SIGNAL):
        return Kind.SIGNAL, name[len(names.SIGNAL) :]
    if name.startswith(names.AXES_MANAGER):
        return Kind.AXES_MANAGER, name
    for prefix, kind in ((names.LIST, Kind.LIST), (names.TUPLE, Kind.TUPLE)):
        if name.startswith(prefix):
            rest = name[len(prefix) :]
            _, separator, key = rest.partition("_")
            return kind, key if separator else rest
    if list(node.members) == [names.SIGNAL] and not node.attributes:
        return Kind.WRAPPED_SIGNAL, name
    return Kind.DICT, name


# of NeXus


_VALUES = names.NX_AXIS_VALUES.format(r"\d+")
_ATTRIBUTES = {names.NX_CLASS, names.NX_SIGNAL, names.NX_AXES, names.NX_INTERPRETATION}


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
