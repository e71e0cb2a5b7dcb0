"""Where the bytes of an array stand in its file, as HDF5 tells it."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from h5py import h5d, h5f, h5i, h5s, h5t
from h5py._objects import phil

from hspyio.arrays.manifest import ChunkManifest, StoredArray
from hspyio.filters.pipeline import Scratch
from hspyio.nodes.node import Filter, StorageType, Text
from hspyio.system.interrupts import called_back

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["chunk_index", "layout_of", "lists_rightly", "stored_layout"]

_MOST_CHUNKS = 2**62
_MOST_OFFSET = 2**62


def stored_layout(
    dataset: h5d.DatasetID, kind: StorageType, filters: tuple[Filter, ...]
) -> StoredArray | None:
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
) -> StoredArray | None:
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
    stored = StoredArray(
        tuple(dataset.shape),
        dtype,
        tuple(creation.get_chunk()) if chunked else None,
        filters,
        _fill_value(creation, dataset.dtype),  # which names a text's character set
        None if chunked else dataset.get_offset(),
    )
    if chunked and not (stored.pipeline.decodes and _has_sound_index(dataset, stored)):
        return None
    return stored


def _has_sound_index(dataset: h5d.DatasetID, stored: StoredArray) -> bool:
    """Whether HDF5 tells rightly where chunks are, and there are not too many places for them."""
    assert stored.chunks is not None
    return lists_rightly(dataset, stored.chunks) and stored.grid.count <= _MOST_CHUNKS


def lists_rightly(dataset: h5d.DatasetID, chunks: Sequence[int]) -> bool:
    """Whether HDF5 names the right corners when it lists the chunks of an array.

    HDF5 2.0 names wrong ones of an array with one unlimited dimension if a limited one that comes
    before it has several chunks (its *extensible array* index; seen), and finds them there when
    it is asked for their sizes. What it reads at a corner is right.

    Parameters
    ----------
    dataset : h5py DatasetID
        Open.
    chunks : sequence of int
        Its chunk shape.
    """
    limits = dataset.get_space().get_simple_extent_dims(1)
    unlimited = [i for i, most in enumerate(limits) if most == h5s.UNLIMITED]
    if len(unlimited) != 1:
        return True
    before = zip(limits[: unlimited[0]], chunks, strict=False)
    return all(most <= step for most, step in before)


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


def chunk_index(dataset: h5d.DatasetID, stored: StoredArray) -> ChunkManifest | None:
    """Read the index of a chunked dataset, in one pass.

    Chunks outside the array are left out, so is a second one in the same place. ``None`` where
    chunks at the array's edge are stored without the filters, which only HDF5 knows.
    """
    assert stored.chunks is not None
    rank = len(stored.shape)
    numbers = array("q")

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        numbers.extend(chunk.chunk_offset)
        # An offset beyond any file is one that no chunk has.
        offset = min(chunk.byte_offset or 0, _MOST_OFFSET)
        numbers.extend((offset, chunk.size, chunk.filter_mask))

    with phil, called_back():  # h5py 3.12 takes its lock for every call but those of raw chunks
        dataset.chunk_iter(note)
    table = np.frombuffer(numbers, np.int64).reshape(-1, rank + 3)
    corners, facts = table[:, :rank], table[:, rank:]
    grid = corners // np.array(stored.chunks, np.int64)
    valid = np.all((corners >= 0) & (grid < np.array(stored.grid.counts, np.int64)), axis=1)
    places, first = np.unique(stored.grid.numbers(grid[valid]), return_index=True)
    offsets, sizes, masks = facts[valid][first].T
    index = ChunkManifest(places, offsets, sizes, masks)
    return index if _has_filtered_edges(dataset, stored, index) else None


def _has_filtered_edges(dataset: h5d.DatasetID, stored: StoredArray, index: ChunkManifest) -> bool:
    """Whether chunks at the edge went through the filters, as all others have.

    HDF5 can leave that out for them (``H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS``) and tells nobody.
    One that has all its bytes is decoded, and compared with what HDF5 makes of it, as soon as
    there is a difference between its bytes and its values.
    """
    for row in _unshrunk_edges(stored, index):
        assert stored.chunks is not None
        corner = stored.grid.corner(int(index.ids[row]))
        region = stored.grid.region(int(index.ids[row]))
        shape = [part.stop - part.start for part in region]
        inside = tuple(map(slice, shape))
        values = np.empty(shape, stored.dtype)
        try:
            with phil:
                mask, content = dataset.read_direct_chunk(corner)
            stored.pipeline.decode(content, mask, values, inside, Scratch())
        except (OSError, RuntimeError, ValueError):
            return False
        plain = np.frombuffer(content, stored.dtype).reshape(stored.chunks)[inside]
        if plain.tobytes() != values.tobytes():
            return np.asarray(h5py.Dataset(dataset)[region]).tobytes() == values.tobytes()
    return True


def _unshrunk_edges(stored: StoredArray, index: ChunkManifest) -> NDArray[np.intp]:
    """Chunks that reach beyond the array, and are as long as if no filter had shrunk them."""
    if not stored.filters:
        return np.empty(0, np.intp)
    edge = np.zeros(len(index), bool)
    grid = stored.grid
    axes = zip(grid.coords(index.ids).T, grid.shape, grid.chunk, grid.counts, strict=True)
    for coords, n, step, count in axes:
        if n % step:
            edge |= coords == count - 1
    whole = (index.sizes == stored.pipeline.size) & (index.masks == 0)
    return np.flatnonzero(edge & whole)
