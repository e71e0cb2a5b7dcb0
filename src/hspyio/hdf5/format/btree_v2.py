"""Trees of the second kind (HDF5's file format specification, III.A.2), and what they lead to."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from hspyio.hdf5.format.file_bytes import UNREADABLE_PIECE, FileBytes, damaged, unsupported
from hspyio.hdf5.format.fractal_heap import FractalHeap
from hspyio.records import record

__all__ = [
    "ATTRIBUTES",
    "ATTRIBUTES_BY_ORDER",
    "CHUNKS",
    "FILTERED_CHUNKS",
    "LINKS",
    "LINKS_BY_ORDER",
    "count_tree",
    "dense_messages",
    "tree_records",
]

HUGE, HUGE_DIRECT = 1, 3
LINKS, LINKS_BY_ORDER, ATTRIBUTES, ATTRIBUTES_BY_ORDER = 5, 6, 8, 9
CHUNKS, FILTERED_CHUNKS = 10, 11
"""Kinds of trees: of large objects in a heap, by names, by the order of making, by places in
the grid."""

_NODE_HEAD, _CHECKSUM = 6, 4
_LEAST_RECORD = 8
_MOST_DEPTH = 8
_MOST_RECORDS = 1_000_000
"""Attributes or links of one object."""
_RECORDS = {LINKS: 11, ATTRIBUTES: 17}
_SHARED = 2


def dense_messages(content: FileBytes, heap: int, tree: int, kind: int) -> list[tuple[int, bytes]]:
    """The messages that a tree leads to, in no order.

    Parameters
    ----------
    content : FileBytes
        The file.
    heap, tree : int
        Where they begin.
    kind : int
        `LINKS` or `ATTRIBUTES`.

    Returns
    -------
    list of (int, bytes)
        Number by the order of making, of an attribute; 0 of a link, which knows its own.

    Raises
    ------
    DamagedFileError
        If they are damaged.
    """
    try:
        found = FractalHeap(content, heap)
        length, listed = tree_records(content, tree, kind, _MOST_RECORDS)
        if length != _RECORDS[kind]:
            raise damaged("a tree of links or attributes is damaged")
        records = [listed[i : i + length] for i in range(0, len(listed), length)]
        huge = _huge_objects(content, found.huge_tree) if found.has_huge else {}
        messages = []
        for one in records:
            try:
                messages.append(_message(found, one, huge, kind))
            except UNREADABLE_PIECE as error:
                content.lose(error)
        return messages
    except (struct.error, IndexError, ValueError):
        raise damaged("a heap of links or attributes is damaged") from None


def _message(
    heap: FractalHeap, one: bytes, huge: dict[int, tuple[int, int]], kind: int
) -> tuple[int, bytes]:
    if kind == LINKS:
        return 0, heap.item(one[4:], huge)
    if one[8] & _SHARED:
        raise unsupported("it has an attribute that it shares with other objects by a heap")
    return int.from_bytes(one[9:13], "little"), heap.item(one[:8], huge)


def _huge_objects(content: FileBytes, tree: int) -> dict[int, tuple[int, int]]:
    """Address and length of the objects that stand outside of a heap's blocks, by number."""
    if tree == content.undefined:
        return {}
    form = content.struct("<OLL")
    length, records = tree_records(content, tree, HUGE, _MOST_RECORDS)
    if length != form.size:
        raise damaged("the tree of a heap's large objects is damaged")
    return {number: (place, size) for place, size, number in form.iter_unpack(records)}


def count_tree(content: FileBytes, address: int, kind: int) -> None:
    """Count the nodes of a tree among what was read of a file, which reading does without.

    Raises
    ------
    DamagedFileError
        If it is damaged.
    """
    tree_records(content, address, kind, _MOST_RECORDS)


@record
class _Nodes:
    """What the nodes of a tree have in common."""

    content: FileBytes
    kind: int
    size: int
    record: int
    widths: list[tuple[int, int]]


def tree_records(content: FileBytes, address: int, kind: int, most: int) -> tuple[int, bytes]:
    """Read a tree.

    Parameters
    ----------
    content : FileBytes
        The file.
    address : int
        Where it begins.
    kind : int
        What it has to be.
    most : int
        How many records may be in it.

    Returns
    -------
    int, bytes
        Bytes of a record, and all of them.

    Raises
    ------
    DamagedFileError
        If it is damaged.
    """
    form = content.struct("<4sBBIHHBBOHL4x")
    head = content.at(address, form.size)
    content.check(head)
    content.taken[address] = form.size
    signature, version, found, size, length, depth, _, _, root, count, total = form.unpack(head)
    if signature != b"BTHD" or version or found != kind or length < _LEAST_RECORD:
        raise damaged("a tree is not where it is said to be")
    if total > min(most, content.end // length) or depth > _MOST_DEPTH:
        raise damaged("a tree is said to be larger than it can be")
    if not total:
        return length, b""
    nodes = _Nodes(content, kind, size, length, _widths(size, length, depth, content.offset_size))
    blocks, left = [], total * length
    for block in _walk(nodes, root, count, depth):
        blocks.append(block)
        left -= len(block)
        if left < 0:
            break
    if left:
        content.lose(damaged("a tree has other records than it says"))
    return length, b"".join(blocks)


def _widths(size: int, length: int, depth: int, address: int) -> list[tuple[int, int]]:
    """Bytes of a child's own records and of all below it, as nodes of each depth note them."""
    most = (size - _NODE_HEAD - _CHECKSUM) // length
    own, below, widths = _width(most), most, [(0, 0)]
    for level in range(1, depth + 1):
        all_below = _width(below) if level > 1 else 0
        widths.append((own, all_below))
        pointer = address + own + all_below
        most = (size - _NODE_HEAD - _CHECKSUM - pointer) // (length + pointer)
        below = (most + 1) * below + most
    return widths


def _width(most: int) -> int:
    """Bytes that numbers up to one take."""
    return (most.bit_length() - 1) // 8 + 1


def _walk(nodes: _Nodes, address: int, count: int, depth: int) -> Iterator[bytes]:
    """The records of a node and of those below it, a block a node."""
    content, (own, below) = nodes.content, nodes.widths[depth]
    width = content.offset_size
    pointer = width + own + below if depth else 0
    length = _NODE_HEAD + count * nodes.record + (count + 1) * pointer + _CHECKSUM
    if length > nodes.size:
        raise damaged("a node of a tree is longer than it can be")
    try:
        node = content.at(address, length)
        content.check(node)
        expected = (b"BTIN" if depth else b"BTLF") + bytes((0, nodes.kind))
        if node[:_NODE_HEAD] != expected:
            raise damaged("a node of a tree is not where it is said to be")
    except UNREADABLE_PIECE as error:
        content.lose(error)
        return
    content.taken[address] = nodes.size
    place = _NODE_HEAD + count * nodes.record
    yield node[_NODE_HEAD:place]
    if depth:
        ahead = range(place, place + (count + 1) * pointer, pointer)
        children = [int.from_bytes(node[at : at + width], "little") for at in ahead]
        content.expect(children, nodes.size)
    for _ in range(count + 1 if depth else 0):
        child = int.from_bytes(node[place : place + width], "little")
        of_child = int.from_bytes(node[place + width : place + width + own], "little")
        yield from _walk(nodes, child, of_child, depth - 1)
        place += pointer
