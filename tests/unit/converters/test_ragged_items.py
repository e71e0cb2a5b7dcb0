"""Items of ragged arrays that are no arrays: lists, tuples, scalars, in any mixture."""

from __future__ import annotations

import datetime as dt
from collections import deque
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rsciio.hspy import file_reader as their_reader

import hspyio
from hspyio import Signal
from hspyio.converters.ragged import encode_ragged
from hspyio.converters.ragged_items import restored_item
from hspyio.errors import UnsupportedTypeError
from hspyio.testing import assert_roundtrip
from unit.converters.test_ragged import ragged, restored

INTS, FLOATS = st.integers(-(2**63), 2**64 - 1), st.floats()
TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=4)
PYTHON = st.one_of(INTS, FLOATS, st.booleans(), st.complex_numbers())
NUMPY = st.one_of(
    st.builds(np.float64, FLOATS),
    st.builds(np.float32, st.floats(width=32)),
    st.builds(np.int8, st.integers(-128, 127)),
    st.builds(np.longlong, st.integers(-9, 9)),
    st.builds(np.uint64, st.integers(0, 2**64 - 1)),
    st.builds(np.bool, st.booleans()),
    st.builds(np.complex64, st.integers(-9, 9)),
    st.builds(np.datetime64, st.dates(dt.date(1, 1, 1))),
)
ARRAYS = hnp.arrays(st.sampled_from(["f8", "i2", ">f4", "?"]), st.sampled_from([(), (2,), (1, 2)]))
SCALARS = st.one_of(PYTHON, NUMPY)


def lists_of(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Lists, tuples, and rectangles of them, of leaves of one strategy."""
    flat = st.lists(leaves, max_size=4)
    pairs = st.lists(st.tuples(leaves, leaves), max_size=3)
    return st.one_of(flat, flat.map(tuple), pairs, pairs.map(lambda rows: tuple(map(list, rows))))


NUMBER_ITEMS = st.one_of(
    lists_of(INTS), lists_of(FLOATS), lists_of(PYTHON), lists_of(SCALARS), SCALARS, ARRAYS
)
TEXT_ITEMS = st.one_of(
    lists_of(TEXTS), lists_of(st.one_of(TEXTS, PYTHON)), TEXTS, st.builds(np.str_, TEXTS)
)
ITEMS = st.one_of(
    st.lists(NUMBER_ITEMS, min_size=1, max_size=4),
    st.lists(TEXT_ITEMS, min_size=1, max_size=4),
    st.lists(st.one_of(NUMBER_ITEMS, TEXT_ITEMS), min_size=1, max_size=3),
)


def same(one: Any, other: Any) -> bool:
    """Equal to the type of every leaf, to the bit."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray | np.generic):
        alike = (one.dtype, one.shape) == (other.dtype, other.shape)
        return (
            alike and np.array_equal(np.array(one).view("V1"), np.array(other).view("V1"))
            if (one.size and one.dtype.kind != "U" and one.ndim)
            else alike and repr(one) == repr(other)
        )
    return repr(one) == repr(other)


@given(ITEMS)
def test_items_come_back_as_they_were(items: list[Any]) -> None:
    value = ragged(*items)
    found = restored(value)
    if found is not None:
        assert all(map(same, found, value)), (found, value)


@given(st.lists(lists_of(st.integers(-99, 99)), min_size=1) | st.lists(lists_of(TEXTS), min_size=1))
def test_lists_of_one_type_have_a_form(items: list[Any]) -> None:
    assert encode_ragged(ragged(*items)) is not None


ROWS: list[tuple[Any, ...]] = [
    (["a", "b"], ["c"]),
    ([1, 2], [3]),
    ([1.5], [2.5, 3.0]),
    ([1.5], [2.5, 3]),
    ((1, 2), (3,)),
    ([[1, 2], [3, 4]], [[5, 6]]),
    (np.float64(1.5), np.float64(2)),
    (np.array([1, 2]), [3]),
    ([True], [False, True]),
    ([True, 2, 0.5], [1j]),
    (["é", 1, 2.5, True], "a"),
    ([], [1], ()),
    ([], ["a"], np.zeros(0), np.zeros((0, 3), "i2")),
    ([2**63], [2**64 - 1]),
    ([np.int8(1)], [np.uint64(2**63)]),
    (np.uint64(2**63 - 1), -1),
    ([np.datetime64("2020")], np.datetime64(3, "ns")),
    ([np.zeros(2), np.ones(2)], [np.zeros((1, 2))]),
    (np.str_("a"), [np.str_("bc"), np.str_("d")]),
    ("text", "more"),
    (7, 2.5, False),
    (np.array(5), [[[1]]]),
    ([(1, 2), (3, 4)], ([1, 2], [3, 4])),
    ([[]], [[], []]),
]


@pytest.mark.parametrize("items", ROWS, ids=repr)
@pytest.mark.parametrize("shape", [(-1,), (1, -1)])
def test_every_way_of_writing_and_reading(
    tmp_path: Path, items: tuple[Any, ...], shape: tuple[int, ...]
) -> None:
    path, new = tmp_path / "a.hspy", tmp_path / "b.hspy"
    data = ragged(*items).reshape(shape)
    signal = Signal(data, metadata={"General": {"title": "t"}, "rows": data, "one": {"x": data}})
    assert_roundtrip(signal, path)
    hspyio.save(path, signal, overwrite=True)
    [read] = hspyio.file_reader(path)
    [theirs] = their_reader(path)
    for found in (read["data"], read["metadata"]["rows"], theirs["data"]):
        assert found.shape == data.shape
        for one, item in zip(found.ravel(), data.ravel(), strict=True):
            assert isinstance(one, np.ndarray)
            expected = np.array(item)
            assert one.shape == expected.shape
            if expected.dtype.kind in "biufc" and expected.size:
                assert np.array_equal(one, expected)
    axes = [{"name": f"a{i}", "navigate": True, "size": n} for i, n in enumerate(data.shape)]
    handed = {"data": data, "axes": axes, "metadata": {"General": {"title": "t"}, "rows": data}}
    hspyio.file_writer(new, handed, show_progressbar=False)
    [again] = hspyio.file_reader(new)
    assert [repr(one) for one in again["data"].ravel()] == [repr(x) for x in read["data"].ravel()]
    for lazy in (False, True):
        found = np.asarray(hspyio.load(new, lazy=lazy).data)
        assert all(map(same, found.ravel(), data.ravel()))


REFUSED: list[tuple[tuple[Any, ...], str, str]] = [
    (([1], [None]), "item 1 ", "NoneType"),
    (([1], None), "item 1 ", "NoneType"),
    (([2**53 + 1], [0.5]), "item 0 ", "exactly"),
    (([0.5, 2**53 + 1], [1]), "item 0 ", "exactly"),
    (([2**63 + 1], [-1]), "item 0 ", "exactly"),
    (([2**64],), "item 0 ", "64 bits"),
    ((["a"], [1]), "item 1 ", "text"),
    ((np.zeros(1), "a"), "item 1 ", "text"),
    (([1], [[1, 2], [3]]), "item 1 ", "unlike lengths"),
    (([1], {"a": 1}), "item 1 ", "dict"),
    (([b"a"], b"b"), "item 0 ", "bytes"),
    (([1], ["a\0"]), "item 1 ", "NUL"),
    ((np.zeros(1), np.array([None])), "item 1 ", "object"),
    ((np.zeros(1), np.ma.masked_array([1], [True])), "item 1 ", "MaskedArray"),
]


@pytest.mark.parametrize(("items", "where", "said"), REFUSED, ids=repr)
@pytest.mark.parametrize("by", ["save", "file_writer"])
def test_what_has_no_form_is_named(
    tmp_path: Path, items: tuple[Any, ...], where: str, said: str, by: str
) -> None:
    path, data = tmp_path / "a.hspy", ragged(*items)
    handed = {"data": data, "axes": [{"size": len(data), "navigate": True}], "metadata": {}}
    write = {
        "save": lambda: hspyio.save(path, Signal(data)),
        "file_writer": lambda: hspyio.file_writer(path, handed),
    }[by]
    with pytest.raises(UnsupportedTypeError) as caught:
        write()
    [problem] = caught.value.problems
    assert problem.where == "data"
    assert where in problem.message and said in problem.message
    assert not path.exists()


LOOSE: list[tuple[Any, Any]] = [
    (range(3), [0, 1, 2]),
    (deque([1, 2]), [1, 2]),
    (da.arange(3), [0, 1, 2]),
    (np.matrix([[1, 2]]), [[1, 2]]),
    ([np.array([1, 2]), [3, 4]], [[1, 2], [3, 4]]),
    (np.ma.masked_array([1, 2]), [1, 2]),
    ([range(2), range(2)], [[0, 1], [0, 1]]),
]


@pytest.mark.parametrize(("item", "expected"), LOOSE, ids=repr)
def test_file_writer_makes_arrays_of_what_is_like_one(
    tmp_path: Path, item: Any, expected: Any
) -> None:
    path = tmp_path / "a.hspy"
    axes = [{"size": 2, "navigate": True}]
    handed = {"data": ragged(item, [1]), "axes": axes, "metadata": {}}
    hspyio.file_writer(path, handed, show_progressbar=False)
    assert hspyio.file_reader(path)[0]["data"][0].tolist() == expected


def test_a_shape_alone_is_not_much() -> None:
    with pytest.raises(ValueError, match="too many"):
        restored_item(["list", ["list", "float"]], np.empty((2**40, 0)))
    with pytest.raises(ValueError, match="no list of 1"):
        restored_item(["list", "float"], np.zeros((2, 2)))
    with pytest.raises(ValueError, match="do not fit"):
        restored_item(["list", ["runs", [["int", 3]]]], np.zeros(2))
