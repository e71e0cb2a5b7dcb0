"""Nodes -> a Zarr store of format 2, which RosettaSciIO's zspy reads."""

from __future__ import annotations

import json
import math
import os
import struct
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hspyio.arrays.blocks import BlockEncoder, ChunkTarget
from hspyio.arrays.dask import GraphOfTarget, store_graphs
from hspyio.arrays.grid import ChunkGrid
from hspyio.arrays.workers import Workers, run
from hspyio.arrays.writing import Encoded
from hspyio.errors import ConversionError
from hspyio.filters import codec_of
from hspyio.filters.codec import Bytes
from hspyio.filters.numcodecs import config_of, encoded
from hspyio.filters.pipeline import Pipeline, Scratch
from hspyio.nodes.json import type_to_json
from hspyio.nodes.node import Array, Filter, GraphSource, Group, StorageType, Text, Vlen, arrays_of
from hspyio.zarr2.attributes import ARRAYS, EXACT, ORDER, to_json
from hspyio.zarr2.msgpack import packed
from hspyio.zarr2.store import ARRAY, ATTRIBUTES, GROUP, METADATA

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["open_folder", "open_zip", "write_store"]

Put: TypeAlias = Callable[[str, Bytes], None]
"""Stores the bytes of a key, from any thread."""
_GROUP = {"zarr_format": 2}


@contextmanager
def open_folder(path: str) -> Iterator[Put]:
    """A new store whose keys are files."""
    os.makedirs(path, exist_ok=True)
    made = {path}

    def put(key: str, content: Bytes) -> None:
        place = os.path.join(path, *key.split("/"))
        folder = os.path.dirname(place)
        if folder not in made:
            os.makedirs(folder, exist_ok=True)
            made.add(folder)
        with open(place, "wb") as file:
            file.write(content.data if isinstance(content, np.ndarray) else content)

    yield put


@contextmanager
def open_zip(path: str) -> Iterator[Put]:
    """A new store in one file, its values as they are."""
    lock = threading.Lock()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:

        def put(key: str, content: Bytes) -> None:
            octets = bytes(content)
            with lock:
                archive.writestr(zipfile.ZipInfo(key), octets)

        yield put


def write_store(root: Group, put: Put, workers: Workers) -> None:
    """Write a tree, planned; metadata in one piece, too, as RosettaSciIO does.

    Raises
    ------
    ConversionError
        If something has no form there; it is named.
    """
    writing = _Writing(put, workers)
    sizes = [_size(array) for array in arrays_of(root)]
    workers.progress.expect(sum(sizes))
    writing.group("", root)
    store_graphs(writing.graphs, workers)
    known = {"metadata": writing.metadata, "zarr_consolidated_format": 1}
    put(METADATA, _json(known))


def _exact(path: str, group: Group) -> Iterator[tuple[str, Any]]:
    """What JSON does not say of attributes, by the paths of their groups."""
    _, noted = to_json(group.attributes)
    if noted is not None:
        yield path, noted
    for name, node in group.members.items():
        if isinstance(node, Group):
            yield from _exact(f"{path}{name}/", node)


def _types(path: str, group: Group) -> Iterator[tuple[str, Any]]:
    """The types of arrays that are read as others, by their paths."""
    for name, node in group.members.items():
        if isinstance(node, Group):
            yield from _types(f"{path}{name}/", node)
        elif isinstance(node, Array) and not _is_known(node.type):
            yield f"{path}{name}", type_to_json(node.type)


def _is_known(kind: StorageType) -> bool:
    """Whether Zarr has a word for a type, and the same one only for it."""
    if isinstance(kind, Vlen):
        return kind.base == Text() if isinstance(kind.base, Text) else _is_known(kind.base)
    if isinstance(kind, Text):
        return kind.utf8 and kind.length != 0
    return kind.names is None and kind.kind not in "SUV"


def _size(array: Array) -> int:
    itemsize = array.type.itemsize if isinstance(array.type, np.dtype) else 0
    return math.prod(array.shape) * itemsize


def _json(content: Any) -> bytes:
    return json.dumps(content, indent=4, sort_keys=True).encode()


class _Writing:
    """One store while it is written."""

    def __init__(self, put: Put, workers: Workers) -> None:
        self._put, self._workers = put, workers
        self.metadata: dict[str, Any] = {}
        self.graphs: list[GraphOfTarget] = []

    def _note(self, key: str, content: Any) -> None:
        self.metadata[key] = content
        self._put(key, _json(content))

    def group(self, path: str, group: Group) -> None:
        """Write a group and all that is in it."""
        self._note(f"{path}{GROUP}", _GROUP)
        attributes, _ = to_json(group.attributes)
        if group.ordered:
            attributes[ORDER] = list(group.members)
        if not path and (exact := dict(_exact("", group))):
            attributes[EXACT] = exact
        if not path and (types := dict(_types("", group))):
            attributes[ARRAYS] = types
        if attributes:
            self._note(f"{path}{ATTRIBUTES}", attributes)
        for name, node in group.members.items():
            where = f"{path}{name}"
            if name in (GROUP, ARRAY, ATTRIBUTES, METADATA):
                raise ConversionError("has a name that Zarr keeps for itself", where=where)
            if isinstance(node, Group):
                self.group(f"{where}/", node)
            elif isinstance(node, Array):
                self._array(where, node)
            else:
                raise ConversionError("cannot be written: it could not be read", where=where)

    def _array(self, where: str, array: Array) -> None:
        chunks = tuple(max(n, 1) for n in (array.chunks or array.shape))
        if isinstance(array.type, Vlen) or array.type in (Text(), Text(utf8=False)):
            self._objects(where, array, chunks)
            return
        length = array.type.length if isinstance(array.type, Text) else 0
        dtype = np.dtype(f"S{length}") if isinstance(array.type, Text) else array.type
        assert isinstance(dtype, np.dtype)
        filters = _stored(array.filters, dtype, chunks)
        self._note(f"{where}/{ARRAY}", _described(array.shape, chunks, dtype, filters))
        if 0 in array.shape:
            return
        pipeline = Pipeline(filters, dtype, chunks)
        grid = ChunkGrid(array.shape, chunks)
        sink = _Sink(self._put, where, grid, filters)
        if isinstance(array.source, GraphSource):
            target = ChunkTarget(sink, BlockEncoder(pipeline, array.shape), self._workers, where)
            self.graphs.append((array.source.graph, target))
            return
        values = np.asarray(array.source.read()).astype(dtype, copy=False)
        _write(values, pipeline, sink, self._workers)

    def _objects(self, where: str, array: Array, chunks: tuple[int, ...]) -> None:
        """Rows and texts: whole chunks of them, also at the edge, where nothing is."""
        values = np.asarray(array.source.read(), dtype=object)
        codec, encode = _codec_of(array, values)
        described = _described(array.shape, chunks, np.dtype(object), (), codec)
        self._note(f"{where}/{ARRAY}", described)
        grid = ChunkGrid(array.shape, chunks)
        for number in range(grid.count if values.size else 0):
            part = values[grid.region(number)]
            whole = np.empty(chunks, object)
            flat = whole.reshape(-1)
            for i in range(flat.size):
                flat[i] = b"" if isinstance(array.type, Text) else np.empty(0, "u1")
            whole[tuple(slice(n) for n in part.shape)] = part
            key = "/".join(map(str, grid.coords(np.array([number]))[0])) or "0"
            self._put(f"{where}/{key}", encode(whole.reshape(-1)))


class _Sink:
    """Stores the chunks of an array, each under its key."""

    def __init__(self, put: Put, where: str, grid: ChunkGrid, filters: tuple[Filter, ...]) -> None:
        self._put, self._where, self._grid, self._filters = put, where, grid, filters

    def write(self, numbers: Sequence[int], chunks: Sequence[Encoded]) -> None:
        """Store chunks; one that a filter was left out of is encoded all the same."""
        coords = self._grid.coords(np.array(numbers, np.int64)).tolist()
        for place, (data, mask) in zip(coords, chunks, strict=True):
            content = encoded(self._filters, bytes(data)) if mask else data
            self._put(f"{self._where}/{'/'.join(map(str, place)) or '0'}", content)


def _write(values: NDArray[Any], pipeline: Pipeline, sink: _Sink, workers: Workers) -> None:
    """Encode and store all chunks: each thread writes the files of its own."""
    grid = ChunkGrid(values.shape, pipeline.chunk)

    def writer() -> Callable[[int], None]:
        scratch = Scratch()

        def write(number: int) -> None:
            part = values[grid.region(number)]
            sink.write([number], [pipeline.encode(part, scratch)])
            workers.progress.advance(part.nbytes)

        return write

    run(range(grid.count), writer, workers.threads)


def _stored(
    filters: tuple[Filter, ...], dtype: np.dtype[Any], chunks: tuple[int, ...]
) -> tuple[Filter, ...]:
    """Filters with the options that encoding needs."""
    size = math.prod(chunks) * dtype.itemsize
    made = []
    for step in filters:
        complete = codec_of(step.id).stored_options
        options = step.options if complete is None else complete(step.options, dtype.itemsize, size)
        made.append(replace(step, options=options))
    return tuple(made)


def _described(
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    dtype: np.dtype[Any],
    filters: tuple[Filter, ...],
    objects: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of ``.zarray``."""
    configs = [config_of(step) for step in filters]
    if None in configs or len(configs) > 1:
        raise ConversionError(f"is stored by {filters}, for which Zarr has no codec")
    fill: Any = {"S": "", "c": [0.0, 0.0]}.get(dtype.kind)
    if dtype.kind in "biufO":
        fill = 0
    return {
        "zarr_format": 2,
        "shape": list(shape),
        "chunks": list(chunks),
        "dtype": dtype.descr if dtype.names else dtype.str,
        "fill_value": fill,
        "order": "C",
        "dimension_separator": "/",
        "compressor": configs[0] if configs else None,
        "filters": None if objects is None else [dict(objects)],
    }


def _codec_of(
    array: Array, values: NDArray[Any]
) -> tuple[Mapping[str, Any], Callable[[NDArray[Any]], bytes]]:
    """The codec of rows or texts, and what it does."""
    kind = array.type
    if isinstance(kind, Vlen) and isinstance(kind.base, np.dtype):
        base = kind.base
        return {"id": "vlen-array", "dtype": base.str}, lambda rows: _joined(
            [np.ascontiguousarray(row, base).tobytes() for row in rows]
        )
    if isinstance(kind, Vlen):
        config = {"id": "msgpack2", "raw": False, "use_bin_type": True, "use_single_float": False}
        return config, lambda rows: packed(
            [*([bytes(text) for text in row] for row in rows), b"|O", [len(rows)]]
        )
    texts = all(_is_text(text) for text in values.reshape(-1))
    return {"id": "vlen-utf8" if texts else "vlen-bytes"}, lambda rows: _joined(
        [bytes(text) for text in rows]
    )


def _is_text(octets: bytes) -> bool:
    try:
        bytes(octets).decode()
    except UnicodeDecodeError:
        return False
    return True


def _joined(parts: list[bytes]) -> bytes:
    """What numcodecs' codecs of variable length put one behind the other."""
    pieces = [struct.pack("<I", len(parts))]
    for part in parts:
        pieces += [struct.pack("<I", len(part)), part]
    return b"".join(pieces)
