"""Rows of variable length are read as h5py reads them; damage is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.hdf5 import ragged as vlen
from hspyio.hdf5.ragged import REFERENCE
from hspyio.nodes.node import Array, Vlen
from support.root import open_root
from support.rows import (
    arrays,
    h5py_reads,
    objects,
    put,
    read,
    references,
    row,
    same,
    same_files,
    some_rows,
)

# reading


@given(arrays(), st.sampled_from(["earliest", "latest"]))
@same_files
def test_rows_read_as_h5py_reads_them(
    tmp_path: Path, drawn: tuple[np.dtype[Any], np.ndarray], libver: str
) -> None:
    base, values = drawn
    path = tmp_path / "x.h5"
    put(path, values, base, libver=libver)
    rows = read(path, references(path), base)
    assert same(rows.read(), values)
    assert rows.values.size == sum(map(len, values.ravel()))
    assert h5py_reads(path, base, values)


@given(arrays(), st.data())
@same_files
def test_any_references_are_read(
    tmp_path: Path, drawn: tuple[np.dtype[Any], np.ndarray], data: st.DataObject
) -> None:
    base, values = drawn
    path = tmp_path / "x.h5"
    put(path, values, base)
    found = references(path)
    selection = tuple(
        slice(data.draw(st.integers(0, n - 1)), n, data.draw(st.integers(1, 3)))
        for n in values.shape
    )
    assert same(read(path, found[selection], base).read(), values[selection])
    order = np.array(data.draw(st.lists(st.integers(0, found.size - 1), max_size=20)), int)
    total = sum(values.ravel()[i].nbytes for i in order)
    if total < path.stat().st_size:
        assert same(read(path, found.ravel()[order], base).read(), values.ravel()[order])


edits = st.lists(
    st.tuples(st.sampled_from("xyz"), st.integers(0, 19), st.integers(0, 3000)), max_size=60
)


@given(edits, st.lists(st.sampled_from([1, 64, 700, 5000]), max_size=3))
@same_files
def test_rows_among_others_that_come_and_go(
    tmp_path: Path, edits: list[tuple[str, int, int]], between: list[int]
) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        for name in "xyz":
            file.create_dataset(name, (20,), h5py.vlen_dtype(np.dtype("i4")))
    for half in (edits[: len(edits) // 2], edits[len(edits) // 2 :]):
        with h5py.File(path, "a") as file:  # later heaps begin anywhere
            for number, size in enumerate(between):
                file[f"odd {len(file)} {number}"] = np.zeros(size, "u1")
            for seed, (name, index, size) in enumerate(half):
                file[name][index] = row(np.dtype("i4"), size, seed)
    for name in "xyz":
        with h5py.File(path) as file:
            expected = file[name][()]
        assert same(read(path, references(path, name), "i4").read(), expected)


@pytest.mark.parametrize("base", ["f8", "u1", "V3", "c16"])
@pytest.mark.parametrize(
    "limits", [(1, 1, 1, 1), (2**14, 2**13, 0, 2**9), (2**40, 2**40, 2**40, 0)]
)
def test_however_much_is_read_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str, limits: tuple[int, ...]
) -> None:
    values = some_rows(300, 900, base)
    put(tmp_path / "x.h5", values, base)
    for name, limit in zip(("_BLOCK", "_BIG", "_LONG_ROW", "_GAP"), limits, strict=True):
        monkeypatch.setattr(vlen, name, limit)
    found = references(tmp_path / "x.h5")
    assert same(read(tmp_path / "x.h5", found, base).read(), values)
    assert same(read(tmp_path / "x.h5", found[::-3], base).read(), values[::-3])


def test_large_rows(tmp_path: Path) -> None:
    values = objects([row(np.dtype("u1"), n, n) for n in (5, 3 * 2**20, 0, 70_000, 2**21, 1)])
    put(tmp_path / "x.h5", values, "u1")
    assert same(read(tmp_path / "x.h5", references(tmp_path / "x.h5"), "u1").read(), values)


def test_rows_that_were_never_written_are_empty(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", (2, 3), h5py.vlen_dtype(np.dtype("f8")))[1, 1] = [1.0]
    rows = read(tmp_path / "x.h5", references(tmp_path / "x.h5"), "f8")
    assert rows.lengths.tolist() == [[0, 0, 0], [0, 1, 0]]
    assert read(tmp_path / "x.h5", np.zeros((0, 2), REFERENCE), "f8").shape == (0, 2)


def test_enumerations_are_their_numbers(tmp_path: Path) -> None:
    kinds = h5py.enum_dtype({"a": 1, "b": 2}, "i2")
    values = objects([np.array([1, 2], "i2"), np.array([2], "i2")])
    put(tmp_path / "x.h5", values, kinds)
    with open_root(tmp_path / "x.h5") as root:
        node = root.members["x"]
        assert isinstance(node, Array)
        assert node.type == Vlen(np.dtype("i2"))
        assert same(node.source.read(), values)


# damaged files


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "x.h5"
    put(path, some_rows(60, 200))
    return path


def changed(found: np.ndarray, place: int, field: str, value: int) -> np.ndarray:
    found = found.copy()
    assert found["length"][place]
    found[field][place] = value
    return found


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", 2**64 - 1), ("address", 2**63), ("address", 2**62), ("address", 8),
        ("address", 10**6), ("index", 0), ("index", 65535), ("index", 2**32 - 1),
        ("length", 2**32 - 1), ("length", 250),
    ],
)  # fmt: skip
def test_references_to_nowhere_are_refused(good: Path, field: str, value: int) -> None:
    found = references(good)
    with pytest.raises(ValueError, match="row"):
        read(good, changed(found, 7, field, value), "f8")


def test_an_address_within_a_heap_is_refused(good: Path) -> None:
    found = references(good)
    for step in (1, 8, 16, 32):
        with pytest.raises(ValueError, match="row"):
            read(good, changed(found, 7, "address", int(found["address"][7]) + step), "f8")


def test_more_rows_than_the_file_can_hold_are_refused(good: Path) -> None:
    with pytest.raises(ValueError, match="longer than the file"):
        read(good, np.tile(references(good), 1000), "f8")


def test_heads_that_lie_are_refused(good: Path, tmp_path: Path) -> None:
    found, content = references(good), good.read_bytes()
    heap = int(found["address"][0])
    first = 16 + heap
    lies = [(heap, b"GCOX"), (heap + 4, b"\2"), (heap + 8, b"\xff" * 8), (heap + 8, b"\0" * 8)]
    lies += [(first, b"\7\7"), (first + 8, b"\xff" * 8), (first + 8, b"\0" * 8)]
    path = tmp_path / "x.h5"
    for place, lie in lies:
        path.write_bytes(content[:place] + lie + content[place + len(lie) :])
        with pytest.raises(ValueError, match="row"):
            read(path, found, "f8")


@given(st.data())
@same_files
def test_damage_is_told_or_changes_values_only(
    good: Path, tmp_path: Path, data: st.DataObject
) -> None:
    found, content = references(good).copy(), bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    for _ in range(data.draw(st.integers(0, 2))):
        raw = found.view("u1")
        raw[data.draw(st.integers(0, raw.size - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "x.h5"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        rows = read(path, found, "f8")
    except (OSError, ValueError):
        return
    assert rows.values.size == rows.lengths.sum()


def test_a_truncated_file(good: Path, tmp_path: Path) -> None:
    found = references(good)
    size = good.stat().st_size
    for left in (0, 8, 20, size // 2, size - 1000):
        (tmp_path / "x.h5").write_bytes(good.read_bytes()[:left])
        with pytest.raises((OSError, ValueError)):
            read(tmp_path / "x.h5", found, "f8")


def test_a_heap_of_heads_only_ends(tmp_path: Path) -> None:
    heads = np.zeros((2**17, 2), "<u8")
    heads[0] = int.from_bytes(b"GCOL\1", "little"), heads.nbytes
    heads[1:, 0] = 5
    (tmp_path / "x").write_bytes(bytes(16) + heads.tobytes())  # address 0 means no row
    with pytest.raises(ValueError, match="not where"):
        read(tmp_path / "x", np.array([(1, 16, 3)], REFERENCE), "f8")
