"""Arrays of every kind in HDF5 files that h5py wrote, for the tests of the engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from h5py import h5d, h5p, h5s, h5t, h5z
from hypothesis import reject
from hypothesis import strategies as st
from numpy.typing import NDArray

from hspyio.arrays.grid import ChunkGrid
from hspyio.arrays.workers import Workers
from hspyio.errors import DamagedFileError
from hspyio.filters import CODECS
from hspyio.hdf5.dataset import Dataset
from hspyio.nodes.node import Damaged, Filter
from support.root import open_root

STRUCTURE = np.dtype([("a", "i1"), ("b", ">f8"), ("c", "S3"), ("d", "<u2", (2, 3))], align=True)
DTYPES = [
    *(np.dtype(order + kind) for order in "<>" for kind in ("i2", "u4", "i8", "f2", "f4", "f8")),
    *map(np.dtype, ("i1", "u1", "?", "<c8", ">c16", "g", "G", "S1", "S5", "S19", "V7")),
    STRUCTURE,
    np.dtype([("x", "u1"), ("y", "?"), ("z", "u1")]),
    h5py.string_dtype("utf-8", 6),
    h5py.enum_dtype({"A": 1, "B": 200}, "u2"),
]  # fmt: skip

PLUGINS: dict[str, tuple[int, tuple[int, ...]]] = {
    "lzf": (h5z.FILTER_LZF, ()),
    **{
        name: (plugin["compression"], plugin["compression_opts"])
        for name, plugin in {
            "blosc": hdf5plugin.Blosc(),
            "blosc bits": hdf5plugin.Blosc(cname="zlib", clevel=1, shuffle=2),
            "lz4": hdf5plugin.LZ4(),
            "zstd": hdf5plugin.Zstd(3),
            "bitshuffle": hdf5plugin.Bitshuffle(cname="none"),
            "bitshuffle lz4": hdf5plugin.Bitshuffle(),
            "bitshuffle zstd": hdf5plugin.Bitshuffle(cname="zstd"),
            "bzip2": hdf5plugin.BZip2(),
        }.items()
    },
}
COMPRESSORS = ("gzip", "gzip", "gzip 0", *PLUGINS)
LIBVERS = ("earliest", ("v108", "v108"), ("v110", "v110"), "latest")

Box = tuple[slice, ...]


@dataclass(frozen=True)
class Case:
    """An array as h5py is to write it."""

    shape: tuple[int, ...]
    limits: tuple[int, ...]
    chunks: tuple[int, ...] | None
    dtype: np.dtype[Any]
    filters: tuple[str, ...] = ()
    libver: Any = "latest"
    filled: bool = False
    early: bool = False
    boxes: tuple[Box, ...] | None = None
    seed: int = 0


def values(shape: tuple[int, ...], dtype: np.dtype[Any], seed: int) -> NDArray[Any]:
    """Any values, some of which compress."""
    rng = np.random.default_rng(seed)
    plain = np.zeros(shape, dtype.str if dtype.names is None else dtype)
    if dtype.names is not None:
        for i, name in enumerate(dtype.names):
            field = plain[name]
            field[...] = values(field.shape, field.dtype, seed + i)
    elif dtype.kind in "gG" or (dtype.itemsize > 8 and dtype.kind in "fc"):
        plain[...] = rng.integers(-9, 9, shape)
    elif dtype.kind == "S":
        plain[...] = rng.choice(np.array([b"", b"a", b"\xc2\xb5m", b"b\0c", b"xyz"]), shape)
    else:
        octets = rng.integers(0, 2 if dtype.kind == "b" else 256, plain.nbytes, "u1")
        octets[: octets.size // 3] = 1
        plain.reshape(-1).view("u1")[:] = octets
    return plain


@st.composite
def boxes(draw: st.DrawFn, shape: tuple[int, ...]) -> Box:
    bounds = [sorted(draw(st.tuples(*[st.integers(0, n)] * 2))) for n in shape]
    return tuple(slice(low, high) for low, high in bounds)


@st.composite
def filter_names(draw: st.DrawFn) -> tuple[str, ...]:
    """Filters in any order; Blosc on top of Blosc crashes in HDF5's plugin.

    What nobody knows the length of is not put on top of gzip: that is refused.
    """
    others = draw(st.lists(st.sampled_from(("shuffle", "fletcher32")), max_size=3))
    first = draw(st.none() | st.sampled_from(COMPRESSORS))
    second = draw(st.sampled_from((None,) * 4 + ("gzip", "lzf")))
    found = [name for name in (first, second) if name is not None]
    if set(found) - {"gzip", "lzf"}:
        found.sort(key="gzip".__eq__)
        drawn = iter(found)
        order = draw(st.permutations(others + ["compressor"] * len(found)))
        return tuple(next(drawn) if name == "compressor" else name for name in order)
    return tuple(draw(st.permutations(others + found)))


def _limit(length: int) -> st.SearchStrategy[int]:
    """How far a dimension may grow: not at all, a little, or without end."""
    larger = st.sampled_from([length + 1, length + 7, h5s.UNLIMITED, h5s.UNLIMITED])
    return larger if length == 0 else st.just(length) | st.just(length) | larger


def is_unlimited(limit: int) -> bool:
    return limit == h5s.UNLIMITED


@st.composite
def cases(draw: st.DrawFn) -> Case:
    lengths = st.one_of(st.integers(1, 6), st.integers(0, 13))
    shape = tuple(draw(st.lists(lengths, min_size=1, max_size=4)))
    limits = tuple(draw(_limit(n)) for n in shape)
    # HDF5 names wrong corners for extensible arrays, see test_every_chunk_index
    chunks = tuple(
        draw(st.integers(1, min(n + 3, most))) for n, most in zip(shape, limits, strict=True)
    )
    return Case(
        shape,
        limits,
        chunks if draw(st.integers(0, 9)) else None,
        draw(st.sampled_from(DTYPES)),
        draw(filter_names()),
        draw(st.sampled_from(LIBVERS)),
        draw(st.booleans()),
        draw(st.integers(0, 4)) == 0,
        draw(st.none() | st.lists(boxes(shape), max_size=2).map(tuple)),
        draw(st.integers(0, 99)),
    )


@st.composite
def grids(draw: st.DrawFn, least: int = 0) -> ChunkGrid:
    """Small arrays, also without values, and chunks that need not fit."""
    shape = tuple(draw(st.lists(st.integers(least, 9), min_size=1, max_size=4)))
    return ChunkGrid(shape, tuple(draw(st.integers(1, n + 3)) for n in shape))


@st.composite
def selections(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[slice | int, ...]:
    """Basic selections with steps of 1 and more; the last dimensions may go unnamed."""
    parts: list[slice | int] = []
    ranged = draw(st.integers(0, len(shape) - 1))  # one value is a case of its own
    for i, n in enumerate(shape[: draw(st.integers(0, len(shape)))]):
        kind = draw(st.sampled_from(["all", "slice", "slice", "int"]))
        if kind == "int" and n and i != ranged:
            parts.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            bound = st.none() | st.integers(-n - 2, n + 2)
            step = draw(st.none() | st.integers(1, n + 1))
            parts.append(slice(draw(bound), draw(bound), step))
        else:
            parts.append(slice(None))
    return tuple(parts)


def creation_list(case: Case) -> h5p.PropDCID:
    creation = h5p.create(h5p.DATASET_CREATE)
    if case.chunks is not None:
        creation.set_chunk(case.chunks)
        for name in case.filters:
            _add(creation, name)
    else:
        creation.set_layout(h5d.CONTIGUOUS)
    if case.filled:
        fill = np.empty((), case.dtype)
        fill[...] = values((2,), case.dtype, 5)[1]
        creation.set_fill_value(fill)
    if case.early:
        creation.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    return creation


def _add(creation: h5p.PropDCID, name: str) -> None:
    if name == "shuffle":
        creation.set_shuffle()
    elif name == "fletcher32":
        creation.set_fletcher32()
    elif name.startswith("gzip"):
        creation.set_deflate(int(name[4:] or 4))
    else:
        number, options = PLUGINS[name]
        creation.set_filter(number, h5z.FLAG_OPTIONAL, options)


def create(file: h5py.File, name: str, case: Case) -> h5d.DatasetID:
    """Make a dataset and write the case's values into its boxes; everywhere without any."""
    limits = case.limits if case.chunks is not None else case.shape
    kind = h5t.py_create(case.dtype, logical=True)
    try:
        made = h5d.create(
            file.id, name.encode(), kind, h5s.create_simple(case.shape, limits), creation_list(case)
        )
    except (RuntimeError, ValueError):
        reject()  # HDF5 itself won't have it
    everything = values(case.shape, case.dtype, case.seed)
    whole = tuple(slice(0, n) for n in case.shape)
    for box in (whole,) if case.boxes is None else case.boxes:
        part = np.ascontiguousarray(everything[box])
        if part.size:
            space = made.get_space()
            space.select_hyperslab(tuple(s.start for s in box), part.shape)
            made.write(h5s.create_simple(part.shape), space, part, h5t.py_create(case.dtype))
    return made


def written(path: Path, case: Case) -> NDArray[Any]:
    """Write a case into a file of its own; what h5py reads of it."""
    with h5py.File(path, "w", libver=case.libver) as file:
        create(file, "x", case)
    return through_hdf5(path)


def through_hdf5(path: Path, name: str = "x") -> NDArray[Any]:
    with h5py.File(path) as file:
        return np.asarray(file[name][()])


@contextmanager
def source_of(path: Path, threads: int = 1, name: str = "x", **options: Any) -> Iterator[Any]:
    """The source of an array."""
    with open_root(path, workers=Workers(threads), **options) as root:
        node = root.members[name]
        if isinstance(node, Damaged):
            raise DamagedFileError(node.reason)
        yield node.source


def detached(path: Path, name: str = "x", **options: Any) -> Dataset:
    with source_of(path, name=name, **options) as source:
        lazy = source.detached()
        assert isinstance(lazy, Dataset)
        return lazy


def part(values: NDArray[Any], selection: tuple[slice | int, ...]) -> NDArray[Any]:
    """Select; one value too stays an array of its dtype."""
    return values[(*selection, ...)]


def assert_same(found: Any, expected: Any) -> None:
    """Same shape, dtype and bytes, but for those that pad."""
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    if expected.dtype.names is not None:
        for name in expected.dtype.names:
            assert_same(found[name], expected[name])
    elif expected.dtype.char in "gG":
        assert np.array_equal(found, expected)
    else:
        assert found.tobytes() == expected.tobytes()


ENCODED = {
    "gzip": [(level,) for level in range(10)],
    "lzf": [()],
    "zstd": [(1,), (3,), (2**32 - 5,)],
    "blosc": [(0, 0, 0, 0, 5, 1, 1), (0, 0, 0, 0, 1, 2, 0), (0, 0, 0, 0, 9, 0, 4)],
}
"""Options of the compressors that are encoded here, or may once be."""


@st.composite
def encoders(draw: st.DrawFn) -> tuple[Filter, ...]:
    """Filters in any order as planning makes them, one compressor at most; all encoded here."""
    known = [codec for codec in CODECS if codec.encode is not None]
    compressors = [codec for codec in known if codec.resizes]
    found = draw(st.sampled_from([[], [Filter(2)]]))  # HDF5 sets the first of two shuffles only
    found = found + [Filter(3)] * draw(st.integers(0, 2))
    codec = draw(st.none() | st.sampled_from(compressors))
    if codec is not None:
        options = draw(st.sampled_from(ENCODED.get(codec.name, [()])))
        found.append(Filter(codec.id, options, codec.name, quick=draw(st.booleans())))
    return tuple(draw(st.permutations(found)))
