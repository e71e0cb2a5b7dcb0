"""Strategies for hypothesis: any value, tree or signal that a file can hold."""

from __future__ import annotations

import math
from collections import OrderedDict
from datetime import UTC, timedelta, timezone
from decimal import Decimal
from functools import cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from hspyio.model.signal import Signal

__all__ = [
    "RESERVED",
    "arrays",
    "dtypes",
    "keys",
    "metadata",
    "numbers_and_texts",
    "ragged",
    "ragged_free",
    "scalars",
    "signals",
    "texts",
    "values",
]

Strategy = st.SearchStrategy[Any]

RESERVED = (
    *("", ".", "..", "a/b", "/x", "/Experiments/x/data", "a\0b", "\0", "_None_", "\ud800"),
    *("_list_x", "_list_3_x", "_list_empty_x", "_tuple_x", "_tuple_empty_x", "_bs_x", "_sig_x"),
    *("_sig_", "_ragged_shapes_x", "ragged_shapes", "_datetime_date", "_datetime_time"),
    *("_hspy_AxesManager_x", "_hspyio_types", "key", "x", "1", "None", "_list_", "_x", "key_bs_x"),
)
"""Keys that mean something on disk, or cannot stand there as they are."""


def texts() -> Strategy:
    """Text of any characters, NUL and lone surrogates among them."""
    special = ["", "_None_", "a\0b", "a\0\0", "\0", "\ud800x\udfff", "\udc80", "True", "1", "µ µ"]
    return st.one_of(
        st.text(max_size=8),
        st.text(st.characters(codec=None), max_size=8),
        st.sampled_from(special),
    )


def _moments() -> list[Strategy]:
    zones = st.one_of(
        st.none(),
        st.sampled_from([UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")]),
        st.builds(timezone, st.integers(-86399, 86399).map(lambda s: timedelta(seconds=s))),
        st.just(timezone(timedelta(hours=1), "lab")),
    )
    return [st.dates(), st.times(timezones=zones), st.datetimes(timezones=zones), st.timedeltas()]


def _numpy_scalars(kinds: str) -> Strategy:
    return st.sampled_from(kinds).flatmap(
        lambda kind: hnp.arrays(kind, ()).map(lambda array: array[()])
    )


def scalars(*, hashable: bool = False) -> Strategy:
    """Values that are no containers: every type that a file can hold."""
    plain = [
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.sampled_from([-0.0, math.nan, math.inf]),
        st.complex_numbers(),
        texts(),
        st.binary(max_size=8),
        st.decimals().filter(lambda number: not number.is_snan()),  # has no hash
        st.just(Decimal("-0")),
        st.fractions(),
        st.uuids(),
        st.sampled_from(
            [Path("a/b"), PurePosixPath("/x"), PureWindowsPath("C:\\x"), PurePosixPath("\udc80")]
        ),
        st.builds(range, st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 7)),
        *_moments(),
        _numpy_scalars("?efdgFDG"),
        texts().map(np.str_),
    ]
    if hashable:
        return st.one_of(plain)
    return st.one_of(
        *plain,
        st.just(Decimal("sNaN")),
        _numpy_scalars("bhilqBHILQ"),  # no set holds both these and Decimals: == is an error
        hnp.datetime64_dtypes(endianness="=").flatmap(hnp.from_dtype),
        hnp.timedelta64_dtypes(endianness="=").flatmap(hnp.from_dtype),
        st.binary(max_size=8).map(bytearray),
        st.builds(slice, st.integers(-5, 5), st.one_of(st.none(), st.integers()), st.none()),
        arrays(),
    )


def dtypes() -> Strategy:
    """Every dtype of numpy that is no object: both byte orders, structures, dates, text."""
    plain = st.one_of(
        hnp.scalar_dtypes(),
        hnp.byte_string_dtypes(max_len=5),
        hnp.unicode_string_dtypes(max_len=5),
        hnp.datetime64_dtypes(),
        hnp.timedelta64_dtypes(),
        st.sampled_from(["g", "G", ">c16", ">f2"]).map(np.dtype),
    )
    return st.one_of(plain, hnp.array_dtypes(plain, max_size=3))


@st.composite
def arrays(draw: st.DrawFn) -> Any:
    """Arrays of any dtype and shape, 0-d, empty, masked and ragged ones among them."""
    return draw(_arrays())


@cache
def _arrays() -> Strategy:
    shapes = st.one_of(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    plain = hnp.arrays(dtypes(), shapes)
    numbers = hnp.arrays(st.sampled_from(["f8", "i4", "?", "c8", "U3", "M8[s]"]), shapes)
    masked = numbers.flatmap(
        lambda a: hnp.arrays(bool, a.shape).map(lambda mask: np.ma.MaskedArray(a, mask))
    )
    return st.one_of(plain, masked.filter(lambda array: array is not np.ma.masked), ragged())


def ragged() -> Strategy:
    """Object arrays of arrays of one dtype, of mixed dtypes, or of anything."""
    shapes = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)
    inner = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)
    numbers = st.sampled_from(["<f8", ">i2", "u8", "?", "c8", "f2", "U4", "M8[D]", "S2"])
    same = numbers.flatmap(lambda kind: st.just(hnp.arrays(kind, inner)))
    mixed = st.just(hnp.arrays(numbers, inner))
    anything = st.just(st.one_of(st.none(), texts(), st.integers(), hnp.arrays("f8", inner)))
    return st.tuples(shapes, st.one_of(same, mixed, anything)).flatmap(
        lambda pair: _object_arrays(*pair)
    )


def _object_arrays(shape: tuple[int, ...], items: Strategy) -> Strategy:
    def build(listed: list[Any]) -> NDArray[Any]:
        result = np.empty(len(listed), object)
        for index, item in enumerate(listed):
            result[index] = item
        return result.reshape(shape)

    size = int(np.prod(shape))
    return st.lists(items, min_size=size, max_size=size).map(build)


@st.composite
def keys(draw: st.DrawFn) -> Any:
    """Keys of dicts: any text, and what else may be one."""
    return draw(_keys())


@cache
def _keys() -> Strategy:
    simple = st.one_of(
        texts(),
        st.sampled_from(RESERVED),
        st.text("abc", min_size=1, max_size=3),
        st.integers(),
        st.floats(),
        st.booleans(),
        st.none(),
    )
    return st.one_of(simple, st.tuples(simple, simple))


def values(*, max_leaves: int = 20) -> Strategy:
    """Values of any kind, nested; signals among them."""
    frozen = st.recursive(
        scalars(hashable=True),
        lambda inner: st.one_of(
            st.frozensets(inner, max_size=4), st.lists(inner, max_size=4).map(tuple)
        ),
        max_leaves=5,
    )
    leaves = st.one_of(scalars(), st.sets(frozen, max_size=4), frozen, numbers_and_texts())

    def nest(inner: Strategy) -> Strategy:
        return st.one_of(
            st.lists(inner, max_size=13),
            st.lists(inner, max_size=4).map(tuple),
            st.dictionaries(keys(), inner, max_size=5),
            st.dictionaries(keys(), inner, max_size=3).map(OrderedDict),
            st.dictionaries(keys(), inner, max_size=3).map(_small_signal),
        )

    return st.recursive(leaves, nest, max_leaves=max_leaves)


def _small_signal(tree: dict[Any, Any]) -> Signal:
    clean = {key: value for key, value in tree.items() if key != "General"}
    return Signal(np.arange(3.0), metadata=clean)


def numbers_and_texts() -> Strategy:
    """Flat lists of simple values, such as stand in one dataset."""
    kinds = st.sampled_from(
        [
            st.integers(),
            st.floats(),
            st.booleans(),
            texts(),
            st.one_of(st.integers(), st.floats()),
            st.one_of(st.integers(), texts()),
            st.one_of(st.integers(), st.floats(), texts(), st.booleans(), st.complex_numbers()),
        ]
    )
    return kinds.flatmap(lambda items: st.lists(items, max_size=13))


@st.composite
def metadata(draw: st.DrawFn) -> Any:
    """Metadata trees: anything, with or without a title."""
    return draw(_metadata())


@cache
def _metadata() -> Strategy:
    free = st.dictionaries(keys().filter(lambda key: key != "General"), values(), max_size=6)
    titled = st.builds(lambda tree, title: {**tree, "General": {"title": title}}, free, texts())
    return st.one_of(free, titled)


@st.composite
def signals(draw: st.DrawFn) -> Any:
    """Signals with data of any dtype that data can have, and trees of anything."""
    return draw(_signals())


@cache
def _signals() -> Strategy:
    shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
    data = hnp.arrays(dtypes(), shapes)
    return st.builds(
        lambda array, one, other: Signal(array, metadata=one, original_metadata=other),
        data,
        metadata(),
        st.dictionaries(keys(), values(max_leaves=5), max_size=3),
    )


def ragged_free(value: Any) -> Any:
    """The same tree with lists in the place of object arrays, which RosettaSciIO reads lazily."""
    if isinstance(value, dict):
        return {key: ragged_free(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(ragged_free, value))
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [ragged_free(item) for item in value.ravel().tolist()]
    if isinstance(value, Signal):
        return Signal(value.data, metadata=ragged_free(value.metadata))
    return value
