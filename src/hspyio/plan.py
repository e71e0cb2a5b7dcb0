"""Node + WriteOptions -> Node with chunk shapes and filters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hspyio.chunks import dask_chunks, guess_chunks, signal_chunks, user_chunks
from hspyio.errors import OptionError
from hspyio.filters import chosen, fletcher32, gzip, scaleoffset, shuffle, szip
from hspyio.node import (
    Array,
    Damaged,
    Filter,
    GraphSource,
    Group,
    Kept,
    StorageType,
    Text,
    arrays_of,
)
from hspyio.options import WriteOptions

__all__ = ["plan"]

_INLINE_LIMIT = 65536
_POINTER = 8
"""What the chunk rule takes for an item that points elsewhere (format, section 2.2)."""


def plan(root: Group, options: WriteOptions) -> Group:
    """Decide how every array of a tree is stored.

    Parameters
    ----------
    root : Group
        What will be written.
    options : WriteOptions
        How.

    Returns
    -------
    Group
        The same with chunk shapes and filters.

    Raises
    ------
    OptionError
        If the options make no sense; nothing has been written.
    """
    ranks = {len(array.shape) for array in arrays_of(root) if array.signal_dims is not None}
    if isinstance(options.chunks, tuple) and ranks and len(options.chunks) not in ranks:
        raise OptionError(
            f"chunks {options.chunks} has {len(options.chunks)} lengths, the data have "
            f"{' or '.join(map(str, sorted(ranks)))} dimensions"
        )
    return _planned_group(root, options, chosen(options.compression, options.compression_opts))


def _planned_group(group: Group, options: WriteOptions, compressor: Filter | None) -> Group:
    members: dict[str, Group | Array | Damaged | Kept] = {}
    for name, node in group.members.items():
        if isinstance(node, Group):
            members[name] = _planned_group(node, options, compressor)
        elif isinstance(node, Array):
            members[name] = _planned_array(node, options, compressor)
        else:
            members[name] = node
    return Group(group.attributes, members, group.ordered)


def _planned_array(array: Array, options: WriteOptions, compressor: Filter | None) -> Array:
    if array.inline and _item_size(array.type) * int(np.prod(array.shape)) <= _INLINE_LIMIT:
        return array
    chunks = _chunks(array, options)
    return replace(array, chunks=chunks, filters=_filters(array, chunks, options, compressor))


def _item_size(kind: StorageType) -> int:
    if isinstance(kind, np.dtype):
        return kind.itemsize
    return kind.length if isinstance(kind, Text) and kind.length is not None else _POINTER


def _chunks(array: Array, options: WriteOptions) -> tuple[int, ...]:
    size = _item_size(array.type)
    if isinstance(options.chunks, tuple):
        given = user_chunks(options.chunks, array.shape, size)
        if given is not None:
            return given
    if options.chunks is True or array.signal_dims is None:
        return guess_chunks(array.shape, size)
    if isinstance(array.source, GraphSource):
        return dask_chunks(array.source.graph.chunks, size, array.signal_dims)
    return signal_chunks(array.shape, size, array.signal_dims)


def _filters(
    array: Array, chunks: tuple[int, ...], options: WriteOptions, compressor: Filter | None
) -> tuple[Filter, ...]:
    """Filters in the order in which h5py sets them; each only where HDF5 can apply it."""
    steps: list[Filter] = []
    digits = options.scaleoffset
    number = isinstance(array.type, np.dtype) and array.type.kind in "iuf"
    if digits is not None and digits is not False and number:
        steps.append(_scaleoffset(array.type, digits))
    if options.shuffle:
        steps.append(Filter(shuffle.CODEC.id, (), shuffle.CODEC.name))
    if compressor is not None:
        steps.append(_fitting_compressor(array.type, chunks, compressor))
    if options.fletcher32 and isinstance(array.type, np.dtype):
        steps.append(Filter(fletcher32.CODEC.id, (), fletcher32.CODEC.name))
    return tuple(steps)


def _scaleoffset(dtype: StorageType, value: int | bool) -> Filter:
    if isinstance(dtype, np.dtype) and dtype.kind == "f" and value is True:
        raise OptionError("scaleoffset with floats takes the number of decimal digits to keep")
    digits = 0 if value is True else int(value)
    return Filter(scaleoffset.CODEC.id, (digits,), scaleoffset.CODEC.name)


def _fitting_compressor(kind: StorageType, chunks: tuple[int, ...], compressor: Filter) -> Filter:
    """The chosen filter, or gzip where szip cannot be: odd types, chunks below one block."""
    if compressor.id != szip.CODEC.id:
        return compressor
    plain = isinstance(kind, np.dtype) and kind.kind in "iuf" and kind.itemsize in (1, 2, 4, 8)
    if plain and int(np.prod(chunks)) >= compressor.options[1]:
        return compressor
    return Filter(gzip.CODEC.id, (gzip.DEFAULT_LEVEL,), gzip.CODEC.name)
