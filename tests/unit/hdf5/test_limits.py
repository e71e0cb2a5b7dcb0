"""What reading allows a file, each limit from both sides."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.errors import DamagedFileError, TooLargeError
from hspyio.hdf5 import limits as guard
from hspyio.hdf5.limits import Budget, check_chunks, repeats
from hspyio.nodes.node import Array, Damaged, Group
from hspyio.system import memory
from support.root import open_root

MIB = 2**20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.h5"


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Sets how much memory there is."""
    return lambda size: monkeypatch.setattr(guard, "available_memory", lambda: size)


# memory


def test_little_is_never_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise AssertionError("asked")

    monkeypatch.setattr(guard, "available_memory", fail)
    budget = Budget()
    for _ in range(64):
        budget.take(MIB, lazily=True)
    with pytest.raises(AssertionError):
        budget.take(1, lazily=True)


def test_arrays_together_fit_into_memory(room: Callable[[int | None], None]) -> None:
    room(200 * MIB)
    budget = Budget()
    budget.take(150 * MIB, lazily=True)
    with pytest.raises(TooLargeError, match=r"takes 54\.5 MB of memory, 52\.4 MB .* lazy=True"):
        budget.take(52 * MIB, lazily=True)
    budget.give_back(150 * MIB)
    budget.take(200 * MIB, lazily=True)
    with pytest.raises(TooLargeError) as caught:
        budget.take(1, lazily=False)
    assert "lazy" not in str(caught.value)


def test_without_a_number_all_is_allowed(room: Callable[[int | None], None]) -> None:
    room(None)
    Budget().take(2**50, lazily=True)


def test_eager_data_beyond_memory_name_the_mend(
    tmp_path: Path, room: Callable[[int | None], None]
) -> None:
    path = tmp_path / "large.hspy"
    data = np.arange(20 * MIB, dtype="f8").reshape(20, MIB)
    hspyio.save(path, hspyio.Signal(data))
    room(100 * MIB)
    with pytest.raises(TooLargeError, match=r"/data: takes 167\.8 MB .* lazy=True") as caught:
        hspyio.load(path)
    assert caught.value.path == str(path)
    with pytest.raises(TooLargeError):
        hspyio.load(path, errors="warn")
    lazy = hspyio.load(path, lazy=True)
    np.testing.assert_array_equal(lazy.data[3:5, :7].compute(), data[3:5, :7])
    room(300 * MIB)
    np.testing.assert_array_equal(hspyio.load(path).data, data)


def test_what_the_system_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = memory.available_memory()
    assert found is None or found > MIB
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    for name, text in (("max", "1000000\n"), ("current", "700000\n")):
        (tmp_path / "a" / f"memory.{name}").write_text(text)
    (tmp_path / "a" / "memory.stat").write_text("anon 5\ninactive_file 100000\n")
    (folder / "memory.max").write_text("max\n")
    (folder / "memory.current").write_text("5\n")
    words = ("memory.max", "memory.current", "inactive_file")
    assert memory._left_in(tmp_path, "/a/b", words) == [400000]
    assert memory._left_in(tmp_path, "/..", words) == []


# what the file has


def test_items_have_to_be_in_the_file() -> None:
    budget = Budget()
    budget.take_items(10**9, 8 * 10**9, 8 * 10**6)  # zeros, well compressed
    budget.take_items(200_000, 800_000, 0)
    with pytest.raises(DamagedFileError, match=r"said to have 100,000 items, .* 0 bytes"):
        budget.take_items(100_000, 400_000, 0)


def test_filled_memory_has_to_be_in_the_file() -> None:
    budget = Budget()
    budget.take_filled(10**9, 10**6)
    budget.take_filled(60 * MIB, 0)
    with pytest.raises(DamagedFileError, match="said to have"):
        budget.take_filled(5 * MIB, 0)


def test_rows_are_no_longer_than_the_file() -> None:
    budget = Budget()
    budget.take_rows(10**9, 10**9)
    with pytest.raises(DamagedFileError, match=r"1\.0 GB, in a file of 1\.0 GB"):
        budget.take_rows(10**9 + 1, 10**9)
    small = Budget()
    for _ in range(72):
        small.take_rows(MIB, MIB)
    with pytest.raises(DamagedFileError):
        small.take_rows(MIB, MIB)


def test_few_texts_are_never_too_many() -> None:
    assert not repeats(16, 2**60)
    assert not repeats(1000, 60_000)
    assert repeats(1000, 70_000)


def test_chunks_may_be_larger_than_the_array() -> None:
    check_chunks(64 * MIB, 8)
    check_chunks(400 * MIB, 100 * MIB)
    with pytest.raises(DamagedFileError, match=r"chunks are of 419\.4 MB, the whole array"):
        check_chunks(400 * MIB, 99 * MIB)


# links


def test_an_object_has_eight_paths(path: Path) -> None:
    with h5py.File(path, "w") as file:
        one = file.create_group("one")
        array = one.create_dataset("x", data=np.arange(3))
        for index in range(10):
            file[f"array{index}"] = array
            file[f"group{index}"] = one
            file[f"soft{index}"] = h5py.SoftLink("/alone")
        file.create_group("alone")
    with open_root(path) as root:
        for kind in ("array", "group", "soft"):
            found = [type(root.members[f"{kind}{index}"]) for index in range(10)]
            good = Array if kind == "array" else Group
            assert found == [good] * 8 + [Damaged] * 2
        reason = root.members["array9"]
        assert isinstance(reason, Damaged) and "8 others in this file" in reason.reason


# chunks


def test_chunks_that_hdf5_lists_at_other_corners(path: Path) -> None:
    """One unlimited dimension after others that have several chunks each."""
    noise = np.random.default_rng(1).integers(256, size=(2, 2, 2**19), dtype="u1")
    with h5py.File(path, "w", libver="latest") as file:
        shape, chunks, limits = noise.shape, (1, 1, 2**18), (2, 2, None)
        dataset = file.create_dataset(
            "x", shape, "u1", chunks=chunks, maxshape=limits, compression="gzip"
        )
        dataset[:] = noise
        dataset.resize(2**20, 2)  # and chunks that are not there
    with open_root(path) as root:
        values = root.members["x"].source.read()
        assert np.array_equal(values[..., : 2**19], noise)
        assert not values[..., 2**19 :].any()


# texts


def test_many_short_texts_and_a_long_one_are_read(path: Path) -> None:
    texts = ["a"] * 300 + ["b" * MIB]
    hspyio.save(path, hspyio.Signal([1.0], metadata={"texts": texts}), overwrite=True)
    with h5py.File(path) as file:
        assert file["Experiments/__unnamed__/metadata/_list_texts"].chunks is None
    with path.open("ab") as stream:
        stream.write(bytes(64 * MIB))  # a large file
    assert hspyio.load(path).metadata.texts == texts


def test_one_text_again_and_again_is_refused(path: Path) -> None:
    """300 references to the same bytes, in a dataset that has them in its header."""
    texts = ["b" * (2 * MIB), *(f"{i:03}" for i in range(300))]
    hspyio.save(path, hspyio.Signal([1.0], metadata={"texts": texts}), overwrite=True)
    content = bytearray(path.read_bytes())
    long, short = (2 * MIB).to_bytes(4, "little"), (3).to_bytes(4, "little")
    found = re.search(re.escape(long) + b"(?s:.{12})" + re.escape(short), content)
    assert found is not None
    start = found.start()
    for number in range(1, 301):
        content[start + 16 * number : start + 16 * number + 16] = content[start : start + 16]
    path.write_bytes(content)
    with pytest.warns(hspyio.HspyWarning, match="_list_texts: (is said to have|cannot be read)"):
        hspyio.load(path)
