"""Look at all that is in a file, its larger arrays aside."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from hspyio import names
from hspyio.converters.kinds import Kind, classify
from hspyio.errors import DamagedFileError, NotHspyError
from hspyio.nodes.node import Damaged, Group
from hspyio.rules.view import (
    SHAPES,
    AxisPlace,
    Item,
    Member,
    SignalPlace,
    TreePlace,
    View,
    listed_axes,
)
from hspyio.schema import contents, is_own_member

__all__ = ["view_of"]

MOST_ITEMS = 200_000
"""Items of trees that are looked at; a tree of metadata has up to 10,000."""

_TREES = (
    names.METADATA,
    names.ORIGINAL_METADATA,
    names.LEARNING_RESULTS,
    names.ATTRIBUTES,
    names.PEAK_LEARNING_RESULTS,
    names.MAPPED_PARAMETERS,
    names.ORIGINAL_PARAMETERS,
    names.MVA_RESULTS,
    names.PEAK_MVA_RESULTS,
)


def view_of(root: Group) -> View:
    """Look at all that is in a file, its larger arrays aside."""
    try:
        known = contents(root)
    except (NotHspyError, DamagedFileError) as error:
        return View(root, problem=error.message, damaged=tuple(_damaged_above(root)))
    walk = _Walk()
    walk.damaged += _damaged_above(root)
    for name, group in known.experiments.items():
        walk.add_signal(f"/{names.EXPERIMENTS}/{name}", group, nested=False)
    for name, group in known.models.items():
        walk.add_tree(f"/{names.ANALYSIS}/{names.MODELS}/{name}", group, 0)
    walk.run()
    return View(
        root,
        contents=known,
        version=known.version,
        signals=tuple(walk.signals),
        axes=tuple(walk.axes),
        trees=tuple(walk.trees),
        damaged=tuple(walk.damaged),
        too_deep=tuple(walk.too_deep),
        unseen=walk.unseen,
    )


def _damaged_above(root: Group) -> Iterator[tuple[str, str]]:
    """What cannot be read of the root and of the groups of experiments and models."""
    for name in (names.FILE_FORMAT, names.FILE_FORMAT_VERSION):
        node = root.attributes.get(name)
        if isinstance(node, Damaged):
            yield f"/@{name}", node.reason
    analysis = root.members.get(names.ANALYSIS)
    models = analysis.members.get(names.MODELS) if isinstance(analysis, Group) else None
    if isinstance(analysis, Damaged):
        yield f"/{names.ANALYSIS}", analysis.reason
    for where, holder in (
        (f"/{names.EXPERIMENTS}", root.members.get(names.EXPERIMENTS)),
        (f"/{names.ANALYSIS}/{names.MODELS}", models),
    ):
        if isinstance(holder, Damaged):
            yield where, holder.reason
        for name, member in holder.members.items() if isinstance(holder, Group) else ():
            if isinstance(member, Damaged):
                yield f"{where}/{name}", member.reason


class _Walk:
    """Collects the places of a file, breadth first, so that what is missed is what is deep."""

    def __init__(self) -> None:
        self.signals: list[SignalPlace] = []
        self.axes: list[AxisPlace] = []
        self.trees: list[TreePlace] = []
        self.damaged: list[tuple[str, str]] = []
        self.too_deep: list[str] = []
        self.unseen = ""
        self._left = MOST_ITEMS
        self._pending: deque[tuple[str, Group, int, Kind | None]] = deque()

    def run(self) -> None:
        """Go through all trees."""
        while self._pending:
            where, group, depth, kind = self._pending.popleft()
            if depth > names.MAX_DEPTH:
                self.too_deep.append(where)
            else:
                self._open(where, group, depth, kind)

    def add_tree(self, where: str, group: Group, depth: int, kind: Kind | None = None) -> None:
        """Note a group of a tree, to be gone through."""
        self._pending.append((where, group, depth, kind))

    def add_signal(self, where: str, group: Group, *, nested: bool, depth: int = 0) -> None:
        """Note a signal, its axes and its trees."""
        signal = SignalPlace(where, group, nested)
        self.signals.append(signal)
        for name in group.members:
            if name in SHAPES or is_own_member(name):
                self._note_damage(f"{where}/{name}", group.members[name])
        for name, attribute in group.attributes.items():
            self._note_damage(f"{where}@{name}", attribute)
        for name in (*_TREES, names.MODELS):
            node = group.members.get(name)
            if isinstance(node, Group):
                self.add_tree(f"{where}/{name}", node, depth + 1)
        for axis in _axes(signal):
            self._add_axis(axis, depth + 1)

    def _add_axis(self, axis: AxisPlace, depth: int) -> None:
        self.axes.append(axis)
        self.add_tree(axis.where, axis.group, depth)
        inner = axis.group.members.get("x")
        if isinstance(inner, Group):
            self.axes.append(replace(axis, where=f"{axis.where}/x", group=inner, inner=True))

    def _note_damage(self, where: str, node: object) -> None:
        if isinstance(node, Damaged):
            self.damaged.append((where, node.reason))

    def _open(self, where: str, group: Group, depth: int, kind: Kind | None) -> None:
        self._left -= len(group.attributes) + len(group.members)
        if self._left < 0:
            self.unseen = self.unseen or where
            return
        items = [
            self._item(f"{where}{mark}{name}", name, node, depth)
            for mark, held in (("@", group.attributes), ("/", group.members))
            for name, node in held.items()
        ]
        self.trees.append(TreePlace(where, group, tuple(items), kind))

    def _item(self, where: str, name: str, node: Member, depth: int) -> Item:
        kind, key = classify(name, node)
        item = Item(where, name, node, kind, key)
        self._note_damage(where, node)
        if isinstance(node, Group):
            if kind is Kind.SIGNAL and names.DATA in node.members:
                self.add_signal(where, node, nested=True, depth=depth + 1)
            else:
                self.add_tree(where, node, depth + 1, kind)
        return item


def _axes(signal: SignalPlace) -> Iterator[AxisPlace]:
    """The axes of a signal: those of its dimensions, a group each or a list of them."""
    shape = signal.data.shape if signal.data else ()
    where, members = signal.where, signal.group.members
    wanted = [f"{names.AXIS_PREFIX}{i}" for i in range(len(shape))]
    listed = listed_axes(signal)
    if listed is not None and not all(isinstance(members.get(name), Group) for name in wanted):
        name, group = listed
        where = f"{where}/{name}"
        found = sorted(group.members, key=lambda key: (len(key), key))
    else:
        group, found = signal.group, wanted
    for i, name in enumerate(found):
        axis = group.members.get(name)
        if isinstance(axis, Group):
            size = shape[i] if i < len(shape) else None
            yield AxisPlace(f"{where}/{name}", axis, signal, i, size)
