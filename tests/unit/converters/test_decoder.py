"""The walker from nodes to trees: what is damaged is noted, the rest is read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hspyio.compare import value_differences
from hspyio.converters import CONVERTERS
from hspyio.converters.decoder import DecodePolicy, Decoder
from hspyio.converters.encoder import Encoder
from hspyio.converters.type_hints import Hint
from hspyio.errors import DamagedFileError
from hspyio.names import MAX_DEPTH
from hspyio.nodes.node import Array, Attribute, Damaged, Group, MemorySource, Text, Vlen


def decoder(*, exact: bool = True, side_arrays: Group | None = None) -> Decoder:
    def fetch(array: Array, where: str) -> Any:
        return array.source.read()

    policy = DecodePolicy(exact=exact, fetch=fetch, fetch_data=fetch, finish=lambda parts: parts)
    return Decoder(CONVERTERS, policy, side_arrays)


def text(content: bytes | str) -> Attribute:
    return Attribute(Text(), content.encode() if isinstance(content, str) else content)


def number(value: Any, dtype: str = "i8") -> Attribute:
    return Attribute(np.dtype(dtype), np.array(value, dtype))


def array(values: Any, kind: Any = None) -> Array:
    values = np.asarray(values)
    return Array(values.dtype if kind is None else kind, MemorySource(values))


class Broken:
    """The source of a dataset that cannot be read."""

    shape = (3,)

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self, selection: Any = ()) -> Any:
        raise self._error


def decoded(group: Group, **options: Any) -> Any:
    context = decoder(**options)
    tree = context.dictionary(group, "/x")
    assert not context.problems
    return tree


@pytest.mark.parametrize(
    "error",
    [DamagedFileError("broken"), OSError("broken"), ValueError("broken"), MemoryError("broken"),
     TypeError("broken"), KeyError("broken"), OverflowError("broken")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["d", "_list_d", "_tuple_d"])
def test_one_damaged_item_hides_no_other(name: str, error: Exception) -> None:
    group = Group({"a": number(1)}, {name: Array(np.dtype("f8"), Broken(error)), "z": Group()})
    context = decoder()
    assert context.dictionary(group, "/x") == {"a": 1, "z": {}}
    [problem] = context.problems
    assert problem.where == f"/x/{name}"
    assert "broken" in problem.message


def test_damaged_nodes_are_named_with_their_place() -> None:
    context = decoder()
    group = Group({"a": Damaged("one"), "b": number(1)}, {"c": Damaged("two"), "d": Group()})
    assert context.dictionary(group, "/x") == {"b": 1, "d": {}}
    assert list(map(str, context.problems)) == ["/x@a: one", "/x/c: two"]


def test_items_inside_a_list_are_isolated_too() -> None:
    items = Group({"0": number(1)}, {"1": Damaged("gone"), "2": Group({"x": Damaged("gone")})})
    context = decoder()
    assert context.dictionary(Group({}, {"_list_3_x": items}), "") == {"x": [1, {}]}
    assert [problem.where for problem in context.problems] == ["/_list_3_x/1", "/_list_3_x/2@x"]


def test_depth_is_bounded() -> None:
    node = Group({"end": number(1)})
    for _ in range(10 * MAX_DEPTH):
        node = Group({}, {"x": node})
    context = decoder()
    tree = context.dictionary(node, "")
    depth = 0
    while tree:
        tree, depth = tree["x"], depth + 1
    assert 0 < depth <= MAX_DEPTH
    [problem] = context.problems
    assert "nested deeper" in problem.message


def test_text_of_old_files_is_latin_1() -> None:
    assert decoded(Group({"x": text(b"\xb5m"), "y": text("µm")})) == {"x": "µm", "y": "µm"}


def test_none_is_a_text() -> None:
    group = Group({"x": text("_None_"), "y": text("_None_ "), "_list_empty_z": number(1)})
    assert decoded(group) == {"x": None, "y": "_None_ ", "z": []}


@pytest.mark.parametrize("exact", [True, False])
def test_numbers_are_pythons_where_types_are_restored(exact: bool) -> None:
    group = Group({"i": number(1), "f": number(1, "f4"), "b": number(True, "?"), "a": number([1])})
    expected = {
        "i": 1 if exact else np.int64(1), "f": np.float32(1), "b": True, "a": np.array([1])
    }  # fmt: skip
    assert not value_differences(decoded(group, exact=exact), expected)


def test_items_of_lists_are_sorted_as_numbers() -> None:
    names = [*map(str, range(12)), "x", "03x"]
    group = Group({name: text(name) for name in sorted(names, reverse=True)})
    assert decoded(Group({}, {"_list_14_l": group}))["l"] == [*map(str, range(12)), "03x", "x"]
    padded = Group({f"{n:02}": number(n) for n in reversed(range(12))})
    assert decoded(Group({}, {"_tuple_12_l": padded}))["l"] == tuple(range(12))


def test_a_member_hides_an_attribute_of_its_key() -> None:
    group = Group({"v": number(1), "w": number(1)}, {"_list_v": array([1, 2]), "w": Group()})
    assert decoded(group) == {"v": [1, 2], "w": {}}


def test_lists_read_what_nobody_writes() -> None:
    group = Group(
        {},
        {
            "_list_a": array([[1, 2], [3, 4]]),
            "_tuple_b": array([[1.5], [2.5]]),
            "_list_c": array(np.array([b"\xc3\xa9", b"a"]), Text(2)),
            "_list_d": array(np.array(5)),
        },
    )
    assert decoded(group) == {"a": [[1, 2], [3, 4]], "b": ([1.5], [2.5]), "c": ["é", "a"], "d": 5}


def test_attribute_arrays_of_text() -> None:
    wide = Attribute(Text(2), np.array([b"ab", b"c"]))
    narrow = Attribute(Text(1), np.array([b"a", b"c"]))
    variable = Attribute(Text(), np.array([b"a", "é".encode()], object))
    found = decoded(Group({"wide": wide, "narrow": narrow, "variable": variable}))
    expected = {
        "wide": np.array(["ab", "c"]), "narrow": ["a", "c"],
        "variable": np.array(["a", "é"], object),
    }  # fmt: skip
    assert not value_differences(found, expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("datetime.date(1991, 10, 1)", "1991-10-01"),
        ("datetime.datetime(1991, 10, 1, 2, 3)", "1991-10-01T02:03:00"),
        ("datetime.time(12, 0)", "12:00:00"),
        ("1991-10-01", "1991-10-01"),
        ("datetime.date(1991, 99, 1)", "datetime.date(1991, 99, 1)"),
        ("__import__('os').abort()", "__import__('os').abort()"),
        ("", ""),
    ],
)
def test_old_dates_are_read_as_text_and_never_evaluated(content: str, expected: str) -> None:
    assert decoded(Group({"_datetime_date": text(content)})) == {"date": expected}


def test_ragged_arrays_with_shapes_that_do_not_fit_are_named() -> None:
    rows = np.empty(2, object)
    rows[:] = [np.arange(4.0), np.arange(2.0)]
    for shapes in ([[2, 2], [3]], [[2, 2]], [[-1, 4], [2, -5]]):
        forms = np.empty(len(shapes), object)
        forms[:] = [np.array(shape) for shape in shapes]
        group = Group(
            {"a": number(1)},
            {
                "r": array(rows, Vlen(np.dtype("f8"))),
                "_ragged_shapes_r": array(forms, Vlen(np.dtype("i8"))),
            },
        )
        context = decoder()
        assert context.dictionary(group, "") == {"a": 1}
        assert [problem.where for problem in context.problems] == ["/r"]


def test_a_missing_mask_costs_the_mask_only() -> None:
    encoder = Encoder(CONVERTERS)
    encoded = encoder.group({"m": np.ma.MaskedArray([1.0, 2.0], [True, False])}, "")
    assert isinstance(encoded.node, Group)
    whole = decoder(side_arrays=Group({}, encoder.side_arrays))
    assert type(whole.dictionary(encoded.node, "", encoded.hint)["m"]) is np.ma.MaskedArray
    for side_arrays in (None, Group({}, {"0": Group()}), Group({}, {"0": array([True])})):
        context = decoder(side_arrays=side_arrays)
        tree = context.dictionary(encoded.node, "", encoded.hint)
        assert not value_differences(tree, {"m": np.array([1.0, 2.0])})
        assert [problem.where for problem in context.problems] == ["/m"]


def test_hints_for_names_that_are_gone_do_nothing() -> None:
    hint = Hint(children={"y": Hint("set", digest="x"), "x": Hint(children={"z": Hint("set")})})
    context = decoder()
    assert context.dictionary(Group({"x": number(1)}), "", hint) == {"x": 1}
    assert not context.problems


def test_what_the_walker_encodes_it_decodes() -> None:
    tree = {"b": 1, "a": {2: [None, {"x"}]}, "_list_x": b"\xff", "": (1, 2.5)}
    encoded = Encoder(CONVERTERS).group(tree, "")
    assert isinstance(encoded.node, Group)
    context = decoder()
    assert not value_differences(context.dictionary(encoded.node, "", encoded.hint), tree)
    assert not context.problems
