"""Files whose chunks and index of chunks are put behind their end, as `hspyio.create` does it."""

from __future__ import annotations

import math
import os
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from hspyio.hdf5.format.chunk_tree import ChunkTree
from hspyio.hdf5.format.index_link import lead_to_index
from hspyio.hdf5.format.superblock import read_superblock

LIBVER = ("v108", "latest")


class Grown:
    """A file with one dataset ``data`` of u2, without filters, whose chunks are not HDF5's work."""

    def __init__(self, path: Path, chunk: tuple[int, ...], counts: tuple[int, ...]) -> None:
        self.path, self.chunk, self.counts = path, chunk, counts
        self.tree = ChunkTree(chunk, counts[1:])
        self.values = np.full(
            [n * step for n, step in zip(counts, chunk, strict=True)], 7, np.uint16
        )
        with h5py.File(path, "w", libver=LIBVER) as file:
            data = file.create_dataset(
                "data",
                self.values.shape,
                "u2",
                chunks=chunk,
                maxshape=(None, *self.values.shape[1:]),
                fillvalue=7,
            )
            self.header = h5py.h5o.get_info(data.id).addr

    def put(self, numbers: list[int], first: int, *, whole: bool = False) -> int | None:
        """Have chunks, of values that count from a first one, and an index of all there are."""
        size = 2 * math.prod(self.chunk)
        end = os.path.getsize(self.path)
        offsets = end + size * np.arange(len(numbers))
        made: list[NDArray[np.uint16]] = []
        for turn, number in enumerate(numbers):
            coords = np.unravel_index(number, self.counts)
            region = tuple(
                slice(i * step, (i + 1) * step) for i, step in zip(coords, self.chunk, strict=True)
            )
            self.values[region] = (first + turn) % 60000
            made.append(np.ascontiguousarray(self.values[region]))
        sizes = np.full(len(numbers), size)
        self.tree.set(np.array(numbers, np.int64), offsets, sizes, np.zeros(len(numbers), np.int64))
        place = end + size * len(numbers)
        nodes, root = self.tree.write(place, whole=whole)
        with open(self.path, "r+b") as stream:
            stream.seek(end)
            stream.write(b"".join(one.tobytes() for one in made) + nodes)
        self._link(root)
        return root

    def _link(self, root: int | None) -> None:
        descriptor = os.open(self.path, os.O_RDWR)
        try:
            if root is not None:
                lead_to_index(descriptor, self.header, root)
            block = read_superblock(descriptor)
            assert block is not None
            for place, content in block.moved(block.root, os.path.getsize(self.path)):
                os.pwrite(descriptor, content, place)
        finally:
            os.close(descriptor)
