"""What was written is read back before it counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import hspyio
from hspyio import Signal
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Kept, MemorySource, Text, Vlen
from hspyio.testing import signals
from hspyio.transaction.unchanged import first_difference, thinned
from support.cases import CASES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("proof")


def check_is_switched(path: Path, signal: Signal) -> None:
    """An update of anything proves to be right; it is never written anew for want of proof."""
    hspyio.save(path, Signal(signal.data, signal.axes), overwrite=True)
    inode = path.stat().st_ino
    hspyio.update(path, signal)
    assert path.stat().st_ino == inode
    hspyio.append(path, signal)
    assert path.stat().st_ino == inode


@pytest.mark.parametrize("value", CASES.values(), ids=CASES)
def test_every_kind_of_value_proves_right(value: Any, folder: Path) -> None:
    check_is_switched(folder / "a.hspy", Signal([1.0], metadata={"value": value}))


@given(signals())
def test_any_signal_proves_right(folder: Path, signal: Signal) -> None:
    check_is_switched(folder / "b.hspy", signal)


def array(*values: Any, kind: Any = "i4") -> Array:
    return Array(np.dtype(kind), MemorySource(np.array(values, kind)))


def texts(*values: bytes) -> Array:
    objects = np.array(values, object)
    return Array(Text(), MemorySource(objects))


TREE = Group(
    {"a": Attribute(np.dtype("i4"), np.array(1, "i4")), "t": Attribute(Text(), b"text")},
    {
        "inner": Group({"f": Attribute(np.dtype("f8"), np.array([np.nan, 1.0]))}, {}),
        "x": array(1, 2),
        "texts": texts(b"a", b"b"),
        "big": Array(np.dtype("f8"), MemorySource(np.zeros(20_000))),
    },
)
WRONG: dict[str, tuple[str, Group]] = {
    "an attribute": ("@a", Group({"a": Attribute(np.dtype("i4"), np.array(2, "i4"))}, {})),
    "its type": ("@a", Group({"a": Attribute(np.dtype("i8"), np.array(1))}, {})),
    "its shape": ("@a", Group({"a": Attribute(np.dtype("i4"), np.array([1], "i4"))}, {})),
    "one that is missing": ("@b", Group({"b": Attribute(Text(), b"")}, {})),
    "a text": ("@t", Group({"t": Attribute(Text(), b"texT")}, {})),
    "NaN": (
        "/inner@f",
        Group({}, {"inner": Group({"f": Attribute(np.dtype("f8"), np.array([0.0, 1.0]))}, {})}),
    ),
    "an array": ("/x", Group({}, {"x": array(1, 3)})),
    "its dtype": ("/x", Group({}, {"x": array(1, 2, kind="u4")})),
    "its length": ("/x", Group({}, {"x": array(1, 2, 3)})),
    "texts": ("/texts", Group({}, {"texts": texts(b"a", b"c")})),
    "rows": ("/x", Group({}, {"x": Array(Vlen(np.dtype("i4")), MemorySource(np.array([1, 2])))})),
    "a big one's shape": (
        "/big",
        Group({}, {"big": Array(np.dtype("f8"), MemorySource(np.zeros(20_001)))}),
    ),
    "a member that is missing": ("/y", Group({}, {"y": array(1)})),
    "a group for an array": ("/inner", Group({}, {"inner": array(1)})),
    "an array for a group": ("/x", Group({}, {"x": Group({}, {})})),
    "what was to stay": ("/gone", Group({}, {"gone": Kept("/old/gone")})),
}


def test_what_is_equal() -> None:
    assert first_difference(TREE, TREE) == ""
    assert first_difference(Group({}, {"x": Kept("/old/x"), "inner": Kept("/y")}), TREE) == ""


@pytest.mark.parametrize(("place", "planned"), WRONG.values(), ids=WRONG)
def test_what_is_not(place: str, planned: Group) -> None:
    assert first_difference(planned, TREE) == place


def test_what_cannot_be_read() -> None:
    damaged = Damaged("cannot be read")
    assert first_difference(TREE, damaged) == "/"
    assert first_difference(Group({}, {"x": Kept("/x")}), Group({}, {"x": damaged})) == "/x"
    assert first_difference(Group({"a": damaged}, {}), Group({}, {})) == ""  # it was never written


def test_what_is_there_already_is_kept() -> None:
    assert thinned(TREE, TREE, "/a") == Kept("/a")
    assert thinned(TREE.members["big"], TREE.members["big"], "/b") == Kept("/b")
    zeros = np.zeros(20_000)
    zeros[-1] = 1
    changed = Array(np.dtype("f8"), MemorySource(zeros))
    found = thinned(Group(TREE.attributes, {**TREE.members, "big": changed}), TREE, "/a")
    assert isinstance(found, Group)
    assert found.members["big"] is changed
    assert {name for name, node in found.members.items() if isinstance(node, Kept)} == {
        "inner",
        "texts",
        "x",
    }
    assert found.members["inner"] == Kept("/a/inner")
    more = Group(TREE.attributes, {**TREE.members, "more": array(1)})
    for planned, stored in ((TREE, more), (more, TREE), (Group({}, TREE.members), TREE)):
        assert isinstance(thinned(planned, stored, "/a"), Group)
    assert thinned(TREE, None, "/a") is TREE
    assert thinned(TREE, Damaged("cannot be read"), "/a") is TREE


@pytest.mark.parametrize(("place", "planned"), WRONG.values(), ids=WRONG)
def test_what_is_not_there_yet(place: str, planned: Group) -> None:
    tree = Group({**TREE.attributes, **planned.attributes}, {**TREE.members, **planned.members})
    assert not isinstance(thinned(tree, TREE, "/a"), Kept)


def test_an_update_takes_little_where_little_has_changed(folder: Path) -> None:
    path = folder / "c.hspy"
    leaves = {f"g{i}": {f"k{j}": f"text {i} {j}" for j in range(100)} for i in range(50)}
    models = {"fit": {"components": [float(i) for i in range(2000)]}}
    signal = Signal(np.zeros((5, 3)), original_metadata=leaves, models=models)
    signal.learning_results["factors"] = np.random.default_rng(1).random((100, 200))
    hspyio.save(path, signal)
    before = path.stat().st_size
    assert before > 500_000
    for number in range(5):
        read = hspyio.load(path)
        read.metadata.set_item("General.title", f"title {number}")
        hspyio.update(path, read)
    assert path.stat().st_size < before + 5 * 16_384
    read = hspyio.load(path)
    assert read.title == "title 4"
    assert read.original_metadata.as_dictionary() == leaves
    assert read.models["fit"].tree.as_dictionary() == models["fit"]
    read.original_metadata.set_item("g0.k0", "new")
    read.learning_results["factors"][0, 0] = 7
    hspyio.update(path, read)
    again = hspyio.load(path)
    assert again.original_metadata.g0.k0 == "new"
    assert np.array_equal(again.learning_results["factors"], read.learning_results["factors"])
