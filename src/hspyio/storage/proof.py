"""Whether what was written is what stands there, read back before it counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from hspyio.node import Array, Attribute, Damaged, Group, Kept, MemorySource, Node

__all__ = ["mismatch"]

_MOST_BYTES = 2**16
"""Larger arrays are compared by shape and type."""


def mismatch(planned: Group, stored: Node | None, where: str = "") -> str:
    """The first place where a file does not hold what was planned.

    Parameters
    ----------
    planned : Group
        What was to be written.
    stored : Group, Array, Damaged or None
        What is read; it may hold more.
    where : str
        Path of the group.

    Returns
    -------
    str
        A path, ``""`` if there is none.
    """
    if not isinstance(stored, Group):
        return where or "/"
    for name, attribute in planned.attributes.items():
        if not _same_attribute(attribute, stored.attributes.get(name)):
            return f"{where}@{name}"
    for name, node in planned.members.items():
        place = f"{where}/{name}"
        found = stored.members.get(name)
        if isinstance(node, Group):
            if inner := mismatch(node, found, place):
                return inner
        elif not _stands(node, found):
            return place
    return ""


def _stands(planned: Node, stored: Node | None) -> bool:
    if isinstance(planned, Kept):
        return stored is not None and not isinstance(stored, Damaged)
    if not (isinstance(planned, Array) and isinstance(stored, Array)):
        return False
    if planned.type != stored.type or tuple(planned.shape) != tuple(stored.shape):
        return False
    source = planned.source
    if isinstance(source, MemorySource) and source.array.nbytes <= _MOST_BYTES:
        values = source.array
        if isinstance(planned.type, np.dtype):
            values = values.astype(planned.type, copy=False)
        return _same_values(values, stored.source.read())
    return True


def _same_attribute(planned: Attribute | Damaged, stored: Attribute | Damaged | None) -> bool:
    if isinstance(planned, Damaged):
        return True  # it was left out
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
