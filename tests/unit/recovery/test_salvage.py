"""Damaged files, opened as far as they go."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from hspyio.arrays.workers import Work
from hspyio.hdf5.limits import Budget
from hspyio.hdf5.snapshot import PaddedFile
from hspyio.nodes.node import Array, Damaged, Group
from hspyio.recovery.chunks import Salvage
from hspyio.recovery.isolated import node_by_address, open_isolated
from hspyio.recovery.salvage import BY_ADDRESS, ReachedCensus, open_salvaged
from hspyio.recovery.salvaged import Losses, place_of_array

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


def opened(path: Path):  # type: ignore[no-untyped-def]
    return open_salvaged(str(path), work=Work(), budget=Budget(), census=ReachedCensus())


def test_a_good_file_is_as_ever(path: Path) -> None:
    with h5py.File(path) as file:
        address = int(h5py.h5o.get_info(file["group/block"].id).addr)
    with opened(path) as root:
        assert list(root.members) == ["group"] and "version" in root.attributes
        group = root.members["group"]
        assert isinstance(group, Group)
        again = root.members[f"{BY_ADDRESS}{address}"]
        for array in (group.members["chunked"], group.members["block"], again):
            assert isinstance(array, Array)
            found = Salvage().read(array, (slice(5, 70), slice(None, None, 3)))
            np.testing.assert_array_equal(found.values, DATA[5:70, ::3])
            assert not found.lost
        assert isinstance(root.members[f"{BY_ADDRESS}13"], Damaged)


def test_a_superblock_that_is_lost_is_replaced(path: Path) -> None:
    with h5py.File(path) as file:
        address = int(h5py.h5o.get_info(file["group"].id).addr)
    content = bytearray(path.read_bytes())
    content[:24] = bytes(24)
    path.write_bytes(content)
    with opened(path) as root:
        assert isinstance(root.members[""], Damaged)
        group = root.members[f"{BY_ADDRESS}{address}"]
        assert isinstance(group, Group)
        assert sorted(group.members) == ["block", "chunked", "texts"]


def test_a_block_that_was_cut_comes_back_up_to_its_end(path: Path) -> None:
    with h5py.File(path) as file:
        start = file["group/block"].id.get_offset()
    os.truncate(path, start + 100 * 800 + 2)
    with opened(path) as root:
        group = root.members["group"]
        if isinstance(group, Damaged):  # its header goes on behind the data
            return
        assert isinstance(group, Group)
        found = Salvage().read(group.members["block"], ())  # type: ignore[arg-type]
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
    with open_isolated(path, salvaging=losses) as root:
        group = root.members["group"]
        assert isinstance(group, Group)
        array = group.members["chunked"]
        assert isinstance(array, Array)
        np.testing.assert_array_equal(array.source.read(), wanted)
        place = place_of_array(array)
        assert place == ("group", "chunked")
        assert list(losses.lost[place]) == [((60, 80), (0, 200))]
        assert sorted(losses.sums[place]) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
        assert isinstance(node_by_address(root, 13), Damaged)
    assert len(losses.reached) >= 2


def test_a_padded_file_reads_short_pieces_over_its_end_only(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1000)
    with PaddedFile(os.open(path, os.O_RDONLY), b"start", 20_000, b"tail") as padded:
        assert padded.seek(0, os.SEEK_END) == 20_004
        for place, length, wanted in (
            (0, 8, b"startxxx"),
            (990, 20, b"x" * 10 + bytes(10)),
            (20_000, 9, b"tail"),
        ):
            padded.seek(place)
            assert padded.read(length) == wanted
        for place, length in ((1000, 1), (990, 5000), (5000, 10)):
            padded.seek(place)
            with pytest.raises(OSError, match="the file ends"):
                padded.read(length)
