"""Maps that grow: whole at the end, sensible before, and each block read once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hspyio
from hspyio.bridges.viewer import maps
from hspyio.bridges.viewer.maps import Summed, coarse_to_fine, progressive_map, region_signals
from hspyio.bridges.viewer.source import BlockCache, Cube

RNG = np.random.default_rng(0)


def cube(data: np.ndarray, signal_dimension: int) -> Cube:
    return Cube(hspyio.Signal(data, signal_dimension=signal_dimension), BlockCache(2**20))


def nothing() -> None:
    """Nobody else waits."""


@given(st.lists(st.integers(1, 30), min_size=1, max_size=2))
def test_every_block_comes_once_and_coarse_ones_first(grid: list[int]) -> None:
    corners = list(coarse_to_fine(grid))
    assert sorted(corners) == sorted(np.ndindex(*grid))
    strides = (2**power for power in range(10))
    coarse = next(s for s in strides if np.prod([-(-n // s) for n in grid]) <= 64)
    first = corners[: int(np.prod([-(-n // coarse) for n in grid]))]
    assert all(at % coarse == 0 for corner in first for at in corner)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i8", "f4", "f8", "c16", "?"])
def test_sums_are_numpys(dtype: str) -> None:
    data = (RNG.random((6, 5, 4, 3)) * 50).astype(dtype)
    mask = RNG.random((2, 3)) > 0.4
    window = (slice(1, 3), slice(0, 3))
    real = np.abs(data) if dtype == "c16" else data
    for summed, wanted in (
        (Summed(), real.sum((2, 3), dtype=float)),
        (Summed(window), real[:, :, 1:3].sum((2, 3), dtype=float)),
        (Summed(window, mask), (real[:, :, 1:3] * mask).sum((2, 3), dtype=float)),
    ):
        *_, last = progressive_map(cube(data, 2), (), summed, nothing)
        assert last.done == 1
        if data.dtype.kind in "iub":
            assert (last.values == wanted).all()
        np.testing.assert_allclose(last.values, wanted)


def test_integers_are_exact() -> None:
    data = np.full((2, 2, 4096), 2**40 + 1, np.int64)
    *_, last = progressive_map(cube(data, 1), (), Summed(), nothing)
    assert (last.values == 4096 * (2**40 + 1)).all()


def test_what_is_no_number_counts_as_nothing() -> None:
    data = RNG.random((3, 3, 6))
    data[0, 0, 2], data[1, 1, 3] = np.nan, np.inf
    *_, last = progressive_map(cube(data, 1), (), Summed(), nothing)
    np.testing.assert_allclose(last.values, np.nan_to_num(data, posinf=0).sum(2))


@pytest.mark.parametrize("dtype", ["f4", "f8", "c16"])
@pytest.mark.parametrize("mask", [None, np.array([True, True, False, True, False, False])])
def test_where_there_is_no_number_there_is_none_in_the_map(mask: Any, dtype: str) -> None:
    data = RNG.random((3, 4, 6)).astype(dtype)
    data[1], data[2, 0, :2], data[0, 0, [0, 1, 3]] = np.nan, np.inf, np.nan
    *_, last = progressive_map(cube(data, 1), (), Summed(mask=mask), nothing)
    counted = np.abs(data)[..., slice(None) if mask is None else mask].astype("f8")
    counted[~np.isfinite(counted)] = np.nan
    wanted = np.where(np.isfinite(counted).any(2), np.nansum(counted, 2), np.nan)
    np.testing.assert_allclose(last.values, wanted)
    assert np.isnan(last.values[1]).all() and np.isnan(last.values).sum() == 4 + (mask is not None)


def test_masked_positions_are_no_zeros() -> None:
    data = np.ma.masked_array(np.ones((2, 3, 4), "u2"), False)
    data[0, 1], data[1, 2, 1] = np.ma.masked, np.ma.masked
    *_, last = progressive_map(cube(data, 1), (), Summed(), nothing)
    np.testing.assert_array_equal(last.values, [[4, np.nan, 4], [4, 4, 3]])


def test_rows_of_a_line_scan() -> None:
    data = RNG.random((9, 10))
    *_, last = progressive_map(cube(data, 1), (), Summed(step=3), nothing)
    wanted = [[row[i : i + 3].mean() for i in range(0, 10, 3)] for row in data]
    np.testing.assert_allclose(last.values, wanted)


def test_a_map_at_further_axes() -> None:
    data = RNG.random((4, 5, 6, 3))
    *_, last = progressive_map(cube(data, 1), (2,), Summed(), nothing)
    np.testing.assert_allclose(last.values, data[2].sum(2))


def test_states_before_the_last_are_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "_OFTEN", -1.0)
    data = RNG.random((20, 30, 4)) + 1
    wanted = data.sum(2)
    states = list(progressive_map(cube(data, 1), (), Summed(), nothing))
    known = [int(np.isfinite(state.values).sum()) for state in states]
    assert len(states) == 600 and known[-1] == 600
    for state in (states[80], states[300]):
        assert np.isfinite(state.shown).all()
        assert abs(state.shown.mean() / wanted.mean() - 1) < 0.1
    assert states[-1].done == 1 and [state.done for state in states] == sorted(
        state.done for state in states
    )


def test_each_block_is_read_once_and_after_its_turn() -> None:
    made = cube(RNG.random((7, 8, 4)), 1)
    made.steps = (2, 3)
    turns, reads = [], []
    read = made._read
    made._read = lambda selection: reads.append(selection) or read(selection)
    list(progressive_map(made, (), Summed(), lambda: turns.append(1)))
    assert len(reads) == len(turns) == 4 * 3
    assert len({tuple((part.start, part.stop) for part in one) for one in reads}) == 12


@pytest.mark.parametrize("dtype", ["u2", "f8", "c16"])
def test_regions_are_numpys(dtype: str) -> None:
    data = (RNG.random((8, 9, 5)) * 100).astype(dtype)
    ranges = (slice(2, 7), slice(3, 5))
    *_, (total, known, count, done) = region_signals(cube(data, 1), ranges, nothing)
    assert (known == 10).all()
    np.testing.assert_allclose(total, data[ranges].sum((0, 1), dtype=total.dtype))
    assert (count, done) == (10, 1.0)


@pytest.mark.parametrize("dtype", ["f4", "c16"])
def test_means_of_regions_are_of_the_numbers_in_them(dtype: str) -> None:
    data = RNG.random((4, 5, 6)).astype(dtype)
    data[0], data[1, 1, 2], data[:, :, 5] = np.nan, np.inf, np.nan
    whole = (slice(0, 4), slice(0, 5))
    *_, (total, known, count, _) = region_signals(cube(data, 1), whole, nothing)
    assert known.tolist() == [15, 15, 14, 15, 15, 0] and count == 20
    data[~np.isfinite(data)] = np.nan
    wanted = np.nanmean(data[..., :5], (0, 1), dtype=total.dtype)
    np.testing.assert_allclose(total[:5] / known[:5], wanted, rtol=1e-6)
    assert np.isnan(total[5])
