"""A tree of values as one JSON text, and back without loss.

For what holds texts and no trees: attributes of netCDF and Zarr. What JSON can tell stands there
as it is, for people and programs to read; any other value as what an HSpy file would hold of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from hspyio import names
from hspyio.converters import CONVERTERS
from hspyio.converters.decoder import DecodePolicy, Decoder
from hspyio.converters.encoder import Encoder
from hspyio.converters.type_hints import NO_HINT, dumps, loads
from hspyio.errors import HspyError, Problem
from hspyio.model.parts import SignalParts
from hspyio.model.tree import MetadataTree
from hspyio.nodes.json import group_from_json, group_to_json
from hspyio.nodes.node import Group
from hspyio.schema import to_signal
from hspyio.schema.migrations import CURRENT

__all__ = ["text_of", "tree_of"]

_STORED = "_hspyio"
"""The key that says: this is no dict, but a value that JSON has no form for."""

_VALUE = "value"
_LONGEST_INT = 1000
"""Digits; Python itself refuses to read much longer ones."""


def text_of(value: object, where: str, problems: list[Problem]) -> str:
    """Write a tree as JSON."""
    content = _Writer(problems).json(value, where, ())
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(", ", ": "))


class _Writer:
    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems

    def json(self, value: Any, where: str, above: tuple[int, ...]) -> Any:
        kind = type(value)
        inside = (*above, id(value))
        if kind in (dict, MetadataTree, list) and self._too_deep(value, where, above):
            return None
        if kind in (dict, MetadataTree) and _STORED not in value and all(map(_is_plain, value)):
            return {
                key: self.json(item, f"{where}.{key}" if where else key, inside)
                for key, item in value.items()
            }
        if kind is list:
            return [self.json(item, f"{where}[{i}]", inside) for i, item in enumerate(value)]
        return value if _is_json(value) else self._stored(value, where)

    def _too_deep(self, value: object, where: str, above: tuple[int, ...]) -> bool:
        if id(value) in above:
            self.problems.append(Problem(where, "refers to itself"))
        elif len(above) >= names.MAX_DEPTH:
            self.problems.append(Problem(where, f"is nested deeper than {names.MAX_DEPTH} levels"))
        else:
            return False
        return True

    def _stored(self, value: object, where: str) -> Any:
        """What a file would hold: a group with the value alone, its hints and its masks."""
        encoder = Encoder(CONVERTERS)
        encoded = encoder.try_encode(value, where)
        self.problems += encoder.problems
        if encoded is None:
            return None
        whole = encoder.named_group([(_VALUE, encoded)], where)
        assert isinstance(whole.node, Group)
        made: dict[str, Any] = {"stored": group_to_json(whole.node)}
        if whole.hint:
            made["types"] = dumps(whole.hint)
        if encoder.side_arrays:
            made["aside"] = group_to_json(Group({}, encoder.side_arrays))
        return {_STORED: made}


def _is_plain(key: object) -> bool:
    return type(key) is str and _is_encodable(key)


def _is_encodable(text: str) -> bool:
    """Whether UTF-8 can hold it."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def _is_json(value: Any) -> bool:
    kind = type(value)
    if kind is str:
        return _is_encodable(value)
    if kind is float:
        return math.isfinite(value)
    if kind is int:
        return bool(value.bit_length() < 3 * _LONGEST_INT)
    return value is None or kind is bool


def tree_of(text: str, where: str) -> Any:
    """Inverse of `text_of`."""
    problems: list[Problem] = []
    try:
        value = _value(json.loads(text), where, problems)
    except (ValueError, RecursionError) as error:
        raise HspyError(f"is no JSON text: {error}", where=where) from None
    if problems:
        raise HspyError("; ".join(map(str, problems)), where=where)
    return value


def _value(content: Any, where: str, problems: list[Problem]) -> Any:
    if isinstance(content, list):
        return [_value(item, f"{where}[{i}]", problems) for i, item in enumerate(content)]
    if not isinstance(content, dict):
        return content
    if set(content) == {_STORED}:
        return _restored(content[_STORED], where, problems)
    return {key: _value(item, f"{where}.{key}", problems) for key, item in content.items()}


def _restored(content: Any, where: str, problems: list[Problem]) -> Any:
    try:
        group = group_from_json(content["stored"])
        hint = loads(content["types"]) if "types" in content else NO_HINT
        side_arrays = group_from_json(content.get("aside", {}))
        decoder = Decoder(CONVERTERS, _READING, side_arrays)
        found: Sequence[Any] = list(decoder.dictionary(group, where, hint).values())
    except _MALFORMED as error:
        problems.append(Problem(where, f"cannot be read: {error}"))
        return None
    problems += decoder.problems
    return found[0] if found else None


def _as_signal(parts: SignalParts) -> Any:
    signal, _ = to_signal(parts, CURRENT)
    return signal


_READING = DecodePolicy(
    exact=True,
    fetch=lambda array, where: array.source.read(),
    fetch_data=lambda array, where: array.source.read(),
    finish=_as_signal,
)
_MALFORMED = (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)
