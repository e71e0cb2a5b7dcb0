"""A file as the rules see it: its signals, their axes, and every item of their trees."""

from __future__ import annotations

from collections.abc import Iterator

from hspyio import names
from hspyio.converters.kinds import Kind, nexus_members
from hspyio.errors import Problem
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Kept
from hspyio.records import record
from hspyio.schema import Contents, is_own_member
from hspyio.schema.migrations import CURRENT, Version

__all__ = [
    "OLD_NAMES",
    "RENAMED",
    "SHAPES",
    "AxisPlace",
    "Item",
    "Member",
    "SignalPlace",
    "TreePlace",
    "View",
    "listed_axes",
    "other_members",
]

Member = Group | Array | Attribute | Damaged | Kept

OLD_NAMES = {
    names.METADATA: names.MAPPED_PARAMETERS,
    names.ORIGINAL_METADATA: names.ORIGINAL_PARAMETERS,
    names.LEARNING_RESULTS: names.MVA_RESULTS,
}
RENAMED: Version = (1, 2)
"""The version from which on trees of metadata have the names of today."""

SHAPES = (names.DATA, names.RAGGED_SHAPES + names.DATA, names.RAGGED_SHAPES_3_1)
_TEMPORARY = "tmp_parameters"
"""What RosettaSciIO writes into signals inside trees, and never reads."""


@record
class SignalPlace:
    """A group that holds a signal."""

    where: str
    group: Group
    nested: bool = False  # inside a tree

    @property
    def data(self) -> Array | None:
        """Its data, if they are a dataset that can be read."""
        node = self.group.members.get(names.DATA)
        return node if isinstance(node, Array) else None

    def part(self, name: str) -> Group | None:
        """One of its groups, under whatever name it had in old files."""
        for known in (name, OLD_NAMES.get(name, name)):
            node = self.group.members.get(known)
            if isinstance(node, Group):
                return node
        return None


@record
class AxisPlace:
    """A group that holds an axis."""

    where: str
    group: Group
    signal: SignalPlace
    index: int  # of the dimension of the data
    size: int | None  # the length of that dimension, if there is one
    inner: bool = False  # what a functional axis is a function of


@record
class TreePlace:
    """A group in a tree."""

    where: str
    group: Group
    items: tuple[Item, ...]  # attributes first
    kind: Kind | None = None  # going by its name; None for the root of a tree


@record
class Item:
    """An item of a tree; its kind and its key are what its name stands for."""

    where: str
    name: str
    node: Member
    kind: Kind
    key: str


@record
class View:
    """A file as the rules see it; its places are those inside trees, too."""

    root: Group  # empty if the file cannot be read
    failure: Problem | None = None  # why it cannot be read
    contents: Contents | None = None  # its experiments and models
    problem: str = ""  # why there are none
    version: Version = CURRENT  # what it is read as
    signals: tuple[SignalPlace, ...] = ()
    axes: tuple[AxisPlace, ...] = ()
    trees: tuple[TreePlace, ...] = ()
    damaged: tuple[tuple[str, str], ...] = ()  # paths, and why they cannot be read
    too_deep: tuple[str, ...] = ()
    unseen: str = ""  # the first group that was not looked at, if there is too much

    @property
    def experiments(self) -> tuple[SignalPlace, ...]:
        """The signals that are no part of a tree."""
        return tuple(place for place in self.signals if not place.nested)

    @property
    def items(self) -> Iterator[Item]:
        """Every item of every tree."""
        for tree in self.trees:
            yield from tree.items


def listed_axes(signal: SignalPlace) -> tuple[str, Group] | None:
    """The group that holds the axes as a list, where there is one for so many dimensions."""
    rank = len(signal.data.shape) if signal.data else 0
    for name in (f"{names.LIST}{rank}_axes", f"{names.TUPLE}{rank}_axes"):
        node = signal.group.members.get(name)
        if isinstance(node, Group):
            return name, node
    return None


def other_members(signal: SignalPlace) -> list[str]:
    """Members of a signal's group that no reader looks at."""
    known = {*SHAPES, *nexus_members(signal.group), *([names.MODELS] if signal.nested else [])}
    return [
        name
        for name in signal.group.members
        if name not in known
        and not is_own_member(name)
        and not (signal.nested and name == _TEMPORARY)
    ]
