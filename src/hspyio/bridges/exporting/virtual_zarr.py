"""Experiments as Zarr arrays whose chunks stay where they are: in the HSpy file."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names
from hspyio.api.loading.experiments import read_signal
from hspyio.api.loading.open_file import OpenFile, Outline, opened, readable, select, title_of
from hspyio.arrays.grid import ChunkGrid
from hspyio.arrays.manifest import ChunkManifest
from hspyio.bridges.coordinates import safe_names
from hspyio.bridges.parts_of_data import FIELD, FIELDS
from hspyio.bridges.xarray import DATA, description, plain_source, without_large
from hspyio.errors import ConversionError, DamagedFileError, HspyError, Problem, warn_user
from hspyio.filters.numcodecs import config_of, encoded, hindrance
from hspyio.hdf5.dataset import Dataset
from hspyio.hdf5.format.conversions import truth_of
from hspyio.hdf5.snapshot import Snapshot
from hspyio.nodes.json import dtype_to_json
from hspyio.nodes.node import Filter
from hspyio.options import ReadOptions
from hspyio.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ZarrArray", "ZarrGroup", "zarr_groups"]

_AT_ONCE = 2**22
"""Bytes of a chunk of what stands in the file in one block, about."""
_MOST_INLINE = 2**24
"""Bytes of chunks that stand in the references themselves."""
_MOST_CHUNKS = 2**24
_REPACK = "hspyio.repack(path, new) writes a file that has one"


@record
class ZarrArray:
    """An array in Zarr's terms."""

    dimensions: tuple[str, ...]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype[Any]
    attributes: Mapping[str, Any]
    fill: bytes = b""
    filters: tuple[Filter, ...] = ()
    manifest: ChunkManifest = field(default_factory=ChunkManifest.empty)
    inline: Mapping[int, bytes] = field(default_factory=dict)
    values: NDArray[Any] | None = None

    @property
    def grid(self) -> ChunkGrid:
        """Its chunks."""
        return ChunkGrid(self.shape, self.chunks)

    @property
    def codecs(self) -> list[dict[str, Any]]:
        """Configurations of numcodecs, in the order of writing."""
        return [config for step in self.filters if (config := config_of(step)) is not None]

    def missing(self) -> NDArray[np.int64]:
        """Numbers of the chunks that are neither in the file nor here."""
        there = np.zeros(self.grid.count, bool)
        there[self.manifest.ids] = True
        there[list(self.inline)] = True
        return np.flatnonzero(~there)

    def filled_chunk(self) -> bytes:
        """A chunk that was never written, encoded."""
        size = math.prod(self.chunks) * self.dtype.itemsize
        return encoded(self.filters, self.fill * (size // len(self.fill)))


@record
class ZarrGroup:
    """An experiment: its data, and its axes as coordinates."""

    data: ZarrArray
    coordinates: Mapping[str, ZarrArray]
    attributes: Mapping[str, Any]


def zarr_groups(given: str | Snapshot, name: str | None) -> tuple[str, dict[str, ZarrGroup]]:
    """Where a file is, as references name it, and its experiments, one or all."""
    problems: list[Problem] = []
    notes: list[Problem] = []
    made: dict[str, ZarrGroup] = {}
    with opened(given, ReadOptions(lazy=True)) as file:
        known = list(file.contents.experiments)
        chosen = known if name is None and known else [select(file.contents, name, file.path)]
        outline = Outline.of(file)
        for node, group in zip(safe_names(chosen, "experiment"), chosen, strict=True):
            where = f"/{names.EXPERIMENTS}/{group}"
            try:
                with readable(file.path, where):
                    made[node] = _group(outline, group, notes)
            except ConversionError as error:
                found = error.problems or (Problem("data", error.message),)
                problems += [Problem(f"{where}/{item.where}", item.message) for item in found]
            except HspyError as error:
                error.path, error.where = file.path, error.where or f"{where}/{DATA}"
                raise
        if problems:
            raise ConversionError("has no Zarr form where it lies", problems, path=file.path)
        place = given.place if isinstance(given, Snapshot) else os.path.abspath(given)
    if notes:
        lines = "".join(f"\n  {note}" for note in notes)
        warn_user(f"{place}: not everything is referred to:{lines}")
    return place, made


def _group(file: OpenFile, group: str, notes: list[Problem]) -> ZarrGroup:
    signal = without_large(read_signal(file, group), notes)
    about = description(signal)
    source = plain_source(file.contents.experiments[group], signal)
    if not isinstance(source, Dataset):
        message = (
            "are masked, moments or of another type that stands in HDF5 in a form of its own; "
            "hspyio.load reads them"
        )
        raise _refused(message)
    coordinates = {}
    for name, (dimension, values, attributes) in about.coordinates.items():
        shape = values.shape
        octets = np.ascontiguousarray(values).tobytes()
        inline = {0: octets} if values.size else {}
        coordinates[name] = ZarrArray(
            (dimension,), shape, _at_least_one(shape), values.dtype, attributes,
            bytes(values.dtype.itemsize), inline=inline, values=values,
        )  # fmt: skip
    data = _data(source, tuple(about.dimensions), about.attributes)
    return ZarrGroup(data, coordinates, {"title": title_of(file.contents, group)})


def _refused(message: str) -> ConversionError:
    return ConversionError("has no Zarr form", [Problem("data", message)])


# data


def _data(
    dataset: Dataset, dimensions: tuple[str, ...], attributes: Mapping[str, Any]
) -> ZarrArray:
    """The array of a dataset; nothing of it is read but what has no place of its own."""
    layout, stored = dataset.layout, dataset.stored
    dtype, count = _number(dataset)
    chunks = stored.chunks
    values = None
    inline: dict[int, bytes] = {}
    filters = stored.filters
    if layout.inside is not None:
        chunks, filters = _at_least_one(stored.shape), ()
        values, inline = dataset.read(), {0: layout.inside}
        manifest = ChunkManifest.empty()
    elif chunks is None:
        whole = math.prod(stored.shape) * stored.dtype.itemsize
        _check_end(dataset, (stored.address or 0) + (whole if stored.address else 0))
        evenly = stored.address is not None
        chunks, filters = _block_chunks(stored.shape, stored.dtype.itemsize, evenly=evenly), ()
        manifest = _of_block(dataset, stored.address, chunks)
    else:
        if why := hindrance(filters, stored.pipeline.size):
            raise _refused(f"{why}; {_REPACK}")
        manifest = dataset.chunk_index()
        if manifest.masks.any():
            usual = _most_common(manifest.masks)
            filters = tuple(step for i, step in enumerate(filters) if not usual >> i & 1)
            inline = _inlined(dataset, manifest.ids[manifest.masks != usual], filters)
            manifest = _rows(manifest, manifest.masks == usual)
    if not len(manifest) and not inline:  # nothing was ever written: any codec will do
        filters = (Filter(1, (9,), "gzip"),)
    if len(manifest):
        _check_end(dataset, int((manifest.offsets + manifest.sizes).max()))
    shape = stored.shape
    if ChunkGrid(shape, chunks).count > _MOST_CHUNKS:
        raise _refused(f"have more than {_MOST_CHUNKS:,} chunks, too many for references")
    if count:
        shape, chunks = (*shape, count), (*chunks, count)
        dimensions = (*dimensions, FIELD)
        attributes = {**attributes, FIELDS: json.dumps(dtype_to_json(stored.dtype))}
        values = None if values is None else values.view(dtype).reshape(shape)
    return ZarrArray(
        dimensions, shape, chunks, dtype, attributes, stored.fill, filters, manifest, inline,
        values,
    )  # fmt: skip


def _number(dataset: Dataset) -> tuple[np.dtype[Any], int]:
    """The type of its numbers, and how many are the fields of each value; 0 where it has none."""
    kind = dataset.layout.kind
    dtype = kind.kind
    if not isinstance(dtype, np.dtype):
        raise _refused("are texts or of variable length, which lie apart in an HDF5 file")
    is_truth = kind.convert is truth_of and kind.stored.itemsize == 1
    if kind.convert is not None and not is_truth:
        raise _refused(f"are stored in a form that Zarr has not, and read as {dtype}; {_REPACK}")
    if dtype.names is None:
        if dtype.kind not in "biufc" or dtype.itemsize > (16 if dtype.kind == "c" else 8):
            raise _refused(f"are {dtype}, for which Zarr has no common type")
        return dtype, 0
    assert dtype.fields is not None
    parts = {dtype.fields[name][0] for name in dtype.names}
    places = [dtype.fields[name][1] for name in dtype.names]
    (one, *others) = parts
    width = one.itemsize
    even = places == list(range(0, dtype.itemsize, width)) if width else False
    if others or not even or one.kind not in "biufc" or one.itemsize > 8 or one.names:
        raise _refused(f"are structures of unlike fields: {dtype}")
    return one, len(places)


def _at_least_one(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(max(1, n) for n in shape)


def _block_chunks(shape: tuple[int, ...], itemsize: int, *, evenly: bool) -> tuple[int, ...]:
    """Chunks of some MiB: pieces of a block, of which none reaches beyond its end."""
    steps = list(_at_least_one(shape))
    for i, n in enumerate(steps):
        if math.prod(steps) * itemsize <= _AT_ONCE:
            break
        wanted = max(1, _AT_ONCE // (math.prod(steps[i + 1 :]) * itemsize))
        steps[i] = _divisor(n, wanted) if evenly else min(n, wanted)
        if steps[i] > 1:
            break
    return tuple(steps)


def _divisor(n: int, wanted: int) -> int:
    """The divisor that is nearest to some number."""
    small = [k for k in range(1, math.isqrt(n) + 1) if n % k == 0]
    return min([*small, *(n // k for k in small)], key=lambda k: abs(math.log(k / wanted)))


def _of_block(dataset: Dataset, address: int | None, chunks: tuple[int, ...]) -> ChunkManifest:
    """The chunks that a block is cut into, one behind the other."""
    if address is None:
        return ChunkManifest.empty()
    stored = dataset.stored
    count = ChunkGrid(stored.shape, chunks).count
    size = math.prod(chunks) * stored.dtype.itemsize
    ids = np.arange(count, dtype=np.int64)
    return ChunkManifest(ids, address + ids * size, np.full(count, size), np.zeros_like(ids))


def _rows(manifest: ChunkManifest, wanted: NDArray[np.bool_]) -> ChunkManifest:
    parts = (manifest.ids, manifest.offsets, manifest.sizes, manifest.masks)
    return ChunkManifest(*(part[wanted] for part in parts))


def _check_end(dataset: Dataset, stop: int) -> None:
    """Refuse what is said to stand beyond the end of its file."""
    opening = dataset.opening
    assert opening is not None
    if stop > opening.content.start + opening.content.end:
        raise DamagedFileError("has chunks outside the file", where=dataset.where)


def _most_common(masks: NDArray[np.int64]) -> int:
    """Which filters were left out for most chunks: noise is often stored as it is."""
    found, counts = np.unique(masks, return_counts=True)
    return int(found[np.argmax(counts)])


def _inlined(
    dataset: Dataset, numbers: NDArray[np.int64], filters: tuple[Filter, ...]
) -> dict[int, bytes]:
    """The chunks that were filtered otherwise than most, encoded like these."""
    stored = dataset.stored
    if len(numbers) * stored.pipeline.size > _MOST_INLINE:
        message = f"have {len(numbers)} chunks for which other filters were left out than for most"
        raise _refused(f"{message}; hspyio.repack(path, new, compression=None) writes one without")
    made = {}
    for number in numbers.tolist():
        region = stored.grid.region(number)
        chunk = np.zeros(stored.grid.chunk, stored.dtype)
        chunk[tuple(slice(0, part.stop - part.start) for part in region)] = dataset.read(region)
        made[number] = encoded(filters, chunk.tobytes())
    return made
