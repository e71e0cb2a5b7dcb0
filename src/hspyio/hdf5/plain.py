"""Values of a dataset as h5py has them, whatever program wrote the file, within bounds."""

from __future__ import annotations

import math
from typing import Any

import h5py
import numpy as np
from h5py import h5g, h5s

from hspyio.errors import DamagedFileError
from hspyio.hdf5.guard_hdf5 import check_attribute, check_inflation
from hspyio.hdf5.h5types import check_type
from hspyio.hdf5.lenient_heaps import Heaps, attribute_references, check_lengths
from hspyio.hdf5.limits import Budget, check_chunks, repeats
from hspyio.hdf5.via_h5py import filters_of
from hspyio.system.calls import READS_AT_A_PLACE

__all__ = ["check_dataset", "is_endless", "read_attribute", "read_dataset"]


def is_endless(dataset: h5py.Dataset) -> bool:
    """Whether the shape of a dataset is that of others, in other files, which tell it."""
    if not dataset.is_virtual:
        return False
    creation = dataset.id.get_create_plist()
    spaces = [creation.get_virtual_vspace(i) for i in range(creation.get_virtual_count())]
    return any(h5s.UNLIMITED in space.get_simple_extent_dims(1) for space in spaces)


def read_attribute(item: h5py.Group | h5py.Dataset, name: str) -> Any:
    """Value of an attribute.

    Raises
    ------
    DamagedFileError, TypeError
        If it is not safe to read; what h5py raises if it cannot be read.
    """
    attribute = item.attrs.get_id(name)
    check_type(attribute.get_type())
    if attribute.dtype.hasobject:
        _check_texts(item, name)
    check_attribute(attribute, attribute.dtype, item.id)
    return item.attrs[name]


def _check_texts(item: h5py.Group | h5py.Dataset, name: str) -> None:
    """Refuse texts of an attribute that HDF5 would not get to the end of."""
    file = item.file.id
    creation = file.get_create_plist()
    if not READS_AT_A_PLACE or creation.get_sizes() != (8, 8) or creation.get_userblock():
        return  # to seek in HDF5's own descriptor would lead it astray
    low, high = h5g.get_objinfo(item.id, b".").objno
    descriptor = file.get_vfd_handle()
    listed = attribute_references(descriptor, low | high << 32)
    references = listed.get(name.encode("utf-8", "surrogateescape"), [])
    check_lengths(references, file.get_filesize())
    heaps = Heaps()
    heaps.check(heaps.unknown(references), descriptor)


def check_dataset(dataset: h5py.Dataset) -> None:
    """Refuse a dataset with a type or with chunks that would harm who reads it, or a part of it.

    Raises
    ------
    DamagedFileError, TypeError
        If it is one.
    """
    check_type(dataset.id.get_type())
    if dataset.chunks is None:
        return
    itemsize = dataset.dtype.itemsize
    chunk_bytes = math.prod(dataset.chunks) * itemsize
    check_chunks(chunk_bytes, math.prod(dataset.shape) * itemsize)
    check_inflation(dataset.id, filters_of(dataset.id), chunk_bytes)


def read_dataset(dataset: h5py.Dataset, budget: Budget) -> Any:
    """Values of a dataset: an array, or the value of a scalar one.

    Parameters
    ----------
    dataset : h5py.Dataset
        Open; its values stand in its own file.
    budget : Budget
        What memory there is.

    Raises
    ------
    DamagedFileError, TooLargeError, TypeError
        If it is not safe to read; what h5py raises if it cannot be read.
    """
    check_dataset(dataset)
    count = math.prod(dataset.shape or ())
    size = count * dataset.dtype.itemsize
    if dataset.dtype.hasobject:
        budget.take_items(count, size, dataset.id.get_storage_size())
        file_bytes = int(dataset.file.id.get_filesize())
        rows = h5py.check_vlen_dtype(dataset.dtype)
        nested = rows is not None and np.dtype(rows).hasobject
        if nested or repeats(count, file_bytes):
            return _one_by_one(dataset, file_bytes, nested=nested)
    budget.take(size, lazily=dataset.dtype.kind != "O")
    return dataset[()]


def _one_by_one(dataset: h5py.Dataset, file_bytes: int, *, nested: bool) -> Any:
    """Texts or rows that may be the same bytes over and over: until they are more than the file."""
    simple = h5py.check_string_dtype(dataset.dtype) or h5py.check_vlen_dtype(dataset.dtype)
    if nested or simple is None:
        raise DamagedFileError("holds texts in a form in which they are not safe to read")
    values = np.empty(dataset.shape, object)
    total = 0
    for place in np.ndindex(*dataset.shape):
        values[place] = value = dataset[place]
        total += value.nbytes if isinstance(value, np.ndarray) else len(value)
        if total > file_bytes:
            raise DamagedFileError("holds texts or rows that are longer than the file")
    return values
