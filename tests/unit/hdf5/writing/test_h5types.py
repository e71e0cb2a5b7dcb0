"""Types that are made once: whatever is shared, every value keeps its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5a

from hspyio.hdf5.writing.h5types import WriteTypes
from hspyio.nodes.node import Attribute, Group, Text, Vlen
from support.nodes import write_nodes
from support.root import open_root

FIRST = h5py.enum_dtype({"A": 1, "B": 2}, "u2")
SECOND = h5py.enum_dtype({"A": 1, "C": 2}, "u2")


def test_a_type_is_made_once() -> None:
    types = WriteTypes()
    for kind in (
        np.dtype("f8"),
        np.dtype(">f8"),
        np.dtype(bool),
        Text(),
        Text(3),
        Text(utf8=False),
    ):
        assert types.of(kind) is types.of(kind)
    assert types.of(np.dtype("f8")) is not types.of(np.dtype(">f8"))
    assert types.of(Text()) is not types.of(Text(utf8=False))


@pytest.mark.parametrize(
    "kinds",
    [
        (np.dtype("u2"), FIRST, SECOND, np.dtype("u2")),
        (SECOND, np.dtype("u2"), FIRST),
        (np.dtype([("a", "u2")]), np.dtype([("a", FIRST)]), np.dtype([("a", SECOND)])),
        (np.dtype(("u2", (2,))), np.dtype((FIRST, (2,)))),
        (Vlen(np.dtype("u2")), Vlen(FIRST)),
    ],
)
def test_equal_dtypes_with_other_notes_stay_apart(kinds: Any) -> None:
    alone = [WriteTypes().of(kind).file.encode() for kind in kinds]
    assert len(set(alone)) > 1
    types = WriteTypes()
    assert [types.of(kind).file.encode() for kind in kinds] == alone


def test_attributes_of_many_types_side_by_side(tmp_path: Path) -> None:
    """Types that differ in one thing only, written and read through one table."""
    values: dict[str, np.ndarray] = {
        "u2": np.array(2, "u2"), "first": np.array(2, FIRST), "second": np.array(2, SECOND),
        "i2": np.array(2, "i2"), ">u2": np.array(2, ">u2"), "again": np.array(3, "u2"),
        "one": np.array([2], "u2"), "two": np.array([[2], [3]], "u2"), "bool": np.array(True),
        "i1": np.array(1, "i1"), "none": np.zeros(0, "u2"),
    }  # fmt: skip
    texts = {
        "text": Attribute(Text(), b"a"), "ascii": Attribute(Text(utf8=False), b"a"),
        "fixed": Attribute(Text(1), b"a"), "wide": Attribute(Text(2), b"a"),
        "texts": Attribute(Text(), np.array([b"a", b""], object)),
    }  # fmt: skip
    attributes = {name: Attribute(value.dtype, value) for name, value in values.items()}
    write_nodes(tmp_path / "a.h5", Group({**attributes, **texts}))
    with h5py.File(tmp_path / "a.h5") as file:
        for name, value in values.items():
            assert h5a.open(file.id, name.encode()).dtype == value.dtype
            enumeration = h5py.check_enum_dtype(h5a.open(file.id, name.encode()).dtype)
            assert enumeration == h5py.check_enum_dtype(value.dtype)
    with open_root(tmp_path / "a.h5") as root:
        found = root.attributes
    for name, value in values.items():
        node = found[name]
        assert isinstance(node, Attribute) and isinstance(node.value, np.ndarray)
        assert (node.value.dtype.str, node.value.shape) == (value.dtype.str, value.shape)
        assert node.value.tolist() == value.tolist()
    for name, expected in texts.items():
        node = found[name]
        assert isinstance(node, Attribute)
        assert node.type == expected.type
        assert np.array_equal(node.value, expected.value)
