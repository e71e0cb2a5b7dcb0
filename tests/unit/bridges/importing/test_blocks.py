"""How lazy data of a reader are cut: whole patterns, whole chunks of the file, in little memory."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import hspyio
from hspyio.arrays.chunk_shapes import dask_chunks, signal_chunks
from hspyio.bridges.importing import blocks
from hspyio.bridges.importing.blocks import block_shape, in_blocks, is_cut, takes_chunks


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=4),
    st.sampled_from([1, 2, 4, 8]),
    st.integers(0, 4),
)
def test_a_block_is_whole_chunks_of_whole_patterns(
    shape: list[int], itemsize: int, navigation: int
) -> None:
    dims = range(min(navigation, len(shape) - 1), len(shape))
    block = block_shape(shape, itemsize, dims)
    chunk = signal_chunks(shape, itemsize, dims)
    size = itemsize * math.prod(block)
    for n, length, step in zip(shape, block, chunk, strict=True):
        assert length == n or length % step == 0
    assert size <= max(blocks._BLOCK, itemsize * math.prod(chunk))
    if math.prod(shape) * itemsize > 2 * blocks._BLOCK:
        made = da.core.normalize_chunks(block, shape, dtype=f"u{itemsize}")
        stored = dask_chunks(made, itemsize, dims)
        assert all(stored[i] == chunk[i] for i in dims)  # so are the chunks of the file
        assert math.prod(stored) <= max(16 * 2**20 // itemsize, math.prod(chunk))


def test_chunks_that_are_asked_for_are_whole_in_a_block() -> None:
    assert block_shape((1000, 1000, 64), 2, (2,), (10, 10, 64)) == (190, 1000, 64)
    assert block_shape((4, 5), 8, (0, 1), (9, 9)) == (4, 5)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 4 KiB, so that small arrays have many."""
    monkeypatch.setattr(blocks, "_BLOCK", 4096)
    monkeypatch.setattr(blocks, "_AT_ONCE", 1024)
    monkeypatch.setattr(blocks, "_LARGEST", 16384)


VALUES = np.arange(12 * 10 * 8 * 8, dtype="u2").reshape(12, 10, 8, 8)


def signal(data: Any) -> hspyio.Signal:
    return hspyio.Signal(data, signal_dimension=2)


UNIT = (2, 2, 8, 8)


class Mapped:
    """An array of a file as dask sees it, which is no numpy array."""

    shape, dtype, ndim = VALUES.shape, VALUES.dtype, VALUES.ndim

    def __getitem__(self, selection: Any) -> Any:
        return VALUES[selection]


def test_an_array_that_was_cut_through_its_patterns(small: None) -> None:
    made = in_blocks(signal(da.from_array(Mapped(), chunks=(5, 5, 5, 5))), UNIT)  # type: ignore[arg-type]
    assert made.chunksize[2:] == (8, 8) and made.npartitions > 1
    assert_array_equal(made.compute(), VALUES)


def test_a_dataset_is_read_in_whole_chunks(small: None, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stored = file.create_dataset("data", data=VALUES, chunks=(3, 10, 8, 4))
        made = in_blocks(signal(da.from_array(stored, chunks=(12, 1, 4, 8))), UNIT)
        assert made.chunksize == (3, 10, 8, 8)
        assert_array_equal(made.compute(), VALUES)
        whole = file.create_dataset("whole", data=VALUES, chunks=VALUES.shape)
        given_ = da.from_array(whole, chunks=(12, 1, 8, 8))
        assert in_blocks(signal(given_), UNIT).npartitions == 1


def test_a_dataset_in_chunks_that_are_too_large_stays_as_it_was(
    small: None, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        values = np.ones((64, 64, 64), "u1")
        stored = file.create_dataset("data", data=values, chunks=(64, 64, 64))
        given_ = da.from_array(stored, chunks=(16, 64, 64))
        assert in_blocks(signal(given_)) is given_


def test_what_was_computed_stays_as_it_is(small: None) -> None:
    for made in (da.from_array(VALUES, chunks=6) + 1, da.ones((20, 20, 8, 8), chunks=6)):
        assert in_blocks(signal(made)) is made


def test_small_data_are_read(small: None) -> None:
    made = in_blocks(signal(da.from_array(VALUES[:1, :2], chunks=2)))
    assert type(made) is np.ndarray
    assert_array_equal(made, VALUES[:1, :2])
    assert in_blocks(signal(VALUES)) is VALUES


def test_cut(small: None) -> None:
    base = da.ones((12, 10, 8, 8), chunks=(12, 10, 4, 8), dtype="u2") + 0
    assert is_cut(signal(base))
    assert not is_cut(signal(base.rechunk((2, 2, 8, 8))))
    assert is_cut(signal(base.rechunk((12, 10, 8, 8))))  # too large
    assert not is_cut(signal(VALUES))
    assert takes_chunks(lambda filename, chunks="auto": None)
    assert not takes_chunks(lambda filename, lazy=False: None)
