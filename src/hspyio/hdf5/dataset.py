"""Arrays of an open file that are read without HDF5, as far as that goes."""

from __future__ import annotations

import math
import struct
import zlib
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hspyio.filters import gzip, shuffle
from hspyio.forks import derived
from hspyio.hdf5.format.attributes import text_array
from hspyio.hdf5.format.datatypes import values_of
from hspyio.hdf5.format.file_bytes import Content, LeftToHdf5Error
from hspyio.hdf5.format.messages import Layout
from hspyio.hdf5.sources import SMALL, LazySource, count_of, index_in, is_data, named, past_hdf5
from hspyio.nodes.node import Array, Selection, Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hspyio.arrays.manifest import ChunkManifest, StoredArray
    from hspyio.hdf5.reader import Opening

__all__ = ["DirectSource", "small_values"]

_NODE = struct.Struct("<4sBBHQQ")
_ONE_LEAF = _NODE.pack(b"TREE", 1, 0, 1, 2**64 - 1, 2**64 - 1)
_TEXTS = 4096
"""Texts that may be one and the same in the file."""


class _Source(Protocol):
    """What HDF5 reads by."""

    def read(self, selection: Selection = ()) -> NDArray[Any]: ...


def small_values(layout: Layout, opening: Opening) -> NDArray[Any]:
    """Values that stand in one block.

    Parameters
    ----------
    layout : Layout
        Where they stand.
    opening : Opening
        The file.

    Raises
    ------
    LeftToHdf5Error
        If they do not, or some of them are not in the file.
    """
    kind, shape = layout.kind, layout.shape
    count = math.prod(shape)
    content = layout.inside if count else b""
    if content is None:
        if layout.chunks is not None or layout.address is None:
            raise LeftToHdf5Error
        content = opening.content.at(layout.address, count * kind.size)
    if kind.dtype is not None:
        return values_of(content, kind, shape)
    if count > _TEXTS and count * opening.content.end > 2**26:
        raise LeftToHdf5Error
    return text_array(opening.heaps.texts(content), shape)


class DirectSource:
    """An array of numbers, or texts of one length, in a file that is open.

    Parameters
    ----------
    layout : Layout
        How it stands there.
    where : tuple of str
        The names that lead to it.
    opening : Opening
        The file.
    """

    def __init__(self, layout: Layout, where: tuple[str, ...], opening: Opening) -> None:
        self._layout = layout
        self._names = where
        self._where = "/" + "/".join(where)
        self._opening = opening
        self._chunks: ChunkManifest | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self._layout.shape

    @property
    def stored_bytes(self) -> int:
        """Bytes that it takes in the file."""
        layout = self._layout
        if layout.inside is not None:
            return len(layout.inside)
        if layout.address is None:
            return 0
        if layout.chunks is None:
            return math.prod(layout.shape) * layout.kind.size
        with named(self._opening.path, self._where):
            index = self._index(self._stored)
            return 0 if index is None else int(index.sizes.sum())

    def by_hdf5(self) -> _Source:
        """The same array as HDF5 reads it."""
        node = self._opening.by_hdf5(self._names)
        if not isinstance(node, Array):
            reason = getattr(node, "reason", "is no array")
            raise self._opening.damaged(str(reason), self._where)
        source: _Source = node.source
        return source

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection.

        Raises
        ------
        DamagedFileError
            If the values cannot be read.
        """
        self._opening.check_open(self._where)
        layout, budget = self._layout, self._opening.budget
        values = None
        with named(self._opening.path, self._where):
            size = count_of(selection, layout.shape) * layout.kind.size
            self._check(size)
            budget.take(size, lazily=not isinstance(layout.kind.kind, Text))
            try:
                values = self._values(selection)
            except BaseException:
                budget.give_back(size)
                raise
            if values is None:
                budget.give_back(size)
        return self.by_hdf5().read(selection) if values is None else values

    def _check(self, size: int) -> None:
        layout, budget = self._layout, self._opening.budget
        if isinstance(layout.kind.kind, Text):
            count = math.prod(layout.shape)
            budget.take_items(count, count * layout.kind.size, self.stored_bytes)
        elif size > SMALL and layout.fill.count(0) < len(layout.fill) and not is_data(self._where):
            budget.take_filled(size, self.stored_bytes)

    def _values(self, selection: Selection) -> NDArray[Any] | None:
        """Read, in whatever way is fastest; ``None`` if only HDF5 reads it."""
        layout = self._layout
        try:
            if layout.chunks is not None:
                return self.small_chunk()[(*selection, ...)]
            if math.prod(layout.shape) * layout.kind.size <= SMALL:
                return small_values(layout, self._opening)[(*selection, ...)]
        except LeftToHdf5Error:
            pass
        if self._is_odd():
            return None
        stored = self._stored
        if layout.chunks is not None and (
            self._index(stored) is None or not stored.pipeline.decodes
        ):
            return None
        opening = self._opening
        return past_hdf5(stored, lambda: self._chunks, opening.handle, selection, opening.work)

    def _is_odd(self) -> bool:
        """Whether its bytes are not its values as numpy holds them, or it has no dimension."""
        kind = self._layout.kind
        odd = kind.dtype is None or kind.ends
        return odd or not self._layout.shape or self._layout.inside is not None

    @derived
    def _stored(self) -> StoredArray:
        from hspyio.arrays.manifest import StoredArray

        layout = self._layout
        assert layout.kind.dtype is not None
        fill = layout.fill or bytes(layout.kind.size)
        address, tree = layout.address, None
        if layout.chunks is not None:
            address, tree = None, address
        return StoredArray(
            layout.shape, layout.kind.dtype, layout.chunks, layout.filters, fill, address, tree
        )

    def _index(self, stored: StoredArray) -> ChunkManifest | None:
        if self._chunks is None:
            if stored.tree is None:
                from hspyio.arrays.manifest import ChunkManifest

                self._chunks = ChunkManifest.empty()
            else:
                self._chunks = index_in(self._opening.handle, self._where, stored)
        return self._chunks

    def small_chunk(self) -> NDArray[Any]:
        """The values of an array that stands in one small chunk.

        Raises
        ------
        LeftToHdf5Error
            If it does not, or it is damaged.
        """
        layout, content = self._layout, self._opening.content
        if layout.kind.dtype is None or not _is_small(layout) or layout.address is None:
            raise LeftToHdf5Error
        assert layout.chunks is not None
        size = math.prod(layout.chunks) * layout.kind.size
        address, length, mask = _only_chunk(content, layout.address, len(layout.shape))
        data = content.at(address, length)
        steps = [step for i, step in enumerate(layout.filters) if not mask >> i & 1]
        if steps and steps[-1].id == gzip.CODEC.id:
            steps.pop()
            data = _unzipped(data, size)
        if [(step.id, step.options) for step in steps] == [(shuffle.CODEC.id, (layout.kind.size,))]:
            steps.pop()
            planes = np.frombuffer(data[:size], np.uint8).reshape(layout.kind.size, -1)
            data = planes.T.tobytes()
        if steps or len(data) != size:
            raise LeftToHdf5Error
        values = values_of(data, layout.kind, layout.chunks)
        return values if layout.shape == layout.chunks else values[_within(layout.shape)].copy()

    def detached(self) -> LazySource:
        """A source that goes on when the file is closed, and can be pickled."""
        if self._is_left():
            found: LazySource = self.by_hdf5().detached()  # type: ignore[attr-defined]
            return found
        self._opening.shared = True
        return LazySource(self._opening.handle, self._where, self.shape, self._stored)

    def _is_left(self) -> bool:
        """Whether only HDF5 knows how to read it later."""
        if self._is_odd():
            return True
        return self._layout.chunks is not None and not self._stored.pipeline.decodes


def _unzipped(data: bytes, size: int) -> bytes:
    """What a stream holds, if that is so many bytes."""
    stream = zlib.decompressobj()
    try:
        made = stream.decompress(data, size)
        if not stream.eof and stream.decompress(stream.unconsumed_tail, 1):
            raise LeftToHdf5Error
    except zlib.error:
        raise LeftToHdf5Error from None
    if not stream.eof or len(made) != size:
        raise LeftToHdf5Error
    return made


def _is_small(layout: Layout) -> bool:
    """Whether it is one chunk, and not too long."""
    assert layout.chunks is not None
    size = math.prod(layout.chunks) * layout.kind.size
    one = all(0 < n <= m for n, m in zip(layout.shape, layout.chunks, strict=True))
    return one and size <= SMALL


def _within(shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(map(slice, shape))


def _only_chunk(content: Content, tree: int, rank: int) -> tuple[int, int, int]:
    """Address, length and left-out filters of the only chunk of a tree."""
    entry = struct.Struct(f"<II{rank + 1}QQ")
    node = content.at(tree, _NODE.size + entry.size)
    length, mask, *corner, address = entry.unpack_from(node, _NODE.size)
    if node[: _NODE.size] != _ONE_LEAF or any(corner):
        raise LeftToHdf5Error
    return address, length, mask
