"""The first bytes of an HDF5 file."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import h5py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.hdf5.format.superblock import LENGTH, Superblock, lookup3, read_superblock
from support import places

LIBVERS: dict[int, Any] = {0: "earliest", 2: ("v108", "latest"), 3: "latest"}


def made(path: Path, **options: Any) -> Path:
    with h5py.File(path, "w", **options) as file:
        file["group/x"] = range(10)
    return path


def block_of(path: Path) -> Any:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return read_superblock(descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(("version", "libver"), LIBVERS.items())
def test_it_tells_where_the_root_and_the_end_are(tmp_path: Path, version: int, libver: Any) -> None:
    path = made(tmp_path / "a.h5", libver=libver)
    block = block_of(path)
    assert block.version == version
    assert block.end == path.stat().st_size
    with h5py.File(path) as file:
        assert block.root == h5py.h5o.get_info(file.id).addr


@pytest.mark.parametrize(("version", "libver"), LIBVERS.items())
def test_after_every_write_of_a_move_the_file_is_whole(
    tmp_path: Path, version: int, libver: Any
) -> None:
    """Another group of the file becomes its root; until the last write the old one is it."""
    path = made(tmp_path / "a.h5", libver=libver)
    with h5py.File(path) as file:
        address = h5py.h5o.get_info(file["group"].id).addr
    content = bytearray(path.read_bytes())
    writes = block_of(path).moved(address, len(content) + 512)
    assert len(writes) == (3 if version == 0 else 1)
    content += bytes(512)
    for number, (place, piece) in enumerate(writes, 1):
        content[place : place + len(piece)] = piece
        path.write_bytes(content)
        with h5py.File(path) as file:
            assert list(file) == (["x"] if number == len(writes) else ["group"])
    block = block_of(path)
    assert (block.root, block.end) == (address, len(content))
    with h5py.File(path, "r+") as file:  # HDF5 goes on with it
        file["more"] = 1
    with h5py.File(path) as file:
        assert set(file) == {"more", "x"}


@pytest.mark.parametrize(
    "options",
    [
        {"userblock_size": 512},
        {"fs_strategy": "page", "libver": "latest"},
        {"fs_strategy": "fsm", "fs_persist": True, "libver": "latest"},
    ],
    ids=["user block", "pages", "free space noted"],
)
def test_files_whose_root_stays_where_it_is(tmp_path: Path, options: Any) -> None:
    assert block_of(made(tmp_path / "a.h5", **options)) is None


def test_superblock_version_1() -> None:
    """Made by HDF5, told with ``H5Pset_istore_k`` to use smaller nodes for chunks than usual."""
    path = places.TESTS / "support" / "superblock1.hspy"
    assert path.read_bytes()[8] == 1
    assert block_of(path) is None


@pytest.mark.parametrize("libver", LIBVERS.values())
@pytest.mark.parametrize("place", [0, 8, 9, 13, 24, 44])
def test_what_looks_unusual_is_left_alone(tmp_path: Path, libver: Any, place: int) -> None:
    path = made(tmp_path / "a.h5", libver=libver)
    content = bytearray(path.read_bytes())
    kept = content[8] == 0 and place in {9, 44}  # the free-space version; the end's upper bytes
    content[place] ^= 0x15
    path.write_bytes(content)
    assert kept or block_of(path) is None


@pytest.mark.parametrize("size", [0, 5, 8, 47, 95])
def test_files_of_a_few_bytes(tmp_path: Path, size: int) -> None:
    path = made(tmp_path / "a.h5", libver="latest")
    path.write_bytes(path.read_bytes()[:size])
    assert block_of(path) is None


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    path = made(tmp_path / "a.h5", libver="latest")
    content = bytearray(path.read_bytes())
    content[11] = 1
    content[44:48] = struct.pack("<I", lookup3(bytes(content[:44])))
    path.write_bytes(content)
    assert block_of(path) is None


@given(st.binary(min_size=LENGTH, max_size=LENGTH))
def test_a_version_2_block_knows_its_own_checksum(content: bytes) -> None:
    from hspyio.hdf5.format.superblock import Superblock

    [(place, new)] = Superblock(2, content).moved(1234, 5678)
    assert place == 28
    assert struct.unpack("<QQI", new) == (5678, 1234, lookup3(content[:28] + new[:16]))


def test_the_checksum_is_that_of_its_author() -> None:
    """Values of `hashlittle` from the comments of Bob Jenkins' ``lookup3.c``."""
    assert lookup3(b"Four score and seven years ago") == 0x17770551


def test_nodes_of_groups_have_the_sizes_that_the_superblock_says() -> None:
    """HDF5's specification, III.A.1 and III.B: 2K members a node of a tree, and a table."""
    old = bytes(13) + b"\x08\x08\0" + struct.pack("<HH", 3, 20) + bytes(LENGTH - 20)
    assert Superblock(0, old).group_nodes == (24 + 40 * 8 + 41 * 8, 8 + 6 * 40)
    assert Superblock(2, bytes(9) + b"\x08\x08" + bytes(LENGTH - 11)).group_nodes == (544, 328)
