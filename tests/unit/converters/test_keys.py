"""Keys as JSON and back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.compare import value_differences
from hspyio.converters.converter import NotStorableError
from hspyio.converters.keys import key_from_json, key_to_json, readable_name
from hspyio.testing import keys


def comes_back(key: Any) -> None:
    back = key_from_json(json.loads(json.dumps(key_to_json(key))))
    assert not value_differences(key, back)
    assert repr(key) == repr(back)


@given(keys())
def test_any_key_comes_back(key: Any) -> None:
    comes_back(key)


@pytest.mark.parametrize(
    "key",
    [
        "", "\ud800\0", "int", True, 1, 1.0, -0.0, float("nan"), float("inf"), 2**70,
        1j, complex(-0.0, float("nan")), b"", b"\xff\0", (), (1, (None, "x", (b"a",))), None,
        date(1, 1, 1), datetime(2020, 1, 1, tzinfo=UTC), time(1, fold=1), timedelta(-1, 5),
        Decimal("-0.10"), Decimal("NaN"), Fraction(-1, 3), UUID(int=1), PurePosixPath("a"),
        PureWindowsPath("C:\\a"), (True, 1, 1.0),
    ],
)  # fmt: skip
def test_a_key_comes_back_with_its_type(key: Any) -> None:
    comes_back(key)


def test_an_int_of_any_size_comes_back() -> None:
    for key in (10**4000, 2**20000, -(2**20000)):  # Python writes at most 4300 digits
        assert key_from_json(json.loads(json.dumps(key_to_json(key)))) == key


def test_keys_that_are_equal_in_python_differ_here() -> None:
    texts = {json.dumps(key_to_json(key)) for key in (1, True, 1.0, "1", 0, 0.0, -0.0, False)}
    assert len(texts) == 8


@pytest.mark.parametrize(
    "key",
    [
        object(),
        len,
        frozenset({1}),
        np.int64(1),
        type("Label", (str,), {})("a"),
        range(3),
        (1, object()),
        Ellipsis,
    ],
)
def test_other_types_are_refused(key: Any) -> None:
    with pytest.raises(NotStorableError, match="key of type"):
        key_to_json(key)


@pytest.mark.parametrize(
    "text",
    [1, 1.5, [], ["x"], {}, {"int": "1", "float": "1"}, {"unknown": 1}, {"int": "x"}, {"int": 1},
     {"complex": ["1"]}, {"tuple": 1}, {"tuple": [[]]}, {"date": "x"}, {"bytes": 1},
     {"int": "9" * 5000}],
)  # fmt: skip
def test_nonsense_is_an_error_that_the_decoder_knows(text: Any) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, LookupError)):
        key_from_json(text)


@given(keys())
def test_a_readable_name_can_be_a_name(key: Any) -> None:
    name = readable_name(key)
    assert name not in ("", ".", "..")
    assert not set(name) & {"/", "\0"}
    assert not name.startswith("_")
    assert name.encode()
    assert len(name) <= 6 * 500 + 3


@given(st.text("abc µ€1.", min_size=3))
def test_a_plain_text_is_its_own_readable_name(key: str) -> None:
    assert readable_name(key) == (f"key{key}" if key == ".." else key)
