"""Puts the chunks of a stream into a new file: the index in front, then all of them in order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from hspyio.hdf5.format.chunk_tree import ChunkTree
from hspyio.system.calls import read_into, write_from

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ChunkCopier"]

_PIECE = 8 * 2**20


class ChunkCopier:
    """Copies chunks as they are stored.

    Parameters
    ----------
    tree : ChunkTree
        Where they are.
    descriptor : int
        The file that they are in.
    """

    def __init__(self, tree: ChunkTree, descriptor: int) -> None:
        self._tree, self._descriptor = tree, descriptor

    def put(self, descriptor: int, place: int) -> tuple[int | None, int]:
        """Write the index and the chunks into a file, from a place on: see `IndexedSource.put`."""
        numbers = self._tree.numbers()
        offsets, sizes = self._tree.places(numbers)
        new = self._tree.placed(numbers, np.zeros(len(numbers), np.int64))
        begin = place + new.node_bytes
        ends = begin + np.cumsum(sizes)
        new = self._tree.placed(numbers, ends - sizes)
        nodes, root = new.write(place, whole=True)
        write_from(descriptor, [memoryview(nodes)], place)
        for first, last in self._runs(offsets, sizes):
            self._copy(descriptor, int(offsets[first]), int(ends[first] - sizes[first]),
                       int(ends[last - 1] - ends[first] + sizes[first]))  # fmt: skip
        return root, (int(ends[-1]) if len(ends) else begin)

    @staticmethod
    def _runs(offsets: NDArray[np.int64], sizes: NDArray[np.int64]) -> list[tuple[int, int]]:
        """Chunks that follow each other in the old file as in the new."""
        breaks = np.flatnonzero(offsets[1:] != offsets[:-1] + sizes[:-1]) + 1
        return list(pairwise([0, *breaks.tolist(), len(offsets)])) if len(offsets) else []

    def _copy(self, descriptor: int, source: int, target: int, count: int) -> None:
        buffer = memoryview(bytearray(min(count, _PIECE)))
        for done in range(0, count, _PIECE):
            part = buffer[: min(_PIECE, count - done)]
            read_into(self._descriptor, [part], source + done)
            write_from(descriptor, [part], target + done)
