"""Trees as JSON texts, and back without loss."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from hspyio.bridges.tree_text import text_of, tree_of
from hspyio.compare import value_differences
from hspyio.errors import HspyError, Problem
from hspyio.testing import metadata


def written(value: object) -> str:
    problems: list[Problem] = []
    text = text_of(value, "tree", problems)
    assert problems == []
    return text


@given(metadata())
def test_what_goes_in_comes_out(tree: Any) -> None:
    text = written(tree)
    assert "\0" not in text
    assert json.loads(text.encode()) is not None
    found = value_differences(tree, tree_of(text, "tree"))
    assert not found, "\n".join(found)


def test_what_json_can_tell_stands_there_as_it_is() -> None:
    tree = {"a": [1, 2.5, None, True], "µ": {"b": "text", "c": {}}, "n": -0.0}
    assert json.loads(written(tree)) == tree


@pytest.mark.parametrize(
    "value",
    [{"_hspyio": 1}, {"_hspyio": {"stored": {}}}, {1: 2}, (1, [2]), float("nan"), [10**5000],
     "\ud83d\ude00", {"\ud83d": 1, "%d83d": 2}, Decimal("1.10"), np.float32(2),
     np.ma.array([1, 2], mask=[0, 1]), np.array([("a", 1)], [("%\ud800", "U2"), ("y", ">i2")])],
)  # fmt: skip
def test_what_it_cannot_tell(value: Any) -> None:
    assert value_differences({"v": value}, tree_of(written({"v": value}), "tree")) == []


def test_values_without_a_form_are_all_named() -> None:
    circular: list[Any] = []
    circular.append(circular)
    deep: Any = 1
    for _ in range(150):
        deep = [deep]
    problems: list[Problem] = []
    text = text_of({"a": object(), "b": [circular], "c": deep, "d": 1}, "tree", problems)
    places = [problem.where for problem in problems]
    assert places[:2] == ["tree.a", "tree.b[0][0]"]
    assert places[2].startswith("tree.c[0]")
    assert len(places) == 3
    assert json.loads(text)["d"] == 1


def _array(kind: Any, shape: list[int], content: str) -> str:
    value = {"shape": shape, "base64": content}
    stored = {"members": {"value": {"type": kind, "value": value}}}
    return json.dumps({"a": {"_hspyio": {"stored": stored}}})


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"a": {"_hspyio": 1}}', '{"a": {"_hspyio": {}}}', "[" * 100_000,
     _array("<f8", [5], "AAAA"), _array("O", [1], "AAAAAAAAAAA="), _array("<f8", [-1, 0], ""),
     _array([["a"]], [1], ""), _array("<f8", [1], "µ"),
     '{"a": {"_hspyio": {"stored": {}, "types": "x"}}}'],
)  # fmt: skip
def test_malformed_texts_are_an_error_that_says_where(text: str) -> None:
    with pytest.raises(HspyError, match="attrs"):
        tree_of(text, "attrs['x']")
