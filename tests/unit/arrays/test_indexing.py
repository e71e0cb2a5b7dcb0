"""Selections against numpy: what of every chunk goes where, and what dask and xarray ask for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hspyio.arrays import indexing
from hspyio.arrays.grid import ChunkGrid
from hspyio.arrays.indexing import BasicIndexer, ChunkProjections, OrthogonalIndexer
from hspyio.nodes.node import Selection
from support.engine import grids, selections

shapes = st.lists(st.integers(0, 9), min_size=1, max_size=4).map(tuple)


def numbered(shape: tuple[int, ...]) -> NDArray[np.int64]:
    return np.arange(math.prod(shape)).reshape(shape)


@given(shapes, st.data())
def test_a_basic_selection_is_numpys(shape: tuple[int, ...], data: st.DataObject) -> None:
    selection = data.draw(selections(shape))
    array, indexer = numbered(shape), BasicIndexer(selection, shape)
    whole = array[indexer.slices]
    assert whole.shape == indexer.shape
    assert whole.size == indexer.size
    assert np.array_equal(whole[indexer.dropped], array[selection])
    assert indexer.kept == array[selection].shape
    if indexer.is_rows and indexer.size:
        assert (np.diff(whole.reshape(-1)) == 1).all()
    for one, n in zip(indexer.ranges, shape, strict=True):
        low, high = sorted(data.draw(st.tuples(*[st.integers(0, n)] * 2)))
        out, inside = one.within(low, high)
        every = np.arange(n)
        assert np.array_equal(every[one.as_slice][out], every[low:high][inside])


@given(grids(), st.data())
def test_projections_put_the_selection_together(grid: ChunkGrid, data: st.DataObject) -> None:
    selection = data.draw(selections(grid.shape))
    array, indexer = numbered(grid.shape), BasicIndexer(selection, grid.shape)
    found, filled = np.full(indexer.shape, -1), 0
    for coords, inside, out in indexer.projections(grid):
        chunk = array[grid.region(grid.number(coords))]
        assert chunk[inside].size > 0
        found[out] = chunk[inside]
        filled += chunk[inside].size
    assert filled == indexer.size
    assert np.array_equal(found[indexer.dropped], array[selection])


@given(grids(), st.data())
def test_projections_as_arrays_are_the_same(grid: ChunkGrid, data: st.DataObject) -> None:
    indexer = BasicIndexer(data.draw(selections(grid.shape)), grid.shape)
    ids = indexer.numbers(grid)
    expected = {grid.number(coords): (inside, out) for coords, inside, out in
                indexer.projections(grid)}  # fmt: skip
    assert set(expected) <= set(ids.tolist())
    assert ids.tolist() == sorted(set(ids.tolist()))
    many = ChunkProjections(indexer, grid, ids)
    wanted = np.flatnonzero(many.counts)
    assert ids[wanted].tolist() == sorted(expected)
    assert many.select(wanted).counts.tolist() == many.counts[wanted].tolist()
    for place in wanted.tolist():
        inside, out = expected[int(ids[place])]
        assert many.cut(place) == (out, inside)
        assert many.starts[place].tolist() == [part.start for part in out]
        assert many.counts[place] == math.prod(part.stop - part.start for part in out)
        assert tuple(many.corners[place].tolist()) == grid.corner(int(ids[place]))
        whole = numbered(grid.chunk)
        assert many.whole[place] == np.array_equal(whole[inside], whole)


@st.composite
def orthogonal(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """What dask and xarray may ask of each dimension."""
    parts: list[Any] = []
    for n in shape[: draw(st.integers(1, len(shape)))]:
        kind = draw(st.sampled_from(["slice", "back", "int", "list", "mask"]))
        bound = st.none() | st.integers(-n - 2, n + 2)
        if kind == "int" and n:
            parts.append(draw(st.integers(-n, n - 1)))
        elif kind == "list" and n:
            parts.append(np.array(draw(st.lists(st.integers(-n, n - 1), max_size=6)), int))
        elif kind == "mask":
            parts.append(np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool))
        else:
            step = draw(st.integers(1, n + 1)) * (-1 if kind == "back" else 1)
            parts.append(slice(draw(bound), draw(bound), step))
    return tuple(parts)


def outer(array: NDArray[Any], selection: tuple[Any, ...]) -> NDArray[Any]:
    """Each dimension for itself, from the last to the first."""
    for axis in reversed(range(len(selection))):
        array = array[(slice(None),) * axis + (selection[axis],)]
    return array


@given(grids(), st.data())
def test_an_orthogonal_selection_is_read_in_slices(grid: ChunkGrid, data: st.DataObject) -> None:
    selection = data.draw(orthogonal(grid.shape))
    array, asked = numbered(grid.shape), list[Selection]()

    def read(part: Selection) -> NDArray[np.int64]:
        asked.append(part)
        BasicIndexer(part, grid.shape)  # goes forward
        return array[part]

    indexer, expected = OrthogonalIndexer(selection, grid.shape), outer(array, selection)
    assert np.array_equal(indexer.read(read), expected)
    assert len(asked) == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indexing, "_LARGE", data.draw(st.sampled_from([0, 100])))
        pieces = data.draw(st.integers(1, 4))
        found = indexer.read_apart(read, array.dtype, grid.chunk, pieces, each_in_turn)
    assert np.array_equal(found, expected)
    assert found.dtype == array.dtype


def each_in_turn(do: Any, blocks: list[Any]) -> None:
    for block in blocks:
        do(block)


def test_a_list_is_cut_where_a_chunk_lies_between() -> None:
    asked: list[Any] = []

    def read(part: Selection) -> NDArray[np.int64]:
        asked.append(part)
        return np.arange(1000)[part]

    indexer = OrthogonalIndexer(np.array([999, 3, 1, 3]), (1000,))
    found = indexer.read_apart(read, np.dtype(int), (10,), 1, each_in_turn)
    assert found.tolist() == [999, 3, 1, 3]
    assert asked == [(slice(1, 4),), (slice(999, 1000),)]


@pytest.mark.parametrize("index", [5, -6])
def test_an_index_outside_is_refused(index: int) -> None:
    array = np.arange(5)

    def read(part: Selection) -> NDArray[np.int64]:
        indexer = BasicIndexer(part, (5,))
        return array[indexer.slices][indexer.dropped]

    with pytest.raises(IndexError):
        OrthogonalIndexer(index, (5,)).read(read)
