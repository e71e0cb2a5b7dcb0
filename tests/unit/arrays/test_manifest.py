"""What a file holds of an array: checked when it is made, found by selection."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.arrays.grid import ChunkGrid
from hspyio.arrays.indexing import BasicIndexer
from hspyio.arrays.manifest import ChunkManifest
from support.engine import grids, selections


@pytest.mark.parametrize("ids", [[1, 0], [0, 0], [0], [[0, 1]], [0, 1, 2]])
def test_arrays_that_do_not_go_together_are_refused(ids: list[int]) -> None:
    pair = np.zeros(2, np.int64)
    with pytest.raises(ValueError, match="manifest"):
        ChunkManifest(np.array(ids), pair, pair, pair)


def test_nobody_changes_a_manifest() -> None:
    ids = np.arange(3)
    made = ChunkManifest(ids, ids, ids, ids)
    with pytest.raises(ValueError, match="read-only"):
        made.offsets[0] = 7
    assert len(ChunkManifest.empty()) == 0


@given(grids(least=1), st.data())
def test_a_selection_finds_its_chunks(grid: ChunkGrid, data: st.DataObject) -> None:
    held = np.array(sorted(data.draw(st.sets(st.integers(0, grid.count - 1)))), np.int64)
    offsets = np.array(data.draw(st.permutations(range(len(held)))), np.int64)
    manifest = ChunkManifest(held, offsets, held, held)
    indexer = BasicIndexer(data.draw(selections(grid.shape)), grid.shape)
    wanted = set(indexer.numbers(grid).tolist())
    rows, complete = manifest.rows(indexer, grid)
    assert set(held[rows].tolist()) == wanted & set(held.tolist())
    assert offsets[rows].tolist() == sorted(offsets[rows].tolist())
    assert complete == (wanted <= set(held.tolist()))
