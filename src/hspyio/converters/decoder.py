"""What turns nodes into a tree; what is damaged is noted and the rest is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names
from hspyio.converters.converter import Converter, Reader, StoredItem
from hspyio.converters.keys import key_from_json
from hspyio.converters.kinds import Kind, classify
from hspyio.converters.type_hints import NO_HINT, Hint, names_digest
from hspyio.errors import UNREADABLE, HspyError, Problem, reason_of
from hspyio.model.parts import SignalParts
from hspyio.nodes.digest import digest
from hspyio.nodes.node import Array, Damaged, Group, MemorySource, Node
from hspyio.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ABSENT", "DecodePolicy", "Decoder", "is_restored_always", "item_of"]

Fetch = Callable[[Array, str], Any]
"""Of an array and its place: an ndarray, or a dask array."""
Finish = Callable[[SignalParts], Any]

ABSENT = object()
"""What stands for an item that was put into the file only because readers demand it."""


@record
class DecodePolicy:
    """How nodes are read."""

    exact: bool  # what the hints tell; else the specification's reading: numpy's scalars
    fetch: Fetch  # arrays of numbers inside trees
    fetch_data: Fetch  # the data of the experiment itself
    finish: Finish  # signals inside trees
    embed: bool = True  # under their own key; else ``_sig_<key>``, as HyperSpy hands them over
    original_metadata: bool = True
    tolerant: bool = False  # an experiment without usable axes is read all the same
    lazy_above: int | None = None  # bytes of an array that may stay in the file; None: all are read


_USUAL_GROWTH = 16
"""How much larger than what is stored a value is as a rule: a text in numpy's four bytes each."""
_MOST_GROWN = 64 * 2**20
"""Bytes of values in one experiment that are larger than that."""

_RESTORED_ALWAYS = ("text", "masked", "pint.Quantity", "pint.Unit")
"""What is itself in any reading: the specification has no other form for it, and what a mask hides
would look like values."""


def is_restored_always(hint: Hint) -> bool:
    """Whether the hint of a signal's data, or of the one value of a 0-d one, always counts."""
    inner = hint.tag == "signal0" and isinstance(hint.data, list) and hint.data[:1] == ["masked"]
    return hint.tag in _RESTORED_ALWAYS or inner


class Decoder:
    """Decodes the trees of one experiment."""

    def __init__(
        self,
        converters: Iterable[Converter],
        policy: DecodePolicy,
        side_arrays: Group | None = None,
    ) -> None:
        self.policy = policy
        self._readers, self._exact_readers, self._lazy_readers = _tables(tuple(converters))
        self._side_arrays = side_arrays or Group()
        self._depth = 0
        self._grown = 0
        self._eager = 0
        self.exact = policy.exact
        self.problems: list[Problem] = []

    def dictionary(self, group: Group, where: str, hint: Hint = NO_HINT) -> dict[Any, Any]:
        """Decode a group as a dict, its items in their original order where that is known."""
        return dict(self.pairs(group, where, hint))

    def pairs(self, group: Group, where: str, hint: Hint = NO_HINT) -> list[tuple[Any, Any]]:
        """Decode the items of a group: attributes, then members, or in the hinted order."""
        if self._depth >= names.MAX_DEPTH:
            message = f"nested deeper than {names.MAX_DEPTH} levels"
            self.problems.append(Problem(where, message, lost=True))
            return []
        self._depth += 1
        try:
            found: dict[str, tuple[Any, Any]] = {}
            for name, item in _items(group, where, hint.order if self.exact else None):
                if isinstance(item.node, Damaged):
                    self.note(item.where, item.node)
                    continue
                key = self._plain_key(item)
                inner = hint.children.get(name, NO_HINT)
                try:  # if one is damaged it is noted, so that the others are read (defect R12)
                    if inner is NO_HINT:
                        pair = (key, self._readers[item.kind](item, self))
                    else:
                        pair = self._hinted_pair(item, key, inner)
                    if pair is not ABSENT:  # a later one is what another program has put there
                        found[key] = pair
                except (HspyError, *UNREADABLE) as error:
                    place = getattr(error, "where", "") or item.where
                    self.problems.append(Problem(place, reason_of(error), lost=True))
            return list(found.values())
        finally:
            self._depth -= 1

    def note(self, where: str, node: Damaged) -> None:
        """Name what is there and cannot be read, so that it does not count as absent."""
        self.problems.append(Problem(where, node.reason, lost=not node.sound))

    def _hinted_pair(
        self, item: StoredItem, plain_key: str, hint: Hint, *, always: bool = False
    ) -> Any:
        """Key and value of an item, restored where its hint still fits it."""
        item.hint = hint.without_self()
        if not (always or self.exact or hint.tag in _RESTORED_ALWAYS):
            hint = item.hint
        if not (hint.tag or hint.key):
            return (plain_key, self.value(item))
        late = self._late_pair(item, plain_key, hint)
        if late is not None:
            return late
        item.node, item.shapes = in_memory(item.node), _shapes_in_memory(item.shapes)
        # Without one the values were computed while they were written; the form has to do.
        if hint.digest and digest(item.node, item.shapes) != hint.digest:
            return (plain_key, self.value(item))
        try:
            known = self.exact and hint.key
            key = key_from_json(hint.key[0]) if known and hint.key else plain_key
            value = self.value(_with_hint(item, hint)) if hint.tag else self.value(item)
        except UNREADABLE as error:
            self.problems.append(Problem(item.where, f"its type hint makes no sense: {error}"))
            return (plain_key, self.value(item))
        return ABSENT if value is ABSENT else (key, value)

    def _late_pair(self, item: StoredItem, plain_key: str, hint: Hint) -> Any:
        """Key and value of what stays in the file, so that nobody can look at its digest."""
        read = self._lazy_readers.get(hint.tag)
        if read is None or self.lazy_above is None:
            return None
        try:
            value = read(_with_hint(item, hint), self)
            key = key_from_json(hint.key[0]) if hint.key and self.exact else plain_key
        except UNREADABLE:
            return None
        return None if value is None else (key, value)

    def _plain_key(self, item: StoredItem) -> str:
        if item.kind is Kind.SIGNAL and not self.policy.embed:
            return names.SIGNAL + item.key
        key = item.key
        if key.isascii() or not any("\udc80" <= char <= "\udcff" for char in key):
            return key
        # A name that is no UTF-8 is the Latin-1 of a very old file (defect R9).
        return key.encode("utf-8", "surrogateescape").decode("latin-1")

    def value(self, item: StoredItem) -> Any:
        """Decode one item: restored where it is hinted, else its plain reading."""
        tag = item.hint.tag
        if tag:
            restore = self._exact_readers.get(tag)
            if restore is not None:
                return restore(item, self)
            self.problems.append(
                Problem(item.where, f"has the type {tag!r}, which is newer than hspyio")
            )
        return self._readers[item.kind](item, self)

    def plain(self, item: StoredItem) -> Any:
        """Decode one item as if it had no type hint."""
        return self._readers[item.kind](_with_hint(item, item.hint.without_self()), self)

    def restored(self, item: StoredItem, hint: list[Any] | None) -> Any:
        """Decode one item with a type hint that stands inside another one."""
        if not hint:
            return self.plain(item)
        data = hint[1] if len(hint) > 1 else None
        return self.value(_with_hint(item, replace(item.hint, tag=hint[0], data=data)))

    def fetch(self, array: Array, where: str) -> Any:
        """Values of an array of numbers, as the reader of the file wants them."""
        if self._eager:
            return array.source.read()
        return self.policy.fetch(array, where)

    @contextmanager
    def eagerly(self) -> Iterator[None]:
        """Within this, arrays are read into memory whatever the reader wants."""
        self._eager += 1
        try:
            yield
        finally:
            self._eager -= 1

    def hinted(self, item: StoredItem, hint: Hint) -> Any:
        """Decode an item whose name is fixed, restored in any reading if its hint fits."""
        if not hint:
            return self.value(item)
        return self._hinted_pair(item, self._plain_key(item), hint, always=True)[1]

    def allow(self, dtype: np.dtype[Any], count: int, stored: int) -> np.dtype[Any]:
        """Return the dtype that a hint tells; a `ValueError` if it makes much of little."""
        size = count * dtype.itemsize
        if size > _USUAL_GROWTH * stored:
            self._grown += size
            if self._grown > _MOST_GROWN:
                raise ValueError(f"{stored} bytes are to become {size}")
        return dtype

    def side_values(self, name: str) -> NDArray[Any]:
        """Values of an array that stands beside the trees."""
        return self.side_array(name).source.read()

    def side_array(self, name: str) -> Array:
        """The same, with its values still in the file; a `LookupError` if there is none."""
        node = self._side_arrays.members[name]
        if not isinstance(node, Array):
            raise LookupError(f"{name} is not an array")
        return node

    @property
    def lazy_above(self) -> int | None:
        """Bytes of an array from which on it may stay in the file; ``None`` if all are read."""
        return None if self._eager else self.policy.lazy_above


@lru_cache(maxsize=4)
def _tables(
    converters: tuple[Converter, ...],
) -> tuple[dict[Kind, Reader], dict[str, Reader], dict[str, Reader]]:
    """What decodes, restores and reads late, by kinds and tags: a file has many decoders."""
    readers: dict[Kind, Reader] = {}
    exact_readers: dict[str, Reader] = {}
    lazy_readers: dict[str, Reader] = {}
    for converter in converters:
        readers.update(converter.readers)
        exact_readers.update(converter.exact_readers)
        lazy_readers.update(converter.lazy_readers)
    return readers, exact_readers, lazy_readers


def in_memory(node: Node) -> Node:
    """Read an array once, for its digest and its value."""
    if isinstance(node, Array) and not isinstance(node.source, MemorySource):
        return replace(node, source=MemorySource(node.source.read()))
    return node


def _shapes_in_memory(shapes: Array | None) -> Array | None:
    node = None if shapes is None else in_memory(shapes)
    return node if isinstance(node, Array) else None


def item_of(name: str, node: Node, group: Group, where: str) -> StoredItem:
    """Make the item that stands in a group under a name."""
    kind, key = classify(name, node)
    mark = "@" if name in group.attributes and name not in group.members else "/"
    shapes = shapes_of(name, group) if kind is Kind.RAGGED else None
    return StoredItem(kind, key, node, f"{where}{mark}{name}", shapes)


def _with_hint(item: StoredItem, hint: Hint) -> StoredItem:
    return StoredItem(item.kind, item.key, item.node, item.where, item.shapes, hint)


def shapes_of(name: str, group: Group) -> Array | None:
    """The shapes beside a ragged dataset: its own, else the one of format 3.1 for the group."""
    for candidate in (names.RAGGED_SHAPES + name, names.RAGGED_SHAPES_3_1):
        shapes = group.members.get(candidate)
        if isinstance(shapes, Array):
            return shapes
    return None


def _items(
    group: Group, where: str, hinted: tuple[int, Sequence[int]] | None
) -> list[tuple[str, StoredItem]]:
    """Items of a group in their order; a member comes after an attribute of the same name."""
    stored: list[tuple[str, Node]] = [*group.attributes.items(), *group.members.items()]
    items = [(name, item_of(name, node, group, where)) for name, node in stored]
    items = [pair for pair in items if pair[1].kind is not Kind.SKIP]
    if hinted is None:
        return items
    expected, order = hinted
    attributes: Mapping[str, object] = group.attributes
    in_order = sorted(items, key=lambda pair: (pair[0] not in attributes, pair[0]))
    fits = names_digest([name for name, _ in in_order]) == expected
    if not fits or sorted(order) != list(range(len(in_order))):
        return items
    return [in_order[i] for i in order]
