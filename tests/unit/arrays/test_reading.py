"""Stored chunks -> arrays, past HDF5: the same as h5py reads, and only what is asked for."""

from __future__ import annotations

import io
import itertools
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from h5py import h5d, h5p, h5s
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from hspyio.arrays import reading as gather
from hspyio.arrays.indexing import BasicIndexer
from hspyio.arrays.reading import read_chunks
from hspyio.arrays.workers import Progress, Workers
from hspyio.arrays.writing import rows_in_place
from hspyio.errors import DamagedFileError
from hspyio.hdf5.writing.dataset_writer import takes_bytes
from hspyio.nodes.node import Array
from hspyio.system import byte_source
from hspyio.system.byte_source import FileObjectBytes
from support.engine import (
    DTYPES,
    LIBVERS,
    Case,
    assert_same,
    cases,
    create,
    detached,
    part,
    selections,
    source_of,
    through_hdf5,
    values,
    written,
)
from support.root import open_root


@pytest.fixture(scope="module", autouse=True)
def _all_on_the_engine() -> Iterator[None]:
    """However small an array is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hspyio.hdf5.dataset.SMALL", -1)
        yield


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gather") / "a.h5"


# the same as h5py


@given(cases(), st.data(), st.integers(1, 4))
def test_what_h5py_reads_the_engine_reads(
    path: Path, case: Case, data: st.DataObject, threads: int
) -> None:
    expected = written(path, case)
    with source_of(path, threads) as source:
        assert_same(source.read(), expected)
        for selection in data.draw(st.lists(selections(case.shape), min_size=1, max_size=3)):
            assert_same(source.read(selection), part(expected, selection))
        lazy = source.detached()
    assert_same(lazy.read(), expected)
    assert_same(lazy.read(selection), part(expected, selection))


@given(cases(), st.data())
def test_masked_filters_are_left_out(path: Path, case: Case, data: st.DataObject) -> None:
    """Chunks that were stored with some of the filters only."""
    if case.chunks is None or 0 in case.shape:
        return
    whole = tuple(-(-n // step) for n, step in zip(case.shape, case.chunks, strict=True))
    some = data.draw(st.sets(st.integers(0, math.prod(whole) - 1), max_size=4))
    with h5py.File(path, "w", libver=case.libver) as file:
        target = create(file, "x", case)
        for number in some:
            place = np.unravel_index(number, whole)
            mask = data.draw(st.integers(0, 2 ** len(case.filters) - 1))
            raw = one_chunk(case, mask, seed=number)
            corner = tuple(int(i) * n for i, n in zip(place, case.chunks, strict=True))
            target.write_direct_chunk(corner, raw, mask)
    expected = through_hdf5(path)
    selection = data.draw(selections(case.shape))
    with source_of(path, 2) as source:
        assert_same(source.read(), expected)
        assert_same(source.read(selection), part(expected, selection))


def one_chunk(case: Case, mask: int, seed: int) -> bytes:
    """What HDF5 makes of a chunk with only the filters that a mask leaves."""
    kept = tuple(name for i, name in enumerate(case.filters) if not mask >> i & 1)
    assert case.chunks is not None
    shape = case.chunks
    alone = Case(shape, shape, shape, case.dtype, kept, seed=seed)
    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        made = create(file, "x", alone)
        file.flush()
        found, skipped = made.read_direct_chunk((0,) * len(shape))
    if skipped:
        reject()  # it left out one more
    return bytes(found)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("filters", [(), ("shuffle", "gzip"), ("gzip", "fletcher32")], ids=str)
def test_every_type(path: Path, dtype: np.dtype[Any], filters: tuple[str, ...]) -> None:
    case = Case((7, 11), (7, 11), (3, 5), dtype, filters, filled=True)
    expected = written(path, case)
    with source_of(path, 2) as source:
        assert_same(source.read(), expected)
        for selection in ((slice(1, 6, 2),), (4,), (-1, -1), (slice(2, 2),), (slice(0, 3),)):
            assert_same(source.read(selection), part(expected, selection))


@pytest.mark.parametrize("dtype", [">i2", "S5"])
@pytest.mark.parametrize(
    ("chunks", "filters"),
    [
        ((3, 5), ("gzip",)),
        ((3, 5), ("gzip", "gzip")),
        (None, ()),
    ],
    ids=["engine", "HDF5", "block"],
)
def test_one_value_keeps_its_type(path: Path, dtype: str, chunks: Any, filters: Any) -> None:
    expected = written(path, Case((7, 11), (7, 11), chunks, np.dtype(dtype), filters))
    assert_same(detached(path).read((3, 4)), part(expected, (3, 4)))


@pytest.mark.parametrize("libver", LIBVERS, ids=str)
@pytest.mark.parametrize("filters", [(), ("shuffle", "gzip", "fletcher32")], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("chunks", "limits", "early"),
    [
        ((40, 30), (40, 30), False),  # a single chunk
        ((7, 11), (40, 30), True),  # implicit
        ((7, 11), (40, 30), False),  # fixed array
        ((1, 1), (40, 30), False),  # ... with pages
        ((7, 11), (40, h5s.UNLIMITED), False),  # extensible array
        ((1, 1), (h5s.UNLIMITED, 30), False),
        ((7, 11), (h5s.UNLIMITED,) * 2, False),  # B-tree version 2
        ((1, 1), (h5s.UNLIMITED,) * 2, True),
        ((7, 11), (97, 89), False),
    ],
    ids=str,
)
def test_every_chunk_index(
    path: Path, chunks: Any, limits: Any, early: bool, filters: Any, libver: Any
) -> None:
    """libver="earliest" has B-trees of version 1 for all of them."""
    case = Case((40, 30), limits, chunks, np.dtype("<i2"), filters, libver, early=early)
    expected = written(path, case)
    with source_of(path, 2) as source:
        assert_same(source.read(), expected)
        assert_same(source.read((slice(5, 33, 3), 7)), expected[5:33:3, 7])


@pytest.mark.parametrize("shape", [(20, 30), (41, 30), (45, 80), (1, 1)])
@pytest.mark.parametrize("libver", LIBVERS, ids=str)
def test_resized_arrays(path: Path, shape: Any, libver: Any) -> None:
    limits = (h5s.UNLIMITED,) * 2
    case = Case((40, 60), limits, (7, 11), np.dtype("<i4"), ("gzip",), libver, filled=True)
    with h5py.File(path, "w", libver=libver) as file:
        create(file, "x", case)
        file["x"].resize(shape)
        file.flush()
        file["x"].resize(max(n, 33) for n in shape)
    expected = through_hdf5(path)
    with source_of(path) as source:
        assert_same(source.read(), expected)
        assert_same(source.read((slice(10, 30),)), expected[10:30])


@pytest.mark.parametrize(
    "plugin",
    [
        hdf5plugin.Blosc2(), hdf5plugin.Blosc2(cname="zstd", filters=2), hdf5plugin.BZip2(),
        hdf5plugin.Blosc(cname="zstd", clevel=9), hdf5plugin.Blosc(cname="lz4hc", shuffle=0),
        hdf5plugin.LZ4(nbytes=64), hdf5plugin.Zstd(22), hdf5plugin.Bitshuffle(nelems=16),
        {"compression": "lzf"}, {"compression": "szip"},
        {"compression": "szip", "compression_opts": ("ec", 16)}, {"scaleoffset": 0},
        {"scaleoffset": 0, "compression": "gzip", "shuffle": True},
        {"compression": "szip", "shuffle": True, "fletcher32": True},
        {"compression": "lzf", "shuffle": True, "fletcher32": True},
    ],
    ids=lambda options: str(dict(options)),
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["u1", "<i2", ">u4", "<i8"])
def test_every_compressor(path: Path, plugin: Any, dtype: str) -> None:
    """Those that are not decoded here go through HDF5, with the same result."""
    made = (values((50, 64), np.dtype("u1"), 1) % 50).astype(dtype)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=made, chunks=(9, 32), **plugin)
    expected = through_hdf5(path)
    lazy = detached(path)
    with source_of(path, 3) as source:
        for read in (source.read, lazy.read):
            assert_same(read(), expected)
            assert_same(read((slice(1, 41, 9), slice(30, 34))), expected[1:41:9, 30:34])


@pytest.mark.parametrize("filters", [(), ("shuffle", "gzip")], ids=["plain", "gzip"])
def test_large_arrays_go_past_hdf5_unasked(
    path: Path, filters: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    case = Case((301, 523), (301, 523), (100, 97), np.dtype("<u4"), filters)
    expected = written(path, case)
    monkeypatch.setattr(byte_source, "read_into", counted := Counted())
    with source_of(path) as source:
        monkeypatch.undo()
        monkeypatch.setattr(byte_source, "read_into", counted)
        assert_same(source.read(), expected)
    assert 1 <= len(counted.offsets) <= 24


def test_a_fill_value_with_holes_everywhere(path: Path) -> None:
    for chunks, dtype in itertools.product([(3, 3), None], DTYPES):
        case = Case((5, 7), (5, 7), chunks, dtype, (), "earliest", filled=True, boxes=())
        expected = written(path, case)
        with source_of(path) as source:
            assert_same(source.read(), expected)
            assert_same(source.read((slice(1, 3),)), expected[1:3])


# only what is asked for


class Counted:
    """Stands in for `read_into`, and notes where it was asked to read."""

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.ends: list[int] = []
        self._read = byte_source.read_into

    def __call__(self, descriptor: int, buffers: Any, offset: int) -> None:
        self.offsets.append(offset)
        self.ends.append(offset + sum(map(len, buffers)))
        self._read(descriptor, buffers, offset)


@given(cases(), st.data(), st.integers(1, 3))
def test_only_the_chunks_of_a_selection_are_read_each_once(
    path: Path, case: Case, data: st.DataObject, threads: int
) -> None:
    written(path, case)
    lazy = detached(path)
    if lazy.stored.chunks is None or not lazy.stored.pipeline.decodes:
        return
    selection = data.draw(selections(case.shape))
    with h5py.File(path) as file:
        assume(takes_bytes(file["x"].id, lazy.stored.grid))
        infos = [file["x"].id.get_chunk_info(i) for i in range(file["x"].id.get_num_chunks())]
    chosen = np.zeros(case.shape, bool)
    chosen[selection] = True
    expected = [
        (info.byte_offset, info.byte_offset + info.size)
        for info in infos
        if chosen[tuple(map(chunk_slice, info.chunk_offset, lazy.stored.chunks))].any()
    ]
    index = lazy.chunk_index()
    with pytest.MonkeyPatch.context() as patch, lazy.snapshot.open_source() as source:
        patch.setattr(gather, "_GAP", gap := data.draw(st.sampled_from([0, 100, 4096])))
        patch.setattr(gather, "_BATCH", data.draw(st.sampled_from([1, 100, 2**18])))
        patch.setattr(byte_source, "read_into", counted := Counted())
        told: list[int] = []
        workers = Workers(threads, Progress(advance=told.append))
        read = read_chunks(lazy.stored, index, source, selection, workers)
    elsewhere = FileObjectBytes(io.BytesIO(path.read_bytes()))
    assert_same(read_chunks(lazy.stored, index, elsewhere, selection, Workers(threads)), read)
    assert threads > 1 or counted.offsets == sorted(counted.offsets)
    found = sorted(zip(counted.offsets, counted.ends, strict=True))
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(found))
    for low, high in expected:
        assert any(begin <= low and high <= end for begin, end in found)
    more = sum(high - low for low, high in found) - sum(high - low for low, high in expected)
    assert more <= gap * (len(expected) - len(found))
    assert sum(told) <= read.nbytes


def chunk_slice(start: int, length: int) -> slice:
    return slice(start, start + length)


@pytest.mark.parametrize(
    "selection", [(5,), (-6,), (0, 0, 0), (slice(None, None, -1),), (slice(None), slice(4, 0, -2))]
)
def test_selections_that_do_not_fit_are_refused(path: Path, selection: Any) -> None:
    with pytest.raises(IndexError):
        BasicIndexer(selection, (5, 5))
    written(path, Case((5, 5), (5, 5), (2, 2), np.dtype("i2"), ("gzip",)))
    with pytest.raises((IndexError, DamagedFileError)):
        detached(path).read(selection)


# files of other kinds


def test_a_user_block_and_values_elsewhere(path: Path, tmp_path: Path) -> None:
    case = Case((30, 20), (30, 20), (7, 6), np.dtype("<i4"), ("shuffle", "gzip"))
    expected = values(case.shape, case.dtype, 0)
    with h5py.File(path, "w", userblock_size=1024) as file:
        create(file, "x", case)
        create(file, "block", replace(case, chunks=None, filters=()))
        layout = h5py.VirtualLayout((30, 20), "<i4")
        layout[:20] = h5py.VirtualSource(".", "x", (30, 20))[:20]
        file.create_virtual_dataset("virtual", layout, fillvalue=-1)
        raw = tmp_path / "raw.bin"
        raw.write_bytes(expected.tobytes())
        file.create_dataset("raw", (30, 20), "<i4", external=[(str(raw), 0, expected.nbytes)])
        file["scalar"] = 5
        file["compact"] = expected[0, :5]
        kind = h5py.h5t.array_create(h5py.h5t.STD_I32LE, (20,))
        space = h5s.create_simple((30,))
        creation = h5p.create(h5p.DATASET_CREATE)
        creation.set_chunk((7,))
        rows = h5d.create(file.id, b"rows", kind, space, creation)
        rows.write(h5s.ALL, h5s.ALL, expected, kind)
    for name in ("x", "block", "virtual", "raw", "rows"):
        part = expected.copy()
        if name == "virtual":
            part[20:] = -1
        with open_root(path, allow_external=True) as root:
            array = root.members[name]
            assert isinstance(array, Array)
            assert_same(array.source.read(), part)
            assert_same(array.source.read((slice(2, 25, 4), 3)), part[2:25:4, 3])
    for name in ("x", "block", "rows"):
        assert_same(detached(path, name).read(), expected)
        assert_same(detached(path, name).read((slice(2, 25, 4), 3)), expected[2:25:4, 3])
    assert detached(path, "scalar").read() == 5
    assert_same(detached(path, "compact").read(), expected[0, :5])


def foreign(path: Path, kind: str, folder: Path) -> None:
    """A file whose array is in another."""
    case = Case((30, 20), (30, 20), (7, 6), np.dtype("<i4"), ("gzip",))
    written(folder / "other.h5", case)
    with h5py.File(path, "w") as file:
        if kind == "link":
            file["x"] = h5py.ExternalLink(str(folder / "other.h5"), "/x")
        else:
            layout = h5py.VirtualLayout((30, 20), "<i4")
            layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "x", (30, 20))
            file.create_virtual_dataset("x", layout)


@pytest.mark.parametrize("kind", ["link", "virtual"])
def test_arrays_of_another_file(path: Path, kind: str, tmp_path: Path) -> None:
    """Their chunks are not in the file that is open."""
    foreign(path, kind, tmp_path)
    expected = through_hdf5(tmp_path / "other.h5")
    with source_of(path, 2, allow_external=True) as source:
        assert_same(source.read(), expected)
        assert_same(source.read((slice(3, 20, 5), 3)), expected[3:20:5, 3])


@pytest.mark.parametrize("kind", ["link", "virtual"])
def test_arrays_of_another_file_read_lazily(path: Path, kind: str, tmp_path: Path) -> None:
    foreign(path, kind, tmp_path)
    expected = through_hdf5(tmp_path / "other.h5")
    code = (
        "from support.root import open_root\n"
        f"with open_root({str(path)!r}, allow_external=True) as root:\n"
        "    source = root.members['x'].source.detached()\n"
        f"assert source.read().tolist() == {expected.tolist()}"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)


# memory that is filled in place


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple),
    st.sampled_from(["u1", "<i4", "S4096", "S5000", "V4097"]),
    st.data(),
)
def test_rows_in_place_are_the_memory_in_order(
    shape: tuple[int, ...], dtype: str, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(shape))))
    base = np.zeros([2 * shape[i] for i in np.argsort(order)], dtype).transpose(order)
    steps = [data.draw(st.sampled_from([1, 1, 2, -1])) for _ in shape]
    view = base[tuple(slice(None, None, step) for step in steps)]
    view = view[tuple(slice(0, n) for n in shape)]
    pieces = rows_in_place(view, shape)
    assert rows_in_place(view, (*shape[:-1], shape[-1] + 1)) == []
    if not pieces:
        return
    octets = np.random.default_rng(0).integers(1, 255, view.nbytes, "u1")
    position = 0
    for piece in pieces:
        piece[:] = octets[position : position + len(piece)].data
        position += len(piece)
    assert position == view.nbytes
    assert view.tobytes() == octets.tobytes()
