"""A Zarr store -> nodes: groups, attributes and arrays by their keys."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hspyio.arrays.workers import Workers
from hspyio.errors import DamagedFileError, HspyError
from hspyio.hdf5.limits import Budget
from hspyio.hdf5.opening import ReadPolicy
from hspyio.hdf5.snapshot import Snapshot
from hspyio.nodes.node import Array, Attribute, Damaged, Group, MemorySource, Text, Vlen
from hspyio.zarr2.attributes import ARRAYS, EXACT, ORDER, from_json
from hspyio.zarr2.codecs import filter_of
from hspyio.zarr2.dataset import ZarrDataset, ZarrRows, layout_of, with_type
from hspyio.zarr2.store import ARRAY, ATTRIBUTES, GROUP, METADATA, StoreSnapshot

__all__ = ["StoreReader", "open_store"]

_FORMAT = "file_format"
_MOST_LEVELS = 200
_LISTED = 2**20
"""Bytes of a list that is read with the group it is in."""


@contextmanager
def open_store(
    snapshot: Snapshot,
    policy: ReadPolicy,
    *,
    workers: Workers | None = None,
    budget: Budget | None = None,
) -> Iterator[StoreReader]:
    """Read a store within the block; nothing stays open.

    Raises
    ------
    DamagedFileError
        If its metadata cannot be read.
    """
    assert isinstance(snapshot, StoreSnapshot)
    snapshot.check()
    yield StoreReader(snapshot, policy, workers or Workers(), budget or Budget())


class StoreReader:
    """What reads a store.

    Attributes
    ----------
    snapshot : StoreSnapshot
        The store.
    """

    def __init__(
        self, snapshot: StoreSnapshot, policy: ReadPolicy, workers: Workers, budget: Budget
    ) -> None:
        self.snapshot = snapshot
        self._policy = policy
        self._workers = workers
        self._budget = budget
        self._known: Mapping[str, Any] = self._consolidated()
        self._exact: Mapping[str, Any] = {}
        self._types: Mapping[str, Any] = {}

    def root(self) -> Group:
        """The root group, and all that is in it."""
        tree: dict[str, Any] = {}
        for key in self._known or self.snapshot.keys():
            *names, last = key.split("/")
            if last not in (GROUP, ARRAY):
                continue
            place = tree
            for name in names:
                place = place.setdefault(name, {})
            place[last] = {}
        found = self._group("", tree, 0)
        stated = found.attributes.get(_FORMAT)
        if isinstance(stated, Attribute) and stated.value == b"ZSpy":
            # As a file of HDF5's says it, which is held against the same rules.
            attributes = {**found.attributes, _FORMAT: Attribute(stated.type, b"HyperSpy")}
            return Group(attributes, found.members)
        return found

    def _consolidated(self) -> Mapping[str, Any]:
        """All metadata in one piece, which RosettaSciIO writes; nothing where there is none."""
        content = self._json(METADATA)
        known = content.get("metadata") if isinstance(content, Mapping) else None
        return known if isinstance(known, Mapping) else {}

    def _json(self, key: str) -> Any:
        stored = self.snapshot.get(key)
        if stored is None:
            return None
        try:
            return json.loads(stored)
        except (ValueError, RecursionError) as error:
            if key == METADATA:  # the pieces are there all the same
                return None
            raise DamagedFileError(f"{key} is no JSON: {error}", path=self.snapshot.path) from None

    def _content(self, key: str) -> Any:
        return self._known[key] if key in self._known else self._json(key)

    def _group(self, path: str, tree: Mapping[str, Any], depth: int) -> Group:
        content = self._content(f"{path}{ATTRIBUTES}")
        content = content if isinstance(content, Mapping) else {}
        if not path:
            self._exact, self._types = (
                noted if isinstance(noted := content.get(key), Mapping) else {}
                for key in (EXACT, ARRAYS)
            )
        attributes, members = from_json(content, self._exact.get(path))
        found: dict[str, Any] = dict(members)
        for name in _in_order(tree, content.get(ORDER)):
            found[name] = self._member(f"{path}{name}", name, tree[name], depth + 1)
        return Group(attributes, found)

    def _member(self, path: str, name: str, tree: Mapping[str, Any], depth: int) -> Any:
        if depth > _MOST_LEVELS:
            return Damaged(f"is nested deeper than {_MOST_LEVELS} levels")
        try:
            if ARRAY in tree:
                return self._array(path, name)
            return self._group(f"{path}/", tree, depth)
        except HspyError as error:
            return Damaged(error.message)

    def _array(self, path: str, name: str) -> Array:
        content = self._content(f"{path}/{ARRAY}")
        layout = layout_of(content if isinstance(content, Mapping) else {})
        if path in self._types:
            layout = with_type(layout, self._types[path])
        rows = isinstance(layout.kind, Vlen)
        kind: Any = ZarrRows if rows else ZarrDataset
        source = kind(self.snapshot, path, layout, self._workers, self._budget)
        filters = tuple(map(filter_of, layout.codecs))
        size = 16 if layout.dtype.hasobject else layout.dtype.itemsize
        for length in layout.shape:
            size *= length
        if name.startswith(self._policy.lists) and size <= _LISTED and not rows:
            return Array(layout.kind, MemorySource(source.read()), inline=True)
        chunks = layout.chunks or None
        if 0 in layout.shape or (isinstance(layout.kind, Text) and not layout.shape):
            source = MemorySource(source.read())  # of no chunk, which nothing is read of later
        return Array(layout.kind, source, chunks=chunks, filters=filters)


def _in_order(tree: Mapping[str, Any], wanted: Any) -> list[str]:
    """Names of members: as a file of ours has noted them, the others behind, sorted."""
    names = sorted(name for name in tree if name not in (GROUP, ARRAY))
    known = [name for name in wanted if name in names] if isinstance(wanted, list) else []
    return list(dict.fromkeys([*known, *names]))
