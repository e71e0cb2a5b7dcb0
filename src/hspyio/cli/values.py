"""Values of files as JSON, and as short text."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from typing import Any

import numpy as np

from hspyio.cli.console import one_line
from hspyio.nodes.node import nested_lists
from hspyio.printable import dtype_text

__all__ = ["MANY_ITEMS", "json_text", "jsonable", "short_text", "whole_text"]

MANY_ITEMS = 1000
"""Of an array, above which its shape and dtype stand for it."""
LONGEST = 100
_PLAIN = frozenset({type(None), bool, int, str})
_WORDS = {None: "null", True: "true", False: "false"}


def json_text(value: object, *, most: int = MANY_ITEMS) -> str:
    """Facts as JSON, over several lines; arrays of over `most` items by shape and dtype."""
    parts: list[str] = []
    _write(jsonable(value, most=most), "\n", parts.append)
    return "".join(parts)


def _write(value: Any, line: str, add: Callable[[str], None]) -> None:
    """What `json.dumps` with an indent makes, which in Python takes as long as reading the file."""
    if isinstance(value, str):
        add(encode_basestring(value))
    elif value is None or value is True or value is False:
        add(_WORDS[value])
    elif isinstance(value, int):
        add(int.__repr__(value))
    elif isinstance(value, float):
        add(float.__repr__(value))
    elif not value:
        add("{}" if isinstance(value, dict) else "[]")
    elif isinstance(value, dict):
        inner = f"{line}  "
        before = f"{{{inner}"
        for key, item in value.items():
            add(f"{before}{encode_basestring(key)}: ")
            _write(item, inner, add)
            before = f",{inner}"
        add(f"{line}}}")
    else:
        inner = f"{line}  "
        before = f"[{inner}"
        for item in value:
            add(before)
            _write(item, inner, add)
            before = f",{inner}"
        add(f"{line}]")


def jsonable(value: Any, *, most: int = MANY_ITEMS) -> Any:
    """The nearest JSON: what it has no word for (nan, dates, signals) as text."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict:
        return {
            str(key): item if type(item) in _PLAIN else jsonable(item, most=most)
            for key, item in value.items()
        }
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [jsonable(item, most=most) for item in value]
    if isinstance(value, Mapping):
        return jsonable(dict(value.items()), most=most)
    if isinstance(value, np.ndarray) and _is_listed(value, most):
        return jsonable(value.tolist(), most=most)
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return {"shape": list(value.shape), "dtype": str(value.dtype)}
    return str(value)


def _is_listed(array: np.ndarray[Any, Any], most: int) -> bool:
    """Whether an array has so few items, and is not a great many lists of none."""
    return array.size <= most and nested_lists(array.shape) <= max(most, MANY_ITEMS)


class _Short(reprlib.Repr):
    """Shortens a value before it is made text: nobody waits for a list of a million items."""

    def __init__(self, longest: int) -> None:
        super().__init__()
        self.longest = longest
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = longest // 5
        self.maxdict = self.maxlevel = 5
        self.maxstring = self.maxother = self.maxlong = longest

    def repr1(self, x: Any, level: int) -> str:
        if isinstance(x, np.bool_ | np.number | np.str_ | np.bytes_):
            x = x.item()
        if isinstance(x, np.ndarray) and x.ndim == 1 and 0 < x.size <= 6 and x.dtype.kind in "biuf":
            return f"array({x.tolist()})"
        if isinstance(getattr(x, "shape", None), tuple) and hasattr(x, "dtype"):
            return f"array of {x.shape}, {dtype_text(x.dtype)}"
        if isinstance(x, int) and x.bit_length() > 5 * self.longest:
            return f"int of {x.bit_length()} bits"
        if isinstance(x, str | bytes) and len(x) > self.longest:
            return f"{x[: self.longest]!r}…"
        return super().repr1(x, level)


def short_text(value: object, longest: int = LONGEST) -> str:
    """A value on one line, as Python writes it, cut where it is long."""
    text = one_line(_Short(longest).repr(value))
    return text if len(text) <= longest else text[: longest - 1] + "…"


def whole_text(value: object) -> str:
    """A value on one line, whole and the same on every run."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray) and _is_listed(value, MANY_ITEMS):
        return f"array({value.tolist()}, {value.dtype})"
    if isinstance(value, set | frozenset):
        return f"{type(value).__name__}({sorted(map(whole_text, value))})"
    return one_line(repr(value))
