"""Lets a dataset that HDF5 has made lead to an index of chunks that HDF5 knows nothing of.

HDF5 has no call for that: a chunk gets into its index by being written. So the address is put into
the header of the dataset once HDF5 has written it, before anybody can see it.

Of many small chunks each call of HDF5 costs more than its codec. They are written in batches, and
their index once, into the room that was left for it before them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hspyio.arrays.writing import write_chunks
from hspyio.errors import SaveError
from hspyio.hdf5.format.chunk_tree import ChunkTree
from hspyio.hdf5.format.object_header import LAYOUT
from hspyio.hdf5.format.superblock import lookup3, read_superblock
from hspyio.system.calls import file_size, read_up_to, write_from

if TYPE_CHECKING:
    from hspyio.arrays.grid import ChunkGrid
    from hspyio.arrays.workers import Workers
    from hspyio.arrays.writing import Encoded
    from hspyio.filters.pipeline import Pipeline
    from hspyio.nodes.node import ArraySource

__all__ = ["Chunks", "can_lead_to_index", "lead_to_index", "put_chunks"]

_MOST_HEADER = 65536
_SIGNATURE = b"OHDR\x02"
_TIMES, _PHASES, _ORDERED, _WIDTH = 0x20, 0x10, 0x04, 0x03
_HEAD = struct.Struct("<BHB")
_OLD_CHUNKED = b"\x03\x02"
"""A layout of version 3, of chunks: its index is a tree of the first kind."""
_ADDRESS = 3
"""Where in that the address of the tree stands: behind version, class and number of dimensions."""


def lead_to_index(descriptor: int, header: int, index: int) -> None:
    """Put the address of an index into the header of a dataset.

    Parameters
    ----------
    descriptor : int
        The file, open for writing; HDF5 is done with it.
    header : int
        Where the dataset's header begins.
    index : int
        Where its tree of chunks does.

    Raises
    ------
    SaveError
        If HDF5 has written a header of another kind than it was asked for.
    OSError
        If the file cannot be read or written.
    """
    block = linked(_header(descriptor, header), index)
    if block is None:
        raise SaveError(f"HDF5 has written a header at {header} that does not lead to chunks")
    write_from(descriptor, [memoryview(block)], header)


def can_lead_to_index(descriptor: int, header: int) -> bool:
    """Whether a header, as HDF5 has written it, has a place for the address of an index."""
    return linked(_header(descriptor, header), 0) is not None


def _header(descriptor: int, place: int) -> bytes:
    content = bytearray(min(_MOST_HEADER, max(0, file_size(descriptor) - place)))
    read_up_to(descriptor, [memoryview(content)], place)
    return bytes(content)


def put_chunks(
    descriptor: int, moved: Sequence[tuple[int, Callable[[int, int], tuple[int | None, int]]]]
) -> None:
    """Put chunks with their indices behind all that HDF5 has written, and the end behind them.

    Parameters
    ----------
    descriptor : int
        A new file, which HDF5 has closed, and nobody has seen.
    moved : sequence of (int, callable)
        Headers of datasets, and what writes the chunks of each: see `IndexedSource.put`.

    Raises
    ------
    SaveError, OSError
        If something cannot be written.
    """
    end = file_size(descriptor)
    for header, put in moved:
        index, end = put(descriptor, end)
        if index is not None:
            lead_to_index(descriptor, header, index)
    block = read_superblock(descriptor)
    if block is None:
        raise SaveError("HDF5 has written a file that cannot grow")
    for place, content in block.moved(block.root, end):
        write_from(descriptor, [memoryview(content)], place)


class Chunks:
    """The chunks of an array, all of which are compressed and written when they have a place.

    Parameters
    ----------
    source : ArraySource
        The array, which is read then.
    pipeline : Pipeline
        Can encode.
    grid : ChunkGrid
        Its chunks.
    workers : Workers
        Threads, and who is told of the progress.
    """

    def __init__(
        self, source: ArraySource, pipeline: Pipeline, grid: ChunkGrid, workers: Workers
    ) -> None:
        self._source, self._pipeline, self._grid = source, pipeline, grid
        self._workers = workers

    def put(self, descriptor: int, place: int) -> tuple[int | None, int]:
        """Write the index and the chunks behind it; see `IndexedSource.put`."""
        sink = _Appender(descriptor, self._grid, place)
        values = self._source.read().astype(self._pipeline.dtype, copy=False)
        write_chunks(sink, self._pipeline, values, self._workers)
        return sink.finish()


class _Appender:
    """A `ChunkSink` that puts one chunk behind the other, and their index before them."""

    def __init__(self, descriptor: int, grid: ChunkGrid, place: int) -> None:
        self._descriptor, self._place = descriptor, place
        self._tree = ChunkTree(grid.chunk, grid.counts[1:])
        self._numbers = np.arange(grid.count)
        self._sizes, self._masks = np.ones((2, grid.count), np.int64)
        self._tree.set(self._numbers, self._numbers, self._sizes, self._masks)
        self._begin = self._end = place + self._tree.node_bytes

    def write(self, numbers: Sequence[int], chunks: Sequence[Encoded]) -> None:
        """Write chunks that follow those before."""
        content = b"".join([bytes(data) for data, _ in chunks])
        write_from(self._descriptor, [memoryview(content)], self._end)
        self._end += len(content)
        part = slice(numbers[0], numbers[0] + len(numbers))
        self._sizes[part] = [len(data) for data, _ in chunks]
        self._masks[part] = [mask for _, mask in chunks]

    def finish(self) -> tuple[int | None, int]:
        """Write the index: the address of its root, and the end of all."""
        offsets = self._begin + np.cumsum(self._sizes) - self._sizes
        self._tree.set(self._numbers, offsets, self._sizes, self._masks)
        nodes, root = self._tree.write(self._place, whole=True)
        write_from(self._descriptor, [memoryview(nodes)], self._place)
        return root, self._end


def linked(content: bytes, index: int) -> bytes | None:
    """The first block of a header, leading to an index; ``None`` where it has no place for one."""
    if content[:5] != _SIGNATURE:
        return None
    flags = content[5]
    place = 6 + (16 if flags & _TIMES else 0) + (4 if flags & _PHASES else 0)
    width = 1 << (flags & _WIDTH)
    begin = place + width
    end = begin + int.from_bytes(content[place:begin], "little")
    skipped = _HEAD.size + (2 if flags & _ORDERED else 0)
    place = begin
    while place + skipped <= end:
        kind, length, _ = _HEAD.unpack_from(content, place)
        place += skipped
        if kind == LAYOUT:
            if content[place : place + 2] != _OLD_CHUNKED:
                return None
            at = place + _ADDRESS
            changed = content[:at] + struct.pack("<Q", index) + content[at + 8 : end]
            return changed + struct.pack("<I", lookup3(changed))
        place += length
    return None
