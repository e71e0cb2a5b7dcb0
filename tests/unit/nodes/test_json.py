"""dtypes and nodes as JSON, and back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from hspyio.converters.dtypes import same_dtype
from hspyio.nodes.digest import tree_digest
from hspyio.nodes.json import (
    dtype_from_json,
    dtype_to_json,
    dtype_to_spec,
    group_from_json,
    group_to_json,
)
from hspyio.nodes.node import Array, Attribute, Group, MemorySource, Text, Vlen
from hspyio.testing.strategies import dtypes
from support.dtypes import ODD


@given(dtypes())
def test_a_dtype_comes_back(dtype: np.dtype[Any]) -> None:
    back = dtype_from_json(json.loads(json.dumps(dtype_to_json(dtype))))
    assert same_dtype(dtype, back)
    assert dtype == back
    assert dtype.isalignedstruct == back.isalignedstruct


@given(dtypes())
def test_a_spec_comes_back_without_titles(dtype: np.dtype[Any]) -> None:
    spec = json.loads(json.dumps(dtype_to_spec(dtype)))
    back = dtype_from_json(spec)
    assert dtype_to_spec(back) == spec
    assert (back.names, back.itemsize) == (dtype.names, dtype.itemsize)


@pytest.mark.parametrize("dtype", ODD, ids=range(len(ODD)))
def test_an_odd_dtype_comes_back(dtype: np.dtype[Any]) -> None:
    back = dtype_from_json(json.loads(json.dumps(dtype_to_json(dtype))))
    assert same_dtype(dtype, back)
    assert (back.fields, back.itemsize) == (dtype.fields, dtype.itemsize)


@pytest.mark.parametrize(
    "text",
    ["nonsense", 5, None, [], {}, {"base": "f8"}, {"base": "x", "shape": [1]}, {"fields": [["a"]]},
     {"base": "f8", "shape": [-1]}, {"fields": [["a", "f8", 9, None]], "size": 2,
     "aligned": False}],
)  # fmt: skip
def test_nonsense_is_an_error_that_the_decoder_knows(text: Any) -> None:
    with pytest.raises((TypeError, ValueError, LookupError)):
        dtype_from_json(text)


@pytest.mark.parametrize("text", ["O", {"names": ["a"], "formats": ["O"]}])
def test_a_dtype_of_objects_is_none_that_a_file_holds(text: Any) -> None:
    with pytest.raises(ValueError, match="none that a file can hold"):
        dtype_from_json(text)


def objects(*items: Any) -> np.ndarray:
    return np.fromiter(items, object, len(items))


GROUP = Group(
    {
        "text": Attribute(Text(), b"a\xff"),
        "padded": Attribute(Text(3, utf8=False), b"ab"),
        "number": Attribute(np.dtype(">f4"), np.array(1.5, ">f4")),
        "%\ud800": Attribute(np.dtype("V3"), np.void(b"abc")),
    },
    {
        "numbers": Array(np.dtype("i2"), MemorySource(np.zeros((2, 0), "i2"))),
        "texts": Array(Text(), MemorySource(objects(b"a", b""))),
        "rows": Array(Vlen(np.dtype("i8")), MemorySource(objects(np.arange(2), np.arange(0)))),
        "lists": Array(Vlen(Text()), MemorySource(objects(objects(b"a"), objects()))),
        "inner": Group({}, {"empty": Group()}),
    },
)


def test_a_group_comes_back() -> None:
    back = group_from_json(json.loads(json.dumps(group_to_json(GROUP))))
    assert tree_digest(back).digest == tree_digest(GROUP).digest


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"attributes": {"a": {}}},
        {"members": {"a": {"type": "f8", "value": {"shape": [2], "base64": "AA=="}}}},
        {"members": {"a": {"type": {"rows": {"rows": "f8"}}, "value": {"shape": [], "items": []}}}},
    ],
)
def test_what_is_no_group_is_an_error(content: Any) -> None:
    with pytest.raises((ValueError, TypeError, LookupError, AttributeError)):
        group_from_json(content)
