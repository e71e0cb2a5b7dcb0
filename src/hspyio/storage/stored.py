"""Where the bytes of an array stand in its file: what the engine reads past HDF5 by."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5f, h5i, h5t
from numpy.typing import NDArray

from hspyio.filters.pipeline import Pipeline
from hspyio.node import Filter, StorageType, Text

__all__ = ["ChunkIndex", "Stored", "chunk_index", "layout_of", "stored_layout"]

_MOST_CHUNKS = 2**62


@dataclass(frozen=True)
class Stored:
    """An array as it stands in a file. Plain data, which can be pickled.

    Attributes
    ----------
    shape : tuple of int
        Length of each dimension.
    dtype : numpy dtype
        Of the values, byte for byte as they are stored.
    chunks : tuple of int or None
        Chunk shape, ``None`` where the values stand in one block.
    filters : tuple of Filter
        With the options in the file.
    fill : bytes
        The value of what was never written; nothing for zero.
    address : int or None
        Where the one block begins, ``None`` if it was never written.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...] | None
    filters: tuple[Filter, ...]
    fill: bytes
    address: int | None = None

    @cached_property
    def pipeline(self) -> Pipeline:
        """What decodes its chunks."""
        assert self.chunks is not None
        return Pipeline(self.filters, self.dtype, self.chunks)

    @cached_property
    def grid(self) -> tuple[int, ...]:
        """Number of chunks along each dimension."""
        assert self.chunks is not None
        return tuple(-(-n // step) for n, step in zip(self.shape, self.chunks, strict=True))

    def empty(self, shape: tuple[int, ...], *, filled: bool) -> NDArray[Any]:
        """A new array for the values, with the fill value in it where that is asked for."""
        if not filled:
            return np.empty(shape, self.dtype)
        if not any(self.fill):
            return np.zeros(shape, self.dtype)
        return np.full(shape, np.frombuffer(self.fill, self.dtype)[0], self.dtype)


@dataclass(frozen=True, slots=True, eq=False)
class ChunkIndex:
    """The chunks that a file holds of an array, in the order of their place in the grid.

    Attributes
    ----------
    places : ndarray of int64
        Ascending; the chunk's place in the grid, counted in C order.
    offsets, sizes : ndarray of int64
        Where it begins in the file, and its length there.
    masks : ndarray of int64
        A bit for each filter that was left out.
    """

    places: NDArray[np.int64]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    masks: NDArray[np.int64]

    def select(self, rows: NDArray[np.int64]) -> ChunkIndex:
        """Some of the chunks, in the order of their offsets, as a disk likes them."""
        rows = rows[np.argsort(self.offsets[rows], kind="stable")]
        return ChunkIndex(self.places[rows], self.offsets[rows], self.sizes[rows], self.masks[rows])

    def __len__(self) -> int:
        """Number of chunks."""
        return len(self.places)


def stored_layout(
    dataset: h5d.DatasetID, kind: StorageType, filters: tuple[Filter, ...]
) -> Stored | None:
    """Find out how an array is stored; ``None`` where only HDF5 itself can read it.

    Parameters
    ----------
    dataset : h5py DatasetID
        Open.
    kind : numpy dtype, Text or Vlen
        Of the values.
    filters : tuple of Filter
        Of the dataset.
    """
    dtype = np.dtype(f"S{kind.length}") if isinstance(kind, Text) and kind.length else kind
    if not isinstance(dtype, np.dtype) or dtype.hasobject:
        return None
    if dataset.dtype.subdtype is not None or not _same_bytes(dataset):
        return None
    return layout_of(dataset, dtype, filters)


def layout_of(
    dataset: h5d.DatasetID, dtype: np.dtype[Any], filters: tuple[Filter, ...]
) -> Stored | None:
    """The same for bytes that are known to be a dtype's.

    Parameters
    ----------
    dataset : h5py DatasetID
        Open.
    dtype : numpy dtype
        Of what stands in the file.
    filters : tuple of Filter
        Of the dataset.
    """
    if not dataset.shape:
        return None
    creation = dataset.get_create_plist()
    layout = creation.get_layout()
    if layout not in (h5d.CHUNKED, h5d.CONTIGUOUS) or creation.get_external_count() > 0:
        return None
    if _has_user_block(dataset):
        return None
    chunked = layout == h5d.CHUNKED
    stored = Stored(
        tuple(dataset.shape),
        dtype,
        tuple(creation.get_chunk()) if chunked else None,
        filters,
        _fill_value(creation, dataset.dtype),  # which names a text's character set
        None if chunked else dataset.get_offset(),
    )
    if chunked and (not stored.pipeline.decodes or math.prod(stored.grid) > _MOST_CHUNKS):
        return None
    return stored


def _same_bytes(dataset: h5d.DatasetID) -> bool:
    """Whether the values stand in the file as numpy holds them, so that nothing is converted."""
    return bool(dataset.get_type().equal(h5t.py_create(dataset.dtype, logical=True)))


def _has_user_block(dataset: h5d.DatasetID) -> bool:
    """Whether addresses count from somewhere else than the start of the file."""
    file: h5f.FileID = h5i.get_file_id(dataset)
    return bool(file.get_create_plist().get_userblock())


def _fill_value(creation: Any, dtype: np.dtype[Any]) -> bytes:
    if dtype.hasobject:  # rows: nothing is written for an empty one
        return b""
    value = np.zeros((), dtype)
    if creation.fill_value_defined() == h5d.FILL_VALUE_USER_DEFINED:
        creation.get_fill_value(value)
    return value.tobytes()


def chunk_index(dataset: h5d.DatasetID, stored: Stored) -> ChunkIndex:
    """Read the index of a chunked dataset, in one pass.

    Chunks outside the array are left out, so is a second one in the same place.
    """
    assert stored.chunks is not None
    rank = len(stored.shape)
    numbers = array("q")

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        numbers.extend(chunk.chunk_offset)
        numbers.extend((chunk.byte_offset or 0, chunk.size, chunk.filter_mask))

    dataset.chunk_iter(note)
    table = np.frombuffer(numbers, np.int64).reshape(-1, rank + 3)
    corners, facts = table[:, :rank], table[:, rank:]
    grid = corners // np.array(stored.chunks, np.int64)
    valid = np.all((corners >= 0) & (grid < np.array(stored.grid, np.int64)), axis=1)
    strides = np.array([math.prod(stored.grid[i + 1 :]) for i in range(rank)], np.int64)
    places, first = np.unique(grid[valid] @ strides, return_index=True)
    offsets, sizes, masks = facts[valid][first].T
    return ChunkIndex(places, offsets, sizes, masks)
