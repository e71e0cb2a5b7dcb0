"""An array in a file: the one source of all of them, whether the file is open still or not."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.arrays.workers import Workers
from hspyio.errors import DamagedFileError, HspyError, UnsupportedFeatureError, located
from hspyio.filters import gzip, shuffle
from hspyio.forks import derived
from hspyio.hdf5.format.datatypes import DiskType
from hspyio.hdf5.format.file_bytes import FileBytes
from hspyio.hdf5.format.global_heap import GlobalHeaps, text_array
from hspyio.hdf5.format.messages import ChunkIndexKind, Layout
from hspyio.hdf5.limits import Budget, check_chunks, repeats
from hspyio.hdf5.opening import Opening
from hspyio.hdf5.snapshot import Snapshot
from hspyio.nodes.node import Array, RaggedArray, Selection, SizedSource, Text, Vlen
from hspyio.system.byte_source import ByteSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hspyio.arrays.manifest import ChunkManifest, StoredArray

__all__ = ["SMALL", "Dataset", "RowDataset", "dataset_node", "passing", "stored_bytes"]

SMALL = 256 * 2**10
"""Bytes below which threads cost more than they bring."""
_NODE = struct.Struct("<4sBBHQQ")
_ONE_LEAF = _NODE.pack(b"TREE", 1, 0, 1, 2**64 - 1, 2**64 - 1)
_FEW_TEXTS = 4096
"""Texts or rows that are looked up one by one."""
_COUNTED = 2**20
"""Rows whose lengths are looked at, all of them; of more, those of a few chunks."""
_REFERENCE_BYTES = 16
_HEAD_OF_INDEX, _MOST_EXPECTED = 4096, 2 * 2**20
"""Bytes of an index that are asked for before it is needed, far away."""


def dataset_node(layout: Layout, where: str, address: int, opening: Opening) -> Array:
    """Node of a dataset; nothing of its values is read.

    Parameters
    ----------
    layout : Layout
        How it stands in the file.
    where : str
        Path in the file.
    address : int
        Of its header.
    opening : Opening
        The file.
    """
    kind = layout.kind
    is_rows = isinstance(kind.kind, Vlen) and isinstance(kind.kind.base, np.dtype)
    source = (RowDataset if is_rows else Dataset)(opening.snapshot, where, layout, address, opening)
    chunks = None if kind.shape else layout.chunks
    return Array(kind.kind, source, chunks=chunks, filters=layout.filters)


class Dataset(SizedSource):
    """An array in a file.

    Parameters
    ----------
    snapshot : Snapshot
        The file.
    where : str
        Path of the dataset in it.
    layout : Layout
        How it stands there.
    address : int
        Of its header.
    opening : Opening, optional
        What the arrays of an open file share.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        where: str,
        layout: Layout,
        address: int,
        opening: Opening | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.where = where
        self.layout = layout
        self.address = address
        self.opening = opening

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process nothing is open."""
        return type(self), (self.snapshot, self.where, self.layout, self.address)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return (*self.layout.shape, *self.layout.kind.shape)

    def detached(self) -> Dataset:
        """The same array for when the file is closed, which stays open for it as it is now."""
        if self.opening is not None:
            self.opening.shared = True
            self._expect_chunks(self.opening.content)
        return type(self)(self.snapshot, self.where, self.layout, self.address)

    def _expect_chunks(self, content: FileBytes) -> None:
        """Have what says where the chunks are fetched while nobody waits: it will be needed."""
        layout = self.layout
        if not self.snapshot.is_far or layout.chunks is None or layout.address is None:
            return
        grid = [-(-n // step) for n, step in zip(layout.shape, layout.chunks, strict=True)]
        size = _HEAD_OF_INDEX + math.prod(grid) * 8 * (len(grid) + 3)
        content.expect([layout.address], min(size, _MOST_EXPECTED, content.end - layout.address))

    # what stands where

    @derived
    def stored(self) -> StoredArray:
        """What the engine reads: the bytes as they stand in the file, before any conversion."""
        from hspyio.arrays.manifest import StoredArray

        layout, inner = self.layout, self.layout.kind.shape
        dtype = layout.kind.stored
        fill = layout.fill or bytes(dtype.itemsize)
        first = fill[: dtype.itemsize]
        if first * (len(fill) // len(first)) != fill:
            raise UnsupportedFeatureError(
                "has arrays for a fill value whose items differ, which is not read here"
            )
        chunks = None if layout.chunks is None else (*layout.chunks, *inner)
        address = layout.address if layout.chunks is None else None
        if address is not None:
            address += self._start
        return StoredArray(self.shape, dtype, chunks, layout.filters, first, address)

    @derived
    def _start(self) -> int:
        """Where in the file addresses count from."""
        if self.opening is not None:
            return self.opening.content.start
        with self._content() as content:
            return content.start

    def chunk_index(self) -> ChunkManifest:
        """Where its chunks are; it has some.

        Raises
        ------
        DamagedFileError
            If they cannot be found.
        """
        return self.snapshot.index(self.where, self._found_chunks)

    def _found_chunks(self) -> ChunkManifest:
        from hspyio.hdf5.format.chunk_indices import chunk_index

        with self._content() as content:
            return chunk_index(content, self.layout)

    @property
    def stored_bytes(self) -> int:
        """Bytes that it takes in the file."""
        layout = self.layout
        if layout.inside is not None:
            return len(layout.inside)
        if layout.address is None:
            return 0
        if layout.chunks is None:
            return math.prod(layout.shape) * layout.kind.size
        with located(self.snapshot.path, self.where):
            return int(self.chunk_index().sizes.sum())

    @property
    def is_plain(self) -> bool:
        """Whether its bytes are its values, and stand in the file in one block or in chunks."""
        kind = self.layout.kind
        plain = kind.is_fixed and kind.convert is None and self.layout.inside is None
        return plain and bool(self.shape)

    @property
    def is_for_engine(self) -> bool:
        """Whether its bytes are its values, behind filters that are all at hand here."""
        return self.is_plain and (self.layout.chunks is None or self.stored.pipeline.decodes)

    @contextmanager
    def _content(self) -> Iterator[FileBytes]:
        """The bytes of the file."""
        opening = self.opening
        if opening is not None and opening.is_open:
            yield opening.content
            return
        with self.snapshot.open_source() as source:
            yield FileBytes(source, self.snapshot.find_superblock(source))

    @property
    def _budget(self) -> Budget:
        opening = self.opening
        return opening.budget if opening is not None and opening.is_open else Budget()

    @property
    def _workers(self) -> Workers:
        opening = self.opening
        return opening.workers if opening is not None and opening.is_open else Workers()

    # reading

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection.

        Raises
        ------
        StaleFileError
            If the file has changed since it was closed.
        DamagedFileError
            If the values cannot be read.
        """
        with located(self.snapshot.path, self.where), self._allowed(selection):
            raw = self._raw(selection)
            kind = self.layout.kind
            if not kind.is_fixed:
                return self._from_heaps(raw)
            return raw if kind.convert is None else kind.convert(raw)

    def check_chunks(self) -> None:
        """Refuse chunks that make little data large, before one of them is decoded.

        Raises
        ------
        DamagedFileError
            If a chunk is large, and far larger than the whole array.
        """
        stored = self.stored
        size = math.prod(stored.shape) * stored.dtype.itemsize
        if size and stored.chunks is not None:
            with located(self.snapshot.path, self.where):
                check_chunks(stored.pipeline.size, size)

    def references(self) -> NDArray[Any]:
        """What stands in the array for its texts or rows: lengths, and where they are."""
        with located(self.snapshot.path, self.where), self._allowed(()):
            return self._raw(())

    @contextmanager
    def _allowed(self, selection: Selection) -> Iterator[None]:
        """Within this, memory for the values may be allocated."""
        kind, budget = self.layout.kind, self._budget
        count = _count(selection, self.shape)
        size = count * kind.stored.itemsize
        if not isinstance(kind.kind, np.dtype):
            budget.take_items(count, size, self.stored_bytes)
        elif size > SMALL and self.layout.fill and not self._is_expected:
            budget.take_filled(size, self.stored_bytes)
        budget.take(size, lazily=isinstance(kind.kind, np.dtype))
        try:
            yield
        except BaseException:
            budget.give_back(size)
            raise

    @property
    def _is_expected(self) -> bool:
        """Whether its reader knows how large it is."""
        return self.opening is None or self.opening.policy.is_expected(self.where)

    def _raw(self, selection: Selection) -> NDArray[Any]:
        """Values as they stand in the file."""
        layout = self.layout
        if layout.chunks is not None:
            small = None
            if math.prod(layout.chunks) * layout.kind.size <= SMALL:
                with self._content() as content:
                    small = small_chunk(layout, content)
            return self._of_chunks(selection) if small is None else small[(*selection, ...)]
        if layout.inside is not None or not self.shape:
            return self._of_block()[(*selection, ...)]
        if not selection and math.prod(self.shape) * layout.kind.stored.itemsize <= SMALL:
            return self._of_block()
        from hspyio.arrays.contiguous import read_block

        with self.snapshot.open_source() as source:
            return read_block(self.stored, source, selection, self._workers)

    def _of_block(self) -> NDArray[Any]:
        with self._content() as content:
            return raw_values(self.layout, content)

    def _of_chunks(self, selection: Selection) -> NDArray[Any]:
        from hspyio.arrays.reading import read_chunks

        stored = self.stored
        self.check_chunks()
        index = self.chunk_index()
        with self.snapshot.open_source() as source:
            if stored.pipeline.decodes:
                return read_chunks(stored, index, source, selection, self._workers)
            return _by_plugin(stored, index, source, selection)

    # what has variable length

    def _from_heaps(self, references: NDArray[Any]) -> NDArray[Any]:
        kind = self.layout.kind
        if isinstance(kind.kind, Text):
            return self._texts(references)
        base = kind.base
        assert base is not None
        self._check_length(references, base.stored.itemsize)
        outer = self._rows(references, base.stored)
        if base.is_fixed:
            values = outer.values if base.convert is None else base.convert(outer.values)
            return _objects(RaggedArray(values, outer.lengths))
        self._check_length(outer.values)
        return _objects(RaggedArray(self._texts(outer.values), outer.lengths))

    def _check_length(self, references: NDArray[Any], itemsize: int = 1) -> None:
        """Refuse texts or rows that are the same bytes of the file over and over."""
        with self._content() as content:
            size = content.end
        if references.size and (itemsize > 1 or repeats(references.size, size)):
            length = int(references["length"].sum(dtype=np.int64)) * itemsize
            self._budget.take_rows(length, size)

    def _texts(self, references: NDArray[Any]) -> NDArray[Any]:
        self._check_length(references)
        if references.size <= _FEW_TEXTS or references.dtype.itemsize != _REFERENCE_BYTES:
            with self._content() as content:
                texts = GlobalHeaps(content).texts(references.tobytes())
            return text_array(texts, references.shape)
        rows = self._rows(references, np.dtype(np.uint8))
        octets, starts = rows.values.tobytes(), rows.starts
        ends = starts + rows.lengths.reshape(-1)
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        texts = [octets[start:end].split(b"\0", 1)[0] for start, end in pairs]
        return text_array(texts, references.shape)

    def _rows(self, references: NDArray[Any], base: np.dtype[Any]) -> RaggedArray:
        """Rows as they stand in the file."""
        with self._content() as content:
            if references.dtype.itemsize != _REFERENCE_BYTES:
                items = GlobalHeaps(content).items(references.tobytes(), base.itemsize)
                values = np.frombuffer(b"".join(items), base).copy()
                lengths = [len(item) // base.itemsize for item in items]
                return RaggedArray(values, np.array(lengths, np.int64).reshape(references.shape))
            start = content.start
        from hspyio.hdf5.ragged import read_rows

        if start:
            references = references.copy()
            references["address"][references["address"] != 0] += start
        with self.snapshot.open_source() as source:
            return read_rows(references, source, base)

    def row_bytes(self) -> int:
        """Bytes of a row of variable length, on average, as far as that is easily known."""
        return max(_REFERENCE_BYTES, self.snapshot.size // max(1, math.prod(self.shape)))


class RowDataset(Dataset):
    """An array of rows of numbers of variable length."""

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection as an object array."""
        return self.rows(selection).read()

    def rows(self, selection: Selection = ()) -> RaggedArray:
        """All rows of a selection, end to end."""
        base = self.layout.kind.base
        assert base is not None
        with located(self.snapshot.path, self.where), self._allowed(selection):
            references = self._raw(selection)
            self._check_length(references, base.stored.itemsize)
            rows = self._rows(references, base.stored)
            return (
                rows
                if base.convert is None
                else RaggedArray(base.convert(rows.values), rows.lengths)
            )

    def row_bytes(self) -> int:
        """The same, by the lengths of all rows or of some."""
        base = self.layout.kind.base
        assert base is not None
        with located(self.snapshot.path, self.where):
            looked_at = [self._raw(part) for part in _samples(self.shape, self._steps())]
        lengths = [part["length"].reshape(-1) for part in looked_at]
        count = sum(part.size for part in lengths)
        if not count:
            return _REFERENCE_BYTES
        total = sum(int(part.sum(dtype=np.int64)) for part in lengths)
        return max(_REFERENCE_BYTES, -(-total * base.stored.itemsize // count))

    def _steps(self) -> tuple[int, ...]:
        chunks = self.layout.chunks
        return chunks or (*(1,) * (len(self.shape) - 1), self.shape[-1])


def _objects(rows: RaggedArray) -> NDArray[Any]:
    """Rows as an array of arrays, of no dimension where it is one row."""
    if rows.shape:
        return rows.read()
    one: NDArray[Any] = np.empty((), object)
    one[()] = rows.values
    return one


@contextmanager
def passing(array: Array) -> Iterator[None]:
    """Within this, what is read of an array is not kept: the memory counts as free again."""
    opening = array.source.opening if isinstance(array.source, Dataset) else None
    if opening is None:
        yield
        return
    budget, opening.budget = opening.budget, Budget()
    try:
        yield
    finally:
        opening.budget = budget


def stored_bytes(array: Array) -> int:
    """Bytes that an array of a file takes on disk."""
    return array.source.stored_bytes if isinstance(array.source, SizedSource) else 0


# small arrays


def raw_values(layout: Layout, content: FileBytes) -> NDArray[Any]:
    """Values that stand in one block, as they are there.

    Raises
    ------
    DamagedFileError
        If they are not in the file.
    """
    kind = layout.kind
    stored = DiskType(kind.kind, kind.stored, kind.shape)
    size = math.prod(layout.shape) * kind.size
    if layout.inside is not None:
        return _raw_of(layout.inside, stored, layout.shape)
    if layout.address is None:
        return _raw_of(layout.fill * math.prod(layout.shape) or bytes(size), stored, layout.shape)
    return _raw_of(content.at(layout.address, size), stored, layout.shape)


def _raw_of(octets: bytes, kind: DiskType, shape: tuple[int, ...]) -> NDArray[Any]:
    whole = (*shape, *kind.shape)
    if not octets:
        return np.empty(whole, kind.stored)
    return np.frombuffer(octets, kind.stored).reshape(whole).copy()


def small_chunk(layout: Layout, content: FileBytes) -> NDArray[Any] | None:
    """The values of an array in one small chunk, as they stand there.

    ``None`` for what the engine reads: it is slower for little, and says what is wrong.
    """
    if layout.index != ChunkIndexKind.BTREE_V1 or layout.address is None or layout.kind.shape:
        return None
    chunks = layout.chunks
    assert chunks is not None
    kind = layout.kind
    size = math.prod(chunks) * kind.size
    if size > SMALL or not all(0 < n <= m for n, m in zip(layout.shape, chunks, strict=True)):
        return None
    try:
        found = _only_chunk(content, layout.address, len(layout.shape))
        if found is None:
            return None
        address, length, mask = found
        data: bytes | None = content.at(address, length)
    except HspyError:
        return None
    steps = [step for i, step in enumerate(layout.filters) if not mask >> i & 1]
    if steps and steps[-1].id == gzip.CODEC.id and data is not None:
        steps.pop()
        data = _unzipped(data, size)
    if data is None:
        return None
    if [(step.id, step.options) for step in steps] == [(shuffle.CODEC.id, (kind.size,))]:
        steps.pop()
        data = np.frombuffer(data[:size], np.uint8).reshape(kind.size, -1).T.tobytes()
    if steps or len(data) != size:
        return None
    values = np.frombuffer(data, kind.stored).reshape(chunks)
    return values[tuple(map(slice, layout.shape))].copy()


def _only_chunk(content: FileBytes, tree: int, rank: int) -> tuple[int, int, int] | None:
    """Address, length and left-out filters of the only chunk of a tree, if it has one only."""
    if content.offset_size != 8:
        return None
    entry = struct.Struct(f"<II{rank + 1}QQ")
    node = content.at(tree, _NODE.size + entry.size)
    length, mask, *corner, address = entry.unpack_from(node, _NODE.size)
    if node[: _NODE.size] != _ONE_LEAF or any(corner):
        return None
    return address, length, mask


def _unzipped(data: bytes, size: int) -> bytes | None:
    """What a stream holds, if that is so many bytes."""
    stream = zlib.decompressobj()
    try:
        made = stream.decompress(data, size)
        if not stream.eof and stream.decompress(stream.unconsumed_tail, 1):
            return None
    except zlib.error:
        return None
    return made if stream.eof and len(made) == size else None


# larger ones


def _by_plugin(
    stored: StoredArray, manifest: ChunkManifest, source: ByteSource, selection: Selection
) -> NDArray[Any]:
    """Chunks that only HDF5 decodes, one after the other."""
    from hspyio.arrays.indexing import BasicIndexer
    from hspyio.hdf5.plugin_filters import check_available, decoded_chunk

    check_available(stored.filters)
    assert stored.chunks is not None
    grid, indexer = stored.grid, BasicIndexer(selection, stored.shape)
    result = stored.empty(indexer.shape, filled=True)
    for row in manifest.rows(indexer, grid)[0].tolist():
        corner = grid.corner(int(manifest.ids[row]))
        parts = [
            along.within(low, min(low + step, n))
            for along, low, step, n in zip(
                indexer.ranges, corner, stored.chunks, stored.shape, strict=True
            )
        ]
        target = result[tuple(outside for outside, _ in parts)]
        if not target.size:
            continue
        try:
            content = source.read(int(manifest.offsets[row]), int(manifest.sizes[row]))
            mask, size = int(manifest.masks[row]), stored.pipeline.size
            octets = decoded_chunk(content, mask, stored.filters, size)
        except HspyError as error:
            raise DamagedFileError(f"its chunk at {corner} {error.message}") from None
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise DamagedFileError(f"its chunk at {corner} cannot be read: {error}") from None
        values = np.frombuffer(octets, stored.dtype).reshape(stored.chunks)
        target[...] = values[tuple(inside for _, inside in parts)]
    return result[(*indexer.dropped, ...)]


def _count(selection: Selection, shape: tuple[int, ...]) -> int:
    """Number of values of a selection."""
    if not selection:
        return math.prod(shape)
    from hspyio.arrays.indexing import BasicIndexer

    return BasicIndexer(selection, shape).size


def _samples(shape: tuple[int, ...], steps: tuple[int, ...]) -> list[Selection]:
    """All of an array, or the chunks at its beginning, its middle and its end."""
    if math.prod(shape) <= _COUNTED:
        return [tuple(slice(0, n) for n in shape)]
    places = [0.0, 0.5, 1.0]
    corners = {
        tuple(
            min(int(place * n) // step * step, (n - 1) // step * step)
            for n, step in zip(shape, steps, strict=True)
        )
        for place in places
    }
    return [
        tuple(
            slice(low, min(low + step, n))
            for low, step, n in zip(corner, steps, shape, strict=True)
        )
        for corner in sorted(corners)
    ]
