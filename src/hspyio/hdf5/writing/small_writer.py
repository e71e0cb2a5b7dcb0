"""Small datasets, the lists of metadata trees: thousands of them, so that every call counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from h5py import h5d, h5g, h5p, h5s

from hspyio.hdf5.writing.h5types import WriteType, WriteTypes
from hspyio.nodes.node import Array, MemorySource, Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SmallWriter"]

_COMPACT_LIMIT = 8192
_MOST_SPACES = 1000


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
