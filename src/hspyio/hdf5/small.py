"""Small datasets, the lists of metadata trees: thousands of them, so that every call counts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from h5py import h5d, h5g, h5p, h5s

from hspyio.errors import UNREADABLE, HspyError
from hspyio.filters import fletcher32, gzip, shuffle
from hspyio.hdf5.h5types import ReadTypes, WriteType, WriteTypes, blank, plain_values
from hspyio.nodes.node import Array, MemorySource, Text, Vlen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hspyio.hdf5.via_h5py import Session

__all__ = ["SmallWriter", "read_small"]

_READ_LIMIT = 65536
_UNCOUNTED = 1024
"""Bytes that cost no more than the link to them."""
_COMPACT_LIMIT = 8192
_MOST_SPACES = 1000
_BUILT_IN = (gzip.CODEC.id, shuffle.CODEC.id, fletcher32.CODEC.id)


def read_small(dataset: h5d.DatasetID, types: ReadTypes, session: Session) -> Array | None:
    """Node of a small dataset with its values, so that it need not stay open.

    Parameters
    ----------
    dataset : h5py.h5d.DatasetID
        What is read.
    types : ReadTypes
        Those of the file.
    session : Session
        Counts what is read.

    Returns
    -------
    Array or None
        ``None`` for what is not small, stands in other files or cannot be read; `dataset_node`
        says why.

    Raises
    ------
    DamagedFileError
        If it is one too many.
    """
    try:
        creation = dataset.get_create_plist()
        if not _is_plain(creation):
            return None
        space = dataset.get_space()
        if space.get_simple_extent_type() == h5s.NULL:
            return None
        stored, shape = types.of(dataset.get_type()), space.get_simple_extent_dims()
        if isinstance(stored.kind, Vlen) or stored.dtype.subdtype is not None:
            return None
        size = math.prod(shape) * stored.dtype.itemsize
        if size > _READ_LIMIT or (stored.dtype.hasobject and session.repeats(math.prod(shape))):
            return None
        if creation.get_nfilters() and dataset.get_storage_size() > _READ_LIMIT:
            return None  # what it inflates to is to be watched
        if size > _UNCOUNTED:
            session.check_items(dataset)
            session.census.enter(dataset, followed=False)
        if stored.dtype.hasobject:
            session.check_texts(dataset, math.prod(shape))
        values = blank(shape, stored.dtype)
        dataset.read(h5s.ALL, h5s.ALL, values, stored.memory)
    except HspyError:
        raise
    except UNREADABLE:
        return None
    return Array(stored.kind, MemorySource(plain_values(values, stored.kind)), inline=True)


def _is_plain(creation: h5p.PropDCID) -> bool:
    """Whether the values stand in this file, with no filter but what HDF5 always has."""
    if creation.get_layout() == h5d.VIRTUAL or creation.get_external_count():
        return False
    filters = (creation.get_filter(index)[0] for index in range(creation.get_nfilters()))
    return all(number in _BUILT_IN for number in filters)


class SmallWriter:
    """Writes small arrays; what they share is made once.

    Parameters
    ----------
    types : WriteTypes
        Those of the call.
    """

    def __init__(self, types: WriteTypes) -> None:
        self._types = types
        self._compact = _creation(h5d.COMPACT)
        self._contiguous = _creation(h5d.CONTIGUOUS)
        self._spaces: dict[tuple[int, ...], h5s.SpaceID] = {}

    def write(self, target: h5g.GroupID, name: bytes, array: Array) -> bool:
        """Write one array; planned.

        Parameters
        ----------
        target : h5py.h5g.GroupID
            Where to.
        name : bytes
            Of the dataset.
        array : Array
            What.

        Returns
        -------
        bool
            Whether it was written; other arrays than small ones in memory are for `write_array`.
        """
        source = array.source
        if array.chunks is not None or array.maxshape is not None:
            return False
        if not isinstance(source, MemorySource) or not isinstance(array.type, (np.dtype, Text)):
            return False
        kind = self._types.of(array.type)
        values = source.array
        size = kind.dtype.itemsize * values.size
        creation = self._compact if size <= _COMPACT_LIMIT else self._contiguous
        dataset = h5d.create(target, name, kind.file, self._space(values.shape), creation)
        if size:
            dataset.write(h5s.ALL, h5s.ALL, _in_memory(values, array.type, kind), kind.memory)
        return True

    def _space(self, shape: tuple[int, ...]) -> h5s.SpaceID:
        space = self._spaces.get(shape)
        if space is None:
            space = h5s.create_simple(shape)
            if len(self._spaces) < _MOST_SPACES:
                self._spaces[shape] = space
        return space


def _creation(layout: int) -> h5p.PropDCID:
    creation = h5p.create(h5p.DATASET_CREATE)
    creation.set_layout(layout)
    return creation


def _in_memory(values: NDArray[Any], stored: np.dtype[Any] | Text, kind: WriteType) -> NDArray[Any]:
    """Values in C order; strings as h5py takes them."""
    if isinstance(stored, Text) and stored.length is not None:
        result = np.empty(values.shape, kind.dtype)
        result[...] = values
        return result
    return np.ascontiguousarray(values)
