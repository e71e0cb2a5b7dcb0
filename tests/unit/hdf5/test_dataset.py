"""Where the bytes of an array stand: what the one source of arrays says, and HDF5 too."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5d, h5s
from hypothesis import given
from hypothesis import strategies as st

from hspyio.arrays.grid import ChunkGrid
from hspyio.arrays.indexing import BasicIndexer
from hspyio.arrays.manifest import ChunkManifest, StoredArray
from hspyio.nodes.node import Filter
from support.engine import DTYPES, Case, assert_same, cases, detached, values, written


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stored") / "a.h5"


def filters_of(dataset: h5d.DatasetID) -> list[tuple[int, tuple[int, ...]]]:
    """Numbers and options, as HDF5 has them."""
    creation = dataset.get_create_plist()
    found = (creation.get_filter(index) for index in range(creation.get_nfilters()))
    return [(number, options) for number, _, options, _ in found]


def are_listed_rightly(dataset: h5d.DatasetID, chunks: tuple[int, ...]) -> bool:
    """HDF5 2.0 names wrong corners where a limited axis with chunks precedes the unlimited one."""
    limits = dataset.get_space().get_simple_extent_dims(1)
    unlimited = [i for i, most in enumerate(limits) if most == h5s.UNLIMITED]
    if len(unlimited) != 1:
        return True
    return all(n <= step for n, step in zip(limits[: unlimited[0]], chunks, strict=False))


@given(cases())
def test_what_is_found_is_what_h5py_says(path: Path, case: Case) -> None:
    written(path, case)
    stored = detached(path).stored
    with h5py.File(path) as file:
        dataset = file["x"]
        assert (stored.shape, stored.chunks) == (case.shape, case.chunks)
        assert stored.dtype == dataset.dtype
        assert stored.dtype.metadata is None or stored.dtype.names is not None
        assert [(step.id, step.options) for step in stored.filters] == filters_of(dataset.id)
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


# the index


@given(cases())
def test_the_index_is_what_h5py_says(path: Path, case: Case) -> None:
    written(path, case)
    source = detached(path)
    if source.stored.chunks is None:
        return
    index = source.chunk_index()
    with h5py.File(path) as file:
        dataset = file["x"].id
        if not are_listed_rightly(dataset, source.stored.chunks):
            return
        infos = [dataset.get_chunk_info(i) for i in range(dataset.get_num_chunks())]
    assert len(index) == len(infos)
    assert np.all(np.diff(index.ids) > 0)
    facts = (index.ids, index.offsets, index.sizes, index.masks)
    found = {
        source.stored.grid.corner(place): others
        for place, *others in zip(*(array.tolist() for array in facts), strict=True)
    }
    assert found == {
        info.chunk_offset: [info.byte_offset, info.size, info.filter_mask] for info in infos
    }


def test_a_selection_goes_through_the_file_from_start_to_end() -> None:
    ids, offsets = np.array([0, 1, 2, 3]), np.array([900, 100, 500, 300])
    index = ChunkManifest(ids, offsets, np.full(4, 48), np.zeros(4, np.int64))
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
