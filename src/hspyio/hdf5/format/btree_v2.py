"""What stands in a fractal heap, by a tree of the second kind: many links, or many attributes.

HDF5's file format specification, III.A.2 (trees) and III.G (heaps). Both have checksums.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice

from hspyio.hdf5.format.file_bytes import Content, LeftToHdf5Error
from hspyio.records import record

__all__ = ["ATTRIBUTES", "LINKS", "dense_messages"]

LINKS, ATTRIBUTES = 5, 8
"""Kinds of trees, by names."""

_TREE = struct.Struct("<4sBBIHHBBQHQI")
_NODE_HEAD, _CHECKSUM = 6, 4
_HEAP = struct.Struct("<4sBHHBI24xQ64xHQQHHQH4x")
_MANAGER = struct.Struct("<4s50xQ8xQ4x")
_UNDEFINED = 2**64 - 1
_MOST_RECORDS = 1_000_000
_MOST_BLOCKS = 10_000
_MOST_ROWS = 64
_LARGEST_BLOCK = 2**20
_RECORDS = {LINKS: 11, ATTRIBUTES: 17}


def dense_messages(content: Content, heap: int, tree: int, kind: int) -> list[tuple[int, bytes]]:
    """The messages that a tree leads to, in no order.

    Parameters
    ----------
    content : Content
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
    LeftToHdf5Error
        If they are damaged, or one is very long.
    """
    try:
        found = _Heap(content, heap)
        records = _records(content, tree, kind)
        if kind == LINKS:
            return [(0, found.item(one[4:])) for one in records]
        if any(one[8] for one in records):
            raise LeftToHdf5Error
        return [(int.from_bytes(one[9:13], "little"), found.item(one[:8])) for one in records]
    except (struct.error, IndexError, ValueError):
        raise LeftToHdf5Error from None


def count_managers(content: Content) -> None:
    """Count what the heaps that were read take to note what is free in them.

    Raises
    ------
    LeftToHdf5Error
        If that is damaged.
    """
    for address in content.managers:
        if address != _UNDEFINED:
            head = content.at(address, _MANAGER.size)
            content.check(head)
            signature, sections, size = _MANAGER.unpack(head)
            if signature != b"FSHD" or size > content.end:
                raise LeftToHdf5Error
            content.taken[address] = _MANAGER.size
            if sections != _UNDEFINED:
                content.taken[sections] = size


# trees


@record
class _Nodes:
    """What the nodes of a tree have in common."""

    content: Content
    kind: int
    size: int
    record: int
    widths: list[tuple[int, int]]


def _records(content: Content, address: int, kind: int) -> list[bytes]:
    head = content.at(address, _TREE.size)
    content.check(head)
    content.taken[address] = _TREE.size
    signature, version, found, size, length, depth, _, _, root, count, total, _ = _TREE.unpack(head)
    if signature != b"BTHD" or version or found != kind or length != _RECORDS[kind]:
        raise LeftToHdf5Error
    if total > _MOST_RECORDS or depth > 8:
        raise LeftToHdf5Error
    if not total:
        return []
    nodes = _Nodes(content, kind, size, length, _widths(size, length, depth))
    records = list(islice(_walk(nodes, root, count, depth), total + 1))
    if len(records) != total:
        raise LeftToHdf5Error
    return records


def _widths(size: int, length: int, depth: int) -> list[tuple[int, int]]:
    """Bytes of a child's own records and of all below it, as nodes of each depth note them."""
    most = (size - _NODE_HEAD - _CHECKSUM) // length
    own, below, widths = _width(most), most, [(0, 0)]
    for level in range(1, depth + 1):
        all_below = _width(below) if level > 1 else 0
        widths.append((own, all_below))
        pointer = 8 + own + all_below
        most = (size - _NODE_HEAD - _CHECKSUM - pointer) // (length + pointer)
        below = (most + 1) * below + most
    return widths


def _width(most: int) -> int:
    """Bytes that numbers up to one take."""
    return (most.bit_length() - 1) // 8 + 1


def _walk(nodes: _Nodes, address: int, count: int, depth: int) -> Iterator[bytes]:
    own, below = nodes.widths[depth]
    pointer = 8 + own + below if depth else 0
    length = _NODE_HEAD + count * nodes.record + (count + 1) * pointer + _CHECKSUM
    node = nodes.content.at(address, length)
    nodes.content.check(node)
    nodes.content.taken[address] = nodes.size
    expected = (b"BTIN" if depth else b"BTLF") + bytes((0, nodes.kind))
    if node[:_NODE_HEAD] != expected or length > nodes.size:
        raise LeftToHdf5Error
    place = _NODE_HEAD
    for _ in range(count):
        yield node[place : place + nodes.record]
        place += nodes.record
    for _ in range(count + 1 if depth else 0):
        child = int.from_bytes(node[place : place + 8], "little")
        of_child = int.from_bytes(node[place + 8 : place + 8 + own], "little")
        yield from _walk(nodes, child, of_child, depth - 1)
        place += pointer


# heaps


class _Heap:
    """A heap, the blocks of which are read when something in them is asked for."""

    def __init__(self, content: Content, address: int) -> None:
        head = content.at(address, _HEAP.size)
        content.check(head)
        content.taken[address] = _HEAP.size
        signature, version, _, filters, flags, most, manager, *rest = _HEAP.unpack(head)
        width, start, largest, bits, _, root, rows = rest
        content.managers.append(manager)
        usual = start and not start & (start - 1) and not largest & (largest - 1) and width
        if signature != b"FRHP" or version or filters or not usual:
            raise LeftToHdf5Error
        if not start <= largest <= _LARGEST_BLOCK or bits > 64 or width > _MOST_ROWS:
            raise LeftToHdf5Error
        self._content = content
        self._address = address
        self._checked = bool(flags & 2)
        self._width, self._start, self._largest = width, start, largest
        self._of_offset: int = -(-bits // 8)
        self._of_length = min(_width(largest), _width(most))
        self._blocks: dict[int, bytes] = {}
        self._placed = sorted(self._direct(root, rows)) if root != _UNDEFINED else []
        for _, size, place in self._placed:
            content.taken[place] = size
        self._offsets = [offset for offset, _, _ in self._placed]

    def item(self, number: bytes) -> bytes:
        """What a heap's number for it leads to."""
        if number[0] & 0xF0:  # very long or very short ones stand elsewhere
            raise LeftToHdf5Error
        end = 1 + self._of_offset
        offset = int.from_bytes(number[1:end], "little")
        length = int.from_bytes(number[end : end + self._of_length], "little")
        which = bisect_right(self._offsets, offset) - 1
        if which < 0:
            raise LeftToHdf5Error
        begin, size, _ = self._placed[which]
        place = offset - begin
        if not length or place < self._head or place + length > size:
            raise LeftToHdf5Error
        return self._block(which)[place : place + length]

    @property
    def _head(self) -> int:
        """Bytes at the beginning of a block."""
        return 13 + self._of_offset + (4 if self._checked else 0)

    def _block(self, which: int) -> bytes:
        known = self._blocks.get(which)
        if known is None:
            offset, size, address = self._placed[which]
            known = self._content.at(address, size)
            head = b"FHDB\0" + self._address.to_bytes(8, "little")
            head += offset.to_bytes(self._of_offset, "little")
            if known[: len(head)] != head:
                raise LeftToHdf5Error
            if self._checked:
                end = len(head) + 4
                self._content.check(
                    known[: len(head)] + bytes(4) + known[end:] + known[len(head) : end]
                )
            self._blocks[which] = known
        return known

    def _direct(self, root: int, rows: int) -> Iterator[tuple[int, int, int]]:
        """Offset, size and address of every block that holds something."""
        if not rows:
            yield 0, self._start, root
            return
        pending, found = [(0, root, rows)], 0
        while pending and found <= _MOST_BLOCKS:
            offset, address, count = pending.pop()
            for begin, size, place in self._indirect(offset, address, count):
                found += place != _UNDEFINED
                if place == _UNDEFINED:
                    continue
                if size <= self._largest:
                    yield begin, size, place
                else:
                    pending.append((begin, place, _log2(size // (self._start * self._width)) + 1))
        if pending:
            raise LeftToHdf5Error

    def _indirect(self, offset: int, address: int, rows: int) -> Iterator[tuple[int, int, int]]:
        if not 0 < rows <= _MOST_ROWS:
            raise LeftToHdf5Error
        head = b"FHIB\0" + self._address.to_bytes(8, "little")
        head += offset.to_bytes(self._of_offset, "little")
        count = rows * self._width
        block = self._content.at(address, len(head) + 8 * count + _CHECKSUM)
        self._content.check(block)
        self._content.taken[address] = len(block)
        if block[: len(head)] != head:
            raise LeftToHdf5Error
        places = struct.unpack_from(f"<{count}Q", block, len(head))
        for index, place in enumerate(places):
            size = self._start << max(0, index // self._width - 1)
            yield offset, size, place
            offset += size


def _log2(size: int) -> int:
    return size.bit_length() - 1
