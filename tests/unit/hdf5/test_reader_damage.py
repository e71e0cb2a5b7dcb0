"""What is damaged, or too much, goes unread without HDF5, and is left to it."""

from __future__ import annotations

import importlib
import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.hdf5 import reader as opening
from hspyio.hdf5.format import file_bytes as content
from hspyio.hdf5.root import open_root
from hspyio.nodes.node import Array, Damaged, Group, Text
from support.twins import differences

LIBVERS: list[Any] = ["earliest", ("v108", "latest"), "latest"]
EACH_LIBVER = pytest.mark.parametrize("libver", LIBVERS, ids=("earliest", "v108", "latest"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.h5"


def flipped(whole: bytes, place: int, bit: int) -> bytes:
    return whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]


class LeftError(Exception):
    """Something was left to HDF5."""


def outcome(path: Path) -> list[Any]:
    """All that a file tells without HDF5, bytes of arrays and texts of variable length aside.

    These have no checksum, wherever they stand.
    """
    with open_root(path, directly=True) as root:
        return list(_told(root))


def _told(group: Any) -> Any:
    for name, attribute in group.attributes.items():
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


def test_no_flipped_bit_in_a_header_goes_unnoticed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = hspyio.Signal(
        np.arange(40.0),
        metadata={f"leaf {i}": i for i in range(30)},
        original_metadata={"a": [1, 2]},
    )
    hspyio.save(path, signal)
    whole = path.read_bytes()
    expected = outcome(path)

    def left(*_: Any) -> Any:
        raise LeftError

    monkeypatch.setattr(opening.Opening, "_root_by_hdf5", left)
    rng = np.random.default_rng(0)
    changed, noticed = 0, 0
    for place in rng.permutation(len(whole))[:1500].tolist():
        path.write_bytes(flipped(whole, place, int(rng.integers(8))))
        try:
            changed += outcome(path) != expected
        except (LeftError, hspyio.HspyError):
            noticed += 1
    assert changed == 0
    assert noticed > 200


@EACH_LIBVER
def test_whatever_is_in_a_file_nothing_foreign_is_raised(
    libver: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    monkeypatch.setattr(
        opening.Opening, "_root_by_hdf5", lambda self: (_ for _ in ()).throw(LeftError)
    )
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
            with open_root(path, directly=True) as root:
                _read_all(root)
        except (LeftError, hspyio.HspyError):
            pass


def _read_all(group: Any) -> None:
    for name in group.members:
        try:
            node = group.members[name]
            if isinstance(node, Array):
                node.source.read()
            elif not isinstance(node, Damaged):
                _read_all(node)
        except (LeftError, hspyio.HspyError):
            pass


@EACH_LIBVER
@pytest.mark.parametrize(
    ("limit", "value", "left"),
    [
        (("object_header", "_MOST_MESSAGES"), 1, True),
        (("object_header", "_MOST_BLOCKS"), 1, True),
        (("links", "_MOST_LINKS"), 5, None),
        (("global_heap", "_MOST_ITEMS"), 5, True),
        (("global_heap", "_MOST_KEPT"), 1, False),
        (("btree_v2", "_MOST_BLOCKS"), 0, None),
        (("btree_v2", "_LARGEST_BLOCK"), 512, None),
        (("btree_v2", "_MOST_RECORDS"), 5, None),
        (("file_bytes", "_MOST_PIECE"), 300, True),
        (("file_bytes", "_MOST_PAGES"), 1, False),
        (("file_bytes", "_PAGE"), 64, False),
        (("file_bytes", "_MOST_SLOWLY"), 0, False),
        (("file_bytes", "_MOST_SLOWLY"), 2**40, False),
    ],
)
def test_what_is_too_much_is_left_to_hdf5(
    limit: tuple[str, str], value: int, left: bool | None, libver: Any, path: Path
) -> None:
    """``None``: it depends on how the version of the file keeps it."""
    with h5py.File(path, "w", libver=libver) as file:
        for i in range(40):
            file.attrs[f"text {i}"] = "x" * 10 * i
            group = file.create_group(f"group {i}")
            group.attrs["text"] = "µ"
            group[f"_list_{i}"] = ["a", "b" * i]
    module = importlib.import_module(f"hspyio.hdf5.format.{limit[0]}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, limit[1], value)
        found, noted = differences(path)
    assert found == []
    if left is not None:
        assert (noted.files > 0) == left


def test_a_header_without_end_is_soon_left(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    original = content.Content.at

    def noting(self: Any, address: int, length: int) -> bytes:
        found = original(self, address, length)
        taken.append(len(found))
        return found

    monkeypatch.setattr(content.Content, "at", noting)
    monkeypatch.setattr(opening.Opening, "_root_by_hdf5", lambda self: Group())
    with open_root(path, directly=True) as root:
        assert not root.members
    assert sum(taken) < 2**20
