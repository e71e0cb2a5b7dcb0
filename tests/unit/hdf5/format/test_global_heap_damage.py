"""What attributes say of their texts is looked at before HDF5 believes it."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hspyio.errors import DamagedFileError
from hspyio.nodes.node import Array, Attribute, Damaged
from support.root import open_root

TEXTS = {"one": "text", "long": "x" * 100_000, "empty": "", "many": ["a", "bc", ""]}


@pytest.fixture(params=["earliest", "v108"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver=(request.param, "latest")) as file:
        group = file.create_group("g")
        group.attrs["number"] = 5
        for name, value in TEXTS.items():
            group.attrs[name] = value
        rows = np.empty(1, object)
        rows[0] = np.arange(3, dtype="i4")
        group.attrs.create("rows", rows, dtype=h5py.vlen_dtype("i4"))
    return path


def reference(path: Path, text: bytes) -> tuple[int, int]:
    """The heap that holds a text, and its number there."""
    content = path.read_bytes()
    found = re.search(struct.pack("<I", len(text)) + rb"(.{8})(.{4})", content, re.DOTALL)
    while found is not None:
        heap, number = struct.unpack("<QI", found[1] + found[2])
        if content[heap : heap + 4] == b"GCOL":
            return heap, number
        found = re.compile(struct.pack("<I", len(text)) + rb"(.{8})(.{4})", re.DOTALL).search(
            content, found.start() + 1
        )
    raise AssertionError("there is no such text")


def attributes(path: Path) -> dict[str, Any]:
    with open_root(str(path)) as root:
        return dict(root.members["g"].attributes)  # type: ignore[union-attr]


def test_good_texts_are_read(path: Path) -> None:
    found = attributes(path)
    assert found["long"].value == TEXTS["long"].encode()  # type: ignore[attr-defined]
    assert [bytes(item) for item in found["many"].value] == [b"a", b"bc", b""]
    assert found["rows"].value[0].tolist() == [0, 1, 2]


NOT_THERE = re.compile(
    "damaged part of the file|not where it is said to be|where none can be|outside the file"
)


@pytest.mark.parametrize("length", [2**31, 2**32 - 1])
def test_a_text_longer_than_the_file_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_group("g").attrs.update({"one": "text", "two": "other"})
    heap, number = reference(path, b"text")
    content = path.read_bytes()
    old, new = (struct.pack("<IQI", n, heap, number) for n in (4, length))
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))
    found = attributes(path)
    assert isinstance(found["one"], Damaged) and NOT_THERE.search(found["one"].reason)
    assert isinstance(found["two"], Attribute) and found["two"].value == b"other"


def damaged_heaps(content: bytes, heap: int) -> dict[str, bytes]:
    """Heaps in which HDF5 hangs, crashes, or reads what is not there."""
    size = struct.unpack_from("<Q", content, heap + 8)[0]

    def changed(place: int, new: bytes) -> bytes:
        return content[: heap + place] + new + content[heap + place + len(new) :]

    return {
        "zeros": changed(16, bytes(size - 16)),
        "all zeros": changed(0, bytes(size)),
        "too long": changed(8, struct.pack("<Q", 2**40)),
        "too short": changed(8, struct.pack("<Q", 8)),
        "an item beyond": changed(16 + 8, struct.pack("<Q", 2**63)),
        "another version": changed(4, b"\x07"),
        "cut": content[: heap + size - 9],
    }


@pytest.mark.parametrize("how", ["zeros", "all zeros", "too long", "too short", "an item beyond",
                                 "another version", "cut"])  # fmt: skip
def test_a_damaged_heap_is_refused(tmp_path: Path, how: str) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_group("g").attrs["one"] = "text"
    heap, _ = reference(path, b"text")
    content = damaged_heaps(path.read_bytes(), heap)[how]
    path.write_bytes(content)
    if how == "cut":
        with pytest.raises(DamagedFileError, match="it was cut"):
            attributes(path)
        return
    found = attributes(path)["one"]
    assert isinstance(found, Damaged) and NOT_THERE.search(found.reason)


@pytest.mark.parametrize("how", ["zeros", "an item beyond", "too long"])
def test_a_list_of_texts_in_a_damaged_heap_is_refused(tmp_path: Path, how: str) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["_list_texts"] = ["one", "two"]
        place = file["_list_texts"].id.get_offset()
    heap = struct.unpack_from("<Q", path.read_bytes(), place + 4)[0]
    with open_root(str(path)) as root:
        assert root.members["_list_texts"].source.read().tolist() == [b"one", b"two"]  # type: ignore[union-attr]
    path.write_bytes(damaged_heaps(path.read_bytes(), heap)[how])
    with open_root(str(path)) as root:
        found = root.members["_list_texts"]
        assert isinstance(found, Array)
        with pytest.raises(DamagedFileError, match=NOT_THERE):
            found.source.read()


def test_texts_of_many_bytes_in_an_attribute_are_read_in_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "large.h5"
    with h5py.File(path, "w") as file:
        file["zeros"] = np.zeros(60 * 2**20, "u1")
        file.create_group("g").attrs["many"] = [f"text {i}" for i in range(500)]
    found = attributes(path)["many"]
    assert isinstance(found, Attribute) and len(found.value) == 500
