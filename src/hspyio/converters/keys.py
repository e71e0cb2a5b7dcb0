"""Keys of dicts: as names on disk wherever reading gives them back, else as JSON in a hint."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from hspyio import names
from hspyio.converters.converter import Encoded, NotStorableError
from hspyio.converters.kinds import reads_back_as
from hspyio.converters.stringified import TEXT_TYPES, float_text, int_text, parse_int
from hspyio.nodes.node import Attribute

__all__ = ["key_from_json", "key_to_json", "name_items", "readable_name"]

Json = Any
_LONGEST = 500
"""Characters of a name that stands for a key."""
_LONGEST_NAME = 4000


def key_to_json(key: object) -> Json:
    """Encode a key; plain text stands for itself, all else is ``{type: content}``."""
    if type(key) is str or key is None or type(key) is bool:
        return key
    if type(key) is int:
        return {"int": int_text(key)}
    if type(key) is float:
        return {"float": float_text(key)}
    if type(key) is complex:
        return {"complex": [float_text(key.real), float_text(key.imag)]}
    if type(key) is bytes:
        import base64

        return {"bytes": base64.b64encode(key).decode()}
    if type(key) is np.str_:
        return {"numpy.str": "".join(key)}
    if type(key) is tuple:
        return {"tuple": [key_to_json(item) for item in key]}
    for entry in TEXT_TYPES:
        if type(key) is entry.kind():
            return {entry.tag: entry.to_text(key)}
    raise NotStorableError(
        f"a key of type {type(key).__name__} has no form in an HSpy file; use text"
    )


def _from_base64(text: str) -> bytes:
    import base64

    return base64.b64decode(text)


_FROM_JSON: dict[str, Callable[[Any], Hashable]] = {
    "int": parse_int,
    "float": float,
    "complex": lambda parts: complex(float(parts[0]), float(parts[1])),
    "bytes": _from_base64,
    "numpy.str": np.str_,
    "tuple": lambda items: tuple(key_from_json(item) for item in items),
    **{entry.tag: entry.from_text for entry in TEXT_TYPES},
}


def key_from_json(json: Json) -> Hashable:
    """Inverse of `key_to_json`."""
    if isinstance(json, dict):
        [(kind, content)] = json.items()
        return _FROM_JSON[kind](content)
    if json is None or isinstance(json, (str, bool)):
        return json
    raise ValueError("no key")


def readable_name(key: object) -> str:
    """Return a name that stands for a key which cannot be a name itself."""
    text = key if isinstance(key, str) else str(key)
    text = text[:_LONGEST].encode("utf-8", "backslashreplace").decode()
    text = text.replace("/", "-").replace("\0", "-")
    return f"key{text}" if text in ("", ".", "..") or text.startswith("_") else text


def name_items(pairs: Sequence[tuple[object, Encoded]]) -> list[tuple[str, bool]]:
    """Name every item of a group, and tell whether reading gives the key back from it."""
    taken: set[str] = set()  # keys that can be names come first: no stand-in takes theirs
    result: list[tuple[str, bool] | None] = []
    for key, encoded in pairs:
        # Exactly str: a subclass would come back as str.
        plain = type(key) is str and _fits(key, encoded, taken)
        result.append((f"{encoded.prefix}{key}", True) if plain else None)
    return [
        named or (_stand_in(key, encoded, taken), False)
        for named, (key, encoded) in zip(result, pairs, strict=True)
    ]


def _fits(key: str, encoded: Encoded, taken: set[str]) -> bool:
    """Whether the key can be the name; if so both are taken."""
    name = encoded.prefix + key
    if name in taken or key in taken or not _is_storable(name, encoded):
        return False
    if name == names.SIGNAL:  # would read as a signal in a list
        return False
    if not reads_back_as(encoded.prefix, key, encoded.node):
        return False
    taken.add(name)
    taken.add(key)
    return True


def _is_storable(name: str, encoded: Encoded) -> bool:
    """Whether HDF5 and every reader take the name (defects C18 to C24)."""
    if not name or "\0" in name or len(name) > _LONGEST_NAME:
        return False
    if not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError:
            return False
    if isinstance(encoded.node, Attribute):
        return True
    return "/" not in name and name not in (".", "..", names.RAGGED_SHAPES_3_1)


def _stand_in(key: object, encoded: Encoded, taken: set[str]) -> str:
    name = readable_name(key)
    candidate, count = name, 1
    while not _fits(candidate, encoded, taken):
        count += 1
        candidate = f"{name}_{count}"
    return encoded.prefix + candidate
