"""What comes back of a damaged array, chunk by chunk, whatever part of it is asked for."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hspyio.arrays.workers import Workers
from hspyio.errors import DamagedFileError
from hspyio.hdf5.opening import ReadPolicy
from hspyio.integrity.checksums import chunk_sum
from hspyio.nodes.node import Array, Selection
from hspyio.recovery.chunks import DamagedArrays, Salvaged
from hspyio.recovery.damaged_file import open_damaged
from hspyio.recovery.losses import Losses
from hspyio.recovery.sources import SalvagedSource

DATA = np.random.default_rng(1).poisson(20, (23, 31)).astype("u2") + 1
CHUNKS = (5, 8)
FILTERS: dict[str, dict[str, Any]] = {
    "gzip": {"compression": "gzip", "shuffle": True},
    "plain": {},
}


def written(path: Path, **filters: Any) -> list[tuple[tuple[int, ...], int, int]]:
    """Corner, offset and size of each chunk of a new file."""
    with h5py.File(path, "w") as file:
        low = file.create_dataset("d", data=DATA, chunks=CHUNKS, **filters).id
        infos = [low.get_chunk_info(i) for i in range(low.get_num_chunks())]
        return sorted((info.chunk_offset, info.byte_offset, info.size) for info in infos)


def salvaged(path: Path, selection: Selection = (), threads: int = 1) -> Salvaged:
    with open_damaged(str(path), ReadPolicy(), Losses(), Workers(threads)) as file:
        array = file.root().members["d"]
        assert isinstance(array, Array) and isinstance(array.source, SalvagedSource)
        return DamagedArrays().read(array.source._dataset, selection)


def broken(path: Path, place: int, count: int = 1) -> None:
    content = bytearray(path.read_bytes())
    for i in range(place, place + count):
        content[i] ^= 255
    path.write_bytes(content)


@pytest.fixture(params=FILTERS)
def chunks(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Any]:
    return lambda: written(tmp_path / "a.h5", **FILTERS[request.param])


@pytest.mark.parametrize("threads", [1, 3])
def test_all_of_a_sound_array_comes_back_with_the_sums_of_its_chunks(
    chunks: Callable[[], Any], tmp_path: Path, threads: int
) -> None:
    places = chunks()
    found = salvaged(tmp_path / "a.h5", threads=threads)
    np.testing.assert_array_equal(found.values, DATA)
    assert found.lost == ()
    content = (tmp_path / "a.h5").read_bytes()
    assert list(found.sums) == [
        (number, chunk_sum(memoryview(content[offset : offset + size]), 0))
        for number, (_, offset, size) in enumerate(places)
    ]


SLICES = st.builds(slice, st.integers(0, 30), st.integers(0, 31), st.sampled_from([1, 1, 2, 3, 7]))
PARTS = st.tuples(st.one_of(SLICES, st.integers(0, 22)), st.one_of(SLICES, st.integers(0, 30)))


@given(PARTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_part_is_what_it_is_of_the_whole(tmp_path: Path, part: Any) -> None:
    path = tmp_path / "b.h5"
    if not path.exists():
        _, offset, size = written(path, **FILTERS["gzip"])[6]
        broken(path, offset + size - 1)
    whole = np.where(np.isin(DATA, DATA), DATA, 0)
    whole[5:10, 16:24] = 0
    found = salvaged(path, part)
    np.testing.assert_array_equal(found.values, whole[part])
    rows, columns = (np.arange(n)[p] for n, p in zip(DATA.shape, part, strict=True))
    touched = np.any((rows >= 5) & (rows < 10)) and np.any((columns >= 16) & (columns < 24))
    assert [region for region, _ in found.lost] == ([((5, 10), (16, 24))] if touched else [])


def test_what_cannot_be_decoded_is_zero_and_its_neighbours_are_there(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    places = written(path, **FILTERS["gzip"])
    for number in (2, 3, 9):
        _, offset, size = places[number]
        broken(path, offset + size - 1)
    found = salvaged(path, threads=2)
    lost = [((0, 5), (16, 24)), ((0, 5), (24, 31)), ((10, 15), (8, 16))]
    assert [region for region, _ in found.lost] == lost
    assert all(reason.startswith("cannot be read: ") for _, reason in found.lost)
    expected = DATA.copy()
    for (top, bottom), (left, right) in lost:
        expected[top:bottom, left:right] = 0
    np.testing.assert_array_equal(found.values, expected)
    assert [number for number, _ in found.sums] == [
        n for n in range(len(places)) if n not in (2, 3, 9)
    ]


def test_chunks_behind_the_end_of_the_file_are_lost_by_name(
    chunks: Callable[[], Any], tmp_path: Path
) -> None:
    path, places = tmp_path / "a.h5", chunks()
    corner, offset, size = max(places, key=lambda place: place[1])
    with path.open("r+b") as file:
        file.truncate(offset + size - 1)
    found = salvaged(path)
    (region, reason) = found.lost[-1]
    assert len(found.lost) == 1
    assert tuple(low for low, _ in region) == corner
    assert reason == f"cannot be read: its bytes end at {offset + size}, the file before that"


def test_blocks_of_zeros_are_counted_where_nothing_checks_the_chunks(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    data = np.arange(1, 8193, dtype="u4").reshape(8, 1024)
    with h5py.File(path, "w") as file:
        low = file.create_dataset("d", data=data, chunks=(1, 1024)).id
        offset = low.get_chunk_info(3).byte_offset
    content = bytearray(path.read_bytes())
    start = -(-offset // 512) * 512
    content[start : start + 1024] = bytes(1024)
    path.write_bytes(content)
    found = salvaged(path)
    assert found.zeros == ((((3, 4), (0, 1024)), 2),)
    assert found.blocks >= 8 * 7


def test_what_was_never_written_is_the_fill_value(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("d", (20, 8), "i4", chunks=(5, 8), fillvalue=7)[5:10] = 1
    found = salvaged(path)
    assert found.values[:, 0].tolist() == [7] * 5 + [1] * 5 + [7] * 10
    assert (found.lost, [number for number, _ in found.sums]) == ((), [1])


@pytest.mark.parametrize("kind", ["S4", h5py.string_dtype(), h5py.vlen_dtype(np.dtype("f8"))])
@pytest.mark.parametrize("chunks", [None, (1024,)])
def test_items_that_the_file_does_not_have_are_refused(
    kind: Any, chunks: tuple[int] | None, tmp_path: Path
) -> None:
    path, count = tmp_path / "a.h5", 2**19
    with h5py.File(path, "w") as file:
        file.create_dataset("d", (count,), kind, chunks=chunks)
    with (
        open_damaged(str(path), ReadPolicy(), Losses(), Workers()) as file,
        pytest.raises(DamagedFileError, match=f"said to have {count:,} items"),
    ):
        file.root().members["d"].source.read()  # type: ignore[union-attr]


def test_chunks_far_wider_than_their_array_are_not_inflated(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("d", (8,), "u1", maxshape=(None,), chunks=(2**27,), compression="gzip")
        stored = zlib.compress(bytes(2**27), 1)
        file["d"].id.write_direct_chunk((0,), stored)
    with pytest.raises(DamagedFileError, match="its chunks are of 134"):
        salvaged(path)
