"""What says where the chunks of an array are (HDF5's file format specification, III.A, VII)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.arrays.manifest import ChunkManifest
from hspyio.hdf5.format.btree_v2 import CHUNKS, FILTERED_CHUNKS, tree_records
from hspyio.hdf5.format.file_bytes import FileBytes, damaged
from hspyio.hdf5.format.messages import ChunkIndexKind, Layout
from hspyio.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["chunk_index"]

_CHECKSUM = 4
_MOST_NODES = 1_000_000
_USUAL_NODE = 4096
"""Bytes that are read of a node at first: of up to 64 chunks with four dimensions."""
_MOST_CHUNKS = 2**62
_MOST_BITS = 64


def chunk_index(content: FileBytes, layout: Layout) -> ChunkManifest:
    """Where the chunks of an array are, by whatever index it has.

    Parameters
    ----------
    content : FileBytes
        The file.
    layout : Layout
        The array; it has chunks.

    Raises
    ------
    DamagedFileError, UnsupportedFeatureError
        If the index is damaged, or larger than any.
    """
    if layout.address is None:
        return ChunkManifest.empty()
    one = _Array.of(content, layout)
    match layout.index:
        case ChunkIndexKind.BTREE_V1:
            found = _by_tree(one)
        case ChunkIndexKind.SINGLE:
            found = _single(one)
        case ChunkIndexKind.IMPLICIT:
            found = _implicit(one)
        case ChunkIndexKind.FIXED_ARRAY:
            found = _by_fixed_array(one)
        case ChunkIndexKind.EXTENSIBLE_ARRAY:
            found = _by_extensible_array(one)
        case _:
            found = _by_new_tree(one)
    return _index(one, found)


@record
class _Array:
    """The array that an index belongs to."""

    content: FileBytes
    layout: Layout
    address: int
    chunks: tuple[int, ...]
    grid: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, content: FileBytes, layout: Layout) -> _Array:
        assert layout.chunks is not None and layout.address is not None
        grid = tuple(-(-n // step) for n, step in zip(layout.shape, layout.chunks, strict=True))
        if math.prod(grid) > _MOST_CHUNKS:
            raise damaged("it is said to have more chunks than there can be")
        size = math.prod(layout.chunks) * layout.kind.size
        return cls(content, layout, layout.address, layout.chunks, grid, size)

    @property
    def most_chunks(self) -> tuple[int | None, ...]:
        """Number of chunks along each dimension, when it has grown as far as it may."""
        limits = zip(self.layout.most, self.chunks, strict=True)
        return tuple(None if n is None else -(-n // step) for n, step in limits)

    @property
    def address_dtype(self) -> str:
        return f"<u{self.content.offset_size}"


@record
class _Entries:
    """What an index lists: coordinates in the grid of chunks, and what the file has there."""

    coordinates: NDArray[np.int64]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    masks: NDArray[np.int64]


def _index(one: _Array, found: _Entries) -> ChunkManifest:
    """The chunks inside of the array, in the order of their places in the grid."""
    rank = len(one.grid)
    grid = np.array(one.grid, np.int64)
    sound = (found.offsets >= 0) & (found.sizes > 0)
    if not sound.all() or (found.coordinates < 0).any():
        raise damaged("the index of its chunks is damaged")
    coordinates, offsets = found.coordinates, found.offsets + one.content.start
    sizes, masks = found.sizes, found.masks
    inside = coordinates < grid
    if not inside.all():
        kept = inside.all(axis=1)
        coordinates, offsets, sizes, masks = (
            facts[kept] for facts in (coordinates, offsets, sizes, masks)
        )
    strides = np.array([math.prod(one.grid[i + 1 :]) for i in range(rank)], np.int64)
    places = coordinates @ strides
    if one.layout.unfiltered_edges and one.layout.filters:
        edges = (coordinates + 1) * np.array(one.chunks) > np.array(one.layout.shape)
        masks = np.where(edges.any(axis=1), 2 ** len(one.layout.filters) - 1, masks)
    if len(places) > 1 and not (places[1:] > places[:-1]).all():
        order = np.argsort(places, kind="stable")
        places, offsets, sizes, masks = (facts[order] for facts in (places, offsets, sizes, masks))
        if (places[1:] == places[:-1]).any():
            raise damaged("the index of its chunks names two for one place")
    return ChunkManifest(places, offsets, sizes, masks)


def _single(one: _Array) -> _Entries:
    size, mask = one.layout.single or (one.size, 0)
    numbers = (np.array([n], np.int64) for n in (one.address, size, mask))
    return _Entries(np.zeros((1, len(one.grid)), np.int64), *numbers)


def _implicit(one: _Array) -> _Entries:
    """Every chunk is there, one behind the other, in the order of the largest grid."""
    count = math.prod(one.grid)
    if count * one.size > one.content.end:
        raise damaged("it is said to have more bytes than the file")
    coordinates = np.stack(np.unravel_index(np.arange(count), one.grid), axis=-1)
    most = _limited(one.most_chunks)
    numbers = coordinates @ np.array([math.prod(most[i + 1 :]) for i in range(len(most))], np.int64)
    ones = np.ones(count, np.int64)
    return _Entries(coordinates, one.address + numbers * one.size, one.size * ones, 0 * ones)


def _limited(most: tuple[int | None, ...]) -> tuple[int, ...]:
    limits = tuple(n for n in most if n is not None)
    if len(limits) < len(most) or math.prod(limits) > _MOST_CHUNKS:
        raise damaged("the index of its chunks is of a kind that does not fit its shape")
    return limits


# trees


def _by_tree(one: _Array) -> _Entries:
    """By a tree of the first kind (III.A.1)."""
    content, rank = one.content, len(one.grid)
    head = content.struct("<4sBBHOO")
    entry = _tree_entry(rank, one.address_dtype)
    room = 2 * content.chunk_rank
    whole = head.size + (room + 1) * entry.itemsize - content.offset_size
    pending: list[tuple[int, int]] = [(one.address, -1)]
    tables: list[NDArray[Any]] = []
    for _ in range(_MOST_NODES):
        if not pending:
            break
        address, above = pending.pop()
        node = content.up_to(address, _USUAL_NODE)
        signature, kind, level, count, _, _ = head.unpack_from(node)
        if signature != b"TREE" or kind != 1 or (above >= 0 and level != above - 1):
            raise damaged("the tree of its chunks is damaged")
        content.taken[address] = whole
        if head.size + count * entry.itemsize > len(node):
            node = content.at(address, head.size + count * entry.itemsize)
        table = np.frombuffer(node, entry, count, head.size)
        if level:
            children = table["address"].tolist()
            content.expect(children, whole)
            pending += [(child, level) for child in reversed(children)]
        else:
            tables.append(table)
    if pending:
        raise damaged("the tree of its chunks has no end")
    table = tables[0] if len(tables) == 1 else np.concatenate([np.empty(0, entry), *tables])
    corners = table["corner"]
    places, rests = np.divmod(corners[:, :rank], np.array(one.chunks, np.uint64))
    if rests.any() or corners[:, rank].any() or (places >= 2**62).any():
        raise damaged("the tree of its chunks names some that do not fit it")
    facts = (table[name].astype(np.int64) for name in ("address", "size", "mask"))
    return _Entries(places.astype(np.int64), *facts)


@cache
def _tree_entry(rank: int, address: str) -> np.dtype[Any]:
    """What a tree has of each chunk."""
    return np.dtype(
        [("size", "<u4"), ("mask", "<u4"), ("corner", "<u8", (rank + 1,)), ("address", address)]
    )


def _by_new_tree(one: _Array) -> _Entries:
    """By a tree of the second kind."""
    content, rank = one.content, len(one.grid)
    kind = FILTERED_CHUNKS if one.layout.filters else CHUNKS
    length, records = tree_records(content, one.address, kind, content.end)
    width = length - 8 * rank
    table = np.frombuffer(records, np.uint8).reshape(-1, length)
    coordinates = np.ascontiguousarray(table[:, width:]).view("<u8").astype(np.int64)
    return _Entries(coordinates, *_facts(one, table[:, :width], filtered=bool(one.layout.filters)))


# arrays of chunks


def _facts(
    one: _Array, elements: NDArray[np.uint8], *, filtered: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Address, size and left-out filters of chunks, from what an index has of each."""
    address, width = one.content.offset_size, elements.shape[1]
    offsets = _numbers(elements[:, :address])
    if not filtered:
        if width != address:
            raise damaged("the index of its chunks is damaged")
        return offsets, np.full(len(elements), one.size, np.int64), np.zeros(len(elements), int)
    if not 0 < width - address - 4 <= 8:
        raise damaged("the index of its chunks is damaged")
    return offsets, _numbers(elements[:, address:-4]), _numbers(elements[:, -4:])


def _numbers(octets: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Numbers of any width; what is larger than any is negative."""
    wide = np.zeros((len(octets), 8), np.uint8)
    wide[:, : octets.shape[1]] = octets
    return wide.view("<i8").reshape(-1).astype(np.int64)


def _written(one: _Array, parts: list[tuple[int, bytes]], length: int) -> _Entries:
    """Chunks by their numbers in the largest grid, without those that were never written.

    Parameters
    ----------
    one : _Array
        The array.
    parts : list of (int, bytes)
        The number of the first of some chunks, and what the index has of these.
    length : int
        Bytes of what it has of each.
    """
    listed = [np.frombuffer(part, np.uint8).reshape(-1, length) for _, part in parts]
    numbers = [start + np.arange(len(part)) for (start, _), part in zip(parts, listed, strict=True)]
    elements = np.concatenate(listed) if listed else np.empty((0, length), np.uint8)
    width = one.content.offset_size
    there = (elements[:, :width] != 255).any(axis=1)
    filtered = bool(one.layout.filters)
    facts = _facts(one, elements[there], filtered=filtered)
    where = np.concatenate(numbers)[there] if numbers else np.empty(0, np.int64)
    return _Entries(_coordinates(one, where), *facts)


def _coordinates(one: _Array, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Chunks by their numbers: the dimension without end comes first."""
    most = list(one.most_chunks)
    endless = [i for i, n in enumerate(most) if n is None]
    order = [*endless, *(i for i in range(len(most)) if i not in endless)]
    if len(endless) > 1:
        raise damaged("the index of its chunks is of a kind that does not fit its shape")
    found = np.empty((len(numbers), len(most)), np.int64)
    left = numbers
    for axis in reversed(order):
        count = most[axis] if axis != order[0] else None
        if count == 0:
            raise damaged("the index of its chunks is of a kind that does not fit its shape")
        if count is None or count > _MOST_CHUNKS:
            found[:, axis], left = left, np.zeros_like(left)
        else:
            left, found[:, axis] = np.divmod(left, count)
    return found


def _by_fixed_array(one: _Array) -> _Entries:
    """By an array that was as long from the beginning as it can be (VII.C)."""
    content = one.content
    form = content.struct("<4sBBBBLO4x")
    head = content.at(one.address, form.size)
    content.check(head)
    content.taken[one.address] = form.size
    signature, version, client, length, bits, count, block = form.unpack(head)
    _check_client(one, signature == b"FAHD" and not version, client, length)
    if block == content.undefined:
        return _written(one, [], length)
    if count * length > content.end or bits > _MOST_BITS:
        raise damaged("the index of its chunks is said to be longer than the file")
    begin = _start(one, b"FADB", client)
    in_page = 1 << bits
    if count <= in_page:
        parts = [(0, _checked(content, block, begin, count * length))]
        return _written(one, parts, length)
    pages = -(-count // in_page)
    bitmap = _checked(content, block, begin, -(-pages // 8))
    place = block + len(begin) + len(bitmap) + _CHECKSUM
    sizes = [min(in_page, count - i * in_page) for i in range(pages)]
    return _written(one, list(_pages(content, place, bitmap, sizes, length, 0)), length)


def _pages(
    content: FileBytes, place: int, bitmap: bytes, counts: list[int], length: int, first: int
) -> Iterator[tuple[int, bytes]]:
    """The pages of a block that were ever written to, each with a checksum."""
    for number, count in enumerate(counts):
        content.taken[place] = count * length + _CHECKSUM
        if bitmap[number // 8] & 0x80 >> number % 8:
            yield first, _checked(content, place, b"", count * length)
        first += count
        place += count * length + _CHECKSUM


def _check_client(one: _Array, sound: bool, client: int, length: int) -> None:
    filtered = bool(one.layout.filters)
    if not sound or client != filtered or not one.content.offset_size <= length <= 32:
        raise damaged("the index of its chunks is not where it is said to be")


def _start(one: _Array, signature: bytes, client: int) -> bytes:
    """What the blocks of an array begin with."""
    return signature + bytes((0, client)) + one.address.to_bytes(one.content.offset_size, "little")


def _checked(content: FileBytes, place: int, begin: bytes, size: int) -> bytes:
    """What a block holds after its beginning, and before its checksum."""
    block = content.at(place, len(begin) + size + _CHECKSUM)
    content.check(block)
    content.taken[place] = len(block)
    if block[: len(begin)] != begin:
        raise damaged("a block of the index of its chunks is not where it is said to be")
    return block[len(begin) : -_CHECKSUM]


@record
class _Growing:
    """An array that grows: what its blocks have in common (VII.D)."""

    one: _Array
    client: int
    length: int
    bits: int
    least: int
    page: int
    count: int

    def super_block(self, number: int) -> tuple[int, int]:
        """How many data blocks belong to a super block, and how many elements each has."""
        return 1 << number // 2, self.least << (number + 1) // 2

    def begin(self, signature: bytes) -> bytes:
        """What a block begins with."""
        return _start(self.one, signature, self.client)

    @property
    def of_offset(self) -> int:
        """Bytes of the first number of a block, which HDF5 does not always write as it should."""
        return -(-self.bits // 8)

    def data_block(
        self, place: int, first: int, count: int, bitmap: bytes | None
    ) -> Iterator[tuple[int, bytes]]:
        """The elements of a data block, from the first number on."""
        content, begin, skipped = self.one.content, self.begin(b"EADB"), self.of_offset
        if count <= self.page:
            held = _checked(content, place, begin, skipped + count * self.length)
            yield first, held[skipped:]
            return
        if bitmap is None:
            raise damaged("a block of the index of its chunks is of a form that none has")
        _checked(content, place, begin, skipped)
        place += len(begin) + skipped + _CHECKSUM
        counts = [self.page] * (count // self.page)
        yield from _pages(content, place, bitmap, counts, self.length, first)


def _by_extensible_array(one: _Array) -> _Entries:
    """By an array that grows in one dimension (VII.D)."""
    content = one.content
    form = content.struct("<4sBBBBBBBB6LO4x")
    head = content.at(one.address, form.size)
    content.check(head)
    content.taken[one.address] = form.size
    signature, version, client, length, bits, inside, least, pointers, page, *rest = form.unpack(
        head
    )
    _check_client(one, signature == b"EAHD" and not version, client, length)
    *_, used, _, block = rest
    whole = all(n and not n & (n - 1) for n in (least, pointers))
    if not whole or not 0 < bits <= _MOST_BITS or page > _MOST_BITS or used > content.end:
        raise damaged("the index of its chunks is of a form that none has")
    if block == content.undefined:
        return _written(one, [], length)
    growing = _Growing(one, client, length, bits, least, 1 << page, used)
    return _written(one, list(_grown(growing, block, inside, pointers)), length)


def _grown(
    growing: _Growing, block: int, inside: int, pointers: int
) -> Iterator[tuple[int, bytes]]:
    """The elements of all blocks that are in use, as the index block names them."""
    content, width = growing.one.content, growing.one.content.offset_size
    near, blocks = 2 * _log2(pointers), 2 * (pointers - 1)
    supers = max(0, 1 + growing.bits - _log2(growing.least) - near)
    size = inside * growing.length + (blocks + supers) * width
    held = _checked(content, block, growing.begin(b"EAIB"), size)
    yield 0, held[: inside * growing.length]
    places = _addresses(content, held[inside * growing.length :])
    first = inside
    for number in range(near):
        count, elements = growing.super_block(number)
        for _ in range(count):
            place = places.pop(0)
            if place != content.undefined:
                yield from growing.data_block(place, first, elements, None)
            first += elements
    for number in range(near, near + supers):
        count, elements = growing.super_block(number)
        place = places.pop(0)
        if place != content.undefined and first < growing.count:
            yield from _super_block(growing, place, first, count, elements)
        first += count * elements
        if first >= growing.count:
            return


def _super_block(
    growing: _Growing, place: int, first: int, count: int, elements: int
) -> Iterator[tuple[int, bytes]]:
    content = growing.one.content
    if count * content.offset_size > content.end:
        raise damaged("the index of its chunks is said to be longer than the file")
    paged = elements > growing.page
    of_each = -(-(elements // growing.page) // 8) if paged else 0
    size = growing.of_offset + count * (of_each + content.offset_size)
    held = _checked(content, place, growing.begin(b"EASB"), size)[growing.of_offset :]
    places = _addresses(content, held[count * of_each :])
    for number, address in enumerate(places):
        if address != content.undefined:
            bitmap = held[number * of_each : (number + 1) * of_each] if paged else None
            yield from growing.data_block(address, first, elements, bitmap)
        first += elements


def _addresses(content: FileBytes, octets: bytes) -> list[int]:
    return [address for (address,) in content.struct("<O").iter_unpack(octets)]


def _log2(number: int) -> int:
    return number.bit_length() - 1
