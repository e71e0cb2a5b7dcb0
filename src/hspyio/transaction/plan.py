"""Node + WriteOptions -> Node with chunk shapes and filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hspyio.arrays.chunk_shapes import dask_chunks, guess_chunks, signal_chunks, user_chunks
from hspyio.errors import OptionError
from hspyio.filters import chosen, codec_of, fletcher32, gzip, lzf, scaleoffset, shuffle, szip
from hspyio.nodes.node import (
    Array,
    Filter,
    GraphSource,
    Group,
    IndexedSource,
    SparseSource,
    StorageType,
    Text,
    Vlen,
    arrays_of,
    with_arrays,
)
from hspyio.options import WriteOptions

__all__ = ["plan"]

_INLINE_LIMIT = 65536
_INLINE_COMPUTED = 4 * 2**20
"""Bytes of what is computed while the large data are written, and has its place before them."""
_POINTER = 8
"""What the chunk rule takes for an item that points elsewhere (format, section 2.2)."""


def plan(root: Group, options: WriteOptions) -> Group:
    """Decide how every array of a tree is stored."""
    data = [array for array in arrays_of(root) if array.signal_dims is not None]
    for name in ("chunks", "maxshape"):
        _check_rank(name, getattr(options, name), data)
    compressor = chosen(options.compression, options.compression_opts)
    return with_arrays(root, lambda array: _planned(array, options, compressor))


def _check_rank(name: str, given: object, data: Sequence[Array]) -> None:
    """A shape has to be one for the data of some signal; others take the default."""
    ranks = {len(array.shape) for array in data}
    if isinstance(given, tuple) and ranks and len(given) not in ranks:
        raise OptionError(
            f"{name} {given} has {len(given)} lengths, the data have "
            f"{' or '.join(map(str, sorted(ranks)))} dimensions"
        )


def _planned(array: Array, options: WriteOptions, compressor: Filter | None) -> Array:
    if isinstance(array.source, IndexedSource):
        return array
    limit = _INLINE_COMPUTED if isinstance(array.source, GraphSource) else _INLINE_LIMIT
    if array.inline and _item_size(array.type) * int(np.prod(array.shape)) <= limit:
        return array
    chunks = _chunks(array, options)
    filters = _filters(array, chunks, options, compressor)
    return replace(array, chunks=chunks, filters=filters, maxshape=_maxshape(array, options))


def _maxshape(array: Array, options: WriteOptions) -> tuple[int | None, ...] | None:
    limits = options.maxshape
    if limits is None or array.signal_dims is None or len(limits) != len(array.shape):
        return None
    if any(most is not None and most < n for most, n in zip(limits, array.shape, strict=True)):
        raise OptionError(f"maxshape {limits} is below the shape of the data, {array.shape}")
    return limits


def _item_size(kind: StorageType) -> int:
    if isinstance(kind, np.dtype):
        return kind.itemsize
    return kind.length if isinstance(kind, Text) and kind.length is not None else _POINTER


def _chunks(array: Array, options: WriteOptions) -> tuple[int, ...]:
    size = _item_size(array.type)
    if isinstance(array.source, SparseSource) and array.source.chunks is not None:
        return array.source.chunks
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
    fitting = None if compressor is None else _fitting(array, chunks, compressor)
    steps = [_scaleoffset(array, options.scaleoffset)]
    # Without a compressor, shuffled bytes are of no use to anybody.
    compresses = any(step is not None for step in (steps[0], fitting))
    if options.shuffle and compresses and not (fitting and codec_of(fitting.id).rounds):
        steps.append(Filter(shuffle.CODEC.id, (), shuffle.CODEC.name))
    steps.append(fitting)
    if options.fletcher32 and isinstance(array.type, np.dtype):
        steps.append(Filter(fletcher32.CODEC.id, (), fletcher32.CODEC.name))
    return tuple(step for step in steps if step is not None)


def _scaleoffset(array: Array, wanted: int | bool | None) -> Filter | None:
    """Integers without loss; floats, which it rounds, only where they are a signal's data."""
    if wanted is None or wanted is False or not isinstance(array.type, np.dtype):
        return None
    if array.type.kind in "iu":
        return Filter(scaleoffset.CODEC.id, (0,), scaleoffset.CODEC.name)
    if array.type.kind != "f" or array.signal_dims is None:
        return None
    if wanted is True:
        raise OptionError("scaleoffset with floats takes the number of decimal digits to keep")
    return Filter(scaleoffset.CODEC.id, (int(wanted),), scaleoffset.CODEC.name)


def _fitting(array: Array, chunks: tuple[int, ...], compressor: Filter) -> Filter | None:
    """The chosen filter, or gzip where that one cannot be.

    Variable-length rows are pointers, which plug-ins crash on; szip takes plain numbers, and no
    chunk below one block; what rounds is for a signal's data alone.
    """
    kind = array.type
    if compressor.id in (gzip.CODEC.id, lzf.CODEC.id):
        return compressor
    plain = isinstance(kind, np.dtype) and kind.kind in "iuf" and kind.itemsize in (1, 2, 4, 8)
    if compressor.id == szip.CODEC.id:
        fits = plain and int(np.prod(chunks)) >= compressor.options[1]
    elif codec_of(compressor.id).rounds:
        fits = plain and array.signal_dims is not None
    else:
        fits = not isinstance(kind, Vlen) and kind != Text(None) and kind != Text(None, utf8=False)
    return compressor if fits else chosen("gzip", None)
