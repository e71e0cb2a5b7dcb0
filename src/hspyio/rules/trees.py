"""Rules of what stands in trees of metadata and their like (format, section 4)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, time
from typing import Any

import numpy as np

from hspyio import names
from hspyio.converters.kinds import Kind
from hspyio.errors import Problem
from hspyio.nodes.node import Array, Attribute, Group, MemorySource, Text
from hspyio.rules.rule import AGAIN, error, note, warning
from hspyio.rules.values import text_of, told
from hspyio.rules.view import Item, TreePlace, View
from hspyio.schema.migrations import Version

__all__ = ["RULES"]

_WITHOUT_OLD_DATES: Version = (2, 2)
_OLD_DATE = re.compile(r"[^(]*\(\s*((?:\d{1,9}\s*,\s*)*\d{1,9})\s*,?\s*\)\s*", re.ASCII)
_COUNTED = re.compile(r"_(?:list|tuple)_(\d{1,18})_", re.ASCII)
_EMPTY = (Kind.EMPTY_LIST, Kind.EMPTY_TUPLE)
_IN_DATASETS = (Kind.LIST_DATASET, Kind.TUPLE_DATASET)
_LONGEST_NUMBER = 18
_LONGEST_DATE = 200
"""Characters; the search takes their number squared."""
_TEN = 10
"""Items that are in order when they are sorted as text."""


def _texts_are_utf8(view: View) -> Iterator[Problem]:
    for item in view.items:
        if not _is_utf8(_stored_texts(item.node)):
            yield Problem(item.where, "holds bytes that are no UTF-8")


def _stored_texts(node: object) -> list[Any]:
    """Texts that are small: of attributes, and of lists."""
    if isinstance(node, Attribute) and isinstance(node.value, bytes):
        return [node.value]
    if isinstance(node, Attribute) and isinstance(node.type, Text):
        return list(np.asarray(node.value).reshape(-1))
    if not isinstance(node, Array) or not isinstance(node.type, Text):
        return []
    return list(node.source.array.reshape(-1)) if isinstance(node.source, MemorySource) else []


def _is_utf8(texts: list[Any]) -> bool:
    try:
        for text in texts:
            if isinstance(text, bytes):
                text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _names_are_utf8(view: View) -> Iterator[Problem]:
    for item in view.items:
        if any("\udc80" <= char <= "\udcff" for char in item.name):
            yield Problem(item.where, "has a name that is no UTF-8")


def _bytes_are_bytes(view: View) -> Iterator[Problem]:
    for item in view.items:
        if item.kind is Kind.BYTES and isinstance(item.node, Attribute):
            kind = item.node.type
            if not isinstance(kind, np.dtype) or not (kind.kind == "V" or kind == np.uint8):
                said = "text" if isinstance(kind, Text) else f"of type {kind}"
                yield Problem(item.where, f"is {said}, not bytes")


def _signals_are_signals(view: View) -> Iterator[Problem]:
    for item in view.items:
        if item.kind is not Kind.SIGNAL:
            continue
        if isinstance(item.node, Array):
            yield Problem(item.where, "is a dataset, not the group of a signal")
        elif isinstance(item.node, Group) and names.DATA not in item.node.members:
            yield Problem(item.where, "is a group without data, so no signal")


def _nothing_vanishes(view: View) -> Iterator[Problem]:
    for item in view.items:
        if item.kind is Kind.SKIP and isinstance(item.node, Attribute):
            yield Problem(item.where, "is an attribute with the name of a signal")
        elif item.kind in _EMPTY and text_of(item.node) != names.NONE:
            yield Problem(item.where, "has a value, and the name of an empty list or tuple")


def _keys_differ(view: View) -> Iterator[Problem]:
    for tree in view.trees:
        keys = Counter(_read_key(item) for item in tree.items if item.kind is not Kind.SKIP)
        for key, count in keys.items():
            if count > 1:
                stored = sorted(item.name for item in tree.items if _read_key(item) == key)
                listed = ", ".join(dict.fromkeys(stored))
                yield Problem(tree.where, f"has {count} items with the key {key!r}: {listed}")


def _read_key(item: Item) -> str:
    return names.SIGNAL + item.key if item.kind is Kind.SIGNAL else item.key


def _is_container(tree: TreePlace) -> bool:
    return tree.kind in (Kind.LIST, Kind.TUPLE)


def _numbers(tree: TreePlace) -> list[str]:
    """What the items of a list are called; old ones are ``_sig_0``."""
    return [item.key for item in tree.items if item.kind is not Kind.SKIP]


def _is_number(key: str) -> bool:
    return len(key) <= _LONGEST_NUMBER and key.isascii() and key.isdecimal()


def _lists_are_complete(view: View) -> Iterator[Problem]:
    for tree in filter(_is_container, view.trees):
        found = _numbers(tree)
        odd = [key for key in found if not _is_number(key)]
        if odd:
            yield Problem(tree.where, f"is a list with an item called {told(odd[0])}")
            continue
        missing = sorted(set(range(len(found))) - {int(key) for key in found})
        if missing:
            yield Problem(tree.where, f"is a list without item {missing[0]}")
            continue
        counted = _COUNTED.match(tree.where.rpartition("/")[2])
        if counted and int(counted[1]) != len(found):
            message = f"is said to have {counted[1]} items and has {len(found)}"
            yield Problem(tree.where, message)


def _lists_sort_as_text(view: View) -> Iterator[Problem]:
    for tree in filter(_is_container, view.trees):
        found = list(filter(_is_number, _numbers(tree)))
        if len(found) > _TEN and sorted(found) != sorted(found, key=int):
            yield Problem(tree.where, f"is a list of {len(found)} items, named without zeros")


def _text_lists_are_lists(view: View) -> Iterator[Problem]:
    for item in view.items:
        node = item.node if item.kind in _IN_DATASETS else None
        if isinstance(node, Array) and isinstance(node.type, Text) and not node.shape:
            yield Problem(item.where, "is one text, not a list of them")


def _no_old_dates(view: View) -> Iterator[Problem]:
    for item in view.items if view.version >= _WITHOUT_OLD_DATES else ():
        if item.kind is Kind.DATETIME and _is_old_date(item):
            yield Problem(item.where, f"is stored as {told(text_of(item.node))}")


def _is_old_date(item: Item) -> bool:
    """Whether RosettaSciIO makes a date or time of it, going by the name."""
    text = text_of(item.node) or ""
    match = _OLD_DATE.fullmatch(text) if len(text) <= _LONGEST_DATE else None
    if match is None:
        return False
    kind: Callable[..., object] = date if item.key.startswith("date") else time
    try:
        kind(*map(int, match[1].split(",")))
    except (TypeError, ValueError):
        return False
    return True


def _old_dates_are_dates(view: View) -> Iterator[Problem]:
    for item in view.items:
        if item.kind is Kind.DATETIME and not _is_old_date(item):
            yield Problem(item.where, f"is {told(text_of(item.node))}")


def _is_not_too_deep(view: View) -> Iterator[Problem]:
    for where in view.too_deep:
        shown = where if len(where) < 200 else f"{where[:100]}...{where[-50:]}"
        yield Problem(shown, f"is nested deeper than {names.MAX_DEPTH} levels")


def _is_not_too_much(view: View) -> Iterator[Problem]:
    if view.unseen:
        yield Problem(view.unseen, "is not looked at, nor what comes after it: there is too much")


RULES = (
    error(
        "H401",
        "Text is UTF-8.",
        "RosettaSciIO cannot read the file, or has odd characters.",
        f"{AGAIN} writes UTF-8. hspyio reads other bytes as Latin-1, which old programs wrote.",
        _texts_are_utf8,
    ),
    error(
        "H402",
        "Names are UTF-8.",
        "RosettaSciIO cannot read the file.",
        f"{AGAIN} writes UTF-8. hspyio reads other bytes as Latin-1.",
        _names_are_utf8,
    ),
    error(
        "H403",
        "What is called `_bs_...` is bytes: opaque, or an array of uint8.",
        "RosettaSciIO cannot read the file, or has other bytes.",
        f"{AGAIN} writes it under a name that fits.",
        _bytes_are_bytes,
    ),
    error(
        "H404",
        "A member called `_sig_...` is the group of a signal, with `data`.",
        "RosettaSciIO cannot read the file.",
        f"{AGAIN} leaves it out.",
        _signals_are_signals,
    ),
    error(
        "H405",
        "No two items of a group stand for the same key, such as `x` and `_list_x`.",
        "Readers have one of them, and not always the newer one.",
        f"{AGAIN} writes the one that it reads, the last, with members after attributes.",
        _keys_differ,
    ),
    warning(
        "H406",
        "Attributes called `_sig_...` do not exist, and those called `_list_empty_...` or "
        "`_tuple_empty_...` hold `_None_`.",
        "Readers leave the value out.",
        f"{AGAIN} leaves it out; to keep it, give it another name before.",
        _nothing_vanishes,
    ),
    warning(
        "H407",
        "The items of a list are numbered from 0 on, without a gap, and are as many as its name "
        "`_list_<n>_...` says.",
        "Readers make a shorter list of it: an item is lost, or was never written.",
        f"{AGAIN} writes the list that is read.",
        _lists_are_complete,
    ),
    note(
        "H408",
        "The numbers of a list's items sort as text, too: more than ten begin with zeros.",
        "RosettaSciIO returns such a list in the order 0, 1, 10, 11, 2. It writes lists so itself; "
        "hspyio reads them in their order.",
        f"{AGAIN} writes numbers that every reader sorts.",
        _lists_sort_as_text,
    ),
    error(
        "H409",
        "A dataset called `_list_...` or `_tuple_...` that holds text has a dimension.",
        "RosettaSciIO cannot read the file.",
        f"{AGAIN} writes it anew.",
        _text_lists_are_lists,
    ),
    warning(
        "H410",
        "From version 2.2 on dates and times are ISO text; none is called `_datetime_...`.",
        "Readers turn them into text.",
        f"{AGAIN} writes ISO text.",
        _no_old_dates,
    ),
    error(
        "H411",
        "What is called `_datetime_date` or `_datetime_time` is text such as "
        "`datetime.date(1991, 10, 1)`.",
        "RosettaSciIO cannot read the file.",
        f"{AGAIN} writes it as text.",
        _old_dates_are_dates,
    ),
    warning(
        "H412",
        f"Trees are at most {names.MAX_DEPTH} levels deep.",
        "hspyio leaves out what is deeper, and other readers fail at some depth.",
        "`hspy rescue FILE NEW` leaves out what is deeper. To keep it, make it flatter.",
        _is_not_too_deep,
    ),
    note(
        "H413",
        "A file holds at most 200,000 items of metadata.",
        "It is slow to read.",
        "Keep numbers in arrays.",
        _is_not_too_much,
    ),
)
