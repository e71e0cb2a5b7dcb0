"""Object headers and chunk trees, read without HDF5."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5o

from hspyio.arrays.manifest import StoredArray
from hspyio.arrays.workers import Work
from hspyio.hdf5.format.btree_v1 import index_of_nodes, tree_node, walk_trees
from hspyio.hdf5.lenient_headers import read_header
from hspyio.hdf5.stored_layout import chunk_index, layout_of
from hspyio.hdf5.via_h5py import filters_of
from hspyio.recovery.scan import search_objects, search_trees

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


@pytest.fixture
def descriptor(path: Path) -> Iterator[int]:
    found = os.open(path, os.O_RDONLY)
    yield found
    os.close(found)


def stored_of(file: h5py.File, name: str = "a/b/data") -> StoredArray:
    data = file[name]
    stored = layout_of(data.id, data.dtype, filters_of(data.id))
    assert stored is not None
    return stored


def address(file: h5py.File, name: str) -> int:
    return int(h5o.get_info(file[name].id).addr)


def test_headers_tell_what_hdf5_tells(path: Path, descriptor: int) -> None:
    with h5py.File(path) as file:
        group = read_header(descriptor, address(file, "a/b"))
        data = read_header(descriptor, address(file, "a/b/data"))
        plain = read_header(descriptor, address(file, "a/b/plain"))
        links = {"data": address(file, "a/b/data"), "plain": address(file, "a/b/plain")}
        new = file.libver[0] != "earliest" and read_header(descriptor, 48) is not None
    assert group is not None and data is not None and plain is not None
    assert (group.kind, data.kind, plain.kind) == ("group", "dataset", "dataset")
    assert data.rank == 2 and data.tree is not None and plain.tree is None
    assert dict(group.links) in (links, {}) and (not new or group.links)
    assert read_header(descriptor, 1) is None
    assert read_header(descriptor, 2**61) is None and read_header(descriptor, -1) is None


def test_a_walk_finds_the_chunks_that_hdf5_finds(path: Path, descriptor: int) -> None:
    with h5py.File(path) as file:
        stored = stored_of(file)
        wanted = chunk_index(file["a/b/data"].id, stored)
        header = read_header(descriptor, address(file, "a/b/data"))
    assert wanted is not None and header is not None and header.tree is not None
    walk = walk_trees(descriptor, [header.tree], 2)
    index, sound = index_of_nodes(walk.nodes, stored)
    assert walk.whole and sound and len(walk.nodes) > 1
    for found, known in (
        (index.ids, wanted.ids),
        (index.offsets, wanted.offsets),
        (index.sizes, wanted.sizes),
        (index.masks, wanted.masks),
    ):
        np.testing.assert_array_equal(found, known)


def test_a_search_finds_all_objects_and_lowest_nodes(path: Path, descriptor: int) -> None:
    with h5py.File(path) as file:
        found = search_objects(descriptor, Work())
        for name in ("a", "a/b", "a/b/data", "a/b/plain"):
            assert address(file, name) in found.headers
        header = found.headers[address(file, "a/b/data")]
    assert header.tree is not None
    walk = walk_trees(descriptor, [header.tree], 2)
    assert len(search_trees(descriptor, Work())) >= len(walk.nodes)
    assert set(search_trees(descriptor, Work())) & walk.seen


def test_a_damaged_node_costs_its_own_chunks_only(path: Path) -> None:
    content = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        stored = stored_of(file)
        start = address(file, "a/b/data")
    descriptor = os.open(path, os.O_RDONLY)
    header = read_header(descriptor, start)
    assert header is not None and header.tree is not None
    lowest = [n for n in search_trees(descriptor, Work()) if n != header.tree]
    whole, _ = index_of_nodes(walk_trees(descriptor, [header.tree], 2).nodes, stored)
    os.close(descriptor)
    content[lowest[1] : lowest[1] + 4] = b"gone"
    path.write_bytes(content)
    descriptor = os.open(path, os.O_RDONLY)
    walk = walk_trees(descriptor, [header.tree], 2)
    os.close(descriptor)
    index, _ = index_of_nodes(walk.nodes, stored)
    assert not walk.whole and 0 < len(whole) - len(index) <= 64
    assert set(index.ids.tolist()) < set(whole.ids.tolist())


def test_entries_that_cannot_be_of_the_array_are_left_out(path: Path, descriptor: int) -> None:
    with h5py.File(path) as file:
        stored = stored_of(file)
        header = read_header(descriptor, address(file, "a/b/data"))
    assert header is not None and header.tree is not None
    node = walk_trees(descriptor, [header.tree], 2).nodes[0]
    node.entries[0, 2] += np.uint64(1)
    node.entries[1, 0] = 0
    index, sound = index_of_nodes([node], stored)
    assert not sound and len(index) == len(node.entries) - 2
    assert tree_node(b"", 2) is None and tree_node(b"SNOD" + bytes(99), 2) is None
