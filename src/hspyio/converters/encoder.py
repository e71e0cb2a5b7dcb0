"""The walker that turns a tree into nodes, finding every value that has no form."""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

from hspyio import names
from hspyio.converters.converter import NONE_FORM, Converter, Encode, Form, Refusal, no_form
from hspyio.converters.keys import key_to_json
from hspyio.converters.naming import name_items
from hspyio.converters.type_hints import NO_HINT, Hint, names_digest
from hspyio.errors import Problem
from hspyio.nodes.digest import digest
from hspyio.nodes.node import Array, Attribute, GraphSource, Group, Kept

__all__ = ["Encoder", "order_of", "sealed"]


class Encoder:
    """Encodes the trees of one experiment.

    Parameters
    ----------
    converters : sequence of Converter
        The table of kinds.
    lenient : callable, optional
        What turns a value without a form into one that has, or raises `Refusal`: what
        RosettaSciIO's callers expect (a subclass is written as its base).

    Attributes
    ----------
    lenient : callable or None
        As given.
    problems : list of Problem
        Every value without a form.
    aside : dict
        Arrays that stand beside the trees (masks), by name.
    """

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
            lazy_types: converter.encode
            for converter in self._converters
            if converter.encode
            for lazy_types in converter.lazy_types
        }
        self.lenient = lenient
        self._open: set[int] = set()
        self.problems: list[Problem] = []
        self.aside: dict[str, Array | Kept] = {}

    def form(self, value: object, where: str) -> Form | None:
        """Encode a value; ``None``, and a problem noted, if it has no form."""
        encode = self._encode_exactly.get(type(value))
        try:
            return self.encode(value, where) if encode is None else encode(value, self, where)
        except Refusal as refusal:
            self.problems.append(Problem(where, str(refusal)))
        except RecursionError:
            self.problems.append(Problem(where, "is nested too deep"))
        return None

    def encode(self, value: object, where: str) -> Form:
        """Encode a value.

        Raises
        ------
        Refusal
            If it has no form.
        """
        encode = self._encode_of(value)
        if encode is None and self.lenient is not None:
            value = self.lenient(value)
            encode = self._encode_of(value)
        if encode is None:
            raise no_form(value)
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

    def keep_aside(self, array: Array) -> str:
        """Store an array beside the trees; returns its name there."""
        number = len(self.aside)
        while str(number) in self.aside:  # what stays in the file keeps its name
            number += 1
        self.aside[str(number)] = array
        return str(number)

    def enter(self, container: object) -> None:
        """Note that a container is being walked.

        Raises
        ------
        Refusal
            If it holds itself, or is nested deeper than any reader goes.
        """
        if id(container) in self._open:
            raise Refusal("refers to itself")
        if len(self._open) >= names.MAX_DEPTH:
            raise Refusal(f"is nested deeper than {names.MAX_DEPTH} levels")
        self._open.add(id(container))

    def leave(self, container: object) -> None:
        """Inverse of `enter`."""
        self._open.discard(id(container))

    def group(self, items: Mapping[Any, object], where: str) -> Form:
        """Encode a dict as a group, its keys' order and types as hints.

        Raises
        ------
        Refusal
            If it holds itself or is nested too deep.
        """
        self.enter(items)
        try:
            forms = [
                (key, self.form(value, f"{where}.{key}" if where else str(key)))
                for key, value in items.items()
            ]
        finally:
            self.leave(items)
        return self.named_group([(key, form) for key, form in forms if form is not None], where)

    def items(self, values: Iterable[object], count: int, where: str) -> Form:
        """Encode the items of a list under their zero-padded numbers.

        Zero-padded, so that readers that sort names as text keep the order (defect C7). An item
        without a form leaves None in its place, so that the others keep theirs (defect C8).
        """
        width = len(str(max(count - 1, 0)))
        forms: list[tuple[Any, Form]] = []
        for index, value in enumerate(values):
            form = self.form(value, f"{where}[{index}]") or NONE_FORM
            if form.prefix == names.SIGNAL and isinstance(form.node, Group):
                inner = Hint(children={names.SIGNAL: form.hint})
                form = Form(Group(members={names.SIGNAL: form.node}), hint=inner)
            forms.append((str(index).zfill(width), form))
        return self.named_group(forms, where, ordered=False)

    @staticmethod
    def _key(key: object) -> object:
        """The key as lenient callers want it written: a subclass of str as one."""
        return "".join(key) if isinstance(key, str) else key

    def named_group(
        self, forms: Sequence[tuple[Any, Form]], where: str, *, ordered: bool = True
    ) -> Form:
        """Give every form a name: the key itself wherever reading gives the key back."""
        attributes: dict[str, Attribute] = {}
        members: dict[str, Group | Array] = {}
        hints: dict[str, Hint] = {}
        sequence: list[str] = []
        if self.lenient is not None:
            forms = [(self._key(key), form) for key, form in forms]
        for (key, form), (name, is_key) in zip(forms, name_items(forms), strict=True):
            if not is_key or form.hint is not NO_HINT:
                try:
                    hint = sealed(form, () if is_key else (key_to_json(key),))
                except Refusal as refusal:
                    self.problems.append(Problem(f"{where}.{key!r}", str(refusal)))
                    continue
                if hint:
                    hints[name] = hint
            sequence.append(name)
            if isinstance(form.node, Attribute):
                attributes[name] = form.node
                continue
            members[name] = form.node
            if form.shapes is not None:
                members[names.RAGGED_SHAPES + name] = form.shapes
        order = order_of(sequence, attributes) if ordered else None
        return Form(Group(attributes, members), hint=Hint(order=order, children=hints))


def sealed(form: Form, key: tuple[Any, ...] = ()) -> Hint:
    """The form's hint with its digest, and with the key where the name does not tell it."""
    hint = form.hint
    if not (hint.tag or key or hint.key):
        return hint
    summary = "" if _is_yet_to_come(form.node) else digest(form.node, form.shapes)
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
