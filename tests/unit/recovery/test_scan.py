"""Objects and chunk trees of a damaged file, found whatever leads to them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5o

from hspyio.arrays.workers import Workers
from hspyio.hdf5.dataset import Dataset
from hspyio.hdf5.format.file_bytes import FileBytes
from hspyio.hdf5.format.object_header import LAYOUT, object_header
from hspyio.recovery.chunk_trees import index_of_nodes, tree_node, walk_trees
from hspyio.recovery.scan import search_objects, search_trees
from hspyio.system.byte_source import LocalBytes
from support.root import open_root

VERSIONS: list[Any] = ["earliest", "v108"]


@pytest.fixture(params=VERSIONS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A tree of several levels of chunks, and a few groups."""
    path = tmp_path / "file.h5"
    with h5py.File(path, "w", libver=(request.param, "latest")) as file:
        group = file.create_group("a/b")
        values = np.arange(6000, dtype="i4").reshape(300, 20)
        group.create_dataset("data", data=values, chunks=(2, 7), compression="gzip")
        group.create_dataset("plain", data=values)
        for i in range(20):
            group.attrs[f"a number {i}"] = i
    return path


@contextmanager
def opened(path: Path) -> Iterator[FileBytes]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield FileBytes(LocalBytes(descriptor), None, tolerant=True)
    finally:
        os.close(descriptor)


@pytest.fixture
def content(path: Path) -> Iterator[FileBytes]:
    with opened(path) as found:
        yield found


def tree_of(content: FileBytes, start: int) -> int:
    """Address of the tree of chunks of the dataset at an address."""
    layout = object_header(content, start).only(LAYOUT)
    assert layout is not None
    return int.from_bytes(layout[3:11], "little")


def dataset_of(file: h5py.File) -> Dataset:
    """An array of a file, as our reader has it."""
    with open_root(file.filename) as root:
        node: Any = root
        for name in ("a", "b", "data"):
            node = node.members[name]
        source = node.source.detached()
    assert isinstance(source, Dataset)
    return source


def address(file: h5py.File, name: str) -> int:
    return int(h5o.get_info(file[name].id).addr)


def test_a_walk_finds_the_chunks_that_hdf5_finds(path: Path, content: FileBytes) -> None:
    with h5py.File(path) as file:
        source = dataset_of(file)
        stored, wanted = source.stored, source.chunk_index()
        tree = tree_of(content, address(file, "a/b/data"))
    walk = walk_trees(content, [tree], 2)
    index, sound = index_of_nodes(walk.nodes, stored)
    assert walk.whole and sound and len(walk.nodes) > 1
    for found, known in (
        (index.ids, wanted.ids),
        (index.offsets, wanted.offsets),
        (index.sizes, wanted.sizes),
        (index.masks, wanted.masks),
    ):
        np.testing.assert_array_equal(found, known)


def test_a_search_finds_all_objects_and_lowest_nodes(path: Path, content: FileBytes) -> None:
    with h5py.File(path) as file:
        found = search_objects(content, Workers())
        for name in ("a", "a/b", "a/b/data", "a/b/plain"):
            assert found.objects[address(file, name)].is_group == ("/" not in name[2:])
            assert found.names[address(file, name)] == name.rpartition("/")[2]
        tree = tree_of(content, address(file, "a/b/data"))
    walk = walk_trees(content, [tree], 2)
    assert len(search_trees(content, Workers())) >= len(walk.nodes)
    assert set(search_trees(content, Workers())) & walk.seen


def test_a_damaged_node_costs_its_own_chunks_only(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        stored = dataset_of(file).stored
        start = address(file, "a/b/data")
    with opened(path) as content:
        tree = tree_of(content, start)
        lowest = [n for n in search_trees(content, Workers()) if n != tree]
        whole, _ = index_of_nodes(walk_trees(content, [tree], 2).nodes, stored)
    octets[lowest[1] : lowest[1] + 4] = b"gone"
    path.write_bytes(octets)
    with opened(path) as content:
        walk = walk_trees(content, [tree], 2)
    index, _ = index_of_nodes(walk.nodes, stored)
    assert not walk.whole and 0 < len(whole) - len(index) <= 64
    assert set(index.ids.tolist()) < set(whole.ids.tolist())


def test_entries_that_cannot_be_of_the_array_are_left_out(path: Path, content: FileBytes) -> None:
    with h5py.File(path) as file:
        stored = dataset_of(file).stored
        tree = tree_of(content, address(file, "a/b/data"))
    node = walk_trees(content, [tree], 2).nodes[0]
    node.entries[0, 2] += np.uint64(1)
    node.entries[1, 0] = 0
    index, sound = index_of_nodes([node], stored)
    assert not sound and len(index) == len(node.entries) - 2
    assert tree_node(b"", 2) is None and tree_node(b"SNOD" + bytes(99), 2) is None
