"""Arrays -> HDF5 datasets."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t, h5z
from numpy.typing import NDArray

from hspyio.errors import FilterError
from hspyio.filters import codec_of, fletcher32, gzip, scaleoffset, shuffle, szip
from hspyio.node import Array, Filter, GraphSource, Group, Text, arrays_of
from hspyio.storage.datasets import filter_available
from hspyio.storage.types import to_h5py

__all__ = ["check_filters", "write_array"]

_COMPACT_LIMIT = 8192
_ENCODES = 1


def check_filters(root: Group) -> None:
    """Check that HDF5 can apply every planned filter; called before a file is touched.

    Raises
    ------
    FilterError
        If one is missing.
    """
    steps = {step for array in arrays_of(root) for step in array.filters}
    for step in sorted(steps, key=lambda step: step.id):
        available = filter_available(step.id)
        if available and step.id == szip.CODEC.id:
            available = bool(h5z.get_filter_info(step.id) & _ENCODES)
        if not available:
            package = codec_of(step.id).package or "its HDF5 plugin"
            raise FilterError(
                f"compression {step.name} is not available here; install {package}, or use "
                "compression='gzip', which every program reads"
            )


def write_array(target: h5py.Group, name: str, array: Array) -> None:
    """Write one array; planned."""
    dtype = to_h5py(array.type)
    space = h5s.create_simple(array.shape, _limits(array.maxshape))
    kind = h5t.py_create(dtype, logical=True)
    dataset = h5d.create(target.id, name.encode(), kind, space, _creation(array, dtype))
    if not np.prod(array.shape):
        return
    if isinstance(array.source, GraphSource):
        array.source.store(h5py.Dataset(dataset))
        return
    values = _in_memory(array, dtype)
    dataset.write(h5s.ALL, h5s.ALL, values, h5t.py_create(dtype))


def _limits(maxshape: tuple[int | None, ...] | None) -> tuple[int, ...] | None:
    if maxshape is None:
        return None
    return tuple(h5s.UNLIMITED if limit is None else limit for limit in maxshape)


def _in_memory(array: Array, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Values in C order, in the dtype that tells h5py how to convert them."""
    values = array.source.read()
    if isinstance(array.type, np.dtype):
        return np.ascontiguousarray(values)
    result = np.empty(values.shape, dtype)
    if isinstance(array.type, Text):
        result[...] = values
        return result
    inner = to_h5py(array.type.base)
    flat = result.reshape(-1)
    for index, row in enumerate(values.reshape(-1)):
        flat[index] = np.asarray(row).astype(inner)
    return result


def _creation(array: Array, dtype: np.dtype[Any]) -> Any:
    creation = h5p.create(h5p.DATASET_CREATE)
    if array.chunks is None:
        size = dtype.itemsize * int(np.prod(array.shape))
        creation.set_layout(h5d.COMPACT if size <= _COMPACT_LIMIT else h5d.CONTIGUOUS)
        return creation
    creation.set_chunk(array.chunks)
    for step in array.filters:
        _set_filter(creation, step, dtype)
    return creation


def _set_filter(creation: Any, step: Filter, dtype: np.dtype[Any]) -> None:
    if step.id == shuffle.CODEC.id:
        creation.set_shuffle()
    elif step.id == gzip.CODEC.id:
        creation.set_deflate(*step.options)
    elif step.id == fletcher32.CODEC.id:
        creation.set_fletcher32()
    elif step.id == szip.CODEC.id:
        creation.set_szip(*step.options)
    elif step.id == scaleoffset.CODEC.id:
        kind = h5z.SO_FLOAT_DSCALE if dtype.kind == "f" else h5z.SO_INT
        creation.set_scaleoffset(kind, *step.options)
    else:
        creation.set_filter(step.id, h5z.FLAG_OPTIONAL, step.options)
