"""Keys of dicts: any simple Python value, as a name on disk and as JSON in a hint."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from hspyio.converters.converter import NotStorableError
from hspyio.converters.stringified import TEXT_TYPES, float_text, int_text, parse_int

__all__ = ["key_from_json", "key_to_json", "readable_name"]

Json = Any
_LONGEST = 500


def key_to_json(key: object) -> Json:
    """Encode a key; plain text stands for itself, all else is ``{type: content}``.

    Raises
    ------
    NotStorableError
        If the type cannot be a key in a file.
    """
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
    """Inverse of `key_to_json`.

    Raises
    ------
    ValueError, KeyError, TypeError
        If the JSON value encodes no key.
    """
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
