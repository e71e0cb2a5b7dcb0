"""What was written is read back before it counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import CASES
from hypothesis import given

import hspyio
from hspyio import Signal
from hspyio.node import Array, Attribute, Damaged, Group, Kept, MemorySource, Text, Vlen
from hspyio.storage.proof import mismatch
from hspyio.testing import signals


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
    assert mismatch(TREE, TREE) == ""
    assert mismatch(Group({}, {"x": Kept("/old/x"), "inner": Kept("/y")}), TREE) == ""


@pytest.mark.parametrize(("place", "planned"), WRONG.values(), ids=WRONG)
def test_what_is_not(place: str, planned: Group) -> None:
    assert mismatch(planned, TREE) == place


def test_what_cannot_be_read() -> None:
    damaged = Damaged("cannot be read")
    assert mismatch(TREE, damaged) == "/"
    assert mismatch(Group({}, {"x": Kept("/x")}), Group({}, {"x": damaged})) == "/x"
    assert mismatch(Group({"a": damaged}, {}), Group({}, {})) == ""  # it was never written
