"""How much of a file nothing leads to: what updates have left behind."""

from __future__ import annotations

import struct
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5l, h5o, h5t

from hspyio import names
from hspyio.arrays.workers import Workers
from hspyio.errors import UNREADABLE, DamagedFileError
from hspyio.hdf5.format.superblock import LENGTH
from hspyio.hdf5.guard_hdf5 import check_attribute
from hspyio.hdf5.snapshot import DescriptorFile
from hspyio.hdf5.used import SLACK
from hspyio.hdf5.via_h5py import filters_of
from hspyio.system.calls import file_size, open_for_reading, read_into
from hspyio.system.interrupts import called_back

__all__ = ["count_unused"]

_HEAP_HEAD = struct.Struct("<4sI Q")
_ROW_HEAD = 16


def count_unused(path: str) -> int:
    """Bytes of a file that no object takes, to within a few kilobytes.

    Parameters
    ----------
    path : str
        The file.

    Raises
    ------
    DamagedFileError
        If not all of it can be read.
    """
    descriptor = open_for_reading(path)
    try:
        with DescriptorFile(descriptor) as raw, h5py.File(raw, "r") as file:
            size = file_size(descriptor)
            count = _Count(descriptor)
            count.visit(file)
            if size - count.objects <= SLACK:
                return 0
            count.visit_rows(file)
    except UNREADABLE as error:
        raise DamagedFileError(f"not all of it can be read: {error}", path=path) from None
    left = size - count.objects - count.rows
    return left if left > SLACK else 0


class _Count:
    """Bytes that the objects of a file take."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._heaps: set[int] = set()
        self.objects = LENGTH
        self.rows = 0

    def visit(self, file: h5py.File) -> None:
        """Count headers, indices and arrays."""
        groups = {b""}

        def note(name: bytes, info: Any) -> None:
            if name.count(b"/") > names.MAX_DEPTH:
                raise ValueError("groups are nested too deep")
            self._add(info)
            # a name with a slash in it would lead through another link, to another file perhaps
            kind = file.id.links.get_info(name).type if name != b"." else h5l.TYPE_HARD
            if name.rpartition(b"/")[0] not in groups or kind != h5l.TYPE_HARD:
                raise ValueError("a member has a name that is none")
            if info.type == h5o.TYPE_GROUP:
                groups.add(name)
            if info.type == h5o.TYPE_DATASET:
                dataset = h5o.open(file.id, name)
                if dataset.get_create_plist().get_layout() != h5d.COMPACT:
                    self.objects += dataset.get_storage_size()

        self._add(h5o.get_info(file.id))
        with called_back():
            h5o.visit(file.id, note, info=True)

    def _add(self, info: Any) -> None:
        index = info.meta_size
        self.objects += info.hdr.space.total + sum(
            part.index_size + part.heap_size for part in (index.obj, index.attr)
        )

    def visit_rows(self, file: h5py.File) -> None:
        """Count what is of variable length, which stands elsewhere."""

        def note(name: bytes, info: Any) -> None:
            holder = h5o.open(file.id, name)
            if info.num_attrs:
                self._attributes(holder)
            if info.type == h5o.TYPE_DATASET and _is_variable(holder.get_type()):
                self._dataset(holder)

        self._attributes(file.id)
        with called_back():
            h5o.visit(file.id, note, info=True)

    def _attributes(self, holder: Any) -> None:
        found: list[bytes] = []
        h5a.iterate(holder, found.append)
        for name in found:
            self._attribute(holder, name)

    def _attribute(self, holder: Any, name: bytes) -> None:
        attribute = h5a.open(holder, name)
        if not _is_variable(attribute.get_type()):
            return
        check_attribute(attribute, attribute.dtype, holder)
        values = np.empty(attribute.shape, attribute.dtype)
        attribute.read(values)
        for value in values.reshape(-1).tolist():
            length = len(value) if isinstance(value, bytes) else np.asarray(value).nbytes
            self.rows += _ROW_HEAD + length + -length % 8

    def _dataset(self, dataset: h5d.DatasetID) -> None:
        from hspyio.arrays.reading import read_block, read_chunks
        from hspyio.hdf5.ragged import REFERENCE
        from hspyio.hdf5.stored_layout import chunk_index, layout_of

        stored = layout_of(dataset, REFERENCE, filters_of(dataset))
        if stored is None:
            return
        if stored.chunks is None:
            references = read_block(stored, self._descriptor, (), Workers())
        else:
            index = chunk_index(dataset, stored)
            if index is None:
                return
            references = read_chunks(stored, index, self._descriptor, (), Workers())
        for address in np.unique(references["address"]).tolist():
            self._heap(int(address))

    def _heap(self, address: int) -> None:
        if address in self._heaps or not 0 < address <= file_size(self._descriptor) - 16:
            return
        self._heaps.add(address)
        head = bytearray(_HEAP_HEAD.size)
        read_into(self._descriptor, [memoryview(head)], address)
        self.rows += int(_HEAP_HEAD.unpack(head)[2])


def _is_variable(kind: Any) -> bool:
    if isinstance(kind, h5t.TypeStringID):
        return bool(kind.is_variable_str())
    return isinstance(kind, h5t.TypeVlenID)
