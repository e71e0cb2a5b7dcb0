"""The digest of a node: equal for what is stored alike, different for all else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hspyio.nodes.digest import digest
from hspyio.nodes.node import Array, Attribute, Damaged, Group, MemorySource, Text, Vlen
from support.nodes import write_nodes
from support.root import open_root


def objects(*items: Any) -> np.ndarray:
    array = np.empty(len(items), object)
    for index, item in enumerate(items):
        array[index] = item
    return array


def number(value: Any, dtype: str = "i8") -> Attribute:
    return Attribute(np.dtype(dtype), np.array(value, dtype))


def array(values: Any, kind: Any = None) -> Array:
    values = np.asarray(values)
    return Array(values.dtype if kind is None else kind, MemorySource(values))


LARGE = np.zeros(10_000)
NODES: list[Any] = [
    Attribute(Text(), b"a"), Attribute(Text(), b"b"), Attribute(Text(), b""),
    Attribute(Text(1), b"a"), Attribute(Text(2), b"a"), Attribute(Text(1, utf8=False), b"a"),
    Attribute(Text(utf8=False), b"a"), number(1), number(2), number(1, "i4"), number(1, ">i8"),
    number(1, "f8"), number([1]), number([[1]]), number([1, 2]), number([[1, 2]]), number([]),
    number(-0.0, "f8"), number(0.0, "f8"),
    Attribute(np.dtype("V2"), np.void(b"ab")), Attribute(np.dtype("V2"), np.void(b"ac")),
    array([1, 2]), array([2, 1]), array([[1, 2]]), array([1.0, 2.0]), array(np.array([1, 2], "i4")),
    array(np.array([1, 2], ">i8")), array(np.zeros((0, 3))), array(np.zeros((3, 0))),
    array(objects(b"a", b"b"), Text()), array(objects(b"ab", b""), Text()),
    array(np.array([b"a", b"b"]), Text(1)), array(np.array([b"a", b"b"]), Text(1, utf8=False)),
    array(objects(np.arange(2), np.arange(1)), Vlen(np.dtype("i8"))),
    array(objects(np.arange(1), np.arange(2)), Vlen(np.dtype("i8"))),
    array(objects(objects(b"a", b"b"), objects()), Vlen(Text())),
    array(objects(objects(b"a"), objects(b"b")), Vlen(Text())),
    array(objects(objects(b"ab"), objects()), Vlen(Text())),
    array(LARGE), array(LARGE + 1),
    Group(), Group({"a": number(1)}), Group({"b": number(1)}), Group({"a": number(2)}),
    Group({"a": number(1), "b": number(2)}), Group({"a": number(1), "b": Attribute(Text(), b"")}),
    Group({}, {"a": Group()}), Group({}, {"a": Group({"x": number(1)})}),
    Group({"\ud800": number(1)}),
    Group({}, {"a": array([1])}), Group({}, {"a": array([2])}), Group({"a": number([1])}),
    Group({"a": Damaged("why")}), Group({}, {"a": array(LARGE)}),
    Group({}, {"a": array(LARGE.astype("f4"))}), Group({}, {"a": array(LARGE.reshape(100, 100))}),
    Group({}, {"_sig_a": Group()}), Group({}, {"_sig_b": Group()}),
]  # fmt: skip


def test_what_is_stored_otherwise_has_another_digest() -> None:
    digests = [digest(node) for node in NODES]
    equal = [
        (i, j) for i, one in enumerate(digests) for j, two in enumerate(digests[:i]) if one == two
    ]
    assert not equal
    assert {len(text) for text in digests} == {8}


def _is_storable(node: Any) -> bool:
    names = node.attributes if isinstance(node, Group) else {}
    return "\ud800" not in names and not any(isinstance(n, Damaged) for n in names.values())


@pytest.mark.parametrize("position", [i for i, node in enumerate(NODES) if _is_storable(node)])
def test_it_is_the_same_after_a_file(position: int, tmp_path: Path) -> None:
    """A hint is written with the digest of a node in memory, and checked with one in a file."""
    node = NODES[position]
    holder = Group({"x": node}) if isinstance(node, Attribute) else Group({}, {"x": node})
    path = tmp_path / "a.h5"
    write_nodes(path, holder)
    with open_root(path) as root:
        stored = root.attributes.get("x") or root.members["x"]
        assert digest(stored) == digest(node)


def test_order_in_a_group_does_not_count() -> None:
    one, two = number(1), number(2)
    assert digest(Group({"a": one, "b": two})) == digest(Group({"b": two, "a": one}))


def test_memory_layout_does_not_count() -> None:
    values = np.arange(6).reshape(2, 3)
    assert digest(array(np.asfortranarray(values))) == digest(array(values))
    assert digest(array(np.arange(10)[::3])) == digest(array([0, 3, 6, 9]))


def test_the_shapes_of_a_ragged_array_count() -> None:
    rows = array(objects(np.arange(4.0)), Vlen(np.dtype("f8")))
    shapes = [array(objects(np.array(shape)), Vlen(np.dtype("i8"))) for shape in ([4], [2, 2])]
    digests = {digest(rows), *(digest(rows, companion) for companion in shapes)}
    assert len(digests) == 3


def test_a_signal_inside_stands_for_itself() -> None:
    one, other = (Group({}, {"_sig_x": Group({"a": number(n)})}) for n in (1, 2))
    assert digest(one) == digest(other)


def test_a_large_array_is_read_only_where_it_is_the_value_itself() -> None:
    class Unread:
        shape = (100_000,)

        def read(self, selection: Any = ()) -> Any:
            raise AssertionError("read")

    node = Array(np.dtype("f8"), Unread())
    assert digest(Group({}, {"x": node}))
    with pytest.raises(AssertionError, match="read"):
        digest(node)


def test_files_that_are_there_keep_their_hints() -> None:
    """The digests as the first hspyio wrote them."""
    rows = array(objects(np.arange(2.0), np.arange(1.0)), Vlen(np.dtype("f8")))
    group = Group(
        {"a": Attribute(Text(), b"x")},
        {"b": array([1.5]), "c": Group(), "big": array(np.zeros(9000))},
    )
    written: dict[str, Any] = {
        "d/aWDtiO": Attribute(Text(), b"abc"), "gxQyR/sl": Attribute(Text(3), b"a\0b"),
        "kwPn2inh": number(1.5, "f8"), "89juRtlK": number([1, 2], ">i2"),
        "Srk5Hgi7": array([1, 2, 3]), "xfTmDho1": array(objects(b"a", "µ".encode()), Text()),
        "rzxnmdXP": array(np.array([b"a", b"bc"]), Text(2)), "uHI1qPeH": rows,
        "gXBTRqvz": group, "uu8J8o0K": Damaged("x"),
    }  # fmt: skip
    for expected, node in written.items():
        assert digest(node) == expected
    assert digest(rows, array([1, 2])) == "fYhcBXUC"
