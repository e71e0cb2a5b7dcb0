"""ArraySource -> dask array."""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.arrays.chunk_shapes import lazy_chunks
from hspyio.arrays.indexing import OrthogonalIndexer
from hspyio.errors import OptionError
from hspyio.nodes.node import ArraySource, MaskableSource, ObjectSource, StoredSource

if TYPE_CHECKING:
    import dask.array
    from numpy.typing import NDArray

__all__ = ["as_dask", "from_source", "source_of"]

_CHUNKS_A_CORE = 4
_LEAST = 2**20
"""Bytes of a chunk below which dask's own work a chunk would outweigh it."""
_MOST_CHUNKS, _MOST_STORED = 2**14, 100_000
"""Chunks of an array, and storage chunks where those are asked for; a file may claim any number,
and dask, which takes memory for each, takes seconds to put so many in order."""


_FOUND_BY = "original-array-"
"""What dask calls the arrays that it has been given, and HyperSpy looks for."""


class _Readable:
    """What dask slices: a source with the looks of an array.

    Dask joins a user's indices to the reading task only for arrays that it believes to take any
    of them; so this one does, each dimension for itself, as dask means it.
    """

    def __init__(self, source: ArraySource, dtype: np.dtype[Any]) -> None:
        self._source = source
        self.shape = source.shape
        self.ndim = len(source.shape)
        self.dtype = dtype

    def __getitem__(self, selection: Any) -> NDArray[Any]:
        values = OrthogonalIndexer(selection, self.shape).read(self._source.read)
        # As numpy has it: an item of an array of objects is not an array of one object.
        return values if values.ndim or not self.dtype.hasobject else values[()]


def from_source(
    source: ArraySource,
    dtype: np.dtype[Any],
    stored: tuple[int, ...] | None,
    chunks: str | tuple[int, ...],
    signal_dims: tuple[int, ...] = (),
    *,
    far: bool = False,
) -> dask.array.Array:
    """Make a dask array whose tasks read their own part of a file.

    Parameters
    ----------
    source : ArraySource
        Can be pickled, and read from many threads.
    dtype : numpy dtype
        Of the values.
    stored : tuple of int or None
        The storage chunks.
    chunks : "auto", "storage" or tuple of int
        ``"auto"``: whole storage chunks and whole signals, towards dask's ``array.chunk-size``,
        but at least four a core.
    signal_dims : tuple of int
        The dimensions that hold one signal.
    far : bool
        Whether they are read over a network: then in fewer chunks, each of which is one request
        at least.

    Raises
    ------
    OptionError
        If the chunks do not fit the array.
    """
    da: Any = import_module("dask.array")
    wanted: Any = chunks
    ragged = dtype.hasobject
    itemsize = source.item_bytes() if isinstance(source, ObjectSource) else dtype.itemsize
    if ragged and isinstance(chunks, str):
        wanted = _blocks_of_rows(source.shape, itemsize, stored)
    elif chunks == "auto":
        target = _target(source.shape, itemsize, far=far)
        whole = far and math.prod(source.shape) * itemsize <= target
        wanted = source.shape
        if not whole:
            wanted = lazy_chunks(source.shape, itemsize, stored, signal_dims, target)
    elif chunks == "storage":
        wanted = stored or _in_blocks(source.shape, itemsize)
    if isinstance(wanted, tuple) and isinstance(chunks, str):
        most = _MOST_STORED if chunks == "storage" else _MOST_CHUNKS
        wanted = _bounded(wanted, source.shape, most)
    try:
        fitted = da.core.normalize_chunks(wanted, source.shape, dtype=dtype, previous_chunks=stored)
        made: dask.array.Array = da.from_array(
            _Readable(source, dtype),
            chunks=fitted,
            name=False,
            inline_array=True,
            asarray=False,  # a masked block stays one
            meta=_blank(source, dtype),
        )
    except (ArithmeticError, TypeError, ValueError) as error:
        raise OptionError(f"chunks {chunks!r} do not fit shape {source.shape}: {error}") from None
    return _closable(made, source)


class _Holder:
    """What HyperSpy's ``close_file`` finds the file by, as it would an h5py dataset in a graph."""

    def __init__(self, source: StoredSource) -> None:
        self.file = source.snapshot
        self.source = source


def _closable(array: dask.array.Array, source: ArraySource) -> dask.array.Array:
    """The new array, with a key in its graph that nothing depends on: it is never computed."""
    if not isinstance(source, StoredSource) or source.snapshot is None:
        return array
    high: Any = import_module("dask.highlevelgraph")
    graph: Any = array.dask  # nobody else has it yet
    key = f"{_FOUND_BY}{array.name}"
    graph.layers[key] = high.MaterializedLayer({key: _Holder(source)})
    graph.dependencies[key] = set()
    return array


def source_of(array: dask.array.Array) -> StoredSource | None:
    """What an array that `from_source` made reads, where nothing has been done to it since."""
    layer = array.dask.layers.get(f"{_FOUND_BY}{array.name}")
    for holder in layer.values() if layer else ():
        if isinstance(holder, _Holder):
            return holder.source
    return None


def _blank(source: ArraySource, dtype: np.dtype[Any]) -> NDArray[Any]:
    """An empty array of the kind that is read."""
    if isinstance(source, MaskableSource):
        return source.blank(dtype)
    return np.empty((0,) * len(source.shape), dtype)


def _blocks_of_rows(
    shape: tuple[int, ...], itemsize: int, stored: tuple[int, ...] | None
) -> tuple[int, ...]:
    """Blocks of ragged rows: what stands in a storage chunk for them may be any number of bytes.

    A row is read alone as well as with others, so a chunk is cut where its rows are too large.
    """
    target = _target(shape, itemsize)
    if stored is not None and itemsize * math.prod(stored) <= target:
        return lazy_chunks(shape, itemsize, stored, (), target)
    return lazy_chunks(shape, itemsize, (1,) * len(shape), (), target)


def _in_blocks(shape: tuple[int, ...], itemsize: int) -> str | tuple[int, ...]:
    """Chunks of an array in one block: dask's own, unless there would be too many."""
    share = math.prod(shape) * itemsize // _MOST_STORED
    return "auto" if share <= _LEAST else lazy_chunks(shape, itemsize, None, (), share)


def _bounded(chunks: tuple[int, ...], shape: tuple[int, ...], most: int) -> tuple[int, ...]:
    """Whole multiples of the chunks, so that there are not too many of them."""
    grown = list(chunks)
    while math.prod(-(-n // step) for n, step in zip(shape, grown, strict=True)) > most:
        longest = max(range(len(shape)), key=lambda i: shape[i] / grown[i])
        grown[longest] *= 2
    return tuple(grown)


def _target(shape: tuple[int, ...], itemsize: int, *, far: bool = False) -> int:
    """Bytes of a chunk: dask's own wish, but with enough chunks that all cores have work."""
    dask: Any = import_module("dask")
    utils: Any = import_module("dask.utils")
    system: Any = import_module("dask.system")
    wish = int(utils.parse_bytes(dask.config.get("array.chunk-size")))
    share: int = math.prod(shape) * itemsize // (_CHUNKS_A_CORE * int(system.CPU_COUNT))
    return wish if far else min(wish, max(share, _LEAST))


def as_dask(array: NDArray[Any]) -> dask.array.Array:
    """Wrap values that cannot be read in parts, for callers that expect a dask array."""
    da: Any = import_module("dask.array")
    made: dask.array.Array = da.from_array(array, chunks=array.shape, asarray=False)
    return made
