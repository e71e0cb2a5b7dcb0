"""Attributes <-> JSON: what JSON cannot say is noted, and what others have changed counts."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hspyio.errors import DamagedFileError
from hspyio.nodes.node import Attribute, Damaged, Group, Text
from hspyio.zarr2.attributes import from_json, to_json


def number(value: Any, dtype: str) -> Attribute:
    return Attribute(np.dtype(dtype), np.array(value, dtype))


NODES = {
    "int": number(3, "i8"),
    "small": number(3, "u1"),
    "float": number(2.5, "f8"),
    "single": number(1.5, "f4"),
    "nan": number(np.nan, "f8"),
    "inf": number(np.inf, "f8"),
    "bool": number(True, "?"),
    "complex": number(1 + 2j, "c16"),
    "array": number([[1, 2], [3, 4]], "i4"),
    "large": number(2**63 + 1, "u8"),
    "text": Attribute(Text(), "äö€".encode()),
    "ascii": Attribute(Text(None, utf8=False), b"a"),
    "fixed": Attribute(Text(3), np.array(b"abc", "S3")),
    "broken": Attribute(Text(), b"\xff\xfe"),
    "_bs_octets": Attribute(np.dtype("V2"), np.void(b"\x00\xff")),
}


def same(one: Attribute, other: Any) -> bool:
    assert isinstance(other, Attribute)
    first, second = np.asarray(one.value), np.asarray(other.value)
    if isinstance(one.type, Text):
        return one.type == other.type and first.tolist() == second.tolist()
    return (one.type, first.shape, first.tobytes()) == (other.type, second.shape, second.tobytes())


def test_there_and_back() -> None:
    made, noted = to_json(NODES)
    content = json.loads(json.dumps([made, noted]))
    found, groups = from_json(*content)
    assert not groups and set(found) == set(NODES)
    for name, node in NODES.items():
        assert same(node, found[name]), name
    assert made["octets"] == "\x00\udcff" and "_bs_octets" not in made


def test_nothing_is_noted_of_what_json_says() -> None:
    plain = {name: NODES[name] for name in ("int", "float", "bool", "text", "inf")}
    assert to_json(plain)[1] is None


def test_what_another_program_has_written_counts() -> None:
    made, noted = to_json(NODES)
    made |= {"single": 7.25, "octets": "other", "text": "new"}
    found, _ = from_json(made, noted)
    assert same(number(7.25, "f8"), found["single"])
    assert same(Attribute(Text(), b"other"), found["octets"]) and "_bs_octets" not in found
    for nonsense in (5, "x", {"attributes": {"single": 3}}, {"attributes": []}):
        assert set(from_json(made, nonsense)[0]) == {*made}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, Attribute(Text(), b"_None_")),
        (["a", "b"], Attribute(Text(), np.array([b"a", b"b"], object))),
        ([1, 2], number([1, 2], "i8")),
        ([1, "a"], None),
        (2**70, None),
    ],
)
def test_what_others_write(value: Any, expected: Attribute | None) -> None:
    found, _ = from_json({"a": value})
    assert isinstance(found["a"], Attribute | Damaged)
    if expected is not None:
        assert same(expected, found["a"]) or found["a"].value.tolist() == expected.value.tolist()  # type: ignore[union-attr]


def test_mappings_are_groups() -> None:
    _, groups = from_json({"a": {"b": 1}})
    assert isinstance(groups["a"], Group) and "b" in groups["a"].attributes


def test_what_was_not_read_is_not_written() -> None:
    with pytest.raises(DamagedFileError, match="@a"):
        to_json({"a": Damaged("is cut")})
