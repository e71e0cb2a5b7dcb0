"""Whether there is room on the disk, asked before hours of work rather than after them."""

from __future__ import annotations

import math
import os

import numpy as np

from hspyio.arrays.grid import ChunkGrid
from hspyio.errors import SaveError, byte_text
from hspyio.filters.pipeline import Pipeline, Scratch
from hspyio.hdf5.writing.dataset_writer import stored_filters
from hspyio.nodes.node import Array, Group, IndexedSource, MemorySource, SparseSource, arrays_of
from hspyio.system.calls import free_space

__all__ = ["check_space"]

_SAMPLES = 16
_SURE = 0.8
"""What samples of compressed chunks tell is believed to this part."""


def check_space(path: str, root: Group) -> None:
    """Refuse to write what cannot fit on the disk.

    Arrays that are compressed are judged by samples, and only where they would not fit as they
    are; what a dask array's chunks come to is not known before they are computed.
    """
    folder = os.path.dirname(os.path.realpath(path))
    free = free_space(folder)
    arrays = [array for array in arrays_of(root) if isinstance(array.type, np.dtype)]
    if free is None or sum(map(_plain_bytes, arrays)) <= free:
        return
    needed = sum(map(_stored_bytes, arrays))
    if needed > free:
        raise SaveError(
            f"needs about {byte_text(needed)}, but {byte_text(free)} are free in {folder}; nothing "
            "was written",
            path=path,
        )


def _plain_bytes(array: Array) -> int:
    assert isinstance(array.type, np.dtype)
    if isinstance(
        array.source, (SparseSource, IndexedSource)
    ):  # what was never written takes nothing
        return 0
    return math.prod(array.shape) * array.type.itemsize


def _stored_bytes(array: Array) -> int:
    """A lower bound, as far as it can be told."""
    size = _plain_bytes(array)
    if not array.filters or array.chunks is None:
        return size
    assert isinstance(array.type, np.dtype)
    pipeline = Pipeline(stored_filters(array, array.type), array.type, array.chunks)
    if not (size and isinstance(array.source, MemorySource) and pipeline.encodes):
        return 0
    grid, scratch = ChunkGrid(array.shape, array.chunks), Scratch()
    numbers = np.unique(np.linspace(0, grid.count - 1, _SAMPLES).astype(int))
    plain = stored = 0
    for number in numbers.tolist():
        part = array.source.read(grid.region(number)).astype(pipeline.dtype, copy=False)
        plain += part.nbytes
        stored += len(pipeline.encode(part, scratch)[0])
    return int(_SURE * size * stored / plain)
