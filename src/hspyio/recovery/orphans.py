"""Put experiments together again from objects of a damaged file that nothing leads to any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hspyio import names
from hspyio.nodes.node import Array, Attribute, Damaged, Group
from hspyio.recovery.scan import Search

__all__ = ["Pieced", "pieced", "stored_size"]

_LEAST_DATA = 65536
"""Bytes of an array without a name that is taken for a signal's data."""
_MOST_PIECES = 5000
_MOST_TOUCHED = 100_000
_LEFTOVER = "recovered"
_LEARNING = {"factors", "loadings", "explained_variance", "decomposition_algorithm"}

Node = Group | Array | Damaged
Find = Callable[[int], Node]


@dataclass(slots=True)
class Pieced:
    """An experiment that was put together.

    Attributes
    ----------
    name : str
        Of its group, ``""`` where that is lost.
    group : Group
        What was found of it.
    address : int
        Of the group, where all of it was found.
    found : dict of str to int
        Addresses of its members that were found one by one.
    """

    name: str
    group: Group
    address: int = 0
    found: dict[str, int] = field(default_factory=dict)


def pieced(
    search: Search, reached: set[int], known: Mapping[str, Group], find: Find
) -> Iterator[Pieced]:
    """Put together what was found and is not reached.

    Objects that stand together in the file belong together: what comes after the header of an
    experiment's group, and before that of the next, is taken for a part of it.
    """
    workers = _Piecing(search, reached, find)
    yield from workers.whole()
    yield from workers.assembled(known)


class _Piecing:
    """What was found in one file."""

    def __init__(self, search: Search, reached: set[int], find: Find) -> None:
        self._search, self._reached, self._find = search, reached, find
        self._taken: set[int] = set()

    def whole(self) -> Iterator[Pieced]:
        """Groups of experiments that can be read, and that nothing leads to."""
        for address, header in self._search.objects.items():
            links = dict(header.links)
            if address in self._reached or not header.is_group:
                continue
            if links and names.DATA not in links:
                continue
            node = self._find(address)
            if not isinstance(node, Group) or "" in node.members or names.DATA not in node.members:
                self._reached.discard(address)  # a look is not the way of a reader
                continue
            known = len(self._reached)
            if isinstance(node.members.get(names.DATA), Array):
                self._taken.add(address)
                if len(self._reached) > known:
                    yield Pieced(self._search.names.get(address, ""), node, address)
                else:  # an older state, with data that were reached: no part of it comes back
                    _touch(node)

    def assembled(self, known: Mapping[str, Group]) -> Iterator[Pieced]:
        """Pieces without a group, by the experiment after whose header they stand."""
        current = _Assembly("", Group())
        owner = 0
        for address in sorted({*self._search.objects, *self._search.names}):
            name = self._name_of_experiment(address)
            if name is not None:
                yield from current.made()
                current, owner = self._begun(address, name, known), address
            elif self._is_loose(address):
                found: dict[str, int] = {}
                node = self._node(address, "", found)
                if isinstance(node, Damaged):
                    continue
                _touch(node)
                named = self._search.parents.get(address) == owner != 0
                role = self._search.names[address] if named else _role(node)
                if current.is_full(role):
                    yield from current.made()
                    current = _Assembly("", Group())
                current.add(role, node, address, found)
        yield from current.made()

    def _begun(self, address: int, name: str, known: Mapping[str, Group]) -> _Assembly:
        """An experiment whose header was found: with what HDF5, or the header alone, tells."""
        if address in self._taken:
            return _Assembly("", Group())
        assembly = _Assembly(name, known.get(name, Group()))
        header = self._search.objects.get(address)
        if header is not None and address not in self._reached:
            for member, target in header.links:
                found: dict[str, int] = {}
                node = self._node(target, "", found)
                if not isinstance(node, Damaged):
                    _touch(node)
                    assembly.add(member, node, target, found)
        return assembly

    def _node(self, address: int, path: str, found: dict[str, int], depth: int = 0) -> Node:
        """The node at an address; of a group that HDF5 cannot open, what its header names."""
        node = self._find(address)
        header = self._search.objects.get(address)
        if not isinstance(node, Damaged) or header is None or not header.links:
            return node
        if depth >= names.MAX_DEPTH:
            return node
        members = {}
        for name, target in header.links:
            members[name] = self._node(target, f"{path}/{name}", found, depth + 1)
            found[f"{path}/{name}"] = target
        return Group({}, {**members, "": node})

    def _name_of_experiment(self, address: int) -> str | None:
        """Its name, if an object is a member of the group of all experiments."""
        parent = self._search.parents.get(address)
        if parent is None or self._search.names.get(parent) != names.EXPERIMENTS:
            return None
        return self._search.names[address]

    def _is_loose(self, address: int) -> bool:
        if address in self._reached or address in self._taken:
            return False
        if address not in self._search.objects:
            return False
        links = dict(self._search.objects[address].links)
        if names.EXPERIMENTS in links or names.DATA in links:
            return False
        if self._search.names.get(address) == names.EXPERIMENTS:
            return False
        parent = self._search.parents.get(address)
        return parent is None or parent in self._reached


def _touch(node: Node) -> None:
    """Reach all that is in a group, so that it is not taken for loose itself."""
    pending: list[Any] = [node]
    count = 0
    while pending and count < _MOST_TOUCHED:
        inner = pending.pop()
        if isinstance(inner, Group):
            pending += [inner.members[name] for name in inner.members]
            count += 1


class _Assembly:
    """An experiment while it is put together."""

    def __init__(self, name: str, base: Group) -> None:
        self._name = name
        self._attributes = base.attributes
        self._members: dict[str, Any] = {key: base.members[key] for key in base.members if key}
        self._found: dict[str, int] = {}
        self._axes: list[tuple[int, Node, dict[str, int]]] = []
        self._loose: list[tuple[int, Node, dict[str, int]]] = []

    def is_full(self, role: str) -> bool:
        """Whether it has such a part already, found like this one, so that another begins."""
        return role in (names.DATA, names.METADATA) and role in self._found

    def add(self, role: str, node: Node, address: int, inner: Mapping[str, int]) -> None:
        """Take a piece, and the addresses of what was found in it one by one."""
        if role == names.AXIS_PREFIX:
            self._axes.append((address, node, dict(inner)))
        elif role and not isinstance(self._members.get(role), Group | Array):
            self._place(role, node, address, inner)
        elif len(self._loose) < _MOST_PIECES:
            self._loose.append((address, node, dict(inner)))

    def _place(self, role: str, node: Node, address: int, inner: Mapping[str, int]) -> None:
        self._members[role] = node
        self._found[role] = address
        self._found.update({f"{role}{path}": place for path, place in inner.items()})

    def made(self) -> Iterator[Pieced]:
        """The experiment, if anything was found of it."""
        data = self._members.get(names.DATA)
        if isinstance(data, Array):
            self._place_axes(data.shape)
        self._loose += self._axes
        if self._loose:
            self._keep_loose()
        if self._found and (isinstance(data, Array) or names.METADATA in self._members):
            yield Pieced(self._name, Group(self._attributes, self._members), 0, self._found)

    def _place_axes(self, shape: tuple[int, ...]) -> None:
        """Give axes to dimensions, in their order, where the sizes agree."""
        for i, size in enumerate(shape):
            key = f"{names.AXIS_PREFIX}{i}"
            if isinstance(self._members.get(key), Group):
                continue
            fitting = (n for n, axis in enumerate(self._axes) if stored_size(axis[1]) == size)
            number = next(fitting, None)
            if number is not None:
                address, node, inner = self._axes.pop(number)
                self._place(key, node, address, inner)

    def _keep_loose(self) -> None:
        """Parts of trees whose names are lost come under names of their own."""
        key = names.ORIGINAL_METADATA
        tree = self._members.get(key)
        base = tree if isinstance(tree, Group) else Group()
        loose = Group({}, {str(i + 1): node for i, (_, node, _) in enumerate(self._loose)})
        members = {name: base.members[name] for name in base.members}
        self._members[key] = Group(base.attributes, {**members, _LEFTOVER: loose}, base.ordered)
        for i, (address, _, inner) in enumerate(self._loose):
            place = f"{key}/{_LEFTOVER}/{i + 1}"
            self._found[place] = address
            self._found.update({f"{place}{path}": target for path, target in inner.items()})


def _role(node: Node) -> str:
    """What a piece is in an experiment, by what it holds; ``""`` for part of a tree."""
    if isinstance(node, Array):
        number = isinstance(node.type, np.dtype) and node.type.kind in "biufc"
        size = int(np.prod(node.shape, dtype=float)) * getattr(node.type, "itemsize", 1)
        return names.DATA if number and node.shape and size >= _LEAST_DATA else ""
    assert isinstance(node, Group)
    attributes = set(node.attributes)
    if {"size", "navigate"} <= attributes:
        return names.AXIS_PREFIX
    if "General" in node.members:
        return names.METADATA
    if names.LAZY in attributes or names.RAGGED in attributes:
        return names.ATTRIBUTES
    return names.LEARNING_RESULTS if _LEARNING & {*attributes, *node.members} else ""


def stored_size(node: object) -> int | None:
    """The size that an axis tells, ``None`` if it tells none."""
    stored = node.attributes.get("size") if isinstance(node, Group) else None
    if isinstance(stored, Attribute) and isinstance(stored.value, np.ndarray):
        with np.errstate(all="ignore"):
            return int(stored.value.reshape(-1)[0]) if stored.value.size else None
    return None
