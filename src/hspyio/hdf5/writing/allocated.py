"""Where HDF5 has allocated the chunks of a dataset that is being written."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import h5py
import numpy as np
from h5py import h5d, h5f, h5i, h5s, h5t
from h5py._objects import phil

from hspyio.arrays.manifest import ChunkManifest
from hspyio.system.interrupts import called_back

if TYPE_CHECKING:
    from hspyio.arrays.grid import ChunkGrid

__all__ = ["allocated_chunks", "takes_bytes"]


def takes_bytes(dataset: h5d.DatasetID, grid: ChunkGrid) -> bool:
    """Whether values may be put past HDF5 where it says that their chunks are."""
    same = dataset.get_type().equal(h5t.py_create(dataset.dtype, logical=True))
    return bool(same) and not _has_user_block(dataset) and _lists_rightly(dataset, grid)


def allocated_chunks(dataset: h5d.DatasetID, grid: ChunkGrid) -> ChunkManifest:
    """The places of all chunks, in one pass over HDF5's index."""
    numbers = array("q")
    rank = len(grid.shape)

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        numbers.extend((*chunk.chunk_offset, chunk.byte_offset, chunk.size))

    with phil, called_back():  # h5py 3.12 takes its lock for every call but those of raw chunks
        dataset.chunk_iter(note)
    table = np.frombuffer(numbers, np.int64).reshape(-1, rank + 2)
    ids = grid.numbers(table[:, :rank] // np.array(grid.chunk, np.int64))
    order = np.argsort(ids)
    offsets, sizes = table[order, rank], table[order, rank + 1]
    return ChunkManifest(ids[order], offsets, sizes, np.zeros(len(ids), np.int64))


def _lists_rightly(dataset: h5d.DatasetID, grid: ChunkGrid) -> bool:
    """Whether HDF5 names the right corners when it lists the chunks of an array.

    HDF5 2.0 names wrong ones of an array with one unlimited dimension if a limited one that comes
    before it has several chunks (its *extensible array* index; seen).
    """
    limits = dataset.get_space().get_simple_extent_dims(1)
    unlimited = [i for i, most in enumerate(limits) if most == h5s.UNLIMITED]
    if len(unlimited) != 1:
        return True
    before = zip(limits[: unlimited[0]], grid.chunk, strict=False)
    return all(most <= step for most, step in before)


def _has_user_block(dataset: h5d.DatasetID) -> bool:
    """Whether addresses count from somewhere else than the start of the file."""
    file: h5f.FileID = h5i.get_file_id(dataset)
    return bool(file.get_create_plist().get_userblock())
