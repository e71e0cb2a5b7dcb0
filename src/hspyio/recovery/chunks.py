"""Read what is intact of damaged arrays, chunk by chunk: the work of the other process."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.arrays.indexing import BasicIndexer, Range
from hspyio.arrays.manifest import ChunkManifest, StoredArray
from hspyio.arrays.workers import Work
from hspyio.errors import UNREADABLE, FilterError, HspyError, TooLargeError
from hspyio.filters import shuffle
from hspyio.filters.pipeline import Scratch
from hspyio.hdf5.format.btree_v1 import TreeNode, index_of_nodes, walk_trees
from hspyio.hdf5.lenient_headers import read_header
from hspyio.hdf5.snapshot import file_size, read_into
from hspyio.hdf5.stored_layout import chunk_index
from hspyio.hdf5.via_h5py import Place, passing, place_of
from hspyio.integrity.checksums import chunk_sum
from hspyio.nodes.node import Array, Selection
from hspyio.records import record
from hspyio.recovery.chunk_order import Facts, placed_chunks
from hspyio.recovery.salvage import ReachedCensus, address_of
from hspyio.recovery.scan import search_objects, search_trees
from hspyio.recovery.zeros import zero_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Region", "Salvage", "Salvaged"]

Region = tuple[tuple[int, int], ...]

_MOST_PIECES = 4096
_SPARSE = 8
"""Chunks of an array of which less than one was written, as a rule, where most was not."""
_INDEX_LOST = "the index of its chunks is damaged, and does not lead to it"
_ERRORS = (*UNREADABLE, HspyError)


@record
class Salvaged:
    """What came back of a selection.

    Attributes
    ----------
    values : ndarray
        The selection, with 0 where nothing came back.
    lost : tuple of (region, str)
        First index and the one after the last for each dimension, and what is wrong; ``()`` for
        the region of an array that does not fall into pieces.
    sums : tuple of (int, int)
        Place in the grid and checksum of each chunk that was read.
    by_order : tuple of int
        Places in the grid of those of which nothing but their order in the file tells the place.
    zeros : tuple of (region, int)
        Chunks that no filter checks and that hold blocks of zeros, and how many.
    blocks : int
        Blocks of all chunks that no filter checks.
    """

    values: NDArray[Any]
    lost: tuple[tuple[Region, str], ...] = ()
    sums: tuple[tuple[int, int], ...] = ()
    by_order: tuple[int, ...] = ()
    zeros: tuple[tuple[Region, int], ...] = ()
    blocks: int = 0


@record
class _Index:
    """Chunks that are known, by place in the grid, and whether there are no others.

    Some may be placed by nothing but their order in the file.
    """

    facts: Facts
    whole: bool
    by_order: frozenset[int] = frozenset()


class Salvage:
    """One damaged file, of which arrays are read; where their chunks are is found once.

    Attributes
    ----------
    census : ReachedCensus
        What is reached in the file.
    """

    def __init__(self, census: ReachedCensus | None = None) -> None:
        self.census = census or ReachedCensus()
        self._indices: dict[int, _Index | None] = {}

    def read(self, array: Array, selection: Selection) -> Salvaged:
        """Read what can be read of a selection.

        Raises
        ------
        FilterError, TooLargeError
            If its filter is not available here, or not enough memory.
        HspyError
            If nothing can be read.
        """
        with passing(array):
            place = place_of(array, salvage=True)
            if place is None or place.stored is None:
                return _by_pieces(array, selection)
            if place.stored.chunks is None:
                return _of_block(place, place.stored, selection)
            index = self._index(place, place.stored)
            if index is None:
                return _by_pieces(array, selection)
            return _of_chunks(place, place.stored, index, selection)

    def written(
        self, array: Array, *, mostly_not: bool
    ) -> tuple[NDArray[Any], list[Region]] | None:
        """What was never written of an array is this value, and these regions were written.

        ``None`` if that cannot be told, or the array is `mostly_not` such a one.
        """
        with passing(array):
            place = place_of(array, salvage=True)
            if place is None or place.stored is None:
                return None
            stored = place.stored
            fill = stored.empty((1,) * len(stored.shape), filled=True).reshape(())
            if stored.chunks is None:
                return (fill, []) if stored.address is None else None
            index = self._index(place, stored)
            if index is None or not index.whole:
                return None
            if mostly_not and len(index.facts) * _SPARSE > stored.grid.count:
                return None
            return fill, [stored.grid.bounds(number) for number in index.facts]

    def _index(self, place: Place, stored: StoredArray) -> _Index | None:
        address = address_of(place.dataset)
        if address not in self._indices:
            self._indices[address] = _index_of(place, stored, address)
        return self._indices[address]


def _index_of(place: Place, stored: StoredArray, address: int) -> _Index | None:
    """Where the chunks are, as far as it can be found; ``None`` if only HDF5 may know."""
    with place.handle.descriptor() as descriptor:
        header = read_header(descriptor, address)
        if header is None or header.tree is None:
            try:
                index = chunk_index(place.dataset, stored)
            except _ERRORS:
                return None
            return None if index is None else _Index(_facts(index), True)
        walk = walk_trees(descriptor, [header.tree], len(stored.shape))
        if walk.whole:
            index, sound = index_of_nodes(walk.nodes, stored)
            return _Index(_facts(index), sound)
        trees = search_trees(descriptor, Work())
        nodes = [*walk.nodes, *_strays(descriptor, stored, trees)]
        known = _facts(index_of_nodes(nodes, stored)[0])
        found, sure = placed_chunks(place, stored, known, header.tree, [*walk.named, *trees])
        return _Index(known | found, False, frozenset() if sure else frozenset(found))


def _facts(index: ChunkManifest) -> Facts:
    table = np.stack([index.offsets, index.sizes, index.masks], axis=-1).tolist()
    return dict(zip(index.ids.tolist(), map(tuple, table), strict=True))


def _strays(descriptor: int, stored: StoredArray, trees: list[int]) -> list[TreeNode]:
    """Nodes of trees of chunks to which no tree leads any more, if they can be of one array only.

    They are taken where every chunk in them fits the array, and no other damaged tree has its
    rank.
    """
    rank = len(stored.shape)
    others = search_objects(descriptor, Work()).headers.values()
    walks = [
        (header, walk_trees(descriptor, [header.tree], header.rank))
        for header in others
        if header.kind == "dataset" and header.tree is not None
    ]
    torn = [header for header, walk in walks if not walk.whole and header.rank == rank]
    if len(torn) != 1:
        return []
    taken = {address for _, walk in walks for address in walk.seen}
    strays = [address for address in trees if address not in taken]
    found: list[TreeNode] = []
    for address in strays:
        for node in walk_trees(descriptor, [address], rank).nodes:
            _, sound = index_of_nodes([node], stored)
            inside = index_of_nodes([node], stored)[0]
            if sound and len(inside) == len(node.entries):
                found.append(node)
    return found


# chunks


def _of_chunks(place: Place, stored: StoredArray, index: _Index, selection: Selection) -> Salvaged:
    indexer = BasicIndexer(selection, stored.shape)
    values = stored.empty(indexer.shape, filled=True)
    reading = _Reading(place, stored, index)
    lost: list[tuple[Region, str]] = []
    sums: list[tuple[int, int]] = []
    for coords, inside, out in indexer.projections(stored.grid):
        number = stored.grid.number(coords)
        target = values[out]
        try:
            found = reading.read(number, target, inside)
        except (FilterError, TooLargeError):
            raise
        except _ERRORS as error:
            target[...] = np.zeros((), stored.dtype)
            lost.append((stored.grid.bounds(number), _reason(error)))
        else:
            sums += found
    by_order = tuple(number for number, _ in sums if number in index.by_order)
    zeros = tuple(reading.zeros.items())
    return Salvaged(
        values[indexer.dropped], tuple(lost), tuple(sums), by_order, zeros, blocks=reading.blocks
    )


class _Reading:
    """What reads one chunk after the other."""

    def __init__(self, place: Place, stored: StoredArray, index: _Index) -> None:
        self._place, self._stored, self._index = place, stored, index
        self._scratch = Scratch()
        self._unchecked = all(step.id == shuffle.CODEC.id for step in stored.filters)
        self.zeros: dict[Region, int] = {}
        self.blocks = 0

    def read(
        self, number: int, target: NDArray[Any], inside: tuple[slice, ...]
    ) -> list[tuple[int, int]]:
        """Read one chunk; its place and checksum, nothing for one that was never written."""
        facts = self._index.facts.get(number)
        if facts is None:
            if self._index.whole:
                return []
            raise ValueError(_INDEX_LOST)
        offset, size, mask = facts
        with self._place.handle.descriptor() as descriptor:
            if offset + size > file_size(descriptor):
                raise ValueError(f"its bytes end at {offset + size}, the file before that")
            buffer = self._scratch.take("stored", size)
            read_into(descriptor, [buffer.data], offset)
        self._stored.pipeline.decode(buffer, mask, target, inside, self._scratch)
        if self._unchecked:
            zeros, count = zero_blocks(buffer, offset)
            self.blocks += count
            if zeros:
                self.zeros[self._stored.grid.bounds(number)] = zeros
        return [(number, chunk_sum(buffer.data, mask))]


def _reason(error: Exception) -> str:
    text = error.message if isinstance(error, HspyError) else str(error)
    return f"cannot be read: {text or type(error).__name__}"


# arrays in one block


def _of_block(place: Place, stored: StoredArray, selection: Selection) -> Salvaged:
    """Whole rows of an array in one block; what lies beyond the end of the file is lost."""
    chosen = BasicIndexer(selection, stored.shape).ranges
    count = chosen[0].last + 1 - chosen[0].start if chosen[0].count else 0
    shape = (max(count, 0), *stored.shape[1:])
    if stored.address is None:
        return Salvaged(stored.empty(shape, filled=True)[_within(chosen)])
    rows = np.zeros(shape, stored.dtype)
    row = math.prod(stored.shape[1:]) * stored.dtype.itemsize
    lost: tuple[tuple[Region, str], ...] = ()
    if rows.size:
        start = stored.address + chosen[0].start * row
        with place.handle.descriptor() as descriptor:
            end = file_size(descriptor)
            there = min(rows.nbytes, max(0, end - start))
            there -= there % stored.dtype.itemsize
            flat = rows.reshape(-1).view(np.uint8)
            read_into(descriptor, [flat[:there].data], start)
        if there < rows.nbytes:
            first = chosen[0].start + there // row
            region = ((first, chosen[0].last + 1), *((0, n) for n in stored.shape[1:]))
            lost = ((region, f"cannot be read: the file ends at {end}"),)
    return Salvaged(rows[_within(chosen)], lost)


def _within(chosen: tuple[Range, ...]) -> tuple[slice | int, ...]:
    """The selection, counted from its first row."""
    parts: list[slice | int] = []
    for axis, span in enumerate(chosen):
        start = 0 if axis == 0 else span.start
        stop = start + (span.count - 1) * span.step + 1 if span.count else start
        parts.append(start if span.single else slice(start, stop, span.step))
    return tuple(parts)


# what only HDF5 reads


def _by_pieces(array: Array, selection: Selection) -> Salvaged:
    """Read through HDF5: all at once, else piece by piece along the first dimension.

    Raises
    ------
    HspyError
        If no piece can be read.
    """
    try:
        return Salvaged(array.source.read(selection))
    except (FilterError, TooLargeError):
        raise
    except HspyError:
        if not array.shape or not _covers_whole_rows(selection, array.shape):
            raise
        return _each_piece(array, selection, lambda rows: array.source.read((rows,)))


def _covers_whole_rows(selection: Selection, shape: tuple[int, ...]) -> bool:
    indexer = BasicIndexer(selection, shape)
    return indexer.is_rows and not indexer.ranges[0].single


def _each_piece(
    array: Array, selection: Selection, read: Callable[[slice], NDArray[Any]]
) -> Salvaged:
    first = BasicIndexer(selection, array.shape).ranges[0]
    step = max(1, array.chunks[0] if array.chunks else 1, -(-first.count // _MOST_PIECES))
    pieces: list[NDArray[Any] | None] = []
    lost: list[tuple[Region, str]] = []
    bounds = [
        (low, min(low + step, first.last + 1)) for low in range(first.start, first.last + 1, step)
    ]
    failure: HspyError | None = None
    for low, high in bounds:
        try:
            pieces.append(read(slice(low, high)))
        except HspyError as error:
            failure = error
            pieces.append(None)
            lost.append((((low, high), *((0, n) for n in array.shape[1:])), _reason(error)))
    known = next((piece for piece in pieces if piece is not None), None)
    if known is None:
        assert failure is not None
        raise failure
    values = np.zeros((first.count, *array.shape[1:]), known.dtype)
    if known.dtype == object:
        values[...] = b""
    for (low, high), piece in zip(bounds, pieces, strict=True):
        if piece is not None:
            values[low - first.start : high - first.start] = piece
    return Salvaged(values, tuple(lost))
