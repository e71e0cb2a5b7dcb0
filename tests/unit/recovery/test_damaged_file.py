"""Damaged files, opened as far as they go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hspyio.arrays.workers import Workers
from hspyio.hdf5.opening import ReadPolicy
from hspyio.nodes.node import Array, Damaged, Group
from hspyio.recovery.chunks import DamagedArrays, Salvaged
from hspyio.recovery.damaged_file import DamagedFile, open_damaged
from hspyio.recovery.losses import Losses
from hspyio.recovery.sources import SalvagedSource

DATA = np.arange(40_000, dtype="i4").reshape(200, 200)


@pytest.fixture(params=["earliest", "v108", "v110"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w", libver=(request.param, "latest")) as file:
        file.attrs["version"] = 1
        group = file.create_group("group")
        group.create_dataset("chunked", data=DATA, chunks=(20, 200), compression="gzip")
        group.create_dataset("block", data=DATA)
        group.create_dataset("texts", data=[b"one", b"two"])
    return path


@contextmanager
def opened(path: Path, losses: Losses | None = None) -> Iterator[DamagedFile]:
    with open_damaged(str(path), ReadPolicy(), losses or Losses(), Workers()) as file:
        yield file


def salvaged(node: Any, selection: Any = ()) -> Salvaged:
    assert isinstance(node, Array) and isinstance(node.source, SalvagedSource)
    return DamagedArrays().read(node.source._dataset, selection)


def test_a_good_file_is_as_ever(path: Path) -> None:
    with h5py.File(path) as file:
        address = int(h5py.h5o.get_info(file["group/block"].id).addr)
    with opened(path) as damaged:
        root = damaged.root()
        assert list(root.members) == ["group"] and list(root.attributes) == ["version"]
        group = root.members["group"]
        assert isinstance(group, Group) and sorted(group.members) == ["block", "chunked", "texts"]
        again = damaged.at(address)
        for array in (group.members["chunked"], group.members["block"], again):
            found = salvaged(array, (slice(5, 70), slice(None, None, 3)))
            np.testing.assert_array_equal(found.values, DATA[5:70, ::3])
            assert not found.lost
        assert isinstance(damaged.at(13), Damaged)
        assert damaged.losses.reached >= {address}


def test_without_a_superblock_objects_are_known_by_their_addresses(path: Path) -> None:
    with h5py.File(path) as file:
        address = int(h5py.h5o.get_info(file["group"].id).addr)
    content = bytearray(path.read_bytes())
    content[:24] = bytes(24)
    path.write_bytes(content)
    with opened(path) as damaged:
        assert isinstance(damaged.root().members[""], Damaged)
        group = damaged.at(address)
        assert isinstance(group, Group)
        assert sorted(group.members) == ["block", "chunked", "texts"]


def test_a_block_that_was_cut_comes_back_up_to_its_end(path: Path) -> None:
    with h5py.File(path) as file:
        start = file["group/block"].id.get_offset()
    os.truncate(path, start + 100 * 800 + 2)
    with opened(path) as damaged:
        group = damaged.root().members["group"]
        if isinstance(group, Damaged) or "block" not in group.members:
            return  # its header goes on behind the data
        found = salvaged(group.members["block"])
    wanted = DATA.copy()
    wanted[100:] = 0
    np.testing.assert_array_equal(found.values, wanted)
    [(region, message)] = found.lost
    assert region == ((100, 200), (0, 200)) and "the file ends" in message


def test_a_damaged_chunk_is_zero_and_noted(path: Path) -> None:
    with h5py.File(path) as file:
        chunk = file["group/chunked"].id.get_chunk_info(3)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + 30 : chunk.byte_offset + 60] = bytes(30)
    path.write_bytes(content)
    wanted = DATA.copy()
    wanted[60:80] = 0
    losses = Losses()
    with opened(path, losses) as damaged:
        group = damaged.root().members["group"]
        assert isinstance(group, Group)
        array = group.members["chunked"]
        assert isinstance(array, Array)
        np.testing.assert_array_equal(array.source.read(), wanted)
    where = "/group/chunked"
    assert list(losses.lost[where]) == [((60, 80), (0, 200))]
    assert sorted(losses.sums[where]) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert losses.shapes[where] == (200, 200) and len(losses.reached) >= 2


def test_members_that_a_damaged_list_hides_are_told(tmp_path: Path) -> None:
    path = tmp_path / "many.h5"
    with h5py.File(path, "w", libver="latest") as file:
        for i in range(500):
            file.create_group(f"g{i}").attrs["number"] = i
    content = bytearray(path.read_bytes())
    leaf = content.index(b"BTLF")
    content[leaf + 20 : leaf + 30] = bytes(10)
    path.write_bytes(content)
    with opened(path) as damaged:
        root = damaged.root()
        assert isinstance(root.members[""], Damaged)
        names = [name for name in root.members if name]
        assert 100 < len(names) < 500
        for name in names:
            member = root.members[name]
            assert isinstance(member, Group)
            assert f"g{int(member.attributes['number'].value)}" == name  # type: ignore[union-attr]
