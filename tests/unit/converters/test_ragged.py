"""Ragged arrays: elements -> rows and shapes -> the same elements."""

from __future__ import annotations

import tracemalloc
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hspyio.converters.converter import StoredItem
from hspyio.converters.kinds import Kind
from hspyio.converters.ragged import CONVERTER, encode_ragged, join
from hspyio.converters.type_hints import Hint
from hspyio.nodes.digest import content_bytes
from hspyio.nodes.node import Array, MemorySource, RaggedArray, RaggedList, Selection, Text, Vlen

INT64 = np.dtype(np.int64)

inner = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)
numbers = st.sampled_from(["<f8", ">i2", "u8", "?", "c8", ">c16", "f2", "M8[D]", ">m8[s]", "i4,f8"])
one_dtype = numbers.flatmap(lambda kind: st.lists(hnp.arrays(kind, inner), min_size=6, max_size=6))
dtypes_that_mix = st.sampled_from(["<f8", ">i2", "f2", "u1", "?", "M8[D]", "m8[s]"])
scalars = st.one_of(st.integers(-99, 99), st.floats(-9, 9, width=16), st.booleans())
mixed = st.lists(
    st.one_of(dtypes_that_mix.flatmap(lambda kind: hnp.arrays(kind, inner)), scalars),
    min_size=6,
    max_size=6,
)
strided = st.lists(
    hnp.arrays("f4", hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=4)).map(
        lambda array: array.T[::2]
    ),
    min_size=6,
    max_size=6,
)


class Walker:
    """Allows any dtype."""

    def allow(self, dtype: np.dtype[Any], *facts: int) -> np.dtype[Any]:
        return dtype


CONTEXT: Any = Walker()


def ragged(*items: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    array = np.empty(len(items), object)
    for index, item in enumerate(items):
        array[index] = item
    return array if shape is None else array.reshape(shape)


def restored(value: np.ndarray, *, through_objects: bool = False) -> np.ndarray | None:
    encoded = encode_ragged(value)
    if encoded is None:
        return None
    assert isinstance(encoded.node, Array)
    node, shapes = encoded.node, encoded.shapes
    assert shapes is not None
    if through_objects:  # as a source gives them that has no better way
        node = Array(node.type, MemorySource(node.source.read()))
        shapes = Array(shapes.type, MemorySource(shapes.source.read()))
    if not encoded.hint.tag:
        return join(node, shapes)
    item = StoredItem(Kind.RAGGED, "x", node, "/x", shapes, encoded.hint)
    return CONVERTER.exact_readers["ragged"](item, CONTEXT)  # type: ignore[arg-type]


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    for one, other in zip(found.ravel(), expected.ravel(), strict=True):
        assert type(one) is type(other)
        if isinstance(other, np.ndarray):
            assert (one.dtype, one.shape) == (other.dtype, other.shape)
            assert content_bytes(one) == content_bytes(other)
        else:
            assert one == other


@given(st.one_of(one_dtype, strided), st.booleans())
def test_elements_of_one_dtype_come_back(items: list[Any], through_objects: bool) -> None:
    value = ragged(*items, shape=(2, 3))
    found = restored(value, through_objects=through_objects)
    assert found is not None
    assert_same(found, value)


@given(mixed, st.booleans())
def test_elements_of_many_dtypes_come_back_where_one_type_holds_them(
    items: list[Any], through_objects: bool
) -> None:
    value = ragged(*items, shape=(3, 2))
    found = restored(value, through_objects=through_objects)
    if found is not None:
        assert_same(found, value)


def test_real_numbers_among_complex_ones_come_back() -> None:
    value = ragged(1.5, np.array([1j]), 2, np.array([1.0, 2.0]))
    found = restored(value)
    assert found is not None
    assert_same(found, value)


def test_what_no_one_type_holds_has_no_form() -> None:
    for value in (
        ragged(np.array([2**53 + 1]), np.array([0.5])), ragged(np.zeros(1), None),
        ragged(np.zeros(1), np.array(["a"])), ragged(np.array([object()])), ragged(2**70),
        ragged(np.array([b"a"])), ragged(np.zeros(1, "i4,f8"), np.zeros(1)),
        ragged(np.array(["a"], np.dtypes.StringDType())), ragged([None]),
    ):  # fmt: skip
        assert encode_ragged(value) is None


def test_elements_of_one_dtype_are_not_copied_before_they_are_written() -> None:
    value = ragged(*(np.arange(n, dtype="f8") for n in range(5)))
    encoded = encode_ragged(value)
    assert encoded is not None
    assert isinstance(encoded.node, Array)
    assert isinstance(encoded.node.source, RaggedList)
    pairs = zip(encoded.node.source.read()[1:], value[1:], strict=True)
    assert all(np.shares_memory(row, element) for row, element in pairs)
    assert encoded.node.source.lengths.tolist() == [0, 1, 2, 3, 4]


def test_shapes_are_stored_as_they_are() -> None:
    for sizes in ([(2, 3), (4, 3)], [(2, 3), (0, 3)], [(2, 0), (1, 0)], [(2, 3), (4,)], [(), ()]):
        encoded = encode_ragged(ragged(*map(np.zeros, sizes)))
        assert encoded is not None
        assert encoded.shapes is not None
        assert [tuple(row) for row in encoded.shapes.source.read()] == sizes


# what comes back


def nodes(values: np.ndarray, lengths: Any, forms: Any, ranks: Any) -> tuple[Array, Array]:
    rows = RaggedArray(values, np.array(lengths, INT64))
    shapes = RaggedArray(np.array(forms), np.array(ranks, INT64))
    return Array(Vlen(values.dtype), rows), Array(Vlen(shapes.values.dtype), shapes)


def test_elements_can_be_written_and_do_not_overlap() -> None:
    node, shapes = nodes(np.arange(9.0), [4, 0, 3, 2], [2, 2, 0, 3, 2], [2, 1, 1, 1])
    elements = join(node, shapes)
    assert [element.shape for element in elements] == [(2, 2), (0,), (3,), (2,)]
    for element in elements:
        element[...] += 1
    assert [element.ravel().tolist() for element in elements] == [
        [1, 2, 3, 4], [], [5, 6, 7], [8, 9],
    ]  # fmt: skip
    assert not any(np.shares_memory(a, b) for a, b in combinations(elements, 2))
    assert all(element.flags.aligned and element.flags.c_contiguous for element in elements)


def test_without_shapes_elements_are_one_dimensional() -> None:
    node, _ = nodes(np.arange(3), [[1, 2], [0, 0]], [], [[0, 0], [0, 0]])
    assert [[e.tolist() for e in line] for line in join(node, None)] == [[[0], [1, 2]], [[], []]]


def test_values_that_cannot_be_written_are_copied() -> None:
    values = np.arange(3)
    values.flags.writeable = False
    (element,) = join(*nodes(values, [3], [3], [1]))
    assert element.flags.writeable


@pytest.mark.parametrize(
    ("forms", "ranks", "message"),
    [
        ([-1, 4], [1, 1], r"shape of item 0 of the ragged array is \(-1,\)"),
        ([3, -2, -2], [1, 2], r"shape of item 1 of the ragged array is \(-2, -2\)"),
        ([3, 5], [1, 1], r"item 1 of the ragged array has 4 values, which is not the shape \(5,\)"),
        ([3, 2**32, 2**32, 4], [1, 3], "has 4 values"),
        ([4, 3], [1, 1], "item 0 of the ragged array has 3 values"),
        ([3, *[1] * 65], [1, 65], "65 dimensions"),
        ([3], [1, 0], "item 1 of the ragged array has 4 values"),
        ([3.0, float("nan")], [1, 1], "item 1"),
        ([b"3", b"4"], [1, 1], "of type"),
        ([3, 4], [[1, 1]], r"the shapes of the ragged array are \(1, 2\), not \(2,\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(forms: Any, ranks: Any, message: str) -> None:
    node, shapes = nodes(np.arange(7.0), [3, 4], forms, ranks)
    with pytest.raises(ValueError, match=message):
        join(node, shapes)


def test_a_shape_too_large_for_numpy_is_refused() -> None:
    with pytest.raises(ValueError, match=r"too big|too large|maximum"):
        join(*nodes(np.zeros(0), [0], [2**62, 2**62, 0], [3]))


def test_shapes_may_be_any_integers() -> None:
    node, _ = nodes(np.arange(6.0), [6], [], [0])
    for kind in ("i4", ">u2", "u8", "f4"):
        shapes = Array(Vlen(np.dtype(kind)), MemorySource(ragged(np.array([3, 2], kind))))
        assert join(node, shapes)[0].shape == (3, 2)


def test_rows_of_text_are_no_numbers() -> None:
    node, _ = nodes(np.arange(6.0), [6], [], [0])
    with pytest.raises(ValueError, match="no rows of numbers"):
        join(node, Array(Vlen(Text()), MemorySource(ragged([b"6"]))))


@pytest.mark.parametrize(
    "data",
    [
        [["<f8", 1]], [["<f8", 3]], [["<f8", -1], ["<f8", 3]], [["O", 2]], [["nonsense", 2]],
        [["int", 2]], [[{"base": "<f8", "shape": [2]}, 2]], [["U", 2]],
    ],
)  # fmt: skip
def test_hints_that_make_no_sense_are_refused(data: Any) -> None:
    node, shapes = nodes(np.arange(7.0), [3, 4], [3, 4], [1, 1])
    item = StoredItem(Kind.RAGGED, "x", node, "/x", shapes, Hint("ragged", data))
    if data == [["U", 2]]:  # makes sense to numpy
        assert CONVERTER.exact_readers["ragged"](item, CONTEXT)[0].dtype.kind == "U"  # type: ignore[arg-type]
        return
    with pytest.raises((ValueError, TypeError)):
        CONVERTER.exact_readers["ragged"](item, CONTEXT)  # type: ignore[arg-type]


class _Source:
    """Rows that are somewhere else."""

    def __init__(self, rows: RaggedArray) -> None:
        self._rows = rows
        self.shape = rows.shape

    def rows(self, selection: Selection = ()) -> RaggedArray:
        return self._rows.rows(selection)

    def read(self, selection: Selection = ()) -> np.ndarray:
        raise AssertionError("an object a row")


def test_rows_are_asked_for_in_one_piece_and_not_copied() -> None:
    count, length = 2000, 4096
    values = np.zeros(count * length)
    node, shapes = nodes(values, [length] * count, [length // 2, 2] * count, [2] * count)
    node = Array(node.type, _Source(RaggedArray(values, np.full(count, length))))
    tracemalloc.start()
    try:
        elements = join(node, shapes)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.shares_memory(elements[7], values)
    assert peak < 1000 * count


# rows


@given(st.data())
def test_a_selection_of_rows_is_that_of_their_array(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    items = [np.arange(n) for n in range(int(np.prod(shape)))]
    loose = RaggedList.of(ragged(*items, shape=shape), INT64)
    selection = data.draw(hnp.basic_indices(shape, allow_newaxis=False, allow_ellipsis=False))
    if not isinstance(selection, tuple):
        selection = (selection,)
    expected = MemorySource(ragged(*items, shape=shape)).read(selection)
    for rows in (loose, loose.rows()):
        chosen = rows.rows(selection)
        if expected.dtype == object:
            assert_same(rows.read(selection), expected)
            assert_same(chosen.read(), expected)
        else:  # of one row
            assert rows.read(selection).tolist() == chosen.values.tolist() == expected.tolist()
