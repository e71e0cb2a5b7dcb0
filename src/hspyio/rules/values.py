"""Values of small things in a file, for rules to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.converters.strings import decode_bytes
from hspyio.errors import UNREADABLE, HspyError
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["flag_of", "is_flag", "is_text", "number_of", "points_of", "text_of", "told"]

_MOST_BYTES = 16 * 2**20
"""Bytes of an axis that are read to be looked at."""


def text_of(node: object) -> str | None:
    """The text of an attribute; ``None`` if it is none."""
    if isinstance(node, Attribute) and isinstance(node.value, bytes):
        return decode_bytes(node.value)
    return None


def is_text(node: object) -> bool:
    """Whether something is an attribute that is one text."""
    return text_of(node) is not None


def number_of(node: object) -> int | float | None:
    """The one real number of an attribute; ``None`` if it is none."""
    value = _single(node)
    return value.item() if value is not None and value.dtype.kind in "iuf" else None


def flag_of(node: object) -> bool | None:
    """The truth value of an attribute; old files have 1 and 0. ``None`` if it is none."""
    value = _single(node)
    if value is None or value.dtype.kind not in "biu" or value.item() not in (0, 1):
        return None
    return bool(value.item())


def is_flag(node: object) -> bool:
    """Whether an attribute is stored as a truth value."""
    value = _single(node)
    return value is not None and value.dtype.kind == "b"


def _single(node: object) -> NDArray[Any] | None:
    if not isinstance(node, Attribute) or not isinstance(node.value, np.ndarray):
        return None
    return node.value if node.value.size == 1 else None


def points_of(group: Group) -> NDArray[Any] | str | None:
    """Values of a data axis, wherever they stand."""
    for name in ("axis", "_list_axis", "_tuple_axis"):
        node = group.members.get(name) or group.attributes.get(name)
        if isinstance(node, Attribute):
            return np.asarray(node.value) if not is_text(node) else "is text"
        if isinstance(node, Damaged):
            return None  # which has a rule of its own
        if isinstance(node, Array):
            return _values(node)
        if isinstance(node, Group):
            return "is a group"
    return None


def _values(array: Array) -> NDArray[Any] | str | None:
    if not isinstance(array.type, np.dtype):
        return "is text" if isinstance(array.type, Text) else "has rows of variable length"
    if np.prod(array.shape, dtype=float) * array.type.itemsize > _MOST_BYTES:
        return None
    try:
        return np.asarray(array.source.read())
    except HspyError as error:
        return f"cannot be read: {error.message}"
    except UNREADABLE as error:
        return f"cannot be read: {error}"


def told(value: object, most: int = 60) -> str:
    """A value as it stands in a message."""
    text = repr(value[: most + 1] if isinstance(value, (bytes, str)) else value)
    return text if len(text) <= most else f"{text[: most - 1]}…"
