"""What turns a tree into nodes, finding every value that has no form."""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

from hspyio import names
from hspyio.converters.converter import (
    ENCODED_NONE,
    Converter,
    Encode,
    Encoded,
    NotStorableError,
    not_storable,
)
from hspyio.converters.keys import key_to_json, name_items
from hspyio.converters.type_hints import NO_HINT, Hint, names_digest
from hspyio.errors import Problem
from hspyio.nodes.digest import digest
from hspyio.nodes.node import Array, Attribute, GraphSource, Group, Kept

__all__ = ["Encoder", "order_of", "with_digest"]


class Encoder:
    """Encodes the trees of one experiment."""

    def __init__(
        self, converters: Iterable[Converter], lenient: Callable[[object], object] | None = None
    ) -> None:
        self._converters = tuple(converter for converter in converters if converter.encode)
        self._encode_exactly: dict[type, Encode] = {
            kind: converter.encode
            for converter in self._converters
            if converter.encode
            for kind in converter.types
        }
        self._lazy_types = {
            name: converter.encode
            for converter in self._converters
            if converter.encode
            for name in converter.lazy_types
        }
        self.lenient = lenient  # makes what has a form of what has none, as RosettaSciIO does
        self._open: set[int] = set()
        self.problems: list[Problem] = []
        self.side_arrays: dict[str, Array | Kept] = {}

    def try_encode(self, value: object, where: str) -> Encoded | None:
        """Encode a value; ``None``, and a problem noted, if it has no form."""
        encode = self._encode_exactly.get(type(value))
        try:
            return self.encode(value, where) if encode is None else encode(value, self, where)
        except NotStorableError as refusal:
            self.problems.append(Problem(where, str(refusal)))
        except RecursionError:
            self.problems.append(Problem(where, "is nested too deep"))
        return None

    def encode(self, value: object, where: str) -> Encoded:
        """Encode a value, or raise `NotStorableError`."""
        encode = self._encode_of(value)
        if encode is None and self.lenient is not None:
            value = self.lenient(value)
            encode = self._encode_of(value)
        if encode is None:
            raise not_storable(value)
        return encode(value, self, where)

    def _encode_of(self, value: object) -> Encode | None:
        if type(value) not in self._encode_exactly:
            self._meet_late_types()
        encode = self._encode_exactly.get(type(value))
        if encode is not None:
            return encode
        for converter in self._converters:
            if converter.matches is not None and converter.matches(value):
                return converter.encode
        return None

    def _meet_late_types(self) -> None:
        """A value of such a type can only be there once its module is imported."""
        for (home, name), encode in list(self._lazy_types.items()):
            kind = getattr(sys.modules.get(home), name, None)
            if kind is not None:
                self._encode_exactly[kind] = encode
                del self._lazy_types[home, name]

    def keep_side_array(self, array: Array) -> str:
        """Store an array beside the trees; returns its name there."""
        number = len(self.side_arrays)
        while str(number) in self.side_arrays:  # what stays in the file keeps its name
            number += 1
        self.side_arrays[str(number)] = array
        return str(number)

    def enter(self, container: object) -> None:
        """Note that a container is being walked; one in itself, or too deep, is not storable."""
        if id(container) in self._open:
            raise NotStorableError("refers to itself")
        if len(self._open) >= names.MAX_DEPTH:
            raise NotStorableError(f"is nested deeper than {names.MAX_DEPTH} levels")
        self._open.add(id(container))

    def leave(self, container: object) -> None:
        """Inverse of `enter`."""
        self._open.discard(id(container))

    def group(self, items: Mapping[Any, object], where: str) -> Encoded:
        """Encode a dict as a group, its keys' order and types as hints."""
        self.enter(items)
        try:
            pairs = [
                (key, self.try_encode(value, f"{where}.{key}" if where else str(key)))
                for key, value in items.items()
            ]
        finally:
            self.leave(items)
        return self.named_group(
            [(key, encoded) for key, encoded in pairs if encoded is not None], where
        )

    def items(self, values: Iterable[object], count: int, where: str) -> Encoded:
        """Encode a list under zero-padded numbers, as text keeps their order (defects C7, C8)."""
        width = len(str(max(count - 1, 0)))
        pairs: list[tuple[Any, Encoded]] = []
        for index, value in enumerate(values):
            encoded = self.try_encode(value, f"{where}[{index}]") or ENCODED_NONE
            if encoded.prefix == names.SIGNAL and isinstance(encoded.node, Group):
                inner = Hint(children={names.SIGNAL: encoded.hint})
                encoded = Encoded(Group(members={names.SIGNAL: encoded.node}), hint=inner)
            pairs.append((str(index).zfill(width), encoded))
        return self.named_group(pairs, where, ordered=False)

    @staticmethod
    def _key(key: object) -> object:
        """The key as lenient callers want it written: a subclass of str as one."""
        return "".join(key) if isinstance(key, str) else key

    def named_group(
        self, pairs: Sequence[tuple[Any, Encoded]], where: str, *, ordered: bool = True
    ) -> Encoded:
        """Give every form a name: the key itself wherever reading gives the key back."""
        attributes: dict[str, Attribute] = {}
        members: dict[str, Group | Array] = {}
        hints: dict[str, Hint] = {}
        sequence: list[str] = []
        if self.lenient is not None:
            pairs = [(self._key(key), encoded) for key, encoded in pairs]
        for (key, encoded), (name, is_key) in zip(pairs, name_items(pairs), strict=True):
            if not is_key or encoded.hint is not NO_HINT:
                try:
                    hint = with_digest(encoded, () if is_key else (key_to_json(key),))
                except NotStorableError as refusal:
                    self.problems.append(Problem(f"{where}.{key!r}", str(refusal)))
                    continue
                if hint:
                    hints[name] = hint
            sequence.append(name)
            if isinstance(encoded.node, Attribute):
                attributes[name] = encoded.node
                continue
            members[name] = encoded.node
            if encoded.shapes is not None:
                members[names.RAGGED_SHAPES + name] = encoded.shapes
        order = order_of(sequence, attributes) if ordered else None
        return Encoded(Group(attributes, members), hint=Hint(order=order, children=hints))


def with_digest(encoded: Encoded, key: tuple[Any, ...] = ()) -> Hint:
    """The form's hint with its digest, and with the key where the name does not tell it."""
    hint = encoded.hint
    if not (hint.tag or key or hint.key):
        return hint
    summary = "" if _is_yet_to_come(encoded.node) else digest(encoded.node, encoded.shapes)
    return Hint(hint.tag, hint.data, summary, key or hint.key, hint.order, hint.children)


def _is_yet_to_come(node: object) -> bool:
    """Whether values are computed while they are written, so that nobody knows their digest."""
    return isinstance(node, Array) and isinstance(node.source, GraphSource)


def order_of(sequence: Sequence[str], attributes: Container[str]) -> tuple[int, list[int]] | None:
    """A permutation of the sorted names, attributes first; nothing where that is the order."""
    stored = sorted(sequence, key=lambda name: (name not in attributes, name))
    if list(sequence) == stored:
        return None
    place = {name: index for index, name in enumerate(stored)}
    return names_digest(stored), [place[name] for name in sequence]
