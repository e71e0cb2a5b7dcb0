"""One kind of value: how it becomes a node and comes back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, TypeAlias

from hspyio import names
from hspyio.converters.kinds import Kind
from hspyio.converters.type_hints import NO_HINT, Hint
from hspyio.model.given import more_than_an_array
from hspyio.nodes.node import Array, Attribute, Group, Node, Text
from hspyio.records import record

__all__ = [
    "ENCODED_NONE",
    "TEXT",
    "Converter",
    "Encoded",
    "NotStorableError",
    "Reader",
    "StoredItem",
    "encode_text",
    "not_storable",
]


class NotStorableError(Exception):
    """A value has no form; the encoder notes the place and goes on to find the others."""


def not_storable(value: object) -> NotStorableError:
    """The refusal of a type that no file can hold; nothing is asked of the value itself."""
    kind = type(value)
    made = next((text for name, text in _OFFERING if hasattr(kind, name)), "")
    made = made or next((text for base, text in _ALIKE if issubclass(kind, base)), "")
    mend = more_than_an_array(value) or (made and f"{made} has one")
    name = f"{kind.__module__}.{kind.__qualname__}"
    return NotStorableError(f"no HSpy form for {name}{mend and '; '}{mend}")


_ALIKE: tuple[tuple[type, str], ...] = (
    (Enum, "its .value"),
    *((base, f"{base.__name__}(value)") for base in (str, int, float, complex, bytes, tuple)),
    (memoryview, "bytes(value)"),
    (Mapping, "dict(value)"),
    (AbstractSet, "set(value)"),
    *((base, "list(value)") for base in (Sequence, Generator, zip, map, filter)),
)
"""What is like a type that has a form, and how it becomes one."""
_OFFERING = (
    ("__dataclass_fields__", "dataclasses.asdict(value)"),
    ("__cuda_array_interface__", "its copy in the memory of numpy"),
    ("soften_mask", "np.ma.array(value, subok=False)"),
    ("__array__", "np.asarray(value)"),
)


@dataclass(slots=True, eq=False, repr=False)
class Encoded:
    """A value as it will stand in a file; not frozen: a tree takes one a leaf, and that costs."""

    node: Attribute | Array | Group
    prefix: str = ""  # what the name begins with, "_list_" for a list
    shapes: Array | None = None  # the dataset beside a ragged array
    hint: Hint = NO_HINT  # what node and prefix cannot tell

    def tagged(self, tag: str, data: object = None) -> Encoded:
        """The same value with a type hint of its own."""
        return replace(self, hint=replace(self.hint, tag=tag, data=data))

    def inner_hint(self) -> list[Any] | None:
        """Its own type hint, to stand inside another one."""
        return [self.hint.tag, self.hint.data] if self.hint.tag else None


TEXT = Text()
"""The type of all plain text."""


def encode_text(text: str, tag: str = "", data: object = None) -> Encoded:
    """Encode a text without NUL and lone surrogates."""
    return Encoded(Attribute(TEXT, text.encode()), hint=Hint(tag, data) if tag else NO_HINT)


ENCODED_NONE = encode_text(names.NONE)


@dataclass(slots=True, eq=False, repr=False)
class StoredItem:
    """An item on its way to a value; not frozen: a tree takes one a leaf, and that costs."""

    kind: Kind
    key: str  # what its name stands for
    node: Node
    where: str  # path inside the file, for messages
    shapes: Array | None = None  # the dataset beside a ragged array
    hint: Hint = NO_HINT  # its digest has been checked

    def array(self) -> Array:
        """The node, which has to be a dataset."""
        if not isinstance(self.node, Array):
            raise ValueError("no dataset")
        return self.node

    def group(self) -> Group:
        """The node, which has to be a group."""
        if not isinstance(self.node, Group):
            raise ValueError("no group")
        return self.node


Encode: TypeAlias = Callable[[Any, Any, str], Encoded]
"""Of a value, the `Encoder` and the place."""
Reader: TypeAlias = Callable[[StoredItem, Any], Any]
"""Of an item and the `Decoder`."""


@record
class Converter:
    """One kind of value.

    Attributes
    ----------
    types : tuple of type
        The exact Python types it takes.
    lazy_types : tuple of (str, str)
        Module and name of such types, where the module is not imported just to know them.
    encode : callable, optional
        ``(value, context, where) -> Encoded``; raises `NotStorableError` where a value has no form.
    matches : callable, optional
        ``(value) -> bool`` for what no exact type tells, asked in the order of the table.
    readers : mapping
        Kind of item -> ``(item, context) -> value``: the plain reading.
    exact_readers : mapping
        Hint tag -> ``(item, context) -> value``: the exact value. May raise ``ValueError``,
        ``TypeError`` or ``LookupError`` where hint and item do not fit together.
    lazy_readers : mapping
        Hint tag -> the same for a value that may stay in the file, its digest unchecked; gives
        ``None`` where it is to be read at once.
    """

    types: tuple[type, ...] = ()
    encode: Encode | None = None
    matches: Callable[[Any], bool] | None = None
    readers: Mapping[Kind, Reader] = field(default_factory=dict)
    exact_readers: Mapping[str, Reader] = field(default_factory=dict)
    lazy_types: tuple[tuple[str, str], ...] = ()
    lazy_readers: Mapping[str, Reader] = field(default_factory=dict)
