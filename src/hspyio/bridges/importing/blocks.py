"""Lazy data of a reader -> blocks of whole patterns, each read in one go and in little memory.

A reader cuts its data as dask likes it, often through every pattern. The chunks of the file are to
hold whole ones, so the same data are cut anew: by the reader, where it takes ``chunks``, else here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from importlib import import_module
from inspect import signature
from typing import Any

import numpy as np

from hspyio.arrays.chunk_shapes import signal_chunks
from hspyio.model.signal import Signal

__all__ = ["block_shape", "in_blocks", "is_cut", "takes_chunks"]

_BLOCK = 24 * 2**20
"""Bytes that a block has about: more than what is stored as one chunk, so that it is divided."""
_LARGEST = 192 * 2**20
"""Bytes of a block that is made larger by the chunks of the source."""
_AT_ONCE = 16 * 2**20
"""Bytes of data that are read whole."""
_FOUND_BY = "original-array-"
"""What dask calls an array that it has been given."""


def block_shape(
    shape: Sequence[int],
    itemsize: int,
    signal_dims: Sequence[int],
    unit: Sequence[int] | None = None,
) -> tuple[int, ...]:
    """Whole patterns in a block, and whole chunks of the file that is written.

    Parameters
    ----------
    shape : sequence of int
        Of the data.
    itemsize : int
        Bytes of a value.
    signal_dims : sequence of int
        The dimensions of a pattern.
    unit : sequence of int, optional
        The chunk shape that is asked for; else the default.
    """
    chunk = list(unit or signal_chunks(shape, itemsize, signal_dims))
    block = [min(n, step) for n, step in zip(shape, chunk, strict=True)]
    # The last dimension first: what lies side by side in the source.
    for axis in reversed(range(len(shape))):
        room = _BLOCK // max(1, itemsize * math.prod(block))
        if room < 2:
            break
        count = min(room, -(-shape[axis] // block[axis]))
        block[axis] = min(shape[axis], block[axis] * count)
    return tuple(block)


def in_blocks(signal: Signal, unit: tuple[int, ...] | None = None) -> Any:
    """The data of a signal, lazy ones cut as they are best read and written.

    Small ones are read. What is more than a plain array of a file stays as the reader cut it.
    """
    data: Any = signal.data
    if not hasattr(data, "dask") or data.dtype.hasobject or any(map(math.isnan, data.shape)):
        return data
    if data.nbytes <= _AT_ONCE:
        return np.asarray(data.compute())
    source = _source(data)
    if source is None:
        return data
    block = block_shape(data.shape, data.dtype.itemsize, _signal_dims(signal), _unit(data, unit))
    stored = getattr(source, "chunks", None)
    if stored is not None:
        block = _whole_chunks(block, stored, data.shape)
        if math.prod(block) * data.dtype.itemsize > _LARGEST:
            return data
    da: Any = import_module("dask.array")
    lock = not isinstance(source, np.ndarray)  # h5py has one of its own, others may need it
    return da.from_array(source, chunks=block, name=False, inline_array=True, lock=lock)


def _unit(data: Any, unit: tuple[int, ...] | None) -> tuple[int, ...] | None:
    return unit if unit is not None and len(unit) == data.ndim else None


def _whole_chunks(
    block: Sequence[int], stored: Sequence[int], shape: Sequence[int]
) -> tuple[int, ...]:
    """A block that begins and ends with chunks of the source."""
    return tuple(
        min(n, -(-length // step) * step)
        for length, step, n in zip(block, stored, shape, strict=True)
    )


def _source(data: Any) -> Any:
    """The array that a dask array was made of, where nothing has been done to it since."""
    layers = data.dask.layers
    original = f"{_FOUND_BY}{data.name.partition('-')[2]}"
    if set(layers) != {original, data.name}:
        return None
    (node,) = dict(layers[original]).values()
    source = getattr(node, "value", node)
    fits = getattr(source, "shape", None) == data.shape
    return source if fits and getattr(source, "dtype", None) == data.dtype else None


def _signal_dims(signal: Signal) -> tuple[int, ...]:
    return tuple(i for i, axis in enumerate(signal.axes) if not axis.navigate)


def is_cut(signal: Signal) -> bool:
    """Whether lazy data are cut through their patterns, or into blocks that are too large."""
    data: Any = signal.data
    if not hasattr(data, "dask") or data.nbytes <= _AT_ONCE or _source(data) is not None:
        return False
    cut = any(len(data.chunks[i]) > 1 for i in _signal_dims(signal))
    return cut or math.prod(data.chunksize) * data.dtype.itemsize > 2 * _BLOCK


def takes_chunks(read: Callable[..., Any]) -> bool:
    """Whether a reader can be told how to cut its data."""
    return "chunks" in signature(read).parameters
