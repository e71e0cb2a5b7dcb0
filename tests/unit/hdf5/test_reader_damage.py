"""What is damaged, or too much, is refused, and the rest is read."""

from __future__ import annotations

import importlib
import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.hdf5.format import file_bytes as content
from hspyio.nodes.node import Array, Damaged, Text
from support.root import open_root

LIBVERS: list[Any] = ["earliest", ("v108", "latest"), "latest"]
EACH_LIBVER = pytest.mark.parametrize("libver", LIBVERS, ids=("earliest", "v108", "latest"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.h5"


def flipped(whole: bytes, place: int, bit: int) -> bytes:
    return whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]


def outcome(path: Path) -> list[Any]:
    """All that a file tells, bytes of arrays and texts of variable length aside.

    These have no checksum, wherever they stand.
    """
    with open_root(path) as root:
        return list(_told(root))


def _told(group: Any) -> Any:
    for name, attribute in group.attributes.items():
        if isinstance(attribute, Damaged):
            yield attribute
            continue
        held = isinstance(attribute.type, Text) and attribute.type.length is None
        yield name, str(attribute.type), None if held else np.asarray(attribute.value).tobytes()
    for name, node in group.members.items():
        yield name, type(node).__name__
        if isinstance(node, Array):
            yield str(node.type), node.shape, node.chunks, node.filters
        elif isinstance(node, Damaged):
            yield node
        else:
            yield from _told(node)


def test_no_flipped_bit_in_a_header_goes_unnoticed(path: Path) -> None:
    signal = hspyio.Signal(
        np.arange(40.0),
        metadata={f"leaf {i}": i for i in range(30)},
        original_metadata={"a": [1, 2]},
    )
    hspyio.save(path, signal)
    whole = path.read_bytes()
    expected = outcome(path)

    rng = np.random.default_rng(0)
    changed, noticed = 0, 0
    for place in rng.permutation(len(whole))[:1500].tolist():
        path.write_bytes(flipped(whole, place, int(rng.integers(8))))
        try:
            found = outcome(path)
        except hspyio.HspyError:
            noticed += 1
            continue
        told = any(isinstance(one, Damaged) for one in found)
        noticed += told
        changed += found != expected and not told
    assert changed == 0
    assert noticed > 200


@EACH_LIBVER
def test_whatever_is_in_a_file_nothing_foreign_is_raised(libver: Any, path: Path) -> None:
    with h5py.File(path, "w", libver=libver) as file:
        for i in range(12):
            group = file.create_group(f"group {i}")
            group.attrs["text"] = f"text {i}"
            group.attrs["numbers"] = np.arange(i)
            group.create_dataset("_list_texts", data=["a", "b" * i], dtype=h5py.string_dtype())
            group.create_dataset("x", data=np.arange(40), chunks=(7,), compression="gzip")
            for k in range(i):
                group.attrs[f"attribute {k}"] = k
                group[f"member {k}"] = k
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    for _ in range(400):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 8).tolist():
            kind = rng.integers(3)
            if kind == 0:
                damaged[place] = 255
            elif kind == 1:
                damaged[place : place + 8] = rng.bytes(8)
            else:
                other = int(rng.integers(len(whole) - 64))
                damaged[place : place + 64] = whole[other : other + 64]
        path.write_bytes(damaged)
        try:
            with open_root(path) as root:
                _read_all(root)
        except hspyio.HspyError:
            pass


def _read_all(group: Any) -> None:
    for name in group.members:
        try:
            node = group.members[name]
            if isinstance(node, Array):
                node.source.read()
            elif not isinstance(node, Damaged):
                _read_all(node)
        except hspyio.HspyError:
            pass


LIMITS = [
    ("object_header", "_MOST_MESSAGES", 1, False),
    ("object_header", "_MOST_BLOCKS", 1, False),
    ("links", "_MOST_LINKS", 5, None),
    ("global_heap", "_MOST_ITEMS", 5, False),
    ("global_heap", "_MOST_KEPT", 1, True),
    ("fractal_heap", "_MOST_BLOCKS", 0, None),
    ("fractal_heap", "_LARGEST_BLOCK", 512, None),
    ("btree_v2", "_MOST_RECORDS", 5, None),
    ("file_bytes", "_MOST_PIECE", 300, False),
    ("file_bytes", "_MOST_PAGES", 1, True),
    ("file_bytes", "_PAGE", 64, True),
    ("file_bytes", "_MOST_SLOWLY", 0, True),
    ("file_bytes", "_MOST_SLOWLY", 2**40, True),
]


@EACH_LIBVER
@pytest.mark.parametrize(("module", "limit", "value", "whole"), LIMITS)
def test_what_is_too_much_is_refused(
    module: str, limit: str, value: int, whole: bool | None, libver: Any, path: Path
) -> None:
    """``None``: it depends on how the version of the file keeps it."""
    with h5py.File(path, "w", libver=libver) as file:
        for i in range(40):
            file.attrs[f"text {i}"] = "x" * 10 * i
            group = file.create_group(f"group {i}")
            group.attrs["text"] = "µ"
            group[f"_list_{i}"] = ["a", "b" * i]
    expected = outcome(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module(f"hspyio.hdf5.format.{module}"), limit, value)
        try:
            found = outcome(path)
        except hspyio.HspyError:
            found = []
    if whole is not None:
        assert (found == expected) == whole
    elif found:
        assert found == expected or any(isinstance(one, Damaged) for one in found)


def test_a_header_without_end_is_soon_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of 4 GB of empty messages, in a file of holes."""
    with h5py.File(path, "w", libver="earliest") as file:
        address = h5py.h5o.get_info(file.id).addr
    with open(path, "r+b") as stream:
        stream.truncate(2**33)
        stream.seek(40)
        stream.write((2**33).to_bytes(8, "little"))
        stream.seek(address)
        stream.write(struct.pack("<HHII", 1, 0xFFFF, 1, 2**32 - 8))
    taken: list[int] = []
    original = content.FileBytes.at

    def noting(self: Any, address: int, length: int) -> bytes:
        found = original(self, address, length)
        taken.append(len(found))
        return found

    monkeypatch.setattr(content.FileBytes, "at", noting)
    with pytest.raises(hspyio.HspyError), open_root(path):
        pass
    assert sum(taken) < 2**20
