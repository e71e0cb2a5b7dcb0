"""Rows of variable length that are written are what h5py reads, in little memory."""

from __future__ import annotations

import gc
import os
import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hspyio.hdf5.writing import row_writer
from hspyio.hdf5.writing.row_writer import write_rows
from hspyio.nodes.node import Array, MemorySource, RaggedArray, RaggedList, Text, Vlen
from support.rows import (
    arrays,
    h5py_reads,
    objects,
    put,
    put_rows,
    read,
    references,
    same,
    same_files,
    shapes,
    some_rows,
)

# writing


def sources(base: np.dtype[Any], values: np.ndarray) -> list[Any]:
    loose = RaggedList.of(values, base)
    return [MemorySource(values), loose, loose.rows()]


@given(arrays(), st.integers(1, 3000), st.booleans(), st.booleans())
@same_files
def test_h5py_reads_the_rows_that_are_written(
    tmp_path: Path,
    drawn: tuple[np.dtype[Any], np.ndarray],
    limit: int,
    chunked: bool,
    by_method: bool,
) -> None:
    base, values = drawn
    chunks = tuple(max(1, n // 2) for n in values.shape) if chunked else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_writer, "_WRITTEN", limit)
        if by_method:
            patch.setattr(row_writer, "_h5dwrite", lambda: None)
        for source in sources(base, values):
            put_rows(tmp_path / "x.h5", Array(Vlen(base), source, chunks=chunks))
            assert h5py_reads(tmp_path / "x.h5", base, values)
            if not chunked:
                assert same(
                    read(tmp_path / "x.h5", references(tmp_path / "x.h5"), base).read(), values
                )


def test_rows_are_cast_and_flattened(tmp_path: Path) -> None:
    items = [
        np.arange(6, dtype=">i2").reshape(2, 3).T,
        np.float32(1.5).reshape(()),
        np.zeros((0, 3)),
    ]
    source = RaggedList.of(objects(items), np.dtype("f8"))
    put_rows(tmp_path / "x.h5", Array(Vlen(np.dtype("f8")), source))
    with h5py.File(tmp_path / "x.h5") as file:
        written = [item.tolist() for item in file["x"]]
    assert written == [[0, 3, 1, 4, 2, 5], [1.5], []]


def test_only_the_very_function_is_called_past_h5py(monkeypatch: Any) -> None:
    assert row_writer._h5dwrite() is not None
    with monkeypatch.context() as patch:
        patch.setattr(row_writer, "_SIGNATURE", b"int (void)")
        assert row_writer._h5dwrite.__wrapped__() is None
    monkeypatch.setattr(h5py.defs, "__pyx_capi__", {})
    assert row_writer._h5dwrite.__wrapped__() is None


@pytest.mark.parametrize("by_method", [True, False])
def test_what_hdf5_refuses_is_raised(tmp_path: Path, monkeypatch: Any, by_method: bool) -> None:
    if by_method:
        monkeypatch.setattr(row_writer, "_h5dwrite", lambda: None)
    put(tmp_path / "x.h5", some_rows(3, 5))
    array = Array(Vlen(np.dtype("f8")), RaggedList.of(some_rows(3, 5), np.dtype("f8")))
    with h5py.File(tmp_path / "x.h5") as file, pytest.raises((OSError, RuntimeError)):
        write_rows(file["x"].id, array)


@pytest.mark.parametrize("utf8", [True, False])
def test_rows_of_text(tmp_path: Path, utf8: bool) -> None:
    values = objects([objects([b"a", b"bc"]), objects([])])
    put_rows(tmp_path / "x.h5", Array(Vlen(Text(utf8=utf8)), MemorySource(values)))
    with h5py.File(tmp_path / "x.h5") as file:
        assert [list(item) for item in file["x"]] == [[b"a", b"bc"], []]


def test_it_is_told_how_many_rows_are_written(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(row_writer, "_WRITTEN", 2000)
    array = Array(Vlen(np.dtype("f8")), RaggedList.of(some_rows(50, 90), np.dtype("f8")))
    told: list[int] = []
    with h5py.File(tmp_path / "x.h5", "w") as file:
        dataset = file.create_dataset("x", (50,), h5py.vlen_dtype(np.dtype("f8")))
        write_rows(dataset.id, array, told.append)
    assert len(told) > 5
    assert sum(told) == 50


def test_lengths_that_lie_never_reach_hdf5(tmp_path: Path) -> None:
    for lengths in ([5, 5], [-1, 4]):
        rows = RaggedArray(np.zeros(3), np.array(lengths))
        with pytest.raises((IndexError, ValueError)):
            put_rows(tmp_path / "x.h5", Array(Vlen(np.dtype("f8")), rows))


@given(hnp.arrays("i8", shapes, elements=st.integers(0, 40)), st.data())
def test_regions_cover_everything_once_in_order(sizes: np.ndarray, data: st.DataObject) -> None:
    chunks = tuple(data.draw(st.integers(1, n)) for n in sizes.shape)
    numbers = np.arange(sizes.size).reshape(sizes.shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_writer, "_WRITTEN", 100)
        regions = list(row_writer._regions(sizes, chunks))
    found = np.concatenate([numbers[region].ravel() for region in regions])
    assert found.tolist() == list(range(sizes.size))
    assert all(sizes[region].sum() <= 100 for region in regions)


def test_regions_are_of_whole_chunks_where_they_can_be(monkeypatch: Any) -> None:
    monkeypatch.setattr(row_writer, "_WRITTEN", 1000)
    regions = list(row_writer._regions(np.full((90, 3), 10), (7, 3)))
    assert [region[0].stop for region in regions] == [28, 56, 84, 90]
    assert len(list(row_writer._regions(np.full((2, 3), 800), (2, 3)))) == 6


# memory


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's account")
@pytest.mark.parametrize("by_method", [True, False])
def test_nothing_leaks(tmp_path: Path, monkeypatch: Any, by_method: bool) -> None:
    if by_method:
        monkeypatch.setattr(row_writer, "_h5dwrite", lambda: None)
    values = some_rows(2000, 60)
    put_rows(tmp_path / "x.h5", Array(Vlen(np.dtype("f8")), MemorySource(values)))
    found = references(tmp_path / "x.h5")
    array = Array(Vlen(np.dtype("f8")), RaggedList.of(values, np.dtype("f8")))

    def once() -> None:
        read(tmp_path / "x.h5", found, "f8").read()
        put_rows(tmp_path / "y.h5", array)

    for _ in range(20):
        once()
    gc.collect()
    before = resident()
    for _ in range(200):  # 0.5 MB of rows each
        once()
    gc.collect()
    assert resident() - before < 20 * 2**20


@pytest.mark.parametrize(("count", "base"), [(40, "f8"), (400_000, "f8"), (800_000, "u1")])
def test_little_more_memory_than_the_rows_take(tmp_path: Path, count: int, base: str) -> None:
    size = 64 * 2**20
    length = size // count // np.dtype(base).itemsize
    one = np.ones(length, base)
    lengths = np.full(count, length)
    put_rows(
        tmp_path / "x.h5", Array(Vlen(np.dtype(base)), RaggedArray(np.tile(one, count), lengths))
    )
    found = references(tmp_path / "x.h5")
    tracemalloc.start()
    try:
        rows = read(tmp_path / "x.h5", found, base)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows.values.size == length * count
    assert peak < rows.values.nbytes + 64 * 2**20 + 120 * count
