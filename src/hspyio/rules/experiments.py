"""Rules of experiments, and of signals inside trees (format, sections 1.2, 2 and 4.4)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from hspyio import names
from hspyio.errors import Problem
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Text, Vlen
from hspyio.rules.rule import AGAIN, error, note, warning
from hspyio.rules.values import flag_of, text_of
from hspyio.rules.view import OLD_NAMES, RENAMED, View, other_members
from hspyio.schema.migrations import Version

__all__ = ["RULES"]

_WITH_ATTRIBUTES: Version = (3, 3)
_WIDE = {"f": 12, "c": 24}
"""Bytes from which on real and complex numbers are of a kind that only some computers have."""


def _has_data(view: View) -> Iterator[Problem]:
    holder = view.root.members.get(names.EXPERIMENTS)
    for name, node in holder.members.items() if isinstance(holder, Group) else ():
        where = f"/{names.EXPERIMENTS}/{name}"
        if isinstance(node, Array):
            yield Problem(where, "is a dataset, not a group")
        elif isinstance(node, Group) and names.DATA not in node.members:
            yield Problem(where, "has no dataset called data")


def _data_is_dataset(view: View) -> Iterator[Problem]:
    for signal in view.signals:
        if isinstance(signal.group.members[names.DATA], Group):
            yield Problem(f"{signal.where}/{names.DATA}", "is a group, not a dataset")


def _tree_is_there(view: View, name: str) -> Iterator[Problem]:
    wanted = name if view.version >= RENAMED else OLD_NAMES[name]
    other = OLD_NAMES[name] if wanted == name else name
    for signal in view.signals:
        node = signal.group.members.get(wanted)
        if isinstance(node, (Group, Damaged)):
            continue
        said = f"there is no group called {wanted}"
        if node is not None:
            said = f"{wanted} is a dataset, not a group"
        elif other in signal.group.members:
            said += f", but one called {other}: the format version is not the file's"
        yield Problem(signal.where, said)


def _has_title(view: View) -> Iterator[Problem]:
    for signal in view.experiments:
        metadata = signal.part(names.METADATA)
        if metadata is None:
            continue
        general = metadata.members.get("General")
        places = [general] if isinstance(general, Group) else []
        if view.version < RENAMED:
            places.append(metadata)
        found = [p.attributes.get(key) for p in places for key in ("title", "name")]
        if not any(node is not None for node in found):
            yield Problem(f"{signal.where}/{names.METADATA}/General@title", "is not there")
        elif not any(text_of(node) is not None for node in found):
            yield Problem(f"{signal.where}/{names.METADATA}/General@title", "is no text")


def _package_has_version(view: View) -> Iterator[Problem]:
    for signal in view.signals:
        known = signal.group.attributes
        if names.PACKAGE in known and names.PACKAGE_VERSION not in known:
            yield Problem(signal.where, f"tells its {names.PACKAGE}, but no package_version")


def _says_what_is_ragged(view: View) -> Iterator[Problem]:
    for signal in view.signals:
        node = signal.part(names.ATTRIBUTES)
        said = flag_of(node.attributes.get(names.RAGGED)) if node is not None else None
        ragged = signal.data is not None and isinstance(signal.data.type, Vlen)
        if said is not None and signal.data is not None and said != ragged:
            where = f"{signal.where}/{names.ATTRIBUTES}@{names.RAGGED}"
            yield Problem(where, f"is {said}, the data are{'' if ragged else ' not'} ragged")


def _has_attributes(view: View) -> Iterator[Problem]:
    for signal in view.experiments if view.version >= _WITH_ATTRIBUTES else ():
        node = signal.group.members.get(names.ATTRIBUTES)
        if node is None:
            yield Problem(signal.where, f"there is no group called {names.ATTRIBUTES}")
        elif isinstance(node, Group) and names.RAGGED not in node.attributes:
            where = f"{signal.where}/{names.ATTRIBUTES}"
            yield Problem(where, f"there is no attribute {names.RAGGED}")


def _data_is_of_numbers(view: View) -> Iterator[Problem]:
    for signal in view.signals:
        if signal.data is not None and isinstance(signal.data.type, Text):
            yield Problem(f"{signal.where}/{names.DATA}", "holds text")


def _data_is_portable(view: View) -> Iterator[Problem]:
    for where, node in _arrays(view):
        kind = node.type.base if isinstance(node.type, Vlen) else node.type
        if isinstance(kind, np.dtype) and any(_is_wide(part) for part in _parts(kind)):
            yield Problem(where, f"is of type {kind}")


def _arrays(view: View) -> Iterator[tuple[str, Array | Attribute]]:
    for signal in view.signals:
        if signal.data is not None:
            yield f"{signal.where}/{names.DATA}", signal.data
    for item in view.items:
        if isinstance(item.node, (Array, Attribute)):
            yield item.where, item.node


def _parts(kind: np.dtype[Any]) -> Iterator[np.dtype[Any]]:
    """A dtype, or the dtypes of its fields."""
    if kind.names is None:
        yield kind.base
    for name in kind.names or ():
        yield from _parts(kind[name])


def _is_wide(kind: np.dtype[Any]) -> bool:
    return kind.kind in _WIDE and kind.itemsize >= _WIDE[kind.kind]


def _holds_nothing_else(view: View) -> Iterator[Problem]:
    for signal in view.signals:
        for name in other_members(signal):
            yield Problem(f"{signal.where}/{name}", "is no part of the format")


RULES = (
    warning(
        "H201",
        "Each member of `/Experiments` is a group with a dataset `data`.",
        "Readers skip it and say nothing.",
        f"{AGAIN} writes the others.",
        _has_data,
    ),
    error(
        "H202",
        "`data` is a dataset.",
        "RosettaSciIO fails, or takes something else for the data.",
        "`hspy rescue FILE NEW` writes the other experiments.",
        _data_is_dataset,
    ),
    error(
        "H203",
        "A signal has a group `metadata` (before version 1.2: `mapped_parameters`).",
        "RosettaSciIO cannot read the file: none of its experiments.",
        f"{AGAIN} writes all groups.",
        partial(_tree_is_there, name=names.METADATA),
    ),
    error(
        "H204",
        "A signal has a group `original_metadata` (before version 1.2: `original_parameters`).",
        "RosettaSciIO cannot read the file: none of its experiments.",
        f"{AGAIN} writes all groups.",
        partial(_tree_is_there, name=names.ORIGINAL_METADATA),
    ),
    warning(
        "H205",
        "`metadata/General` of an experiment has an attribute `title` that is text.",
        "HyperSpy shows no title.",
        "`hspy set FILE KEY VALUE`",
        _has_title,
    ),
    error(
        "H206",
        "Where a group has the attribute `package`, it has `package_version` too.",
        "RosettaSciIO cannot read the file.",
        f"{AGAIN} writes both.",
        _package_has_version,
    ),
    error(
        "H207",
        "`attributes@ragged` is true where the data are ragged, and only there.",
        "HyperSpy cannot read the signal.",
        f"{AGAIN} writes what is the case.",
        _says_what_is_ragged,
    ),
    warning(
        "H208",
        "An experiment of version 3.3 has a group `attributes` with `ragged`.",
        "Readers go by the type of the data instead.",
        f"{AGAIN} writes it.",
        _has_attributes,
    ),
    note(
        "H209",
        "Data are numbers.",
        "HyperSpy cannot read the signal; RosettaSciIO has the bytes of the text.",
        "None is needed, if only hspyio is to read it.",
        _data_is_of_numbers,
    ),
    note(
        "H210",
        "Numbers are of at most 8 bytes, complex ones of 16.",
        "Longer ones differ from computer to computer.",
        "Save them as float64 or complex128, if files are to be read elsewhere.",
        _data_is_portable,
    ),
    note(
        "H211",
        "A signal's group holds only what the format names.",
        "Readers of the format leave out what else is there.",
        f"None is needed, if that is meant for other programs; {AGAIN} leaves it out.",
        _holds_nothing_else,
    ),
)
