"""The tree of chunks: HDF5 finds in it what was put there, in whatever order, and can go on."""

from __future__ import annotations

import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hspyio.hdf5.dataset import Dataset
from hspyio.hdf5.format.chunk_tree import ChunkTree
from hspyio.hdf5.reader import open_file
from hspyio.nodes.node import Array
from support.grown import Grown

SHAPES = [((1,), (300,)), ((2, 3), (40, 7)), ((1, 2, 2), (5000, 1, 1)), ((1, 1, 1), (9, 9, 9))]


def check(grown: Grown) -> None:
    """What HDF5 reads, and what hspyio does, chunk by chunk and as a whole."""
    with h5py.File(grown.path) as file:
        data = file["data"]
        assert np.array_equal(data[:], grown.values)
        count = data.id.get_num_chunks()
        found = sorted(data.id.get_chunk_info(i).chunk_offset for i in range(count))
        coords = np.unravel_index(grown.tree.numbers(), grown.counts)
        corners = np.stack(coords, axis=-1) * np.array(grown.chunk)
        assert found == [*map(tuple, corners.tolist())]
    with open_file(str(grown.path)) as root:
        node = root.members["data"]
        assert isinstance(node, Array) and isinstance(node.source, Dataset)
        assert node.source.chunk_index().ids.tolist() == grown.tree.numbers().tolist()
        assert np.array_equal(node.source.read(), grown.values)


@st.composite
def states(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], list[list[int]]]:
    chunk, counts = draw(st.sampled_from(SHAPES))
    total = int(np.prod(counts))
    some = st.lists(st.integers(0, total - 1), min_size=1, max_size=40, unique=True)
    rows = st.tuples(st.integers(0, total - 1), st.integers(1, 400)).map(
        lambda one: [*range(one[0], min(total, sum(one)))]
    )
    return chunk, counts, draw(st.lists(some | rows, min_size=1, max_size=4))


@settings(max_examples=40)
@given(given=states(), last=st.booleans())
def test_hdf5_finds_every_chunk(
    given: tuple[tuple[int, ...], tuple[int, ...], list[list[int]]], last: bool
) -> None:
    chunk, counts, batches = given
    with tempfile.TemporaryDirectory() as folder:
        grown = Grown(Path(folder) / "a.h5", chunk, counts)
        for turn, numbers in enumerate(batches):
            end = grown.path.stat().st_size
            before = grown.path.read_bytes()
            root = grown.put(numbers, 100 * turn, whole=last and turn == len(batches) - 1)
            assert root is not None and root >= end
            # But for the superblock and the header, which these tests change where they stand.
            assert grown.path.read_bytes()[1000:end] == before[1000:end]
            check(grown)


@pytest.mark.parametrize(("chunk", "counts"), SHAPES)
def test_hdf5_goes_on_with_a_whole_tree(
    chunk: tuple[int, ...], counts: tuple[int, ...], tmp_path: Path
) -> None:
    """With gaps: it puts chunks between, before and behind, and removes others."""
    grown = Grown(tmp_path / "a.h5", chunk, counts)
    total = int(np.prod(counts))
    there = sorted({*range(3, total // 2, 3), *range(total - 70, total, 2)} & set(range(total)))
    grown.put(there, 0)
    grown.put(there[::7], 1000, whole=True)
    order = np.random.default_rng(0).permutation(total)
    with h5py.File(grown.path, "r+") as file:
        data = file["data"]
        for number in order[: total // 2].tolist():
            coords = np.unravel_index(number, counts)
            region = tuple(slice(i * n, (i + 1) * n) for i, n in zip(coords, chunk, strict=True))
            data[region] = grown.values[region] = number % 50000
        half = counts[0] // 2 * chunk[0]
        data.resize(half, axis=0)
        grown.values = grown.values[:half]
        assert np.array_equal(data[:], grown.values)
    with h5py.File(grown.path) as file:
        assert np.array_equal(file["data"][:], grown.values)


def test_a_long_array_costs_a_leaf_for_64_chunks() -> None:
    tree = ChunkTree((1, 8, 8), (1, 1))
    written = 0
    for first in range(0, 64 * 70, 64):
        numbers = np.arange(first, first + 64)
        tree.set(numbers, 10**6 + numbers, np.ones(64, np.int64), np.zeros(64, np.int64))
        nodes, _ = tree.write(10**9)
        written += len(nodes) // tree.node_size
        assert len(nodes) <= 4 * tree.node_size
    assert written <= 70 * 3 + 6
    assert tree.node_bytes == tree.node_size * (70 + 2 + 1)
    assert len(tree) == 4480
    assert tree.chunk_bytes == 4480
    nodes, _ = tree.write(10**9)
    assert nodes == b""


def test_an_empty_tree_has_no_root() -> None:
    tree = ChunkTree((2, 2), (3,))
    assert tree.write(100) == (b"", None)
    assert tree.place(0) is None
    nothing = np.empty(0, np.int64)
    tree.set(nothing, nothing, nothing, nothing)
    assert len(tree) == 0


def test_a_chunk_that_comes_again_counts_once() -> None:
    tree = ChunkTree((2, 2), (3,))
    one = np.array([5])
    tree.set(one, np.array([100]), np.array([30]), np.array([0]))
    tree.set(one, np.array([200]), np.array([20]), np.array([1]))
    assert tree.place(5) == (200, 20, 1)
    assert tree.chunk_bytes == 20
    assert tree.numbers().tolist() == [5]
