"""The index of a growing array: HDF5's first kind of tree, of which no node is ever changed.

A node that would change is written anew elsewhere, and so are those above it; all others are shared
by the old root and the new one. What stands for ever and what does not is told by arithmetic: the
tree is cut by the chunks' numbers, 64 to a leaf, 64 leaves to the node above, and so on. So an
array that is appended to costs a leaf for 64 chunks, and the few nodes at its right edge.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.hdf5.format.superblock import USUAL_CHUNK_RANK

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ChunkTree"]

_FAN = 2 * USUAL_CHUNK_RANK
_HEAD = struct.Struct("<4sBBHQQ")
_OF_CHUNKS = 1
_UNDEFINED = (1 << 64) - 1
_LEAST = 1024


class _Level:
    """The nodes of one height, by their numbers.

    Attributes
    ----------
    first : ndarray of int64
        The number of the first chunk below each; -1 where there is none.
    limit : ndarray of int64
        The number that each has as its last key, as it was written.
    address : ndarray of int64
        Where it was written.
    dirty : ndarray of bool
        Whether it has changed since.
    """

    def __init__(self) -> None:
        self.first = np.empty(0, np.int64)
        self.limit = np.empty(0, np.int64)
        self.address = np.empty(0, np.int64)
        self.dirty = np.empty(0, bool)

    def grow(self, count: int) -> None:
        """Have so many nodes."""
        self.first = _longer(self.first, count, -1)
        self.limit = _longer(self.limit, count, -1)
        self.address = _longer(self.address, count, -1)
        self.dirty = _longer(self.dirty, count, False)


class ChunkTree:
    """Where the chunks of an array are, and the tree that says so in the file.

    Parameters
    ----------
    chunk : tuple of int
        Shape of a chunk.
    counts : tuple of int
        How many there are along every dimension but the first, which may grow for ever.

    Attributes
    ----------
    chunk_bytes : int
        What the chunks take that the tree leads to.
    """

    def __init__(self, chunk: tuple[int, ...], counts: tuple[int, ...]) -> None:
        self._chunk = np.array(chunk, np.int64)
        self._counts = counts
        self._strides = [math.prod(counts[i:]) for i in range(len(chunk))]
        self._key = np.dtype(
            [("size", "<u4"), ("mask", "<u4"), ("corner", "<u8", (len(chunk) + 1,))]
        )
        self._entry = np.dtype([("key", self._key), ("child", "<u8")])
        self.node_size = _HEAD.size + _FAN * self._entry.itemsize + self._key.itemsize
        self._offsets = np.empty(0, np.int64)
        self._sizes = np.empty(0, np.int64)
        self._masks = np.empty(0, np.int64)
        self._levels: list[_Level] = []
        self._count = 0
        self.chunk_bytes = 0

    def __len__(self) -> int:
        """One more than the largest number of a chunk."""
        return self._count

    @property
    def node_bytes(self) -> int:
        """What the nodes take that the tree consists of."""
        return self.node_size * sum(int((level.first >= 0).sum()) for level in self._levels)

    def place(self, number: int) -> tuple[int, int, int] | None:
        """Address, bytes and left-out filters of a chunk; ``None`` if there is none."""
        if number >= self._count or not self._sizes[number]:
            return None
        return int(self._offsets[number]), int(self._sizes[number]), int(self._masks[number])

    def placed(self, numbers: NDArray[np.int64], offsets: NDArray[np.int64]) -> ChunkTree:
        """A tree of its own, of chunks that stand elsewhere."""
        made = ChunkTree(tuple(self._chunk.tolist()), self._counts)
        made.set(numbers, offsets, self._sizes[numbers], self._masks[numbers])
        return made

    def places(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where chunks begin, and their bytes."""
        return self._offsets[numbers], self._sizes[numbers]

    def numbers(self) -> NDArray[np.int64]:
        """The chunks there are."""
        return np.flatnonzero(self._sizes[: self._count])

    def set(
        self,
        numbers: NDArray[np.int64],
        offsets: NDArray[np.int64],
        sizes: NDArray[np.int64],
        masks: NDArray[np.int64],
    ) -> None:
        """Have chunks, each once, in the place of those of the same numbers."""
        if not len(numbers):
            return
        self._grow(int(numbers.max()) + 1)
        self.chunk_bytes += int(sizes.sum() - self._sizes[numbers].sum())
        self._offsets[numbers], self._sizes[numbers], self._masks[numbers] = offsets, sizes, masks
        nodes = numbers
        for level in self._levels:
            nodes = nodes // _FAN
            level.dirty[nodes] = True
            firsts = np.full(len(level.first), np.iinfo(np.int64).max)
            np.minimum.at(firsts, nodes, numbers)
            level.first[:] = np.where(
                level.first < 0, np.where(level.dirty, firsts, -1), np.minimum(level.first, firsts)
            )

    def _grow(self, count: int) -> None:
        if count > len(self._sizes):
            room = max(_LEAST, 2 * len(self._sizes), count)
            self._offsets = _longer(self._offsets, room, 0)
            self._sizes = _longer(self._sizes, room, 0)
            self._masks = _longer(self._masks, room, 0)
        self._count = max(self._count, count)
        nodes, height = self._count, 0
        while height == 0 or nodes > 1:
            nodes = -(-nodes // _FAN)
            if height == len(self._levels):
                self._levels.append(_Level())
                self._levels[-1].grow(nodes)
                self._begin(height)
            self._levels[height].grow(nodes)
            height += 1

    def _begin(self, height: int) -> None:
        """A new height above those there are: of all nodes there is one now."""
        if height:
            below, level = self._levels[height - 1], self._levels[height]
            there = np.flatnonzero(below.first >= 0)
            for node in reversed(there.tolist()):
                level.first[node // _FAN] = below.first[node]
            level.dirty[there // _FAN] = True

    def write(self, place: int, *, whole: bool = False) -> tuple[bytes, int | None]:
        """The nodes that are new, and the address of the root; ``None`` without any chunk.

        Parameters
        ----------
        place : int
            Where they are going to stand, one behind the other.
        whole : bool
            Whether it is a tree of its own, in which each node knows those beside it.
        """
        made: list[bytes] = []
        for height, level in enumerate(self._levels):
            there = np.flatnonzero(level.first >= 0)
            limits = np.append(level.first[there[1:]], self._count)
            level.dirty[there] |= (level.limit[there] != limits) | whole
            level.limit[there] = limits
            for node in np.flatnonzero(level.dirty).tolist():
                level.address[node] = place + len(made) * self.node_size
                made.append(self._node(height, node))
                if height + 1 < len(self._levels):
                    self._levels[height + 1].dirty[node // _FAN] = True
            if whole:
                made[len(made) - len(there) :] = self._beside(
                    made[len(made) - len(there) :], level.address[there].tolist()
                )
            level.dirty[:] = False
        root = int(self._levels[-1].address[0]) if self._levels else None
        return b"".join(made), root

    def _node(self, height: int, node: int) -> bytes:
        """One node, as it stands in the file."""
        low = node * _FAN
        if height:
            below = self._levels[height - 1]
            children = low + np.flatnonzero(below.first[low : low + _FAN] >= 0)
            numbers, addresses = below.first[children], below.address[children]
        else:
            high = min(low + _FAN, self._count)
            numbers = low + np.flatnonzero(self._sizes[low:high])
            addresses = self._offsets[numbers]
        entries = np.zeros(len(numbers), self._entry)
        entries["key"]["size"] = self._sizes[numbers]
        entries["key"]["mask"] = self._masks[numbers]
        entries["key"]["corner"][:, :-1] = self._corners(numbers)
        entries["child"] = addresses
        last = np.zeros(1, self._key)
        last["corner"][:, :-1] = self._corners(self._levels[height].limit[node : node + 1])
        head = _HEAD.pack(b"TREE", _OF_CHUNKS, height, len(numbers), _UNDEFINED, _UNDEFINED)
        return (head + entries.tobytes() + last.tobytes()).ljust(self.node_size, b"\0")

    def _beside(self, nodes: list[bytes], addresses: list[int]) -> list[bytes]:
        """Nodes of one height that name their neighbours."""
        left = [_UNDEFINED, *addresses[:-1]]
        right = [*addresses[1:], _UNDEFINED]
        return [
            node[:8] + struct.pack("<QQ", one, other) + node[24:]
            for node, one, other in zip(nodes, left, right, strict=True)
        ]

    def _corners(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where in the array chunks begin; the first dimension has no end."""
        corners = np.empty((len(numbers), len(self._chunk)), np.int64)
        rest = numbers
        for i, stride in enumerate(self._strides):
            corners[:, i], rest = np.divmod(rest, stride)
        return corners * self._chunk


def _longer(array: NDArray[Any], count: int, value: object) -> NDArray[Any]:
    """An array of at least so many items, the new ones of one value."""
    if count <= len(array):
        return array
    made = np.full(count, value, array.dtype)
    made[: len(array)] = array
    return made
