"""Nodes -> HDF5 file."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import h5py
import numpy as np
from h5py import h5, h5a, h5d, h5g, h5p, h5s

from hspyio.hdf5.writing.dataset_writer import NewArray, create_array, expected_bytes
from hspyio.hdf5.writing.h5types import WriteType, WriteTypes, stored_name
from hspyio.hdf5.writing.output import Output
from hspyio.nodes.node import Array, Attribute, Group, Kept, MemorySource, Text, arrays_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Keep", "create_tree", "size_of"]

Keep: TypeAlias = Callable[[h5g.GroupID, bytes, bytes], None]
"""Puts into a group, under a name, what stands in the old file at a path."""

_COMPACT_LIMIT = 8192
_MOST_SPACES = 1000
_MOST_TOGETHER, _LEAST_APART = 16, 6
"""Attributes that stand in the header of their group, which is quicker to read: those of an axis
and more, while HDF5 takes eight."""


def create_tree(
    target: h5py.Group, group: Group, output: Output, keep: Keep | None = None
) -> list[NewArray]:
    """Write a group into one that exists, all but the values of large arrays, which come last.

    `Kept` attributes are left out: what they are copied from only the caller knows.
    """
    output.workers.progress.expect(sum(map(expected_bytes, arrays_of(group))))
    writer = _Writer(keep)
    writer.fill(target.id, group)
    return writer.large


def size_of(made: NewArray) -> int:
    """Bytes of the values."""
    return math.prod(made.array.shape) * int(made.dataset.dtype.itemsize)


class _Writer:
    """One call of `create_tree`; what its thousands of small objects share is made once.

    Attributes
    ----------
    large : list of NewArray
        Arrays whose values are yet to be written.
    """

    def __init__(self, keep: Keep | None) -> None:
        self.large: list[NewArray] = []
        self._keep = keep
        self._types = WriteTypes()
        self._small = _SmallWriter(self._types)
        self._scalar = h5s.create(h5s.SCALAR)
        self._text: NDArray[Any] = np.empty((), object)
        self._plain_group = h5p.create(h5p.GROUP_CREATE)
        self._plain_group.set_obj_track_times(False)
        self._plain_group.set_attr_phase_change(_MOST_TOGETHER, _LEAST_APART)

    def fill(self, target: h5g.GroupID, group: Group) -> None:
        """Write into a group that exists."""
        for name, attribute in group.attributes.items():
            if isinstance(attribute, Attribute):
                self._attribute(target, stored_name(name), attribute)
        for name, node in group.members.items():
            if isinstance(node, Group):
                self.fill(self._group(target, name, ordered=node.ordered), node)
            elif isinstance(node, Array):
                if not self._small.write(target, stored_name(name), node):
                    self.large.append(create_array(target, name, node))
                if node.attributes:
                    self._describe(h5d.open(target, stored_name(name)), node)
            elif isinstance(node, Kept) and self._keep is not None:
                self._keep(target, stored_name(name), stored_name(node.where))

    def _describe(self, dataset: h5d.DatasetID, array: Array) -> None:
        for name, attribute in array.attributes.items():
            assert isinstance(attribute, Attribute)
            self._attribute(dataset, stored_name(name), attribute)

    def _attribute(
        self, target: h5g.GroupID | h5d.DatasetID, name: bytes, attribute: Attribute
    ) -> None:
        kind = self._types.of(attribute.type)
        value = attribute.value
        values: NDArray[Any]
        if isinstance(value, bytes) and kind.dtype.hasobject:
            values = self._text
            values[()] = value
        elif isinstance(attribute.type, Text):
            values = np.empty(np.shape(value), kind.dtype)
            values[...] = value
        else:
            values = np.asarray(value)
        space = h5s.create_simple(values.shape) if values.shape else self._scalar
        handle = h5a.create(target, name, kind.file, space)
        if not values.shape:
            handle.write(values, mtype=kind.memory)
        elif values.size:
            handle.write(np.ascontiguousarray(values), mtype=kind.memory)

    def _group(self, target: h5g.GroupID, name: str, *, ordered: bool) -> h5g.GroupID:
        """A group as h5py makes it, without asking each time what never changes."""
        if ordered or not name.isascii() or h5.get_config().track_order:
            return h5py.Group(target).create_group(_for_h5py(name), track_order=ordered or None).id
        return h5g.create(target, stored_name(name), gcpl=self._plain_group)


def _for_h5py(name: str) -> str | bytes:
    """A name that is no text is bytes to h5py."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return stored_name(name)
    return name


class _SmallWriter:
    """Writes small arrays, the lists of metadata trees: thousands, so that every call counts.

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
