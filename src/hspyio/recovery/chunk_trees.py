"""Trees of the chunks of a damaged array, as far as they go, and to the sides too."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np

from hspyio.arrays.manifest import ChunkManifest, StoredArray
from hspyio.hdf5.format.file_bytes import FileBytes
from hspyio.records import record

__all__ = ["TreeNode", "Walk", "index_of_nodes", "tree_node", "walk_trees"]

_UNDEFINED = 2**64 - 1
_MOST_NODES = 1_000_000
_USUAL_NODE = 4096
"""Bytes that are read of a node at first: of up to 64 chunks with four dimensions."""
_TREE_HEAD = struct.Struct("<4sBBHQQ")


@record
class TreeNode:
    """A node of a tree of chunks.

    Attributes
    ----------
    level : int
        0 for those that name chunks.
    siblings : tuple of int
        Addresses of the nodes beside it.
    entries : ndarray of uint64, (n, rank + 4)
        For each child its length in the file, filters left out, corner, a zero, and address.
    """

    level: int
    siblings: tuple[int, ...]
    entries: np.ndarray[tuple[int, int], np.dtype[np.uint64]]


def tree_node(content: bytes, rank: int) -> TreeNode | None:
    """Take bytes for a node of a tree of chunks; ``None`` if they are none."""
    if len(content) < _TREE_HEAD.size:
        return None
    signature, kind, level, count, left, right = _TREE_HEAD.unpack_from(content)
    length = 8 + 8 * (rank + 1) + 8
    if signature != b"TREE" or kind != 1 or not count:
        return None
    available = (len(content) - _TREE_HEAD.size) // length
    count, width = min(count, available), length // 8
    words = np.frombuffer(content, "<u8", count * width, _TREE_HEAD.size).reshape(count, width)
    entries = np.empty((len(words), rank + 4), np.uint64)
    entries[:, 0], entries[:, 1] = words[:, 0] & 0xFFFFFFFF, words[:, 0] >> np.uint64(32)
    entries[:, 2:] = words[:, 1:]
    beside = tuple(address for address in (left, right) if address != _UNDEFINED)
    return TreeNode(level, beside, entries)


@record
class Walk:
    """What was reached of trees of chunks.

    Attributes
    ----------
    nodes : tuple of TreeNode
        Those of the lowest level.
    seen : frozenset of int
        Addresses of all nodes.
    named : frozenset of int
        Addresses that other nodes lead to, readable or not.
    whole : bool
        Whether all of them were readable.
    """

    nodes: tuple[TreeNode, ...]
    seen: frozenset[int]
    named: frozenset[int]
    whole: bool


def walk_trees(content: FileBytes, roots: Iterable[int], rank: int) -> Walk:
    """Walk trees of chunks as far as their nodes are readable, to the sides too."""
    pending, seen, named, whole = list(roots), set[int](), set[int](), True
    nodes: list[TreeNode] = []
    while pending and len(seen) < _MOST_NODES:
        address = pending.pop()
        if address in seen:
            continue
        octets = content.up_to(address, _USUAL_NODE) if address < content.end else b""
        count = int.from_bytes(octets[6:8], "little")
        length = _TREE_HEAD.size + count * (24 + 8 * rank)
        if length > _USUAL_NODE:
            octets = content.up_to(address, length)
        node = tree_node(octets[:length], rank)
        whole = whole and node is not None and len(node.entries) == count
        if node is None:
            continue
        seen.add(address)
        beside = [*node.siblings, *(node.entries[:, -1].tolist() if node.level else ())]
        pending += beside
        named.update(beside)
        if not node.level:
            nodes.append(node)
    return Walk(tuple(nodes), frozenset(seen), frozenset(named), whole)


def index_of_nodes(nodes: Iterable[TreeNode], stored: StoredArray) -> tuple[ChunkManifest, bool]:
    """The chunks that nodes name and that can be of an array; whether these are all."""
    assert stored.chunks is not None
    rank = len(stored.shape)
    listed = [node.entries for node in nodes]
    table = np.concatenate(listed) if listed else np.empty((0, rank + 4), np.uint64)
    coordinates, rests = np.divmod(table[:, 2 : 2 + rank], np.array(stored.chunks, np.uint64))
    offsets = table[:, -1]
    sound = (table[:, 0] > 0) & (offsets > 0) & (offsets < 2**62) & (table[:, -2] == 0)
    sound &= ~rests.any(axis=1)
    inside = sound & (coordinates < np.array(stored.grid.counts, np.uint64)).all(axis=1)
    places = stored.grid.numbers(coordinates[inside].astype(np.int64))
    facts = table[inside].astype(np.int64)
    once = True
    if not (places[1:] > places[:-1]).all():  # a tree has them in order
        count = len(places)
        places, first = np.unique(places, return_index=True)
        facts, once = facts[first], len(places) == count
    index = ChunkManifest(places, facts[:, -1], facts[:, 0], facts[:, 1])
    return index, once and bool(sound.all())
