"""Where the bytes of an array stand: found in one pass, or left to HDF5."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5d, h5s, h5t
from hypothesis import given
from hypothesis import strategies as st

from hspyio.arrays.grid import ChunkGrid
from hspyio.arrays.indexing import BasicIndexer
from hspyio.arrays.manifest import ChunkManifest, StoredArray
from hspyio.filters import codec_of
from hspyio.hdf5.h5types import from_h5py
from hspyio.hdf5.stored_layout import chunk_index, stored_layout
from hspyio.hdf5.via_h5py import filters_of
from hspyio.nodes.node import Filter
from support.engine import DTYPES, Case, assert_same, cases, create, detached, values, written


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stored") / "a.h5"


def layout_of(dataset: h5d.DatasetID) -> StoredArray | None:
    return stored_layout(dataset, from_h5py(dataset.dtype), filters_of(dataset))


# what the engine reads


@given(cases())
def test_what_is_found_is_what_h5py_says(path: Path, case: Case) -> None:
    written(path, case)
    with h5py.File(path) as file:
        dataset = file["x"]
        stored = layout_of(dataset.id)
        steps = filters_of(dataset.id)
        codecs = [codec_of(step.id) for step in steps]
        if any(codec.decode is None for codec in codecs):
            assert stored is None
            return
        if stored is None:
            # two compressors, or an index that HDF5 may tell wrongly
            assert sum(codec.resizes for codec in codecs) > 1 or h5s.UNLIMITED in case.limits
            return
        assert (stored.shape, stored.chunks) == (case.shape, case.chunks)
        assert stored.dtype == dataset.dtype
        assert stored.dtype.metadata is None or stored.dtype.names is not None
        assert stored.filters == steps
        assert stored.address == (None if case.chunks else dataset.id.get_offset())
        fill = stored.empty((2, 3), filled=True)
        filler = np.zeros((2, 3), stored.dtype) if dataset.fillvalue is None else None
        if filler is None:
            filler = np.full((2, 3), dataset.fillvalue, stored.dtype)
        assert_same(fill, filler)
        again = pickle.loads(pickle.dumps(stored))
    assert again == stored
    if stored.chunks is not None:
        assert stored.pipeline.size == np.prod(stored.chunks) * stored.dtype.itemsize
        assert pickle.loads(pickle.dumps(stored)) == stored  # with what it has found out
        if 0 not in case.shape:
            places = np.arange(np.prod(stored.grid.counts)).reshape(stored.grid.counts)
            assert places[tuple(n - 1 for n in stored.grid.counts)] == places.size - 1


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("chunks", [(3,), None])
def test_all_these_types_are_read_past_hdf5(path: Path, dtype: Any, chunks: Any) -> None:
    written(path, Case((10,), (10,), chunks, dtype, ("shuffle", "gzip")))
    assert detached(path).stored is not None


def test_an_empty_array_has_its_own_fill(path: Path) -> None:
    for dtype in DTYPES:
        for filled in (False, True):
            case = Case((10,), (10,), (3,), dtype, (), filled=filled, boxes=())
            expected = written(path, case)
            stored = detached(path).stored
            assert stored is not None
            assert_same(stored.empty((10,), filled=True), expected)
            assert stored.empty((0, 3), filled=True).shape == (0, 3)
            assert stored.empty((2,), filled=False).dtype == expected.dtype


# what it leaves to HDF5


def made_by(path: Path, make: Any, **options: Any) -> StoredArray | None:
    with h5py.File(path, "w", **options) as file:
        make(file)
    with h5py.File(path) as file:
        return layout_of(file["x"].id)


def raw(kind: Any, chunks: tuple[int, ...] | None = None) -> Any:
    def make(file: h5py.File) -> None:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        if chunks:
            creation.set_chunk(chunks)
        h5d.create(file.id, b"x", kind, h5s.create_simple((4,)), creation)

    return make


def ended_by_zero() -> Any:
    kind = h5t.C_S1.copy()
    kind.set_size(5)
    return kind


LEFT: dict[str, Any] = {
    "scalar": lambda file: file.create_dataset("x", data=5),
    "compact": lambda file: h5py.h5d.create(
        file.id, b"x", h5t.STD_I8LE, h5s.create_simple((4,)), compact()
    ),
    "text": lambda file: file.create_dataset("x", (4,), h5py.string_dtype(), chunks=(2,)),
    "rows": lambda file: file.create_dataset("x", (4,), h5py.vlen_dtype("i4"), chunks=(2,)),
    "array type": raw(h5t.array_create(h5t.STD_I32LE, (3,)), (2,)),
    "array type in a block": raw(h5t.array_create(h5t.STD_I32LE, (3,))),
    "text with an end": raw(ended_by_zero(), (2,)),
    "text with spaces": raw(h5t.FORTRAN_S1, (2,)),
    "bit field": raw(h5t.STD_B16BE, (2,)),
    "external": lambda file: file.create_dataset("x", (4,), "i4", external=[("raw", 0, 16)]),
    "bzip2": lambda file: file.create_dataset("x", (4,), "i4", chunks=(2,), compression=307),
    "scaleoffset": lambda file: file.create_dataset("x", (4,), "i4", chunks=(2,), scaleoffset=0),
    "two compressors": lambda file: create(
        file, "x", Case((4,), (4,), (2,), np.dtype("i4"), ("gzip", "gzip"))
    ),
}


def compact() -> Any:
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_layout(h5d.COMPACT)
    return creation


@pytest.mark.parametrize("kind", LEFT)
def test_what_is_left_to_hdf5(path: Path, kind: str) -> None:
    assert made_by(path, LEFT[kind]) is None


def test_files_with_a_user_block_and_virtual_arrays_are_too(path: Path) -> None:
    def plain(file: h5py.File) -> None:
        file["x"] = np.arange(4)

    def virtual(file: h5py.File) -> None:
        file["y"] = np.arange(4)
        layout = h5py.VirtualLayout((4,), "i8")
        layout[:] = h5py.VirtualSource(".", "y", (4,))
        file.create_virtual_dataset("x", layout)

    assert made_by(path, plain) is not None
    assert made_by(path, plain, userblock_size=512) is None
    assert made_by(path, virtual) is None


def test_numbers_that_are_converted_are_too(path: Path) -> None:
    """14 of 16 bits: h5py reads them into a type that the file has not got."""
    kind = h5t.STD_U16LE.copy()
    kind.set_precision(14)
    assert made_by(path, raw(kind, (2,))) is None


# the index


@given(cases())
def test_the_index_is_what_h5py_says(path: Path, case: Case) -> None:
    written(path, case)
    with h5py.File(path) as file:
        dataset = file["x"].id
        stored = layout_of(dataset)
        if stored is None or stored.chunks is None:
            return
        index = chunk_index(dataset, stored)
        infos = [dataset.get_chunk_info(i) for i in range(dataset.get_num_chunks())]
    assert len(index) == len(infos)
    assert np.all(np.diff(index.ids) > 0)
    chunks = np.array(stored.chunks)
    found = {
        tuple((np.array(np.unravel_index(place, stored.grid.counts)) * chunks).tolist()): facts
        for place, *facts in zip(
            *(array.tolist() for array in (index.ids, index.offsets, index.sizes, index.masks)),
            strict=True,
        )
    }
    assert found == {
        info.chunk_offset: [info.byte_offset, info.size, info.filter_mask] for info in infos
    }


def of_infos(*infos: tuple[tuple[int, ...], int | None]) -> ChunkManifest:
    """The index of an array of (10, 7) with chunks of (4, 3), from what HDF5 might say."""
    stored = StoredArray((10, 7), np.dtype("i4"), (4, 3), (), b"\0" * 4)

    def chunk_iter(tell: Any) -> None:
        for corner, offset in infos:
            tell(SimpleNamespace(chunk_offset=corner, byte_offset=offset, size=48, filter_mask=0))

    return chunk_index(SimpleNamespace(chunk_iter=chunk_iter), stored)  # type: ignore[arg-type]


def test_chunks_outside_the_array_and_second_ones_are_left_out() -> None:
    index = of_infos(
        ((8, 6), 500), ((12, 0), 1), ((0, 9), 2), ((0, 0), 100), ((4, 3), 300), ((0, 0), 7),
        ((4, 3), 8), ((2**40, 0), 9),
    )  # fmt: skip
    assert index.ids.tolist() == [0, 4, 8]
    assert index.offsets.tolist() == [100, 300, 500]


def test_an_empty_index() -> None:
    index = of_infos()
    assert len(index) == 0


def test_a_selection_goes_through_the_file_from_start_to_end() -> None:
    index = of_infos(((0, 0), 900), ((0, 3), 100), ((0, 6), 500), ((4, 0), 300))
    rows, complete = index.rows(BasicIndexer((slice(0, 4),), (10, 7)), ChunkGrid((10, 7), (4, 3)))
    assert index.offsets[rows].tolist() == [100, 500, 900]
    assert index.ids[rows].tolist() == [1, 2, 0]
    assert complete


def test_the_filters_are_part_of_what_is_stored() -> None:
    one = StoredArray((4,), np.dtype("i4"), (2,), (Filter(1, (4,)),), b"\0" * 4)
    assert one != StoredArray((4,), np.dtype("i4"), (2,), (), b"\0" * 4)
    assert one.grid.counts == (2,)


# pickled sources


@pytest.mark.parametrize("name", ["gzip", "lzf", "blosc", "lz4", "zstd", "bitshuffle lz4"])
def test_a_lazy_source_is_pickled_after_it_was_used(path: Path, name: str) -> None:
    case = Case((20, 30), (20, 30), (7, 11), np.dtype("<u2"), ("shuffle", name, "fletcher32"))
    expected = written(path, case)
    lazy = detached(path)
    assert_same(lazy.read(), expected)
    again = pickle.loads(pickle.dumps(lazy))
    assert_same(again.read((slice(3, 17),)), expected[3:17])
    assert again.stored == lazy.stored
    assert_same(expected, values(case.shape, case.dtype, 0))


@given(st.integers(0, 20), st.integers(1, 9))
def test_the_grid_covers_the_array(length: int, chunk: int) -> None:
    stored = StoredArray((length, 5), np.dtype("i4"), (chunk, 5), (), b"\0" * 4)
    assert stored.grid.counts == (len(range(0, length, chunk)), 1)
