"""The chunks of an array, against what numpy makes of the same numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given

from hspyio.arrays.grid import ChunkGrid
from hspyio.errors import DamagedFileError
from support.engine import grids


@given(grids())
def test_all_chunks_together_are_the_array(grid: ChunkGrid) -> None:
    seen = np.zeros(grid.shape, int)
    for number in range(grid.count):
        seen[grid.region(number)] += 1
        assert grid.bounds(number) == tuple((p.start, p.stop) for p in grid.region(number))
    assert (seen == 1).all()


@given(grids(least=1))
def test_numbers_and_coords_are_numpys(grid: ChunkGrid) -> None:
    numbers = np.arange(grid.count)
    coords = np.stack(np.unravel_index(numbers, grid.counts), axis=-1)
    assert np.array_equal(grid.coords(numbers), coords)
    assert np.array_equal(grid.numbers(coords), numbers)
    assert np.array_equal(grid.corners(numbers), coords * np.array(grid.chunk))
    for number, place in enumerate(coords.tolist()):
        assert grid.number(tuple(place)) == number
        assert grid.corner(number) == tuple(grid.corners(numbers)[number].tolist())


@given(grids())
def test_no_chunks_have_no_coords(grid: ChunkGrid) -> None:
    assert grid.coords(np.empty(0, np.int64)).shape == (0, len(grid.shape))
    assert grid.count == math.prod(grid.counts)


def test_more_chunks_than_numbers_are_refused() -> None:
    largest = ChunkGrid((2**31, 2**31), (1, 1))
    assert largest.corners(np.array([2**62 - 1])).tolist() == [[2**31 - 1, 2**31 - 1]]
    for shape in ((2**63 - 1, 2), (2**40, 2**40), (0, 2**40, 2**40)):
        grid = ChunkGrid(shape, (1,) * len(shape))
        if grid.count:
            with pytest.raises(DamagedFileError, match="chunks"):
                grid.numbers(np.zeros((1, len(shape)), np.int64))
        else:
            assert len(grid.numbers(np.zeros((0, len(shape)), np.int64))) == 0
