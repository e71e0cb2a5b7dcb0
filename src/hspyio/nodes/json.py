"""Node <-> JSON: what a file would hold of a value, where there is no file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.nodes.node import (
    Array,
    Attribute,
    Damaged,
    Group,
    Kept,
    MemorySource,
    StorageType,
    Text,
    Vlen,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "dtype_from_json",
    "dtype_to_json",
    "dtype_to_spec",
    "group_from_json",
    "group_to_json",
    "type_from_json",
    "type_to_json",
]

Json = Any


def group_to_json(group: Group) -> Json:
    """JSON of a group and all that is in it, whole; arrays are read."""
    made: dict[str, Json] = {}
    if group.attributes:
        made["attributes"] = {
            _escaped(name): _to_json(node) for name, node in group.attributes.items()
        }
    if group.members:
        made["members"] = {_escaped(name): _to_json(node) for name, node in group.members.items()}
    return made


def _to_json(node: Group | Array | Attribute | Damaged | Kept) -> Json:
    if isinstance(node, Group):
        return {"group": group_to_json(node)}
    assert isinstance(node, Array | Attribute)
    value = node.source.read() if isinstance(node, Array) else node.value
    return {"type": type_to_json(node.type), "value": _value_to_json(value, node.type)}


def group_from_json(content: Json) -> Group:
    """Inverse of `group_to_json`; a `ValueError` and its kin if it is none."""
    attributes = {
        _unescaped(name): Attribute(*_content(item))
        for name, item in content.get("attributes", {}).items()
    }
    members = {_unescaped(name): _member(item) for name, item in content.get("members", {}).items()}
    return Group(attributes, members)


def _member(item: Json) -> Group | Array:
    if "group" in item:
        return group_from_json(item["group"])
    kind, value = _content(item)
    return Array(kind, MemorySource(np.asarray(value)))


def _content(item: Json) -> tuple[StorageType, bytes | NDArray[Any]]:
    kind = type_from_json(item["type"])
    return kind, _value_from_json(item["value"], kind)


def _escaped(name: str) -> str:
    """A name as UTF-8 can hold it: files may have lone surrogates in theirs."""
    return re.sub("[%\ud800-\udfff]", lambda found: f"%{ord(found[0]):04x}", name)


def _unescaped(name: str) -> str:
    return re.sub("%([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), name)


# types


def type_to_json(kind: StorageType) -> Json:
    """JSON of the type of an array or attribute."""
    if isinstance(kind, Text):
        return {"text": kind.length, "utf8": kind.utf8}
    if isinstance(kind, Vlen):
        return {"rows": type_to_json(kind.base)}
    return dtype_to_spec(kind)


def type_from_json(content: Json) -> StorageType:
    """Inverse of `type_to_json`; a `ValueError` and its kin if it is none."""
    if isinstance(content, Mapping) and "text" in content:
        return Text(content["text"], bool(content["utf8"]))
    if isinstance(content, Mapping) and "rows" in content:
        base = type_from_json(content["rows"])
        if isinstance(base, Vlen):
            raise ValueError("rows of rows")
        return Vlen(base)
    return dtype_from_json(content)


def dtype_to_json(dtype: np.dtype[Any]) -> Json:
    """JSON of a dtype in a type hint: numpy's own word, and all that structures have beside it."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return {"base": dtype_to_json(base), "shape": list(shape)}
    if dtype.names is None:
        return dtype.str
    assert dtype.fields is not None
    fields = []
    for name in dtype.names:
        field = dtype.fields[name]
        title = field[2] if len(field) > 2 else None
        fields.append([name, dtype_to_json(field[0]), int(field[1]), title])
    return {"fields": fields, "size": dtype.itemsize, "aligned": dtype.isalignedstruct}


def dtype_to_spec(dtype: np.dtype[Any]) -> Json:
    """JSON of a dtype in an export: for structures the dict that `numpy.dtype` itself takes."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return {"base": dtype_to_spec(base), "shape": list(shape)}
    if dtype.names is None:
        return dtype.str
    assert dtype.fields is not None
    parts = [dtype.fields[name] for name in dtype.names]
    return {
        "names": [_escaped(name) for name in dtype.names],
        "formats": [dtype_to_spec(part[0]) for part in parts],
        "offsets": [part[1] for part in parts],
        "itemsize": dtype.itemsize,
    }


def dtype_from_json(content: Json) -> np.dtype[Any]:
    """Inverse of `dtype_to_json` and `dtype_to_spec`; raises a `ValueError` and its kin."""
    if isinstance(content, str):
        dtype: np.dtype[Any] = np.dtype(content)
    elif "base" in content:
        dtype = np.dtype((dtype_from_json(content["base"]), tuple(content["shape"])))
    elif "names" in content:
        formats = [dtype_from_json(part) for part in content["formats"]]
        fields = [_unescaped(name) for name in content["names"]]
        spec: Any = {**content, "names": fields, "formats": formats}
        dtype = np.dtype(spec)
    else:
        dtype = _structure(content)
    if dtype.hasobject:
        raise ValueError(f"the dtype {content!r} is none that a file can hold")
    return dtype


def _structure(content: Json) -> np.dtype[Any]:
    fields = content["fields"]
    spec: Any = {
        "names": [field[0] for field in fields],
        "formats": [dtype_from_json(field[1]) for field in fields],
        "offsets": [field[2] for field in fields],
        "itemsize": content["size"],
    }
    if any(field[3] is not None for field in fields):
        spec["titles"] = [field[3] for field in fields]
    made: np.dtype[Any] = np.dtype(spec, align=bool(content["aligned"]))
    return made


# values


def _value_to_json(value: Any, kind: StorageType) -> Json:
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    array = np.asarray(value)
    if isinstance(kind, np.dtype):
        import base64

        content = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
        return {"shape": list(array.shape), "base64": content}
    items = [_item_to_json(item, kind) for item in array.reshape(-1).tolist()]
    return {"shape": list(array.shape), "items": items}


def _item_to_json(item: Any, kind: Text | Vlen) -> Json:
    return _value_to_json(item, kind.base if isinstance(kind, Vlen) else kind)


def _value_from_json(content: Json, kind: StorageType) -> Any:
    if "bytes" in content:
        return content["bytes"].encode("latin-1")
    shape = tuple(content["shape"])
    if isinstance(kind, np.dtype):
        import base64

        decoded = base64.b64decode(content["base64"], validate=True)
        base, inner = kind.subdtype or (kind, ())
        if not base.itemsize:
            return np.empty((*shape, *inner), base)
        return np.frombuffer(bytearray(decoded), base).reshape(shape)
    base_kind = kind.base if isinstance(kind, Vlen) else kind
    items = [_value_from_json(item, base_kind) for item in content["items"]]
    return np.fromiter(items, object, len(items)).reshape(shape)
