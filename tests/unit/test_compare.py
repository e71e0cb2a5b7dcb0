"""What compares round trips has to find every kind of difference itself."""

from __future__ import annotations

import math
from collections import OrderedDict
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from zoneinfo import ZoneInfo

import dask.array as da
import numpy as np
import pytest
from hypothesis import given

from hspyio import DataAxis, MetadataTree, Signal, UniformAxis
from hspyio.compare import signal_differences, value_differences
from hspyio.testing import values
from support.cases import CASES


def objects(*items: Any) -> np.ndarray:
    array = np.empty(len(items), object)
    for index, item in enumerate(items):
        array[index] = item
    return array


def masked(mask: Any, **options: Any) -> Any:
    return np.ma.MaskedArray([1.0, 2.0], mask, **options)


BERLIN = ZoneInfo("Europe/Berlin")
DIFFERENT: list[tuple[Any, Any]] = [
    (1, 2), (1, 1.0), (1, True), (0, False), (0, None), (1, np.int64(1)), (1.0, np.float64(1)),
    (np.int32(1), np.int64(1)), (np.longlong(1), np.int64(1)), (0.0, -0.0), (math.nan, 0.0),
    (math.inf, -math.inf), (complex(0, 0.0), complex(0, -0.0)), (complex(math.nan, 1), 1j),
    (np.float32(0), np.float32(-0.0)), (np.complex64(0), np.complex64(complex(0, -0.0))),
    ("a", "b"), ("a", b"a"), ("a", np.str_("a")), (b"a", bytearray(b"a")), (b"a", np.bytes_(b"a")),
    ("a", "a\0"), ([1], (1,)), ([], ()), ([], None), ([1], [1, 2]), ([1, 2], [2, 1]), ([1], [True]),
    ({1}, frozenset({1})), ({1}, {2}), ({1}, {True}), ({1}, {1.0}), ({(1,)}, {(True,)}),
    ({frozenset({1})}, {frozenset({True})}), ({0.0}, {-0.0}), (set(), {1}),
    ({}, []), ({"a": 1}, {"a": 2}), ({"a": 1}, {"b": 1}), ({"a": 1}, {}), ({}, {"a": 1}),
    ({1: 1}, {"1": 1}), ({1: 1}, {True: 1}), ({1: 1}, {1.0: 1}), ({0.0: 1}, {-0.0: 1}),
    ({None: 1}, {"None": 1}), ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({"a": {"b": [1]}}, {"a": {"b": [2]}}),
    ({}, OrderedDict()), (OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)),
    (date(2020, 1, 1), datetime(2020, 1, 1)), (date(2020, 1, 1), date(2020, 1, 2)),
    (datetime(2020, 1, 1), datetime(2020, 1, 1, tzinfo=UTC)),
    (datetime(2020, 1, 1, 1, tzinfo=UTC),
    datetime(2020, 1, 1, 2, tzinfo=timezone(timedelta(hours=1)))),
    (datetime(2020, 7, 1, tzinfo=BERLIN),
    datetime(2020, 7, 1, tzinfo=timezone(timedelta(hours=2)))),
    (datetime(2020, 10, 25, 2, 30, tzinfo=BERLIN),
    datetime(2020, 10, 25, 2, 30, tzinfo=BERLIN, fold=1)),
    (time(1), time(1, fold=1)), (time(1), time(1, tzinfo=UTC)), (timedelta(1), timedelta(2)),
    (Decimal("1.0"), Decimal("1.00")), (Decimal(0), Decimal("-0")), (Decimal("NaN"),
    Decimal("sNaN")),
    (Fraction(1, 2), 0.5), (Fraction(1, 2), Fraction(1, 3)), (PurePosixPath("a"),
    PurePosixPath("b")),
    (PurePosixPath("a"), PureWindowsPath("a")), (range(3), range(4)), (range(0), [0]),
    (slice(1), slice(2)), (slice(0, 1), slice(False, 1)), (slice(None), slice(None, None, 1)),
    (np.array([1]), [1]), (np.array(1), np.int64(1)), (np.array(1), np.array([1])),
    (np.array([1]), np.array([1.0])), (np.array([1]), np.array([2])), (np.zeros(2),
    np.zeros((2, 1))),
    (np.zeros((0, 3)), np.zeros((3, 0))), (np.array([0.0]), np.array([-0.0])),
    (np.array([math.nan]), np.array([0.0])), (np.array([1], "<i4"), np.array([1], ">i4")),
    (np.array([complex(0, 0.0)]), np.array([complex(0, -0.0)])), (np.array(["a"]),
    np.array(["a"], "U2")),
    (np.array(["a"]), np.array([b"a"])), (np.array(["2020"], "M8[D]"), np.array(["2020"], "M8[s]")),
    (np.array(["NaT"], "M8[s]"), np.array([0], "M8[s]")), (np.array([1], "M8[s]"),
    np.array([1], "m8[s]")),
    (np.zeros(1, "i4,f8"), np.zeros(1, [("a", "i4"), ("b", "f8")])),
    (np.array([(1, 0.0)], "i4,f8"), np.array([(1, -0.0)], "i4,f8")),
    (np.array([(1, 2)], "i4,i4"), np.array([(1, 3)], "i4,i4")), (np.void(b"a"), np.void(b"b")),
    (objects(1), objects(True)), (objects(np.zeros(1)), objects(np.zeros(1, "f4"))),
    (objects([1]), objects((1,))), (objects(None), objects(0)), (objects({}), objects({"a": 1})),
    (np.array(["a"], np.dtypes.StringDType()), np.array(["b"], np.dtypes.StringDType())),
    (np.array(["a"], np.dtypes.StringDType()), np.array(["a"], object)),
    (masked([True, False]), np.array([1.0, 2.0])), (masked([True, False]), masked([False, True])),
    (masked(np.ma.nomask), masked([False, False])), (masked([True, False]),
    masked([True, False], fill_value=7)),
    (masked([True, False]), masked([True, False], hard_mask=True)),
    (masked([True, False]), np.ma.MaskedArray([9.0, 2.0], [True, False])), (np.ma.masked, None),
    (np.datetime64(1, "s"), np.datetime64(1, "ms")), (np.datetime64("NaT", "ms"),
    np.datetime64("NaT", "s")),
    (np.zeros(1), da.zeros(1)), (Signal([1.0]), [1.0]), (Signal([1.0]), Signal([2.0])),
]  # fmt: skip


@pytest.mark.parametrize("index", range(len(DIFFERENT)))
def test_a_difference_is_found_wherever_it_is(index: int) -> None:
    one, other = DIFFERENT[index]
    for first, second in ((one, other), (other, one)):
        assert value_differences(first, second, "x")
        for wrap in (lambda v: [v], lambda v: (0, v), lambda v: {"k": v}, lambda v: objects(v)):
            found = value_differences(wrap(first), wrap(second), "x")
            assert found
            assert all(line.startswith("x") for line in found)


@pytest.mark.parametrize("name", CASES)
def test_a_value_equals_its_copy(name: str) -> None:
    import copy

    value = CASES[name]
    assert not value_differences(value, value)
    assert not value_differences(value, copy.deepcopy(value))


@given(values())
def test_any_value_equals_itself(value: Any) -> None:
    assert not value_differences(value, value)


def test_what_is_alike_is_no_difference() -> None:
    assert not value_differences(math.nan, float("nan"))
    assert not value_differences(np.array([math.nan, 1]), np.array([float("nan"), 1]))
    assert not value_differences({math.nan: 1}, {float("nan"): 1})
    assert not value_differences(MetadataTree({"a": {"b": 1}}), {"a": {"b": 1}})
    assert not value_differences(np.arange(4)[::2], np.array([0, 2]))
    assert not value_differences(np.asfortranarray(np.eye(3)), np.eye(3))
    one, other = (
        np.zeros((2, 1), np.dtype("i1,f8", align=True)),
        np.zeros((2, 1), np.dtype("i1,f8", align=True)),
    )
    one.view("u1")[:, 1:8] = 255  # between the fields
    assert not value_differences(one, other)


def test_lines_name_the_path() -> None:
    one = {"a": [1, {"b": 2}], "c": 3, "gone": 1}
    other = {"a": [1, {"b": 5}], "c": 3.0, "new": 1}
    assert value_differences(one, other, "m") == [
        "m.a[1].b: 2, 5",
        "m.c: 3 (int), 3.0 (float)",
        "m.gone: only in the first",
        "m.new: only in the second",
        "m: the order of the keys",
    ]


POSITIONS = UniformAxis(name="x", size=2, scale=0.5)
CHANNELS = UniformAxis(size=3, navigate=False)


def made(**changes: Any) -> Signal:
    parts: dict[str, Any] = {
        "data": np.arange(6.0).reshape(2, 3),
        "axes": [POSITIONS, CHANNELS],
        "metadata": {"a": {"b": 1}},
        "original_metadata": {"a": 1},
        "attributes": {"k": 1},
        "learning_results": {"f": np.eye(2)},
        "models": {"m": {"x": 1}},
        "package": "p",
        "package_version": "1",
    }
    parts |= changes
    return Signal(parts.pop("data"), parts.pop("axes"), **parts)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"data": np.arange(6.0, dtype="f4").reshape(2, 3)}, "data"),
        ({"data": np.ones((2, 3))}, "data"),
        ({"axes": [UniformAxis(name="y", size=2, scale=0.5), CHANNELS]}, "axes[0].name"),
        ({"axes": [POSITIONS, UniformAxis(size=3, navigate=True)]}, "axes[1].navigate"),
        ({"axes": [UniformAxis(name="x", size=2, scale=0.5 + 2**-53), CHANNELS]}, "axes[0].scale"),
        ({"axes": [UniformAxis(name="x", size=2, scale=0.25), CHANNELS]}, "axes[0].scale"),
        ({"axes": [DataAxis(axis=np.array([0.0, 0.5]), name="x"), CHANNELS]}, "axes[0]"),
        ({"metadata": {"a": {"b": 2}}}, "metadata.a.b"),
        ({"original_metadata": {}}, "original_metadata.a"),
        ({"attributes": {"k": True}}, "attributes.k"),
        ({"learning_results": {"f": np.eye(3)}}, "learning_results.f"),
        ({"models": {"m": {"x": 2}}}, "models.m.x"),
        ({"models": {}}, "models.m"),
        ({"package": "q"}, "package"),
        ({"package_version": "2"}, "package_version"),
    ],
)  # fmt: skip
def test_signals_are_compared_part_by_part(changes: dict[str, Any], place: str) -> None:
    assert not signal_differences(made(), made())
    found = signal_differences(made(), made(**changes))
    assert found
    assert all(line.startswith(place) for line in found)
    nested = [Signal([1.0], metadata={"list": [made(**options)]}) for options in ({}, changes)]
    found = signal_differences(*nested)
    assert found
    assert all(line.startswith(f"metadata.list[0].{place}") for line in found)


def test_lazy_data_are_computed() -> None:
    lazy = made(data=da.from_array(np.arange(6.0).reshape(2, 3)))
    assert not signal_differences(made(), lazy)
    assert signal_differences(made(), made(data=lazy.data + 1))
