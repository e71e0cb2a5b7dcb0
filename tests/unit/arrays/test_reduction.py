"""Sums and maxima are numpy's, to the last bit for integers, whatever the blocks."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hspyio.arrays import reduction
from hspyio.arrays.reduction import reduce_array, reduce_by_parts, reduced_dtype
from hspyio.arrays.workers import Progress, Workers
from hspyio.errors import TooLargeError

HOWS = st.sampled_from(["sum", "max"])
DTYPES = st.sampled_from(["?", "u1", "i1", "u2", ">u2", "i2", "u4", "i8", "u8"])


@st.composite
def arrays_and_axes(draw: st.DrawFn) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=7))
    array = draw(hnp.arrays(np.dtype(draw(DTYPES)), shape))
    axes = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
    axes = axes[: len(shape) - 1]
    chunks = tuple(draw(st.integers(1, n)) for n in shape)
    return array, tuple(sorted(axes)), chunks


def expected(array: Any, axes: tuple[int, ...], how: Any) -> Any:
    if how == "max":
        return array.max(axis=axes)
    return array.sum(axis=axes, dtype=reduced_dtype(array.dtype, "sum"))


@given(arrays_and_axes(), HOWS)
def test_integers_are_exact(case: Any, how: Any) -> None:
    array, axes, chunks = case
    wanted = expected(array, axes, how)
    lazy = da.from_array(array, chunks=chunks, name=False)
    found = [
        reduce_array(array, axes, how, Workers(2)),
        reduce_array(lazy, axes, how, Workers(2)).compute(scheduler="sync"),
        reduce_by_parts(lazy, axes, how, Workers(2)),
    ]
    for values in found:
        assert values.dtype == reduced_dtype(array.dtype, how)
        np.testing.assert_array_equal(values, wanted)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2"])
@pytest.mark.parametrize("count", [2**16, 2**16 + 1, 2**17])
def test_the_largest_values_of_many_pixels_do_not_overflow(dtype: str, count: int) -> None:
    for extreme in (np.iinfo(dtype).min, np.iinfo(dtype).max):
        one = np.full((2, count), extreme, dtype)
        two = np.full((2, 4, count), extreme, dtype)
        assert reduce_array(one, (1,), "sum", Workers()).tolist() == [int(extreme) * count] * 2
        assert (
            reduce_array(two, (1, 2), "sum", Workers()).tolist() == [int(extreme) * 4 * count] * 2
        )


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", ">u2", "u4", "i4"])
@pytest.mark.parametrize("runs", [1, 2, 127, 128, 129, 300])
def test_runs_as_long_as_their_type_holds_do_not_overflow(dtype: str, runs: int) -> None:
    info = np.iinfo(dtype)
    for extreme in {int(info.max) // runs, -(int(info.max) // runs), int(info.min)}:
        if extreme >= info.min:
            values = np.full((3, 5, 4099), extreme, dtype)
            found = reduce_array(values, (1, 2), "sum", Workers())
            assert found.tolist() == [extreme * 5 * 4099] * 3


def test_rows_that_are_larger_than_what_is_looked_at_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reduction, "_BLOCK", 100)
    values = np.random.default_rng(0).integers(0, 9, (7, 3, 500)).astype("u2")
    for axes in ((2,), (0, 2), (1, 2), (0,)):
        found = reduce_array(values, axes, "sum", Workers())
        np.testing.assert_array_equal(found, values.sum(axes, dtype="u8"))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "c16"])
def test_floats_are_summed_in_64_bits_and_complex_values_by_their_modulus(dtype: str) -> None:
    values = np.arange(24).reshape(2, 3, 4).astype(dtype) * (1j if dtype[0] == "c" else 1)
    total = reduce_array(values, (1, 2), "sum", Workers())
    assert total.dtype == np.float64
    assert total.tolist() == [66.0, 210.0]
    assert reduce_array(values, (1, 2), "max", Workers()).tolist() == [11.0, 23.0]


def test_a_nan_is_told_by_the_sum() -> None:
    assert np.isnan(reduce_array(np.array([[1.0, np.nan]]), (1,), "sum", Workers())).all()


def test_progress_is_told_of_all_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    workers = Workers(2, Progress(told.append, lambda count: told.append(-count)))
    values = np.ones((6, 5, 4), "u2")
    reduce_array(values, (2,), "sum", workers)
    monkeypatch.setattr(reduction, "_PART", 50)
    reduce_by_parts(da.from_array(values, chunks=(2, 5, 2)), (2,), "sum", workers)
    assert sum(told) == 0
    assert told.count(values.nbytes) == 2


def test_parts_hold_few_blocks_each_of_them_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    def note(block: Any, block_id: Any = ()) -> Any:
        seen.append(block_id)
        return block

    monkeypatch.setattr(reduction, "_PART", 2 * 5 * 4)
    values = np.arange(6 * 6 * 5 * 4, dtype="u1").reshape(6, 6, 5, 4)
    meta = np.empty((0,) * 4, "u1")
    lazy = da.from_array(values, chunks=(2, 3, 5, 2)).map_blocks(note, dtype="u1", meta=meta)
    found = reduce_by_parts(lazy, (2, 3), "sum", Workers(2))
    assert (found == values.sum((2, 3))).all()
    assert sorted(seen) == sorted(np.ndindex(3, 2, 1, 2))


def test_a_map_that_no_memory_holds_is_told() -> None:
    claimed = da.zeros((2**30, 2**30, 2), chunks=(2**20, 2**20, 2))
    with pytest.raises(
        TooLargeError, match=r"^a map of \(1073741824, 1073741824\) values does not"
    ):
        reduce_by_parts(claimed, (2,), "sum", Workers())


def test_an_empty_map_has_an_empty_navigator() -> None:
    assert reduce_array(np.ones((0, 3)), (1,), "sum", Workers()).shape == (0,)
