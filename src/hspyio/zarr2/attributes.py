"""Attributes in JSON, as RosettaSciIO has them in a ``.zattrs``, and the nodes that they stand for.

JSON knows whole numbers, numbers, texts and lists. What a node says beyond that, such as float32,
stands in one attribute of ours, of the root, by the paths of the groups. Where another program has
changed a value since, what it has written counts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from hspyio.errors import DamagedFileError
from hspyio.nodes.json import group_from_json, group_to_json
from hspyio.nodes.node import Attribute, Damaged, Group, Text

__all__ = ["ARRAYS", "EXACT", "ORDER", "from_json", "to_json"]

EXACT = "_hspyio_attributes"
"""The name of our own, of attributes."""
ARRAYS = "_hspyio_arrays"
"""The name of another: the types of arrays that Zarr has no exact word for, by their paths."""
ORDER = "_hspyio_order"
"""The names of the members of a group that a file keeps in order."""
_BYTES = "_bs_"
"""What the names of bytes begin with: RosettaSciIO takes them for an array, which no JSON is."""
_ROUND = (np.dtype(np.int64), np.dtype(np.float64), np.dtype(np.bool_))


def from_json(
    content: Mapping[str, Any], noted: Any = None
) -> tuple[dict[str, Attribute | Damaged], dict[str, Group]]:
    """Attributes of a group, and the groups that mappings among them stand for.

    Parameters
    ----------
    content : mapping
        The group's own JSON.
    noted : JSON, optional
        What a file of ours says of them beyond that.
    """
    exact: dict[str, Attribute] = {}
    try:
        known = group_from_json(noted or {}).attributes
        exact = {name: node for name, node in known.items() if isinstance(node, Attribute)}
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        pass  # what stands there counts then
    found: dict[str, Attribute | Damaged] = {}
    groups: dict[str, Group] = {}
    for name, stored in exact.items():
        bare = name.removeprefix(_BYTES)
        unsaid = bare.startswith(_BYTES) and bare not in content
        if bare != name and (unsaid or _same(plain(stored), content.get(bare))):
            found[name] = stored
    for name, value in content.items():
        if name in (ARRAYS, EXACT, ORDER) or f"{_BYTES}{name}" in found:
            continue
        if isinstance(value, Mapping):
            groups[name] = Group(*from_json(value))
            continue
        own = exact.get(name)
        same = own is not None and _same(plain(own), value)
        found[name] = own if own is not None and same else _attribute(value)
    return dict(sorted(found.items())), groups  # by their names, as HDF5 has them


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON; a nan is a nan."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _attribute(value: Any) -> Attribute | Damaged:
    if value is None:
        return Attribute(Text(), b"_None_")
    if isinstance(value, str):
        return Attribute(Text(), value.encode("utf-8", "surrogateescape"))
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        octets = [item.encode("utf-8", "surrogateescape") for item in value]
        return Attribute(Text(), np.fromiter(octets, object, len(octets)))
    try:
        array = np.array(value)
    except (OverflowError, ValueError):
        return Damaged("is a value of JSON that has no form here")
    if array.dtype.hasobject or array.dtype.kind not in "biuf":
        return Attribute(Text(), json.dumps(value).encode())
    return Attribute(array.dtype, array)


def to_json(attributes: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """JSON of attributes, and what is to be noted so that `from_json` makes the same.

    Raises
    ------
    DamagedFileError
        If one is none that can be written.
    """
    made: dict[str, Any] = {}
    exact: dict[str, Attribute] = {}
    for name, node in attributes.items():
        if not isinstance(node, Attribute):
            raise DamagedFileError("cannot be written: it could not be read", where=f"@{name}")
        bare = name.removeprefix(_BYTES)
        if bare == name or not bare.startswith(_BYTES):
            made[bare if bare not in attributes else name] = plain(node)
        if not _is_plain(node):
            exact[name] = node
    return made, group_to_json(Group(exact)) if exact else None


def plain(node: Attribute) -> Any:
    """The nearest JSON."""
    value = node.value
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    array = np.asarray(value)
    if array.dtype.kind == "V" and not array.dtype.names:
        return array.tobytes().decode("utf-8", "surrogateescape")
    if isinstance(node.type, Text):
        texts = [bytes(item).decode("utf-8", "surrogateescape") for item in array.reshape(-1)]
        return texts if array.ndim else texts[0]
    if array.dtype.kind in "biuf" and array.dtype.itemsize <= 8:
        return array.tolist()
    return _text(array)


def _text(array: np.ndarray[Any, Any]) -> Any:
    """What JSON has no word for, such as complex numbers, as text."""
    return str(array.tolist()) if array.ndim else str(array[()])


def _is_plain(node: Attribute) -> bool:
    """Whether JSON alone gives the very same node."""
    value = node.value
    if isinstance(value, bytes):
        return node.type == Text()
    array = np.asarray(value)
    if array.ndim or array.dtype not in _ROUND or not isinstance(node.type, np.dtype):
        return False
    number = array[()]
    return array.dtype.kind != "f" or not math.isnan(number)
