"""An array of a Zarr store: the source of all of them, whether the store is open still or not."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hspyio.arrays.grid import ChunkGrid
from hspyio.arrays.indexing import BasicIndexer, ChunkProjection
from hspyio.arrays.workers import Workers, run
from hspyio.errors import DamagedFileError, located
from hspyio.filters.pipeline import Scratch
from hspyio.hdf5.limits import Budget
from hspyio.nodes.json import type_from_json
from hspyio.nodes.node import RaggedArray, Selection, SizedSource, StorageType, Text, Vlen
from hspyio.records import record
from hspyio.zarr2.codecs import OBJECTS, Config, decoded
from hspyio.zarr2.msgpack import unpacked
from hspyio.zarr2.store import StoreSnapshot

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Layout", "ZarrDataset", "ZarrRows", "layout_of", "with_type"]

Memory: TypeAlias = "Callable[[int], NDArray[np.uint8]]"
"""What gives memory of some size."""

_LARGEST_CHUNK = 2**32
_MOST_DIMENSIONS = 64
_REFERENCE = 16
"""Bytes that a row takes at least."""


@record
class Layout:
    """What ``.zarray`` says, checked.

    Attributes
    ----------
    shape, chunks : tuple of int
    dtype : numpy dtype
        Of the bytes in a chunk; objects where `objects` makes them.
    kind : numpy dtype, Text or Vlen
        What the values are.
    codecs : list of mapping
        Bytes to bytes, in the order of writing.
    objects : mapping or None
        The codec that makes bytes of rows or texts.
    fill : object
        What is there where there is no chunk.
    order, separator : str
        Of the values in a chunk, and between the numbers in a key.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype[Any]
    kind: StorageType
    codecs: list[Config] = field(default_factory=list)
    objects: Config | None = None
    fill: Any = None
    order: str = "C"
    separator: str = "."


def layout_of(content: Mapping[str, Any]) -> Layout:
    """Check what ``.zarray`` says.

    Raises
    ------
    DamagedFileError
        If it makes no sense, or is of another format.
    """
    if content.get("zarr_format") != 2:
        raise DamagedFileError(f"is of Zarr's format {content.get('zarr_format')}, not 2")
    try:
        shape = tuple(int(n) for n in content["shape"])
        chunks = tuple(int(n) for n in content["chunks"])
        filters = list(content.get("filters") or [])
        compressor = content.get("compressor")
        dtype = _dtype(content["dtype"])
        order, separator = content.get("order", "C"), content.get("dimension_separator", ".")
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(f"has no sound .zarray: {error}") from None
    sound = len(shape) == len(chunks) <= _MOST_DIMENSIONS and min(shape, default=0) >= 0
    sound = sound and min(chunks, default=1) > 0 and order in "CF" and separator in ("/", ".")
    if not sound or math.prod(chunks) * dtype.itemsize > _LARGEST_CHUNK:
        raise DamagedFileError(f"has a shape {shape} and chunks {chunks} that make no sense")
    objects = None
    if dtype.hasobject:
        if not filters or filters[0].get("id") not in OBJECTS[:4]:
            raise DamagedFileError("holds objects of a kind that is not read here")
        objects = filters.pop(0)
    codecs = [*filters, compressor] if compressor is not None else filters
    return Layout(
        shape, chunks, dtype, _kind(dtype, objects), codecs, objects,
        _fill(content.get("fill_value"), dtype), order, separator,
    )  # fmt: skip


def with_type(layout: Layout, noted: Any) -> Layout:
    """A layout of the very type that a file of ours has noted; as it is where that fits no more."""
    try:
        kind = type_from_json(noted)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return layout
    old = layout.kind
    if isinstance(kind, np.dtype):
        same = isinstance(old, np.dtype) and kind.itemsize == old.itemsize and not kind.hasobject
        return replace(layout, kind=kind, dtype=kind) if same else layout
    fits = type(kind) is type(old)
    if isinstance(kind, Vlen) and isinstance(old, Vlen):
        fits = type(kind.base) is type(old.base)
    return replace(layout, kind=kind) if fits else layout


def _dtype(content: Any) -> np.dtype[Any]:
    if isinstance(content, list):
        fields = []
        for name, kind, *shape in content:
            fields.append((name, _dtype(kind), *(tuple(part) for part in shape)))
        content = fields
    made: np.dtype[Any] = np.dtype(content)
    return made


def _kind(dtype: np.dtype[Any], objects: Config | None) -> StorageType:
    if objects is None:
        if dtype.kind == "S":
            return Text(dtype.itemsize)
        return Text() if dtype.kind == "U" else dtype
    if objects["id"] == "vlen-array":
        base = np.dtype(objects.get("dtype", "f8"))
        return Vlen(Text() if base.kind in "US" else base)
    return Vlen(Text()) if objects["id"] == "msgpack2" else Text()


def _fill(value: Any, dtype: np.dtype[Any]) -> Any:
    if value is None or dtype.hasobject:
        return None
    if dtype.kind in "fc" and isinstance(value, str | list):
        parts = value if isinstance(value, list) else [value]
        numbers = [float(str(part).replace("Infinity", "inf")) for part in parts]
        return complex(*numbers) if dtype.kind == "c" and len(numbers) > 1 else numbers[0]
    if dtype.kind in "SV" or dtype.names:
        return base64.standard_b64decode(value) if isinstance(value, str) else None
    return value


class ZarrDataset(SizedSource):
    """An array in a store.

    Parameters
    ----------
    snapshot : StoreSnapshot
        The store.
    where : str
        The key of the array, which those of its chunks begin with.
    layout : Layout
        How it stands there.
    workers : Workers, optional
        How it is read.
    budget : Budget, optional
        The memory it may take.
    """

    def __init__(
        self,
        snapshot: StoreSnapshot,
        where: str,
        layout: Layout,
        workers: Workers | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.where = where
        self.layout = layout
        self._workers = workers or Workers()
        self._budget = budget

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process it reads with one thread."""
        return type(self), (self.snapshot, self.where, self.layout)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self.layout.shape

    @property
    def stored_bytes(self) -> int:
        """Bytes of its chunks."""
        return self.snapshot.sizes(f"{self.where}/")

    def detached(self) -> ZarrDataset:
        """The same for when the store is closed."""
        return type(self)(self.snapshot, self.where, self.layout)

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection.

        Raises
        ------
        StaleFileError
            If the store has changed since it was opened.
        DamagedFileError
            If a chunk cannot be read.
        """
        values = self._values(selection)
        if isinstance(self.layout.kind, Text) and self.layout.dtype.kind == "U":
            texts = [str(text).encode("utf-8", "surrogateescape") for text in values.reshape(-1)]
            return np.fromiter(texts, object, len(texts)).reshape(values.shape)
        return values

    def _values(self, selection: Selection) -> NDArray[Any]:
        layout = self.layout
        with located(self.snapshot.path, f"/{self.where}"):
            self.snapshot.check()
            indexer = BasicIndexer(selection, layout.shape)
            shape = indexer.shape
            budget = self._budget or Budget()
            size = math.prod(shape) * layout.dtype.itemsize
            budget.take(size, lazily=not layout.dtype.hasobject)
            result = self._empty(shape)
            grid = ChunkGrid(layout.shape, layout.chunks)
            self._workers.progress.expect(size)
            whole = [ChunkProjection((), (), ())]  # of an array without dimensions
            tasks = list(indexer.projections(grid)) if layout.shape else whole
            threads = self._workers.threads
            inside = max(1, threads // max(1, len(tasks)))  # of one large chunk, by its blocks
            run(tasks, lambda: self._placer(result, inside), threads)
            found: NDArray[Any] = result[(*indexer.dropped, ...)]
            return found

    def _empty(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """New memory: what has no chunk is filled when that is known, all else is decoded to."""
        layout = self.layout
        if layout.dtype.hasobject:
            blank: NDArray[Any] = np.empty(math.prod(shape), object)
            for i in range(blank.size):
                blank[i] = self._nothing()
            return blank.reshape(shape)
        return np.zeros(shape, layout.dtype)

    def _nothing(self) -> Any:
        kind = self.layout.kind
        if isinstance(kind, Vlen):
            return np.empty(0, object if isinstance(kind.base, Text) else kind.base)
        return b""

    def _placer(self, result: NDArray[Any], inside: int) -> Callable[[ChunkProjection], None]:
        scratch = Scratch()

        def place(projection: ChunkProjection) -> None:
            out: tuple[Any, ...] = (*projection.out_selection, ...)
            part = result[out]
            if self.layout.dtype.hasobject:
                self._place_objects(projection, part, scratch)
            else:
                self._place(projection, part, scratch, inside)
            self._workers.progress.advance(part.nbytes)

        return place

    def _stored(self, coords: tuple[int, ...], memory: Memory) -> memoryview | None:
        """The bytes of a chunk; ``None`` where there is none."""
        name = self.layout.separator.join(map(str, coords)) or "0"
        return self.snapshot.get_into(f"{self.where}/{name}", _LARGEST_CHUNK, memory)

    def _place(
        self, projection: ChunkProjection, part: NDArray[Any], scratch: Scratch, threads: int
    ) -> None:
        """Decode a chunk straight to its place, where that is one piece of memory."""
        layout = self.layout
        size = math.prod(layout.chunks) * layout.dtype.itemsize
        whole = part.shape == layout.chunks and part.flags.c_contiguous and layout.order == "C"
        out = part.reshape(-1).view(np.uint8) if whole else scratch.take("chunk", size)

        def memory(length: int) -> NDArray[np.uint8]:
            return scratch.take("read", length) if layout.codecs or length != size else out

        stored = self._stored(projection.coords, memory)
        if stored is None:
            if layout.fill is not None and not isinstance(layout.fill, bytes):
                part[...] = layout.fill
            return
        content = decoded(layout.codecs, stored, size, layout.dtype, out, threads)
        values = np.frombuffer(content, layout.dtype)
        if not (whole and values.ctypes.data == out.ctypes.data):
            chunk = values.reshape(layout.chunks, order=layout.order)  # type: ignore[call-overload]
            part[...] = chunk[projection.chunk_selection]

    def _place_objects(
        self, projection: ChunkProjection, part: NDArray[Any], scratch: Scratch
    ) -> None:
        layout = self.layout
        stored = self._stored(projection.coords, lambda size: scratch.take("read", size))
        if stored is None:
            return
        assert layout.objects is not None
        content = bytes(decoded(layout.codecs, stored, None, layout.dtype))
        count = math.prod(layout.chunks)
        values: NDArray[Any] = np.empty(count, object)
        for i, item in enumerate(_objects(layout.objects, layout.kind, content, count)):
            values[i] = item
        chunk = values.reshape(layout.chunks, order=layout.order)  # type: ignore[call-overload]
        part[...] = chunk[projection.chunk_selection]


def _objects(codec: Config, kind: StorageType, content: bytes, count: int) -> list[Any]:
    """The rows or texts of a chunk."""
    try:
        if codec["id"] == "msgpack2":
            *items, _, _ = unpacked(content)
            if len(items) == 1 and count != 1 and isinstance(items[0], list):
                items = items[0]
            made = [_texts(item) for item in items]
        else:
            made = [_row(part, kind) for part in _parts(content)]
    except (ValueError, TypeError, struct.error) as error:
        raise DamagedFileError(f"a chunk cannot be decoded by {codec['id']}: {error}") from None
    if len(made) != count:
        raise DamagedFileError(f"a chunk has {len(made):,} items, not {count:,}")
    return made


def _texts(item: Any) -> NDArray[Any]:
    listed = item if isinstance(item, list) else [item]
    octets = [str(text).encode("utf-8", "surrogateescape") for text in listed]
    return np.fromiter(octets, object, len(octets))


def _parts(content: bytes) -> list[bytes]:
    """What numcodecs' codecs of variable length have put one behind the other."""
    (count,) = struct.unpack_from("<I", content)
    parts, at = [], 4
    if 4 * count > len(content):
        raise ValueError(f"{count:,} items in {len(content):,} bytes")
    for _ in range(count):
        (length,) = struct.unpack_from("<I", content, at)
        at += 4 + length
        if at > len(content):
            raise ValueError("it is cut")
        parts.append(content[at - length : at])
    return parts


def _row(part: bytes, kind: StorageType) -> Any:
    if isinstance(kind, Vlen) and isinstance(kind.base, np.dtype):
        return np.frombuffer(part, kind.base)
    return part


class ZarrRows(ZarrDataset):
    """Rows of variable length, which it hands over end to end, too."""

    def rows(self, selection: Selection = ()) -> RaggedArray:
        """Read a selection as one flat array."""
        kind = self.layout.kind
        assert isinstance(kind, Vlen)
        found = self.read(selection)
        flat = [np.asarray(row) for row in found.reshape(-1)]
        lengths = np.array([len(row) for row in flat], np.int64).reshape(found.shape)
        base: Any = object if isinstance(kind.base, Text) else kind.base
        return RaggedArray(np.concatenate(flat) if flat else np.empty(0, base), lengths)

    def row_bytes(self) -> int:
        """Bytes of a row, on average: as many as its share of what is stored."""
        return max(_REFERENCE, self.stored_bytes // max(1, math.prod(self.shape)))
