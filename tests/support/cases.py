"""The table of values: each goes into a file and comes back, with its type and order.

To add a metadata type: a row here.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from unittest.mock import MagicMock
from uuid import UUID
from zoneinfo import ZoneInfo

import dask
import numpy as np
import pandas as pd
import pint
import scipy.sparse
import sympy

from hspyio import MetadataTree, Signal
from hspyio.converters.dtypes import as_objects
from hspyio.testing import assert_roundtrip
from hspyio.testing.strategies import RESERVED


def structured() -> np.ndarray:
    inner = np.dtype([("t", "M8[s]"), ("µ", "U3"), ("z", ">c8")], align=True)
    dtype = np.dtype([("a", "i1"), ("b", inner, (2,)), ("ok", "?"), ("raw", "V3"), ("s", "S2")])
    array = np.zeros((2, 1), dtype)
    array["b"]["µ"] = "añ"
    array["a"] = [[1], [-1]]
    array["raw"] = b"\0\1\0"
    return array


def overlapping() -> np.ndarray:
    dtype = np.dtype({"names": ["x", "y"], "formats": ["i4", "i2"], "offsets": [0, 0]})
    return np.array([(7, 7)], dtype)


def titled() -> np.ndarray:
    return np.array([(1.0, 2)], np.dtype([(("a title", "x"), "f8"), ("/y", "i2")]))


def masked(dtype: str, **options: Any) -> np.ma.MaskedArray:
    return np.ma.MaskedArray(np.zeros((2, 3), dtype), np.eye(2, 3, dtype=bool), **options)


def strings(*texts: str) -> np.ndarray:
    return np.array(texts, np.dtypes.StringDType())


def ragged(*items: Any) -> np.ndarray:
    return as_objects(items, (len(items),))


def object0(item: Any) -> np.ndarray:
    return as_objects([item], ())


def navigated() -> Signal:
    return Signal(
        np.arange(6.0).reshape(2, 3),
        signal_dimension=1,
        metadata={"General": {"title": "µ/x"}, "deep": {"sig": Signal(np.arange(2))}},
        original_metadata={"b": 1, "a": 2},
        attributes={"extra": [1, 2]},
        learning_results={"factors": np.eye(3)},
        models={"a/b": {"date": "x", "components": {"G": {}}}, "other": {}},
        package="exspy",
        package_version="0.3",
    )


SCALARS = [
    None, True, False, 0, -1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1, 2**64, -(2**70), 10**5000,
    0.0, -0.0, 1e300, 5e-324, math.inf, -math.inf, math.nan, 1j, complex(-0.0, math.nan),
    complex(math.inf, -0.0),
]  # fmt: skip
NUMPY_SCALARS = [
    np.dtype(code).type(1) for code in "?bhilqpBHILQPefdgFDG"
] + [np.float64("nan"), np.float64(-0.0), np.longdouble(1) / 3, np.uint64(2**63), np.str_("a\0"),
     np.bytes_(b"a\0b"), np.datetime64("NaT", "D"), np.datetime64("1969-12-31T23:59:59.1", "ns"),
     np.datetime64(-(2**62), "Y"), np.datetime64(3, "25s"), np.timedelta64(5, "D"),
     np.array([(1, 2.0)], "i4,f8")[0], np.array([("é", 1)], "U3,M8[D]")[0],
     np.void(b"a\0b")]  # fmt: skip
TEXTS = [
    "", "_None_", "a", "µ€😀", "a\0b", "\0", "a\0\0", "_None_\0", "\ud800", "x\udc80\0\udfffy\0",
    "True", " trailing ", "\n", "x" * 70_000, "\0" * 70_000, "\ud800" * 1000,
]  # fmt: skip
BINARY = [b"", b"a", b"\0", b"a\0", b"\xff", bytes(range(256)), b"\xff\0" * 50_000, bytearray(),
          bytearray(b"\0x")]  # fmt: skip
LISTS = [
    [], (), [1], (1,), [1, 2], [True, False], [1.5, -0.0, math.nan], [1j, 2j], ["a", "µ", ""],
    ["_None_", "x"], [1, 2.0, "a name"], [True, 1, 2.5, "x", 1j], [1, 2.5], [True, 2],
    [True, 2.5], [1, 2.5, 3j], [2**53 + 1, 0.5], [2**63 - 1, 2**63], [2**63, 1], [2**64, 1],
    [2**64, "x"], [10**5000, "x"], [-1, 2**63], [None], [None, 1, "a", 2.5, b"\xff", (), [], {}],
    list(range(25)), [None, *range(25)], [[1, 2], [3, 4]], [(1, 2), [3]], ((), [()], {}),
    [b"a", b"\0", b""], ["a\0", "b"], ["\ud800"], ["a"] * 100 + ["x" * 100_000],
    [np.float32(1.5), np.float32(2)], [np.float64(1.5)], [np.float64(1.5), 1.5], [np.bool_(1)],
    [np.int8(1), 1], [np.str_("a"), "a"], [np.uint64(2**63)], [np.longdouble(1) / 3],
    [{"b": 1, "a": [1, None]}, {}], [np.arange(3), np.eye(2)], [np.array(1.0), np.array(2.0)],
    [date(2020, 1, 1), None], [complex(1, -0.0), -0.0, 1], [math.nan, "nan"], [-0.0, "x"],
    [[[[[[["deep"]]]]]]], [Signal(np.arange(3)), 1, Signal(np.arange(2))], (Signal([1]),),
    [{"_sig_": 1}], [{"": 1}], [{"_sig_": Signal([1])}], [{"": Signal([1])}],
    [Signal([i]) for i in range(12)],
    set(), {1}, {1, "a", None, 2.5, (1, 2)}, frozenset(), frozenset({frozenset({1}), 2}),
    {1.0, "1"}, {np.float32(1)}, slice(None), slice(1, 2, 3), slice("a", [1], None),
]  # fmt: skip
DICTS = [
    {}, {"b": 1, "a": {"d": {}, "c": None}}, {key: i for i, key in enumerate(RESERVED)},
    {key: [i] for i, key in enumerate(RESERVED)}, {key: {"x": i} for i, key in enumerate(RESERVED)},
    {key: np.arange(2) for key in RESERVED}, dict.fromkeys(RESERVED, "text"),
    {key: [None] for key in RESERVED}, {key: [] for key in RESERVED},
    dict.fromkeys(RESERVED, b"x"), {key: ragged(np.arange(2)) for key in RESERVED},
    {key: Signal([1]) for key in RESERVED}, dict.fromkeys(RESERVED),
    {1: "a", "1": "b", 2.5: "c", None: "d", "None": "e", (1, "x"): "f", b"k": "g", -0.0: "h"},
    {True: "a", "True": "b", math.nan: 1, math.inf: 2, 2**70: 3, 1j: 4, (): 5, ((1,), None): 6},
    {1: {2: {3: [Signal([1])]}}}, {"v": [1, 2], "_list_v": np.arange(2)},
    {"key_list_x": 1, "_list_x": np.arange(2)}, {"x" * 5000: 1, "x" * 5001: {}},
    {np.str_("a\0"): 1, "b": 2, (np.str_("c"),): 3},
    {date(2020, 1, 1): 1, Decimal("1.0"): 2, Path("a"): 3},
    OrderedDict([("b", 1), ("a", OrderedDict())]), MetadataTree({"b": {"a": 1}}),
    {f"k{i}": i for i in range(500, 0, -1)},
]  # fmt: skip
TIMES = [
    date(1, 1, 1), date(9999, 12, 31), time(), time(23, 59, 59, 999999),
    time(1, tzinfo=UTC),
    time(2, fold=1), time(2, tzinfo=ZoneInfo("Europe/Berlin")), datetime(2020, 1, 1),
    datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=1))),
    datetime(2020, 1, 1, tzinfo=timezone(timedelta(seconds=3601), "lab")),
    datetime(2020, 1, 1, 1, 2, 3, 4, UTC), timedelta(), timedelta(-5, 3, 7),
    timedelta.max, timedelta.min, pd.Timestamp("2020-01-01 00:00:00.123456789"),
    pd.Timestamp("2020-01-01", tz="UTC"), pd.Timestamp(3, unit="ns", tz="Europe/Berlin"),
    pd.Timestamp("2020-10-25 01:30", tz="UTC").tz_convert("Europe/Berlin"),
    pd.Timestamp(np.datetime64("9000", "s"), tz=timezone(timedelta(seconds=3601), "lab")),
    pd.Timestamp("2020-01-01T00:00+02:00"), pd.Timestamp.max, pd.Timestamp.min,
    pd.Timedelta(5, "ns"), pd.Timedelta(np.timedelta64(-3, "s")), pd.Timedelta.max,
]  # fmt: skip
UNITS = pint.get_application_registry()
QUANTITIES = [
    UNITS.Quantity(0.0251, "angstrom"), UNITS.Quantity(1, ""), UNITS.Quantity(-0.0, "m/s**2"),
    UNITS.Quantity(2**70, "1/s"), UNITS.Quantity(math.nan, "m**0.5"), UNITS.Quantity(20.5, "degC"),
    UNITS.Quantity(2, "delta_degC"), UNITS.Quantity(1 + 2j, "V"), UNITS.Quantity(1, "percent"),
    UNITS.Quantity(Decimal("1.10"), "eV"), UNITS.Quantity(Fraction(1, 3), "kV"),
    UNITS.Quantity(np.float32(1.5), "nm"), UNITS.Quantity(np.arange(3), "keV"),
    UNITS.Quantity(np.zeros((0, 2)), "keV"), UNITS.Quantity(np.array(2.5), "µm"),
    UNITS.Unit("kg*m**2/s**3"), UNITS.Unit(""),
]  # fmt: skip
OTHERS = [
    Path("a/b"), Path(), PurePosixPath("/x"), PureWindowsPath("C:\\x"), PurePosixPath("\udc80"),
    range(0), range(10), range(10, -5, -3), range(10**12), range(2**70, 2**70 + 3),
    Decimal("1.10"), Decimal("-0"), Decimal("NaN"), Decimal("sNaN123"), Decimal("Infinity"),
    Decimal("1E+1000"), Fraction(1, 3), Fraction(10**5000, 7), UUID(int=5), np.ma.masked,
]  # fmt: skip
ARRAYS = [
    *(np.zeros(3, code) for code in "?bhilqBHILQefdgFDG"),
    *(np.arange(3).astype(code) for code in (">i2", ">f4", ">c16", ">f2", ">u8", ">g", ">G")),
    *(np.zeros(shape) for shape in ((0,), (0, 3), (3, 0), (0, 0), (2, 0, 3), (1,) * 32)),
    *(np.array(3).astype(code) for code in ("f8", "i8", ">i4", "?", "c16", "U3", "S3", "M8[s]")),
    np.array("a\0"), np.array((1, 2.0), "i4,f8"), np.array("é", "U7"), object0(None),
    object0([1]), object0({"a": date(2020, 1, 1)}), object0(np.arange(2)),
    np.asfortranarray(np.arange(6).reshape(2, 3)), np.arange(10)[::3], np.zeros((1,) * 40),
    np.array([b"a", b"\xff\0b"]), np.array([b""]), np.array([b"abc"], "S9"), np.array([], "S3"),
    np.array(["a", "é\0x"]), np.array(["a"], "U9"), np.array(["a"], ">U2"), np.array([], "U2"),
    np.array(["\ud800", "_None_"]), np.array([["a", "b"]]), np.array(["a"], "<U1"),
    np.array(["1969-12-31", "NaT"], "M8[ns]"), np.array([1, -1], "m8[25s]"),
    np.array(["2020"], ">M8[D]"), np.array([], "M8[D]"),
    np.array([b"a\0b", b"c"], "V3"), structured(), overlapping(), titled(),
    np.zeros(2, np.dtype([("r", "f8"), ("i", "f8")])), np.zeros(2, [("i", "f8"), ("r", "f8")]),
    np.zeros(2, [("n", [("r", "f4"), ("i", "f4")]), ("m", "U2")]), np.zeros(3, "u1,u1,u1"),
    ragged(), ragged(np.arange(2), np.eye(3), np.zeros(0)), ragged(np.array(5), np.zeros((2, 0))),
    ragged(np.array([1, 2]), np.array([3.0])), ragged(np.array([2**53 + 1]), np.array([0.5])),
    ragged(np.arange(2, dtype=">f8")), ragged(np.array(["a", "é"]), np.array("x")),
    ragged(np.array(["a"], "U9")), ragged(np.array([b"a"])), ragged("a", "b"), ragged("a", 1),
    ragged(np.array(["a"]), np.arange(2)), ragged(np.arange(2), np.array(["a"])), ragged(None),
    ragged([1, 2], (3,)), ragged({"a": 1}, ragged(1)), ragged(np.array(["a\0b"])),
    ragged(np.zeros(1, "?"), np.zeros(1, "i1")), ragged(1, 2.5, True), ragged(1.5, 2.5),
    ragged(np.zeros(1, "M8[s]"), np.zeros(2, "M8[s]")), ragged(np.zeros(1, "M8[s]"), np.zeros(1)),
    ragged(np.zeros(1, "i4,f8"), np.zeros(2, "i4,f8")), ragged(Signal([1]), None),
    ragged(np.zeros(1, "f4"), np.zeros(1, "f2")), ragged(np.zeros(1, "u8"), np.zeros(1, "i8")),
    as_objects([np.arange(i) for i in range(6)], (2, 3)), as_objects([], (0, 3)),
    ragged(np.array(1.5), np.array(2)), ragged(2**70, 1), ragged(np.float32(1), None),
    ragged(np.zeros(1, "c8"), np.ones(2, "f4")),
    strings("a", "é"), strings(), strings("a\0b"),
]  # fmt: skip
MASKED = [
    masked("f8"), masked("i2", fill_value=7), masked("M8[s]"), masked("U3", hard_mask=True),
    masked("i4,f8"), np.ma.MaskedArray([1.0, 2.0]), np.ma.MaskedArray(1.5, True),
    np.ma.MaskedArray(np.zeros((0, 2)), np.zeros((0, 2), bool)),
]  # fmt: skip
SIGNALS = [
    Signal([1.0]), navigated(), Signal(np.arange(3) > 1),
    Signal(ragged(np.arange(2), np.arange(3))),
    Signal(ragged(np.arange(2)), axes=[]), Signal(np.array(2.5)),
    Signal(np.zeros((2, 2)), metadata={"a": Signal([1], metadata={"b": Signal([2])})}),
]  # fmt: skip

CASES: dict[str, Any] = {
    f"{name}-{index}": value
    for name, values in {
        "scalar": SCALARS,
        "numpy": NUMPY_SCALARS,
        "text": TEXTS,
        "binary": BINARY,
        "list": LISTS,
        "dict": DICTS,
        "time": TIMES,
        "quantity": QUANTITIES,
        "other": OTHERS,
        "array": ARRAYS,
        "masked": MASKED,
        "signal": SIGNALS,
    }.items()
    for index, value in enumerate(values)
}
"""Every case by name."""


def assert_case_comes_back(name: str, path: Path) -> None:
    """Whether a case is what it was, alone and in every container."""
    value = CASES[name]
    tree = {"x": value, "list": [None, value], "tuple": (value,), "dict": {"y": {1: value}}}
    assert_roundtrip(Signal([1.0], metadata=tree, original_metadata=tree), path)


def rows(*families: str) -> list[str]:
    """The names of the cases of some families."""
    return [name for name in CASES if name.rpartition("-")[0] in families]


REFUSED: dict[str, Any] = {
    "function": len,
    "class": int,
    "object": object(),
    "ellipsis": ...,
    "generator": (i for i in range(3)),
    "masked objects": np.ma.MaskedArray([None, {}], [True, False]),
    "object field": np.array([(1, None)], [("a", "i4"), ("b", "O")]),
    "no fields": np.zeros(2, np.dtype([])),
    "record array": np.zeros(2, "i4,f8").view(np.recarray),
    "dask's delayed": dask.delayed(1),
    "what answers everything": MagicMock(),
    "what passes for a dict": MagicMock(spec=dict),
    "formula": sympy.Symbol("x") + 1,
    "sparse": scipy.sparse.eye_array(3),
    "frame": pd.DataFrame({"a": [1]}),
    "no time": pd.NaT,
    "no value": pd.NA,
    "quantity of objects": UNITS.Quantity(np.array([None, {}.keys()]), "m"),
    "key": {object(): 1},
    "key in a tuple": {(1, len): 1},
}
"""What no file can hold."""
