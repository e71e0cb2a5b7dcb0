"""Seals, on arrays and trees of every kind that a file may hold."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio import names
from hspyio.arrays.workers import Workers
from hspyio.integrity.checksums import ArraySums, faults_of, sums_of
from hspyio.integrity.seal import (
    NewerSealError,
    Seal,
    SealError,
    array_problems,
    encoded,
    make_seal,
    stored_seal,
    tree_problems,
)
from hspyio.nodes.digest import tree_digest
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Text
from hspyio.transaction.changes import read_back, write_seal
from support.root import open_root

VALUES = np.random.default_rng(0).poisson(3, (7, 5, 40)).astype("u2")
TEXTS = np.array([b"one", b"two", b"three"] * 40, object)


def rows() -> Any:
    result = np.empty(5, object)
    result[:] = [np.arange(n + 1.0) for n in range(5)]
    return result


def write_arrays(file: h5py.Group) -> None:
    """One array of each way in which arrays are stored."""
    file.create_dataset("gzip", data=VALUES, chunks=(3, 2, 40), compression="gzip", shuffle=True)
    file.create_dataset("partly", (100, 100), "f4", chunks=(10, 10), fillvalue=2.5)[:10, 5:25] = 1
    file.create_dataset("checked", data=VALUES, chunks=(7, 5, 4), fletcher32=True)
    file.create_dataset("offset", data=VALUES, chunks=(2, 5, 40), scaleoffset=0)
    file.create_dataset("block", data=np.arange(400_000.0).reshape(400, 1000))
    file.create_dataset("never", (3, 4), "i4")
    file.create_dataset("texts", data=TEXTS, dtype=h5py.string_dtype(), chunks=(50,))
    file.create_dataset("fixed", data=np.array([b"a", b"bc"], "S2"))
    file.create_dataset("rows", data=rows(), dtype=h5py.vlen_dtype("f8"), chunks=(2,))
    file.create_dataset("scalar", data=7)
    file.create_dataset("empty", (0, 3), "f8")
    file.create_dataset("structures", data=np.zeros(4, [("a", "i1"), ("b", "f8", (2,))]))
    file.create_dataset("odd", data=np.arange(5.0), dtype=odd_float())


def odd_float() -> h5py.h5t.TypeID:
    kind = h5py.h5t.IEEE_F64LE.copy()
    kind.set_ebias(1000)
    return h5py.Datatype(kind)


CHANGES: Mapping[str, Any] = {
    "gzip": (4, 3, 7),
    "partly": (9, 24),
    "checked": (6, 4, 39),
    "offset": (0, 0, 0),
    "block": (250, 0),
    "never": (1, 1),
    "texts": 70,
    "fixed": 1,
    "rows": 3,
    "scalar": (),
    "structures": 2,
    "odd": 4,
}
"""An item of each array."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    result = tmp_path / "a.h5"
    with h5py.File(result, "w", libver=("v108", "latest")) as file:
        write_arrays(file)
    return result


@contextmanager
def arrays_in(path: Path) -> Iterator[dict[str, Array]]:
    with open_root(path) as root:
        nodes = {name: root.members[name] for name in root.members}
        yield {name: node for name, node in nodes.items() if isinstance(node, Array)}


def sums_in(path: Path) -> dict[str, ArraySums]:
    with arrays_in(path) as arrays:
        return {name: sums_of(array, Workers(2)) for name, array in arrays.items()}


def faults_in(path: Path, sums: Mapping[str, ArraySums], *, decode: bool = True) -> dict[str, Any]:
    with arrays_in(path) as arrays:
        found = {
            name: faults_of(array, sums.get(name), Workers(2), decode=decode)
            for name, array in arrays.items()
        }
    return {name: faults for name, faults in found.items() if faults}


def test_what_is_unchanged_has_no_faults(path: Path) -> None:
    sums = sums_in(path)
    assert {name: s.kind for name, s in sums.items()} == {
        "gzip": "stored", "partly": "stored", "checked": "stored", "block": "stored",
        "never": "stored", "fixed": "stored", "structures": "stored", "texts": "values",
        "rows": "values", "scalar": "values", "empty": "stored", "offset": "values",
        "odd": "values",
    }  # fmt: skip
    assert [len(sums[name].sums) for name in ("gzip", "partly", "block", "never")] == [9, 3, 4, 0]
    assert faults_in(path, sums) == faults_in(path, sums, decode=False) == faults_in(path, {}) == {}


@pytest.mark.parametrize("name", CHANGES)
def test_one_value_is_found(path: Path, name: str) -> None:
    sums = sums_in(path)
    with h5py.File(path, "r+") as file:
        place = CHANGES[name]
        old = file[name][place]
        if name == "texts":
            file[name][place] = "other"
        elif name == "rows":
            file[name][place] = np.arange(3.0)
        elif name == "structures":
            file[name][place] = np.ones((), file[name].dtype)
        else:
            file[name][place] = b"zz" if isinstance(old, bytes) else old + 1
    found = faults_in(path, sums, decode=False)
    assert list(found) == [name]
    assert all("is not what was sealed" in str(fault) for fault in found[name])


def test_the_place_is_named(path: Path) -> None:
    sums = sums_in(path)
    with h5py.File(path, "r+") as file:
        for name in ("gzip", "partly", "checked", "block"):
            file[name][CHANGES[name]] = 77
    found = faults_in(path, sums)
    assert [fault.region for fault in found["gzip"]] == [((3, 6), (2, 4), (0, 40))]
    assert [fault.region for fault in found["partly"]] == [((0, 10), (20, 30))]
    assert [str(fault) for fault in found["checked"]] == [
        "its chunk at (0, 0, 36) is not what was sealed"
    ]
    [block] = found["block"]  # a block of 1 MiB holds 131.072 rows
    assert block.region == ((131, 263), (0, 1000))
    assert str(block) == "index 131 to 262 of its first dimension is not what was sealed"


@pytest.mark.parametrize("name", ["gzip", "partly", "checked", "block", "fixed", "structures"])
def test_every_bit_of_what_is_stored_counts(path: Path, name: str) -> None:
    sums = sums_in(path)
    with h5py.File(path) as file:
        data = file[name].id
        if file[name].chunks:
            chunk = data.get_chunk_info(data.get_num_chunks() - 1)
            start, size = chunk.byte_offset, chunk.size
        else:
            start, size = data.get_offset(), data.get_storage_size()
    content = path.read_bytes()
    for place in np.random.default_rng(0).integers(0, size * 8, 30).tolist():
        changed = bytearray(content)
        changed[start + place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        assert list(faults_in(path, sums, decode=False)) == [name]


@pytest.mark.parametrize(
    "other",
    [
        {"data": VALUES.astype(">u2")},
        {"data": VALUES.astype("i2")},
        {"data": VALUES.reshape(5, 7, 40)},
        {"data": VALUES, "compression": "gzip"},
        {"data": VALUES, "chunks": (7, 5, 20)},
        {"data": VALUES, "chunks": (7, 5, 40), "fillvalue": 3},
        {"data": VALUES[:, :, :0]},
    ],
)
def test_another_array_in_the_same_place_is_found(tmp_path: Path, other: dict[str, Any]) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=VALUES, chunks=(7, 5, 40))
    sums = sums_in(path)
    with h5py.File(path, "r+") as file:
        del file["a"]
        file.create_dataset("a", **other)
    assert "its type, its shape or the places" in str(faults_in(path, sums, decode=False)["a"][0])


def test_swapped_chunks_and_lost_ones_are_found(path: Path) -> None:
    sums = sums_in(path)
    with h5py.File(path, "r+") as file:
        data = file["checked"].id
        first, second = data.read_direct_chunk((0, 0, 0)), data.read_direct_chunk((0, 0, 4))
        data.write_direct_chunk((0, 0, 0), second[1])
        data.write_direct_chunk((0, 0, 4), first[1])
        file["partly"][50:60, 50:60] = 2.5  # the fill value, in a chunk of its own
    found = faults_in(path, sums)
    assert [fault.region[2] for fault in found["checked"]] == [(0, 4), (4, 8)]
    assert "places of its chunks" in found["partly"][0].message


def test_without_a_seal_what_filters_find_is_found(path: Path) -> None:
    with h5py.File(path) as file:
        places = [file[name].id.get_chunk_info(1).byte_offset for name in ("gzip", "checked")]
    with path.open("r+b") as stream:
        for place in places:
            stream.seek(place + 5)
            stream.write(b"\xa5\x5a\xff")
    found = faults_in(path, {})
    assert sorted(found) == ["checked", "gzip"]
    assert "cannot be read" in str(found["gzip"][0]) and found["checked"][0].chunk


def test_a_wrong_key_in_the_index_of_chunks(tmp_path: Path) -> None:
    """HDF5 lists all chunks then, but does not find one when it reads: it gives the fill value."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver=("v108", "latest")) as file:
        file.create_dataset("a", data=VALUES + 1, chunks=(3, 2, 40))
    sums, content = sums_in(path), path.read_bytes()
    node, key, offsets = content.index(b"TREE"), 8 + 4 * 8 + 8, slice(8, 8 + 4 * 8)
    unnoticed = 0
    for number in range(10):
        for place in range(node + 24, node + 24 + key)[offsets]:
            changed = bytearray(content)
            changed[place + number * key] ^= 2
            path.write_bytes(changed)
            with arrays_in(path) as arrays:
                array = arrays.get("a")  # else it cannot be opened
                if array is not None and not faults_of(array, sums["a"], Workers()):
                    assert (array.source.read() == VALUES + 1).all()
                    unnoticed += 1
    assert unnoticed < 200


def test_a_file_that_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["block"] = np.arange(400_000.0)
    sums = sums_in(path)
    with arrays_in(path) as arrays:
        os.truncate(path, path.stat().st_size - 2_000_000)
        faults = faults_of(arrays["block"], sums["block"], Workers())
    blocks = [(131072, 262144), (262144, 393216), (393216, 400000)]
    assert [fault.region[0] for fault in faults] == blocks
    assert all("cannot be read" in fault.message for fault in faults)


# trees


def text(value: bytes) -> Attribute:
    return Attribute(Text(), value)


TREES: tuple[Group, ...] = (
    Group(),
    Group({"a": text(b"")}),
    Group({"a": text(b"b")}),
    Group({"b": text(b"a")}),
    Group({"ab": text(b"")}),
    Group({"a": Attribute(Text(utf8=False), b"b")}),
    Group({"a": Attribute(Text(1), b"b")}),
    Group({"a": Attribute(np.dtype("i4"), np.array(1, "i4"))}),
    Group({"a": Attribute(np.dtype("i8"), np.array(1, "i8"))}),
    Group({"a": Attribute(np.dtype("i8"), np.array([1], "i8"))}),
    Group({"a": text(b"1"), "b": text(b"2")}),
    Group({"b": text(b"2"), "a": text(b"1")}),
    Group({"a": Damaged("why")}),
    Group({}, {"a": Damaged("why")}),
    Group({}, {"a": Group()}),
    Group({}, {"a": Group({"b": text(b"1")})}),
    Group({"b": text(b"1")}, {"a": Group()}),
    Group({}, {"a": Group({}, {"b": Group()})}),
    Group({}, {"a": Group(), "b": Group()}),
)


def test_different_trees_have_different_digests() -> None:
    assert len({tree_digest(tree).digest for tree in TREES}) == len(TREES)
    reasons = [Group({"a": Damaged(reason)}) for reason in ("one", "another")]
    assert len({tree_digest(tree).digest for tree in reasons}) == 1  # texts of ours may change


def test_small_arrays_count_with_their_values_and_large_ones_do_not(tmp_path: Path) -> None:
    digests = []
    for number in (1, 2):
        path = tmp_path / "a.h5"
        with h5py.File(path, "w") as file:
            file["tree/small"] = [1, number]
            file["tree/large"] = np.full(10_000, float(number))
        with open_root(path) as root:
            tree = root.members["tree"]
            assert isinstance(tree, Group)
            digests.append([tree_digest(tree), *map(tree_digest, tree.members.values())])
    assert list(digests[0][0].arrays) == ["large"]
    assert [one.digest == other.digest for one, other in zip(*digests, strict=True)] == [
        False, True, True,
    ]  # fmt: skip


# the seal itself


SUMS = st.builds(
    ArraySums,
    st.sampled_from(["stored", "values"]),
    st.integers(0, 2**40),
    st.text("0123456789abcdef", min_size=32, max_size=32),
    st.lists(st.integers(0, 2**32 - 1)).map(lambda sums: np.array(sums, np.uint32)),
)
NAMES = st.text(st.characters(), max_size=10)  # lone surrogates too: names of any bytes


@given(trees=st.dictionaries(NAMES, NAMES), arrays=st.dictionaries(NAMES, SUMS, max_size=4))
def test_a_seal_comes_back(
    tmp_path_factory: pytest.TempPathFactory, trees: dict[str, str], arrays: dict[str, ArraySums]
) -> None:
    path = tmp_path_factory.getbasetemp() / "seal.h5"
    with h5py.File(path, "w") as file:
        write_seal(file, encoded(Seal({}, {})))
        write_seal(file, encoded(Seal(trees, arrays)))
    with open_root(path) as root:
        found = stored_seal(root)
    assert found is not None
    assert dict(found.trees) == trees and list(found.arrays) == list(arrays)
    for known, other in zip(arrays.values(), found.arrays.values(), strict=True):
        assert (known.kind, known.step, known.head) == (other.kind, other.step, other.head)
        assert known.sums.tolist() == other.sums.tolist()


@pytest.fixture
def sealed(path: Path) -> Path:
    with h5py.File(path, "r+") as file:
        with path.open("rb") as stream, read_back(file, stream.fileno()) as root:
            seal = make_seal({name: root.members[name] for name in root.members}, Workers())
        write_seal(file, encoded(seal))
    return path


def problems_of(path: Path) -> list[str]:
    with open_root(path) as root:
        seal = stored_seal(root)
        assert seal is not None
        parts = {name: root.members[name] for name in root.members if name != names.SEAL}
        problems, arrays = tree_problems(parts, seal)
        return [problem.where for problem in [*problems, *array_problems(arrays, Workers())]]


def test_what_was_sealed_while_it_was_written_is_right(sealed: Path) -> None:
    assert problems_of(sealed) == []
    with h5py.File(sealed, "r+") as file:
        del file["fixed"]
        file["new"] = 1
        file["rows"][0] = np.arange(9.0)
    assert problems_of(sealed) == ["fixed", "new", "rows"]


def test_arrays_that_were_kept_are_not_read_again(path: Path) -> None:
    sums = sums_in(path)
    with h5py.File(path, "r+") as file:
        file["block"][0, 0] = -1  # damage that came before: it is not sealed as if it were right
        with path.open("rb") as stream, read_back(file, stream.fileno()) as root:
            parts = {name: root.members[name] for name in ("block", "rows")}
            seal = make_seal(parts, Workers(), {"block": sums["block"]})
        write_seal(file, encoded(seal))
    with h5py.File(path, "r+") as file:
        for name in set(file) - {"block", "rows", names.SEAL}:
            del file[name]
    assert problems_of(path) == ["block"]


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda file: file.pop(names.SEAL), "is lost"),
        (lambda file: file.move(names.SEAL, "elsewhere"), "is lost"),
        (
            lambda file: file[names.SEAL].write_direct(np.zeros(1, "u1"), None, slice(30, 31)),
            "dama",
        ),
        (lambda file: file.attrs.modify(names.SEAL, np.zeros(16, "u1")), "another one"),
        (lambda file: file.attrs.create(names.SEAL, "text"), "another one"),
        (lambda file: replaced(file, b""), "is damaged"),
        (lambda file: replaced(file, b"HSPYSEAL"), "is damaged"),
    ],
)
def test_a_seal_that_is_lost_or_damaged(sealed: Path, damage: Any, expected: str) -> None:
    with h5py.File(sealed, "r+") as file:
        damage(file)
    with open_root(sealed) as root, pytest.raises(SealError, match=expected):
        stored_seal(root)


def replaced(file: h5py.File, content: bytes) -> None:
    del file[names.SEAL], file.attrs[names.SEAL]
    file[names.SEAL] = np.frombuffer(content, "u1")


def test_a_newer_seal_and_none(sealed: Path) -> None:
    with h5py.File(sealed, "r+") as file:
        body = bytearray(file[names.SEAL][:-16].tobytes())
        body[8] = 2
        replaced(file, bytes(body) + hashlib.blake2b(body, digest_size=16).digest())
    with open_root(sealed) as root, pytest.raises(NewerSealError, match="update hspyio"):
        stored_seal(root)
    with h5py.File(sealed, "r+") as file:
        del file[names.SEAL]
    with open_root(sealed) as root:
        assert stored_seal(root) is None
