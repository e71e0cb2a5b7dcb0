"""Chunks are copied as they are stored, in their order, behind an index of them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.hdf5.format.chunk_tree import ChunkTree
from hspyio.streaming import copier
from hspyio.streaming.copier import ChunkCopier


@given(
    chunks=st.dictionaries(st.integers(0, 300), st.binary(min_size=1, max_size=50), max_size=80),
    order=st.randoms(use_true_random=False),
)
def test_each_chunk_is_where_the_new_index_says(
    chunks: dict[int, bytes], order: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("copied")
    tree = ChunkTree((1, 4), (2,))
    numbers = list(chunks)
    order.shuffle(numbers)  # type: ignore[attr-defined]
    content = b"old"
    for number in numbers:
        place = [np.array([n]) for n in (number, len(content), len(chunks[number]), 1)]
        tree.set(*place)
        content += chunks[number] + b"dead"
    (folder / "old").write_bytes(content)
    (folder / "new").write_bytes(b"headers")
    old, new = os.open(folder / "old", os.O_RDONLY), os.open(folder / "new", os.O_RDWR)
    try:
        root, end = ChunkCopier(tree, old).put(new, 7)
    finally:
        os.close(old)
        os.close(new)
    made = (folder / "new").read_bytes()
    whole = b"".join(chunks[number] for number in sorted(chunks))
    assert made.startswith(b"headers") and made.endswith(whole)
    assert end == len(made) == 7 + tree.node_bytes + len(whole)
    assert (root is None) == (not chunks)
    if root is not None:
        assert made[root : root + 4] == b"TREE" and 7 <= root < 7 + tree.node_bytes


def test_long_runs_are_copied_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copier, "_PIECE", 7)
    tree = ChunkTree((1,), ())
    size = np.full(10, 5)
    tree.set(np.arange(10), np.arange(10) * 5, size, np.zeros(10, np.int64))
    (tmp_path / "old").write_bytes(bytes(range(50)))
    with open(tmp_path / "old", "rb") as old, open(tmp_path / "new", "w+b") as new:
        _, end = ChunkCopier(tree, old.fileno()).put(new.fileno(), 0)
    assert (tmp_path / "new").read_bytes()[end - 50 :] == bytes(range(50))
