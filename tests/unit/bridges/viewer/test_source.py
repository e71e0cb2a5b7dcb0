"""What is read for a position, and what is kept of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest

import hspyio
from hspyio.arrays.lazy import source_of
from hspyio.bridges.viewer.source import BlockCache, Cube, group_means, numbers
from hspyio.errors import ConversionError

RNG = np.random.default_rng(0)


def cube(data: Any, signal_dimension: int, limit: int = 2**24) -> Cube:
    return Cube(hspyio.Signal(data, signal_dimension=signal_dimension), BlockCache(limit))


@pytest.fixture
def stored(tmp_path: Path) -> tuple[hspyio.Signal, np.ndarray]:
    data = RNG.integers(0, 99, (5, 7, 6, 8), np.uint16)
    path = tmp_path / "a.hspy"
    hspyio.save(path, hspyio.Signal(data, signal_dimension=2), chunks=(2, 3, 4, 8))
    return hspyio.load(path, lazy=True), data


def counted(target: Cube) -> list[tuple[slice, ...]]:
    """What is read from now on."""
    calls: list[tuple[slice, ...]] = []
    read = target._read

    def count(selection: tuple[slice, ...]) -> np.ndarray:
        calls.append(selection)
        return read(selection)

    target._read = count
    return calls


def test_a_file_is_read_without_dask_and_by_its_chunks(
    stored: tuple[hspyio.Signal, np.ndarray],
) -> None:
    signal, data = stored
    assert source_of(signal.data) is not None and source_of(signal.data + 1) is None
    made = Cube(signal, BlockCache(2**24))
    assert made.steps == (2, 3)
    calls = counted(made)
    for position in np.ndindex(5, 7):
        assert (made.at(position) == data[position]).all()
    assert len(calls) == 3 * 3
    part = (slice(1, 3), slice(2, 5))
    assert (made.at((4, 6), part) == data[4, 6][part]).all()
    assert len(calls) == 3 * 3


def test_memory_has_a_limit(stored: tuple[hspyio.Signal, np.ndarray]) -> None:
    signal, data = stored
    cache = BlockCache(1500)  # two blocks of 6 signals of 96 bytes
    made = Cube(signal, cache)
    for position in np.ndindex(5, 7):
        assert (made.at(position) == data[position]).all()
        assert cache.size <= 1500
    cache.clear()
    assert cache.size == 0 and cache.get((made, (0, 0))) is None


@pytest.mark.parametrize("kind", ["numpy", "dask", "file"])
def test_blocks_and_slabs_cover_everything(
    stored: tuple[hspyio.Signal, np.ndarray], kind: str
) -> None:
    signal, data = stored
    given = {"numpy": data, "dask": da.from_array(data, chunks=(2, 7, 6, 8)) + 0}.get(kind)
    made = Cube(signal, BlockCache(2**24)) if given is None else cube(given, 2)
    seen = np.zeros((5, 7), int)
    for corner in np.ndindex(*made.grid(())):
        block = made.block_at((), corner)
        assert (made.block(block) == data[block.ranges]).all()
        seen[block.ranges] += 1
    assert (seen == 1).all()
    covered = np.zeros((5, 7), int)
    for slab in made.slabs((slice(1, 5), slice(2, 6))):
        covered[slab] += 1
    assert covered.sum() == 16 and (covered[1:5, 2:6] == 1).all()


def test_further_axes_stand_still() -> None:
    data = RNG.random((3, 4, 5, 6))
    made = cube(data, 1)
    assert made.grid((2,)) == (4, 5)
    block = made.block_at((2,), (1, 3))
    assert (made.block(block)[0, 0, 0] == data[2, 1, 3]).all()


def test_navigation_may_stand_behind() -> None:
    data = RNG.random((6, 4))
    axes = [{"name": "E", "size": 6}, {"name": "x", "size": 4, "navigate": True}]
    made = Cube(hspyio.Signal(data, axes), BlockCache(2**20))
    assert made.navigation_shape == (4,) and made.inner_shape == (6,)
    assert (made.at((2,)) == data[:, 2]).all()


def test_what_has_one_point_only_is_left_out() -> None:
    made = cube(RNG.random((1, 4, 1, 6)), 2)
    assert (made.navigation_shape, made.inner_shape) == ((4,), (6,))
    assert made.at((1,)).shape == (6,)


@pytest.mark.parametrize("data", [np.zeros((0, 3)), np.array(["a", "b"])], ids=["empty", "text"])
def test_what_cannot_be_shown(data: np.ndarray) -> None:
    with pytest.raises(ConversionError, match=r"no (values|numbers)"):
        cube(data, 1)


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        *(("?", "u1"), ("i8", "f8"), ("u8", "f8"), (">u2", "u2"), ("f2", "f4"), (">f8", "f8")),
        *(("i4", "i4"), ("c8", "c16"), ("u1", "u1"), ("longdouble", "f8")),
    ],
)
def test_numbers_that_browsers_know(given: str, dtype: str) -> None:
    values = np.arange(4).astype(given)
    made = numbers(values)
    assert made.dtype == np.dtype(dtype) and made.dtype.isnative
    assert (made == values).all()


def test_masked_values_are_blank_and_colours_have_four_bytes() -> None:
    made = numbers(np.ma.array([1, 2, 3], mask=[0, 1, 0]))
    assert made.tolist()[::2] == [1, 3] and np.isnan(made[1])
    for dtype, factor in (("u1", 1), ("u2", 256)):
        colours = np.zeros(2, [("R", dtype), ("G", dtype), ("B", dtype)])
        colours["R"], colours["B"] = 7 * factor, 9 * factor
        assert numbers(colours).tolist() == [[7, 0, 9, 255]] * 2


def test_group_means() -> None:
    values = RNG.random((5, 7))
    values[0, 0] = np.nan
    found = group_means(values, (2, 3))
    wanted = [
        [np.nanmean(values[i : i + 2, j : j + 3]) for j in range(0, 7, 3)] for i in range(0, 5, 2)
    ]
    np.testing.assert_allclose(found, wanted)
    assert group_means(values, (1, 1)) is values


def test_a_large_signal_is_read_in_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hspyio.bridges.viewer.source._SLAB", 900)
    data = RNG.random((30, 20))
    made = cube(data, 2)
    calls = counted(made)
    np.testing.assert_allclose(made.reduced((), (), (3, 2)), group_means(data, (3, 2)))
    assert len(calls) > 5
    part = (slice(3, 21), slice(4, 9))
    np.testing.assert_allclose(made.reduced((), part, (1, 1)), data[part])
