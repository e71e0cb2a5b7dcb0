"""Checksums of arrays, unit by unit: what is read, what is found, and where it is."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hspyio.arrays.workers import Progress, Workers
from hspyio.errors import DamagedFileError
from hspyio.hdf5.reader import open_file
from hspyio.integrity import checksums
from hspyio.integrity.checksums import ArraySums, chunk_sum, faults_of, sums_of
from hspyio.nodes.node import Array

DATA = np.random.default_rng(1).poisson(20, (50, 33)).astype("u2")
LAYOUTS: dict[str, dict[str, Any]] = {
    "gzip": {"chunks": (7, 10), "compression": "gzip", "shuffle": True},
    "plain chunks": {"chunks": (7, 10)},
    "one block": {},
    "large chunk": {"chunks": (50, 33), "compression": "gzip"},
}


@pytest.fixture(params=LAYOUTS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=DATA, **LAYOUTS[request.param])
    return path


@contextmanager
def array_of(path: Path, name: str = "x", workers: Workers | None = None) -> Iterator[Array]:
    with open_file(path, workers=workers) as root:
        array = root.members[name]
        assert isinstance(array, Array)
        yield array


def stored_chunks(path: Path) -> list[tuple[tuple[int, ...], int, bytes, int]]:
    """Corner, mask, bytes and offset of all chunks, in C order, by h5py."""
    with h5py.File(path) as file:
        low = file["x"].id
        infos = [low.get_chunk_info(i) for i in range(low.get_num_chunks())]
        return sorted(
            (i.chunk_offset, i.filter_mask, low.read_direct_chunk(i.chunk_offset)[1], i.byte_offset)
            for i in infos
        )


@pytest.mark.parametrize("threads", [1, 3])
def test_a_sum_is_that_of_the_bytes_in_the_file(threads: int, path: Path) -> None:
    with array_of(path) as array:
        found = sums_of(array, Workers(threads))
        if array.chunks is None:
            assert found.sums.tolist() == [zlib.crc32(DATA.tobytes())]
        else:
            chunks = stored_chunks(path)
            expected = [chunk_sum(memoryview(raw), mask) for _, mask, raw, _ in chunks]
            assert found.sums.tolist() == expected
        assert faults_of(array, found, Workers(threads), decode=True) == []


def test_blocks_are_as_long_as_they_were_when_it_was_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = DATA
    monkeypatch.setattr(checksums, "BLOCK", 1000)
    with array_of(path) as array:
        found = sums_of(array, Workers())
    octets = DATA.tobytes()
    assert found.step == 1000
    assert found.sums.tolist() == [
        zlib.crc32(octets[i : i + 1000]) for i in range(0, len(octets), 1000)
    ]
    monkeypatch.setattr(checksums, "BLOCK", 700)
    content = bytearray(path.read_bytes())
    content[content.index(octets) + 2500] ^= 1
    path.write_bytes(content)
    with array_of(path) as array:
        (fault,) = faults_of(array, found, Workers(2))
    rows = 2000 // 66, -(-3000 // 66)
    assert fault.region == (rows, (0, 33))
    assert not fault.chunk


def changed(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 255
    path.write_bytes(content)


@pytest.mark.parametrize("decode", [False, True])
def test_a_changed_chunk_is_named_and_no_other(decode: bool, path: Path) -> None:
    with array_of(path) as array:
        if array.chunks is None:
            pytest.skip("has no chunks")
        known = sums_of(array, Workers())
    corner, _, raw, offset = stored_chunks(path)[-1]
    changed(path, offset + len(raw) // 2)
    with array_of(path) as array:
        (fault,) = faults_of(array, known, Workers(2), decode=decode)
    assert tuple(low for low, _ in fault.region) == corner
    assert str(fault).startswith(f"its chunk at {corner} ")
    compressed = raw != bytes(len(raw)) and fault.message != checksums.CHANGED
    assert not compressed or decode


def test_without_a_seal_only_filters_find_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=DATA, **LAYOUTS["gzip"])
    _, _, raw, offset = stored_chunks(path)[3]
    changed(path, offset + len(raw) - 1)  # its Adler-32
    with array_of(path) as array:
        assert faults_of(array, None, Workers()) == []
        (fault,) = faults_of(array, None, Workers(), decode=True)
    assert "cannot be read" in fault.message


def test_chunks_beyond_the_end_cannot_be_read_and_the_others_can(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=DATA, chunks=(7, 10))
    with array_of(path) as array:
        known = sums_of(array, Workers())
        chunks = stored_chunks(path)
        last = max(offset for *_, offset in chunks)
        with path.open("r+b") as file:
            file.truncate(last + 3)
        faults = faults_of(array, known, Workers(2))
        (fault,) = faults
        assert fault.message.startswith("cannot be read: its bytes end at ")
        with pytest.raises(ValueError, match="its bytes end at"):
            sums_of(array, Workers())


def test_all_bytes_are_told_to_who_watches(path: Path) -> None:
    told = {"expected": 0, "done": 0}

    def add(name: str, count: int) -> None:
        told[name] += count

    progress = Progress(lambda n: add("expected", n), lambda n: add("done", n))
    with array_of(path) as array:
        sums_of(array, Workers(1, progress))
        expected = (
            DATA.nbytes if array.chunks is None else sum(len(c[2]) for c in stored_chunks(path))
        )
    assert told == {"expected": expected, "done": expected}


def test_values_of_any_length_are_summed_up_by_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=["a", "bc", "def"], dtype=h5py.string_dtype())
    with array_of(path) as array:
        known = sums_of(array, Workers())
        assert known.kind == checksums.VALUES
        assert faults_of(array, known, Workers()) == []
        other = ArraySums(known.kind, known.step, known.head, known.sums + 1)
        (fault,) = faults_of(array, other, Workers())
    assert str(fault) == checksums.CHANGED


def test_a_block_that_the_file_cannot_hold_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = DATA
    size = DATA.nbytes
    content = path.read_bytes()
    shape, length = np.array(DATA.shape, "<u8").tobytes(), size.to_bytes(8, "little")
    huge = np.array([2**40, 33], "<u8").tobytes()
    assert content.count(shape) >= 1 and content.count(length) >= 1
    content = content.replace(shape, huge).replace(length, (2**40 * 66).to_bytes(8, "little"))
    path.write_bytes(content)
    with array_of(path) as array:
        (fault,) = faults_of(array, None, Workers())
    assert fault.message == f"is said to have {2**40:,} items, which the file has not"


def test_an_array_that_differs_in_shape_is_one_fault(path: Path) -> None:
    with array_of(path) as array:
        known = sums_of(array, Workers())
        other = ArraySums(known.kind, known.step, "another", known.sums)
        (fault,) = faults_of(array, other, Workers())
    assert fault.region == ()
    assert "differ" in fault.message


def test_what_is_damaged_beyond_reading_raises_where_no_fault_is_looked_for(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=DATA, **LAYOUTS["gzip"])
    content = path.read_bytes().replace(b"TREE\x01", b"EERT\x01")
    path.write_bytes(content)
    with array_of(path) as array:
        with pytest.raises(DamagedFileError):
            sums_of(array, Workers())
        (fault,) = faults_of(array, None, Workers())
    assert fault.region == ()


def test_chunks_far_wider_than_their_array_are_a_fault_and_are_not_inflated(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset(
            "x", (8,), "u1", maxshape=(None,), chunks=(2**27,), compression="gzip"
        )
        made.id.write_direct_chunk((0,), b"not even deflated")
    with array_of(path) as array:
        (fault,) = faults_of(array, None, Workers(), decode=True)
    assert not fault.region
    assert "its chunks are of 134" in fault.message
