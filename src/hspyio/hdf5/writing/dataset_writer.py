"""Arrays -> HDF5 datasets."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from h5py import h5d, h5f, h5g, h5i, h5o, h5p, h5s, h5t, h5z
from h5py._objects import phil

from hspyio.arrays.blocks import (
    BlockEncoder,
    ChunkTarget,
    ScratchTarget,
    Target,
    WholeBlocks,
    bounds_of,
    open_scratch,
)
from hspyio.arrays.grid import ChunkGrid
from hspyio.arrays.manifest import ChunkManifest
from hspyio.arrays.writing import Encoded, write_allocated, write_chunks
from hspyio.errors import FilterError
from hspyio.filters import codec_of, fletcher32, gzip, scaleoffset, shuffle, szip
from hspyio.filters.pipeline import Pipeline
from hspyio.hdf5.format.index_link import Chunks, can_lead_to_index
from hspyio.hdf5.plugin_filters import filter_available
from hspyio.hdf5.writing.h5types import readable_name, stored_name, to_h5py
from hspyio.hdf5.writing.output import Output
from hspyio.hdf5.writing.row_writer import row_access, write_rows
from hspyio.nodes.node import (
    Array,
    Filter,
    GraphSource,
    Group,
    IndexedSource,
    Selection,
    SparseSource,
    Text,
    Vlen,
    arrays_of,
)
from hspyio.records import record
from hspyio.system.interrupts import called_back

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "NewArray",
    "allocated_chunks",
    "check_filters",
    "create_array",
    "expected_bytes",
    "fill_array",
    "stored_filters",
    "takes_bytes",
]

_COMPACT_LIMIT = 8192
_ENCODES = 1
_ONE_NODE = 64
"""Chunks that HDF5 lists in one node of its index, which is there before them."""
_MANY_CHUNKS, _SMALL_CHUNK = 1024, 2**16
"""Chunks of an array, and bytes of one, of which calls of HDF5 would take most of the time."""
_NOTHING = b"\0"
_WORTH_FINDING = 256
"""Bytes of a chunk; never the one byte that holds its place."""


def check_filters(root: Group) -> None:
    """Check that every planned filter can be applied; called before a file is touched.

    Raises
    ------
    FilterError
        If one is missing.
    """
    missing = {
        step.name: codec_of(step.id).package or "its HDF5 plugin"
        for array in arrays_of(root)
        if not _is_for_engine(array)
        for step in array.filters
        if not _hdf5_encodes(step)
    }
    if missing:
        packages = ", ".join(sorted(set(missing.values())))
        raise FilterError(
            f"compression {', '.join(sorted(missing))} is not available here; install "
            f"{packages}, or use compression='gzip', which every program reads"
        )


def _hdf5_encodes(step: Filter) -> bool:
    available = filter_available(step.id)
    if available and step.id == szip.CODEC.id:
        return bool(h5z.get_filter_info(step.id) & _ENCODES)
    return available


def expected_bytes(array: Array) -> int:
    """Bytes that `fill_array` will tell of, as they go by."""
    computed = isinstance(array.source, GraphSource)
    if not computed and array.chunks is None:
        return 0
    if isinstance(array.type, Text) and not _is_for_engine(array):
        return 0
    if isinstance(array.source, (SparseSource, IndexedSource)):
        return 0
    return math.prod(array.shape) * to_h5py(array.type).itemsize


@record
class NewArray:
    """An array of which everything but its values is in the file.

    Attributes
    ----------
    dataset : h5py DatasetID
        Open.
    array : Array
        What is to be written; planned.
    engine : bool
        Whether its chunks are made without HDF5.
    """

    dataset: h5d.DatasetID
    array: Array
    engine: bool


def create_array(target: h5g.GroupID, name: str, array: Array) -> NewArray:
    """Write all of an array but its values.

    Parameters
    ----------
    target : h5py GroupID
        Where to.
    name : str
        Of the dataset.
    array : Array
        What; planned.
    """
    dtype = to_h5py(array.type)
    array = replace(array, filters=stored_filters(array, dtype))
    engine = _is_for_engine(array) and not isinstance(array.source, IndexedSource)
    space = h5s.create_simple(array.shape, _limits(array.maxshape))
    kind = h5t.py_create(dtype, logical=True)
    creation = _creation(array, dtype, allocated=engine and not array.filters)
    access = row_access(array) if isinstance(array.type, Vlen) else None
    dataset = h5d.create(target, stored_name(name), kind, space, creation, dapl=access)
    return NewArray(dataset, array, engine)


def fill_array(made: NewArray, output: Output) -> None:
    """Write the values of an array.

    Parameters
    ----------
    made : NewArray
        In the file.
    output : Output
        The file; a dask array is only noted there, to be stored with the others.
    """
    array = made.array
    if isinstance(array.source, IndexedSource):
        header = int(h5o.get_info(made.dataset).addr)
        if array.source.address is not None:
            output.indices.append((header, array.source.address))
        if array.source.put is not None:
            output.moved.append((header, array.source.put))
        return
    if not math.prod(array.shape):
        return
    if made.engine:
        if _puts_chunks(made, output):
            return
        if array.filters:
            _place_index(made.dataset, array, output)
        _past_hdf5(made.dataset, array, output)
    else:
        _through_hdf5(made.dataset, array, to_h5py(array.type), output)


def _puts_chunks(made: NewArray, output: Output) -> bool:
    """Leave many small chunks for when HDF5 is done, which takes longer over each than its codec.

    They come behind all that it has written, their index first.
    """
    array = made.array
    if not (output.puts_chunks and array.filters) or isinstance(array.source, GraphSource):
        return False
    assert array.chunks is not None
    pipeline, grid = _pipeline(array), ChunkGrid(array.shape, array.chunks)
    header = int(h5o.get_info(made.dataset).addr)
    if grid.count < _MANY_CHUNKS or pipeline.size > _SMALL_CHUNK:
        return False
    if not can_lead_to_index(output.fileno(), header):
        return False
    output.moved.append((header, Chunks(array.source, pipeline, grid, output.workers).put))
    return True


def _place_index(dataset: h5d.DatasetID, array: Array, output: Output) -> None:
    """Let HDF5 put its whole index of the chunks before the first of them.

    Else it stands among them, and of a file that was cut no chunk could be found. Every chunk is
    written as one byte, and gets another place when it comes: HDF5 moves what changes its size.
    """
    assert array.chunks is not None
    grid = ChunkGrid(array.shape, array.chunks)
    size = math.prod(array.chunks) * dataset.dtype.itemsize
    if grid.count > _ONE_NODE and size >= _WORTH_FINDING:
        corners = grid.corners(np.arange(grid.count)).tolist()
        with phil, output.holding_places():  # as in `DatasetSink`
            for corner in corners:
                dataset.write_direct_chunk(corner, _NOTHING)


def stored_filters(array: Array, dtype: np.dtype[Any]) -> tuple[Filter, ...]:
    """Filters with the options as they are to stand in the file.

    HDF5 sets none where the values are of variable length, and crashes on a size of chunks there
    that is not its own when it copies them.
    """
    if array.chunks is None:
        return ()
    if dtype.hasobject:
        return array.filters
    size = int(np.prod(array.chunks)) * dtype.itemsize
    codecs = [codec_of(step.id) for step in array.filters]
    return tuple(
        replace(step, options=codec.stored_options(step.options, dtype.itemsize, size))
        if codec.stored_options is not None
        else step
        for step, codec in zip(array.filters, codecs, strict=True)
    )


def _is_for_engine(array: Array) -> bool:
    """Whether the array's chunks can be made without HDF5."""
    fixed = not isinstance(array.type, Vlen) and array.type not in (Text(), Text(utf8=False))
    if isinstance(array.source, SparseSource):
        return False
    if array.chunks is None or not fixed:
        return False
    return Pipeline(array.filters, np.dtype("u1"), array.chunks).encodes


def _past_hdf5(dataset: h5d.DatasetID, array: Array, output: Output) -> None:
    """Compress on all threads; where there is nothing to compress, write on all of them."""
    pipeline = _pipeline(array)
    if isinstance(array.source, GraphSource):
        graph = array.source.graph
        output.graphs.append((graph, _target(dataset, pipeline, graph.chunks, output)))
        return
    values = array.source.read().astype(pipeline.dtype, copy=False)
    grid = ChunkGrid(values.shape, pipeline.chunk)
    if array.filters or not takes_bytes(dataset, grid):
        write_chunks(DatasetSink(dataset, grid, output), pipeline, values, output.workers)
        return
    with phil:  # the first chunk that is written gives all of them their places
        dataset.write_direct_chunk((0,) * len(array.shape), bytes(pipeline.size))
    places = allocated_chunks(dataset, grid)
    write_allocated(places, pipeline, values, output.write_at, output.workers)


def _pipeline(array: Array) -> Pipeline:
    assert array.chunks is not None
    return Pipeline(array.filters, _plain_dtype(array), array.chunks)


class DatasetSink:
    """Stores encoded chunks in a dataset.

    Parameters
    ----------
    dataset : h5py DatasetID
        New, with the filters that the chunks went through.
    grid : ChunkGrid
        Its chunks.
    output : Output
        The file.
    """

    def __init__(self, dataset: h5d.DatasetID, grid: ChunkGrid, output: Output) -> None:
        self._dataset, self._grid, self._output = dataset, grid, output

    def write(self, numbers: Sequence[int], chunks: Sequence[Encoded]) -> None:
        """Store chunks.

        Raises
        ------
        OSError
            If something could not be written, such as on a full disk.
        """
        corners = self._grid.corners(np.array(numbers, np.int64)).tolist()
        with phil:  # h5py 3.12 takes its lock for every call but those of raw chunks
            for corner, (data, mask) in zip(corners, chunks, strict=True):
                self._dataset.write_direct_chunk(corner, data, mask)
        self._output.check()


def _target(
    dataset: h5d.DatasetID, pipeline: Pipeline, blocks: tuple[tuple[int, ...], ...], output: Output
) -> Target:
    """Where the blocks of a dask array go: chunks that wait for many of them wait on disk."""
    shape = tuple(map(sum, blocks))
    sink = DatasetSink(dataset, ChunkGrid(shape, pipeline.chunk), output)
    scratch = open_scratch(blocks, pipeline.chunk, pipeline.dtype.itemsize, output.folder)
    if scratch is None:
        return ChunkTarget(sink, BlockEncoder(pipeline, shape), output.workers, _where(dataset))
    return ScratchTarget(sink, pipeline, blocks, scratch, output.workers, _where(dataset))


class PlainTarget(WholeBlocks):
    """Takes blocks for filters that only HDF5 has."""

    def __init__(self, dataset: h5d.DatasetID, output: Output) -> None:
        super().__init__(dataset.shape, dataset.dtype, _where(dataset))
        self._dataset = dataset
        self._memory = h5t.py_create(dataset.dtype)
        self._output = output

    def __setitem__(self, selection: Selection, values: NDArray[Any]) -> None:
        """Store a block; HDF5's own lock keeps threads apart."""
        region = tuple(part for part in selection if isinstance(part, slice))
        if values.size:
            values = values.astype(self._dtype, copy=False)
            _write_region(self._dataset, region, values, self._memory)
        self.note(bounds_of(selection), values.size)
        self._output.check()
        self._output.workers.progress.advance(values.nbytes)


def _where(dataset: h5d.DatasetID) -> str:
    """Path of a dataset; nothing in a tree that has no name yet."""
    name = h5i.get_name(dataset)
    return "" if name is None else readable_name(name)


def _plain_dtype(array: Array) -> np.dtype[Any]:
    """The dtype whose bytes stand in the file."""
    if isinstance(array.type, Text):
        return np.dtype(f"S{array.type.length}")
    assert isinstance(array.type, np.dtype)
    return array.type


def _through_hdf5(
    dataset: h5d.DatasetID, array: Array, dtype: np.dtype[Any], output: Output
) -> None:
    """For filters that only HDF5 has, and for what has no fixed length."""
    if isinstance(array.source, GraphSource):
        output.graphs.append((array.source.graph, PlainTarget(dataset, output)))
        return
    if isinstance(array.type, Vlen):
        write_rows(
            dataset, array, lambda rows: output.workers.progress.advance(rows * dtype.itemsize)
        )
        return
    memory = h5t.py_create(dtype)
    if isinstance(array.source, SparseSource):
        for region in array.source.regions:
            _write_region(dataset, region, array.source.read(region), memory)
        return
    values = array.source.read()
    if array.chunks is None or not isinstance(array.type, np.dtype):
        dataset.write(h5s.ALL, h5s.ALL, _in_memory(array, values, dtype), memory)
        return
    for region in _slabs(array.shape, array.chunks):
        _write_region(dataset, region, values[region], memory)
        output.workers.progress.advance(values[region].nbytes)


def _write_region(
    dataset: h5d.DatasetID, region: tuple[slice, ...], values: NDArray[Any], memory: Any
) -> None:
    part = np.ascontiguousarray(values)
    space = dataset.get_space()
    space.select_hyperslab(tuple(s.start for s in region), part.shape)
    dataset.write(h5s.create_simple(part.shape), space, part, memory)


def _slabs(shape: tuple[int, ...], chunks: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Regions of one chunk each, so that no copy of the array is needed."""
    grid = [range(0, n, step) for n, step in zip(shape, chunks, strict=True)]
    for corner in product(*grid):
        yield tuple(
            slice(low, min(low + step, n))
            for low, step, n in zip(corner, chunks, shape, strict=True)
        )


def _limits(maxshape: tuple[int | None, ...] | None) -> tuple[int, ...] | None:
    if maxshape is None:
        return None
    return tuple(h5s.UNLIMITED if limit is None else limit for limit in maxshape)


def _in_memory(array: Array, values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Values in C order, in the dtype that tells h5py how to convert them."""
    if isinstance(array.type, np.dtype):
        return np.ascontiguousarray(values)
    result = np.empty(values.shape, dtype)
    result[...] = values
    return result


def _creation(array: Array, dtype: np.dtype[Any], *, allocated: bool) -> Any:
    creation = h5p.create(h5p.DATASET_CREATE)
    if array.chunks is None:
        size = dtype.itemsize * int(np.prod(array.shape))
        # Readers that trust nothing look at the references to texts, past HDF5.
        texts = isinstance(array.type, Vlen) and isinstance(array.type.base, Text)
        compact = size <= _COMPACT_LIMIT and not texts
        creation.set_layout(h5d.COMPACT if compact else h5d.CONTIGUOUS)
        if isinstance(array.source, GraphSource) and not compact:
            creation.set_alloc_time(h5d.ALLOC_TIME_EARLY)  # before the large data
            creation.set_fill_time(h5d.FILL_TIME_NEVER)
        return creation
    creation.set_chunk(array.chunks)
    if allocated:
        creation.set_alloc_time(h5d.ALLOC_TIME_LATE)
        creation.set_fill_time(h5d.FILL_TIME_NEVER)
    if isinstance(array.source, (SparseSource, IndexedSource)):
        fill = array.source.fill
        if fill.tobytes().strip(b"\0"):
            creation.set_fill_value(fill)
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


# where HDF5 has allocated the chunks of a dataset that is being written


def takes_bytes(dataset: h5d.DatasetID, grid: ChunkGrid) -> bool:
    """Whether values may be put past HDF5 where it says that their chunks are."""
    same = dataset.get_type().equal(h5t.py_create(dataset.dtype, logical=True))
    return bool(same) and not _has_user_block(dataset) and _lists_rightly(dataset, grid)


def allocated_chunks(dataset: h5d.DatasetID, grid: ChunkGrid) -> ChunkManifest:
    """The places of all chunks, in one pass over HDF5's index."""
    numbers = array("q")
    rank = len(grid.shape)

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        numbers.extend((*chunk.chunk_offset, chunk.byte_offset, chunk.size))

    with phil, called_back():  # h5py 3.12 takes its lock for every call but those of raw chunks
        dataset.chunk_iter(note)
    table = np.frombuffer(numbers, np.int64).reshape(-1, rank + 2)
    ids = grid.numbers(table[:, :rank] // np.array(grid.chunk, np.int64))
    order = np.argsort(ids)
    offsets, sizes = table[order, rank], table[order, rank + 1]
    return ChunkManifest(ids[order], offsets, sizes, np.zeros(len(ids), np.int64))


def _lists_rightly(dataset: h5d.DatasetID, grid: ChunkGrid) -> bool:
    """Whether HDF5 names the right corners when it lists the chunks of an array.

    HDF5 2.0 names wrong ones of an array with one unlimited dimension if a limited one that comes
    before it has several chunks (its *extensible array* index; seen).
    """
    limits = dataset.get_space().get_simple_extent_dims(1)
    unlimited = [i for i, most in enumerate(limits) if most == h5s.UNLIMITED]
    if len(unlimited) != 1:
        return True
    before = zip(limits[: unlimited[0]], grid.chunk, strict=False)
    return all(most <= step for most, step in before)


def _has_user_block(dataset: h5d.DatasetID) -> bool:
    """Whether addresses count from somewhere else than the start of the file."""
    file: h5f.FileID = h5i.get_file_id(dataset)
    return bool(file.get_create_plist().get_userblock())
