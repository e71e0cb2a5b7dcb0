"""Read what is intact of damaged arrays, chunk by chunk."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.arrays.indexing import BasicIndexer, ChunkProjections, Range
from hspyio.arrays.manifest import ChunkManifest, StoredArray
from hspyio.arrays.reading import ChunkConsumer, visit
from hspyio.arrays.workers import Workers
from hspyio.errors import UNREADABLE, FilterError, HspyError, TooLargeError
from hspyio.filters import shuffle
from hspyio.filters.pipeline import Scratch
from hspyio.hdf5.dataset import Dataset
from hspyio.hdf5.format.chunk_indices import chunk_index
from hspyio.hdf5.format.datatypes import TypeTable
from hspyio.hdf5.format.file_bytes import UNREADABLE_PIECE, FileBytes
from hspyio.hdf5.format.messages import ChunkIndexKind, Layout, layout_of_header
from hspyio.hdf5.format.object_header import FILL, object_header
from hspyio.hdf5.limits import Budget
from hspyio.integrity.checksums import chunk_sum
from hspyio.nodes.node import Selection
from hspyio.records import record
from hspyio.recovery.chunk_order import Facts, placed_chunks
from hspyio.recovery.chunk_trees import TreeNode, index_of_nodes, walk_trees
from hspyio.recovery.scan import search_objects, search_trees

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DRIVE_BLOCK", "DamagedArrays", "Region", "Salvaged", "zero_blocks"]

Region = tuple[tuple[int, int], ...]

DRIVE_BLOCK = 512
"""Bytes that drives and file systems lose at least, at a multiple of that."""
_LEAST_PIECE = 64
_MOST_PIECES = 4096
_SPARSE = 8
"""Chunks of an array of which less than one was written, as a rule, where most was not."""
_INDEX_LOST = "the index of its chunks is damaged, and does not lead to it"
_ERRORS = (*UNREADABLE, HspyError)
_NEW_FILL = 3
_INCREMENTAL = 3
"""How HDF5 notes that chunks get their places when they are written."""


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

    def with_values(self, values: NDArray[Any]) -> Salvaged:
        """The same, with other values."""
        return Salvaged(values, self.lost, self.sums, self.by_order, self.zeros, self.blocks)


@record
class _Index:
    """Chunks that are known, by place in the grid, and whether there are no others.

    Some may be placed by nothing but their order in the file.
    """

    facts: Facts
    whole: bool
    by_order: frozenset[int] = frozenset()


class DamagedArrays:
    """The arrays of one damaged file; where their chunks are is found once."""

    def __init__(self) -> None:
        self._indices: dict[int, _Index | None] = {}
        self._lock = threading.Lock()

    def read(self, dataset: Dataset, selection: Selection) -> Salvaged:
        """Read what can be read of a selection."""
        kind = dataset.layout.kind
        in_parts = kind.is_fixed and dataset.layout.inside is None and dataset.shape
        if not in_parts:
            return self._by_pieces(dataset, selection)
        stored = dataset.stored
        assert dataset.opening is not None
        self.allow_items(dataset, selection, dataset.opening.budget)
        if stored.chunks is None:
            found = _of_block(dataset, stored, selection)
        else:
            index = self._index(dataset) if stored.pipeline.decodes else None
            if index is None:
                return self._by_pieces(dataset, selection)
            dataset.check_chunks()
            found = _of_chunks(dataset, stored, index, selection)
        return found if kind.convert is None else found.with_values(kind.convert(found.values))

    def allow_items(self, dataset: Dataset, selection: Selection, budget: Budget) -> None:
        """Refuse texts and rows far beyond what the file has of them: each becomes an object."""
        kind = dataset.layout.kind
        if isinstance(kind.kind, np.dtype):
            return
        count = math.prod(span.count for span in BasicIndexer(selection, dataset.shape).ranges)
        budget.take_items(count, count * kind.stored.itemsize, self._bytes_there(dataset))

    def _bytes_there(self, dataset: Dataset) -> int:
        """How many bytes of an array are in the file."""
        layout = dataset.layout
        if layout.inside is not None:
            return len(layout.inside)
        if layout.chunks is not None:
            index = self._index(dataset)
            return 0 if index is None else sum(size for _, size, _ in index.facts.values())
        if layout.address is None:
            return 0
        said = math.prod(layout.shape) * layout.kind.size
        return max(0, min(said, _content(dataset).source.size - layout.address))

    def _by_pieces(self, dataset: Dataset, selection: Selection) -> Salvaged:
        """Read all at once, else piece by piece along the first dimension."""
        try:
            return Salvaged(dataset.read(selection))
        except (FilterError, TooLargeError):
            raise
        except HspyError:
            if not dataset.shape or not _covers_whole_rows(selection, dataset.shape):
                raise
            self.allow_items(dataset, selection, Budget())
            return _each_piece(dataset, selection, lambda rows: dataset.read((rows,)))

    def written(
        self, dataset: Dataset, *, mostly_not: bool
    ) -> tuple[NDArray[Any], list[Region]] | None:
        """What was never written of an array is this value, and these regions were written.

        ``None`` if that cannot be told, or the array is `mostly_not` such a one.
        """
        kind = dataset.layout.kind
        if not kind.is_fixed or dataset.layout.inside is not None or not dataset.shape:
            return None
        stored = dataset.stored
        raw = stored.empty((1,) * len(stored.shape), filled=True).reshape(())
        fill = raw if kind.convert is None else np.asarray(kind.convert(raw))
        if stored.chunks is None:
            return (fill, []) if stored.address is None else None
        index = self._index(dataset) if stored.pipeline.decodes else None
        if index is None or not index.whole:
            return None
        if mostly_not and len(index.facts) * _SPARSE > stored.grid.count:
            return None
        return fill, [stored.grid.bounds(number) for number in index.facts]

    def _index(self, dataset: Dataset) -> _Index | None:
        with self._lock:
            if dataset.address not in self._indices:
                self._indices[dataset.address] = _index_of(dataset)
            return self._indices[dataset.address]


def _content(dataset: Dataset) -> FileBytes:
    assert dataset.opening is not None
    return dataset.opening.content


def _index_of(dataset: Dataset) -> _Index | None:
    """Where the chunks are, as far as it can be found; ``None`` if nothing is found."""
    content, layout, stored = _content(dataset), dataset.layout, dataset.stored
    if layout.index is not ChunkIndexKind.BTREE_V1 or layout.address is None:
        before = content.losses
        try:
            index = chunk_index(content, layout)
        except _ERRORS:
            return None
        return _Index(_facts(index), content.losses == before)
    walk = walk_trees(content, [layout.address], len(stored.shape))
    if walk.whole:
        index, sound = index_of_nodes(walk.nodes, stored)
        return _Index(_facts(index), sound)
    trees = search_trees(content, Workers())
    nodes = [*walk.nodes, *_strays(content, stored, trees)]
    known = _facts(index_of_nodes(nodes, stored)[0])
    at_once = _is_placed_at_once(content, dataset.address)
    named = [*walk.named, *trees]
    found, sure = placed_chunks(content, stored, known, layout.address, named, at_once=at_once)
    return _Index(known | found, False, frozenset() if sure else frozenset(found))


def _is_placed_at_once(content: FileBytes, address: int) -> bool:
    """Whether all chunks were given their places before any was written."""
    try:
        fill = object_header(content, address).only(FILL) or b""
    except UNREADABLE_PIECE:
        return False
    times = [byte & 3 if fill[0] == _NEW_FILL else byte for byte in fill[1:2]]
    return bool(times) and times[0] != _INCREMENTAL


def _facts(index: ChunkManifest) -> Facts:
    table = np.stack([index.offsets, index.sizes, index.masks], axis=-1).tolist()
    return dict(zip(index.ids.tolist(), map(tuple, table), strict=True))


def _strays(content: FileBytes, stored: StoredArray, trees: list[int]) -> list[TreeNode]:
    """Nodes of trees of chunks to which no tree leads any more, if they can be of one array only.

    They are taken where every chunk in them fits the array, and no other damaged tree has its
    rank.
    """
    rank = len(stored.shape)
    walks = [
        (len(layout.shape), walk_trees(content, [layout.address], len(layout.shape)))
        for layout in _layouts(content)
        if layout.address is not None
    ]
    torn = [ndim for ndim, walk in walks if not walk.whole and ndim == rank]
    if len(torn) != 1:
        return []
    taken = {address for _, walk in walks for address in walk.seen}
    found: list[TreeNode] = []
    for address in (address for address in trees if address not in taken):
        for node in walk_trees(content, [address], rank).nodes:
            inside, sound = index_of_nodes([node], stored)
            if sound and len(inside) == len(node.entries):
                found.append(node)
    return found


def _layouts(content: FileBytes) -> Iterator[Layout]:
    """How the arrays stand whose chunks are listed by a tree of the first kind."""
    types = TypeTable(content)
    for address, one in search_objects(content, Workers()).objects.items():
        if one.is_group:
            continue
        try:
            layout = layout_of_header(object_header(content, address), types, content)
        except UNREADABLE_PIECE:
            continue
        if layout is not None and layout.chunks and layout.index is ChunkIndexKind.BTREE_V1:
            yield layout


# chunks


def _of_chunks(
    dataset: Dataset, stored: StoredArray, index: _Index, selection: Selection
) -> Salvaged:
    indexer, grid, opening = BasicIndexer(selection, stored.shape), stored.grid, dataset.opening
    assert opening is not None
    values = stored.empty(indexer.shape, filled=True)
    projections = ChunkProjections(indexer, grid, indexer.numbers(grid))
    projections = projections.select(np.flatnonzero(projections.counts))
    reading = _Reading(stored, index, projections, values)
    places, manifest = reading.known, reading.manifest
    workers = Workers(opening.workers.threads)
    visit(opening.content.source, manifest, places, stored.pipeline.size, workers, reading.salvager)
    return reading.salvaged(values[indexer.dropped])


class _Reading:
    """What came back so far, as all threads of a visit tell it.

    Attributes
    ----------
    manifest : ChunkManifest
        Of the chunks that are known.
    known : ndarray of int64
        All of them, in the order of their offsets.
    lost : list of (int, str)
        Place in the grid, and what is wrong.
    sums : list of (int, int)
        Place in the grid, and checksum.
    zeros : list of (int, int, int)
        Place in the grid, blocks of zeros, and all blocks.
    """

    def __init__(
        self,
        stored: StoredArray,
        index: _Index,
        projections: ChunkProjections,
        values: NDArray[Any],
    ) -> None:
        self.stored, self.values = stored, values
        self._index = index
        self.lost: list[tuple[int, str]] = []
        self.sums: list[tuple[int, int]] = []
        self.zeros: list[tuple[int, int, int]] = []
        there = np.array([number in index.facts for number in projections.ids.tolist()], bool)
        if not index.whole:
            self._note_unknown(projections.select(np.flatnonzero(~there)))
        ids = projections.ids[there]
        facts = np.array([index.facts[number] for number in ids.tolist()], np.int64).reshape(-1, 3)
        self.manifest = ChunkManifest(ids, *facts.T)
        self.known = np.argsort(self.manifest.offsets, kind="stable")
        self._projections = projections.select(np.flatnonzero(there)[self.known])
        self.unchecked = all(step.id == shuffle.CODEC.id for step in stored.filters)

    def _note_unknown(self, unknown: ChunkProjections) -> None:
        for place, number in enumerate(unknown.ids.tolist()):
            self.values[unknown.cut(place)[0]] = np.zeros((), self.stored.dtype)
            self.lost.append((number, _reason(ValueError(_INDEX_LOST))))

    def salvager(self) -> _Salvager:
        """What one thread does with its chunks."""
        return _Salvager(self, self._projections)

    def salvaged(self, values: NDArray[Any]) -> Salvaged:
        """All of it, in the order of the grid."""
        bounds, sums = self.stored.grid.bounds, sorted(self.sums)
        return Salvaged(
            values,
            tuple((bounds(number), reason) for number, reason in sorted(self.lost)),
            tuple(sums),
            tuple(number for number, _ in sums if number in self._index.by_order),
            tuple((bounds(number), zeros) for number, zeros, _ in sorted(self.zeros) if zeros),
            blocks=sum(blocks for _, _, blocks in self.zeros),
        )


class _Salvager(ChunkConsumer):
    """Puts the values of chunks where they belong, 0 for what cannot be decoded."""

    def __init__(self, reading: _Reading, projections: ChunkProjections) -> None:
        self._reading, self._projections = reading, projections
        self._scratch = Scratch()

    def take(self, places: range, contents: Sequence[memoryview]) -> None:
        """Decode chunks; nothing is noted before all of them are."""
        reading, manifest = self._reading, self._reading.manifest
        sums, zeros = [], []
        for place, content in zip(places, contents, strict=True):
            row = int(reading.known[place])
            number, mask = int(manifest.ids[row]), int(manifest.masks[row])
            out, inside = self._projections.cut(place)
            data, target = np.frombuffer(content, np.uint8), reading.values[out]
            reading.stored.pipeline.decode(data, mask, target, inside, self._scratch)
            sums.append((number, chunk_sum(content, mask)))
            if reading.unchecked:
                zeros.append((number, *zero_blocks(data, int(manifest.offsets[row]))))
        reading.sums += sums
        reading.zeros += zeros

    def fail(self, place: int, error: Exception) -> None:
        """Note what is lost."""
        lost = isinstance(error, _ERRORS) and not isinstance(error, (FilterError, TooLargeError))
        if not lost:
            raise error
        reading = self._reading
        reading.values[self._projections.cut(place)[0]] = np.zeros((), reading.stored.dtype)
        reading.lost.append((int(reading.manifest.ids[reading.known[place]]), _reason(error)))


def _reason(error: Exception) -> str:
    text = error.message if isinstance(error, HspyError) else str(error)
    return f"cannot be read: {text or type(error).__name__}"


# arrays in one block


def _of_block(dataset: Dataset, stored: StoredArray, selection: Selection) -> Salvaged:
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
        source = _content(dataset).source
        start, end = stored.address + chosen[0].start * row, source.size
        there = min(rows.nbytes, max(0, end - start))
        there -= there % stored.dtype.itemsize
        flat = rows.reshape(-1).view(np.uint8)
        source.read_into([flat[:there].data], start)
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


# what is read as a whole, or by a plug-in


def _covers_whole_rows(selection: Selection, shape: tuple[int, ...]) -> bool:
    indexer = BasicIndexer(selection, shape)
    return indexer.is_rows and not indexer.ranges[0].single


def _each_piece(
    dataset: Dataset, selection: Selection, read: Callable[[slice], NDArray[Any]]
) -> Salvaged:
    first = BasicIndexer(selection, dataset.shape).ranges[0]
    chunks = dataset.layout.chunks
    step = max(1, chunks[0] if chunks else 1, -(-first.count // _MOST_PIECES))
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
            lost.append((((low, high), *((0, n) for n in dataset.shape[1:])), _reason(error)))
    known = next((piece for piece in pieces if piece is not None), None)
    if known is None:
        assert failure is not None
        raise failure
    values = np.zeros((first.count, *dataset.shape[1:]), known.dtype)
    if known.dtype == object:
        values[...] = b""
    for (low, high), piece in zip(bounds, pieces, strict=True):
        if piece is not None:
            values[low - first.start : high - first.start] = piece
    return Salvaged(values, tuple(lost))


def zero_blocks(content: NDArray[np.uint8], place: int) -> tuple[int, int]:
    """Count the blocks of a part of a file that hold nothing but zeros, and all blocks.

    That is all there is to see of damage to what has no checksum.
    """
    first = min(-place % DRIVE_BLOCK, content.size)
    count = (content.size - first) // DRIVE_BLOCK
    whole = content[first : first + count * DRIVE_BLOCK].reshape(count, DRIVE_BLOCK)
    zeros = int(count - np.count_nonzero(whole.any(axis=1)))
    for piece in (content[:first], content[first + count * DRIVE_BLOCK :]):
        if piece.size >= _LEAST_PIECE:
            zeros += not piece.any()
            count += 1
    return zeros, count
