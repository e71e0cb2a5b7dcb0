"""Whether what is to be written stands in a file: read back before it counts, or there already."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from hspyio.errors import HspyError
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Kept, MemorySource, Node

__all__ = ["Member", "first_difference", "same_value", "thinned"]

Member: TypeAlias = Group | Array | Damaged | Kept

_MOST_BYTES = 2**16
"""Larger arrays are compared by shape and type."""


def first_difference(planned: Group, stored: Node | None, where: str = "") -> str:
    """The first place where a file does not hold what was planned."""
    if not isinstance(stored, Group):
        return where or "/"
    for name, attribute in planned.attributes.items():
        if not _same_attribute(attribute, stored.attributes.get(name)):
            return f"{where}@{name}"
    for name, node in planned.members.items():
        place = f"{where}/{name}"
        found = stored.members.get(name)
        if isinstance(node, Group):
            if inner := first_difference(node, found, place):
                return inner
        elif not _stands(node, found):
            return place
    return ""


def thinned(planned: Member, stored: Node | None, where: str) -> Member:
    """A plan without what stands in the file already: that is kept."""
    if isinstance(planned, Array) and isinstance(stored, Array):
        # what stands beside an array is not read: it may differ
        known = isinstance(planned.source, MemorySource) and not planned.attributes
        try:
            return Kept(where) if known and _stands(planned, stored, most=None) else planned
        except HspyError:  # what cannot be read is replaced
            return planned
    if not (isinstance(planned, Group) and isinstance(stored, Group)):
        return planned
    members = {
        name: thinned(node, stored.members.get(name), f"{where}/{name}")
        for name, node in planned.members.items()
    }
    same = (
        set(planned.attributes) == set(stored.attributes)
        and set(members) == set(stored.members)
        and all(isinstance(node, Kept) for node in members.values())
        and all(_same_attribute(a, stored.attributes[k]) for k, a in planned.attributes.items())
    )
    return Kept(where) if same else replace(planned, members=members)


def _stands(planned: Node, stored: Node | None, most: int | None = _MOST_BYTES) -> bool:
    if isinstance(planned, Kept):
        return stored is not None and not isinstance(stored, Damaged)
    if not (isinstance(planned, Array) and isinstance(stored, Array)):
        return False
    if planned.type != stored.type or tuple(planned.shape) != tuple(stored.shape):
        return False
    source = planned.source
    if isinstance(source, MemorySource) and (most is None or source.array.nbytes <= most):
        values = source.array
        if isinstance(planned.type, np.dtype):
            values = values.astype(planned.type, copy=False)
        return _same_values(values, stored.source.read())
    return True


def same_value(node: Member | Attribute | None, stored: Attribute) -> bool:
    """Whether what is to be written holds what an attribute does, be it of another type."""
    if isinstance(node, Attribute):
        return _same_values(node.value, stored.value)
    known = isinstance(node, Array) and isinstance(node.source, MemorySource)
    return known and _same_values(node.source.read(), stored.value)  # type: ignore[union-attr]


def _same_attribute(
    planned: Attribute | Damaged | Kept, stored: Attribute | Damaged | Kept | None
) -> bool:
    if isinstance(planned, Kept):
        return stored is not None
    if isinstance(planned, Damaged):
        return stored is None  # it was left out
    return (
        isinstance(stored, Attribute)
        and planned.type == stored.type
        and _same_values(planned.value, stored.value)
    )


def _same_values(planned: Any, stored: Any) -> bool:
    if isinstance(planned, bytes) or isinstance(stored, bytes):
        return bool(planned == stored)
    one, other = np.asarray(planned), np.asarray(stored)
    if one.shape != other.shape:
        return False
    if one.dtype.hasobject or other.dtype.hasobject:
        pairs = zip(one.reshape(-1).tolist(), other.reshape(-1).tolist(), strict=True)
        return all(_same_values(a, b) for a, b in pairs)
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()
