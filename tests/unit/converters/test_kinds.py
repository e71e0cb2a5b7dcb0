"""How names carry types: the one place that parses them (format, section 4.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hspyio.converters.kinds import Kind, classify, reads_back_as
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Kept, MemorySource, Text, Vlen
from hspyio.testing.strategies import RESERVED

INTS = Vlen(np.dtype("i8"))
TEXT = Attribute(Text(), b"x")
NUMBER = Attribute(np.dtype("i8"), np.array(1))
GROUP = Group({"x": TEXT})
SIGNAL = Group(members={"_sig_": GROUP})


def array(kind: Any = "f8") -> Array:
    stored = np.dtype(kind) if isinstance(kind, str) else kind
    return Array(stored, MemorySource(np.zeros(2)))


@pytest.mark.parametrize(
    ("name", "node", "kind", "key"),
    [
        ("x", TEXT, Kind.TEXT, "x"),
        ("x", NUMBER, Kind.NUMBER, "x"),
        ("x", Attribute(INTS, np.empty(1, object)), Kind.VLEN_ATTRIBUTE, "x"),
        ("x", Attribute(Text(3), np.array([b"a"])), Kind.TEXT, "x"),
        ("", TEXT, Kind.TEXT, ""),
        ("_sig_x", TEXT, Kind.SKIP, "_sig_x"),
        ("_list_empty_x", TEXT, Kind.EMPTY_LIST, "x"),
        ("_list_empty__twins", TEXT, Kind.EMPTY_LIST, "_twins"),
        ("_list_empty_", TEXT, Kind.EMPTY_LIST, ""),
        ("_tuple_empty_x", TEXT, Kind.EMPTY_TUPLE, "x"),
        ("_list_x", TEXT, Kind.TEXT, "_list_x"),
        ("_bs_x", NUMBER, Kind.BYTES, "x"),
        ("_bs_", TEXT, Kind.BYTES, ""),
        ("_datetime_date", TEXT, Kind.DATETIME, "date"),
        ("_datetime_time_2", TEXT, Kind.DATETIME, "time_2"),
        ("_datetime_x", TEXT, Kind.TEXT, "_datetime_x"),
        ("_ragged_shapes_x", TEXT, Kind.TEXT, "_ragged_shapes_x"),
        ("x", array(), Kind.ARRAY, "x"),
        ("x", array(Text()), Kind.TEXT_ARRAY, "x"),
        ("x", array(INTS), Kind.RAGGED, "x"),
        ("x", array(Vlen(Text())), Kind.RAGGED, "x"),
        ("_ragged_shapes_x", array(INTS), Kind.SKIP, "_ragged_shapes_x"),
        ("_ragged_shapes_x", array(), Kind.SKIP, "_ragged_shapes_x"),
        ("ragged_shapes", array(INTS), Kind.SKIP, "ragged_shapes"),
        ("ragged_shapes", array(Vlen(np.dtype("f8"))), Kind.RAGGED, "ragged_shapes"),
        ("ragged_shapes", array(Vlen(Text())), Kind.RAGGED, "ragged_shapes"),
        ("ragged_shapes", array(), Kind.ARRAY, "ragged_shapes"),
        ("_sig_x", array(), Kind.SIGNAL, "x"),
        ("_list_x", array(), Kind.LIST_DATASET, "x"),
        ("_list_3_x", array(), Kind.LIST_DATASET, "3_x"),
        ("_tuple_x", array(Text()), Kind.TUPLE_DATASET, "x"),
        ("_tuple__bounds", array(), Kind.TUPLE_DATASET, "_bounds"),
        ("_bs_x", array(), Kind.ARRAY, "_bs_x"),
        ("chisq.data", array(), Kind.ARRAY, "chisq.data"),
        ("x", GROUP, Kind.DICT, "x"),
        ("_ragged_shapes_x", GROUP, Kind.SKIP, "_ragged_shapes_x"),
        ("_sig_x", GROUP, Kind.SIGNAL, "x"),
        ("_hspy_AxesManager_x", GROUP, Kind.AXES_MANAGER, "_hspy_AxesManager_x"),
        ("_list_2__bounds", GROUP, Kind.LIST, "_bounds"),
        ("_list_3_x_y", GROUP, Kind.LIST, "x_y"),
        ("_list_x", GROUP, Kind.LIST, "x"),
        ("_list_anything_x", GROUP, Kind.LIST, "x"),
        ("_tuple_1_", GROUP, Kind.TUPLE, ""),
        ("_list_2__hspy_AxesManager_x", GROUP, Kind.LIST, "_hspy_AxesManager_x"),
        ("0", SIGNAL, Kind.WRAPPED_SIGNAL, "0"),
        ("0", Group({"a": TEXT}, SIGNAL.members), Kind.DICT, "0"),
        ("0", Group({}, {**SIGNAL.members, "a": GROUP}), Kind.DICT, "0"),
        ("x", Damaged("why"), Kind.DAMAGED, "x"),
        ("x", Kept("/x"), Kind.DAMAGED, "x"),
    ],
)
def test_a_name_tells_kind_and_key(name: str, node: Any, kind: Kind, key: str) -> None:
    assert classify(name, node) == (kind, key)


def test_a_group_is_not_looked_into_further_than_its_names() -> None:
    class Names(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            raise AssertionError("read")

    assert classify("x", Group({}, Names(_sig_=1)))[0] is Kind.WRAPPED_SIGNAL


@pytest.mark.parametrize("node", [TEXT, NUMBER, array(), array(Text()), array(INTS), GROUP, SIGNAL])
def test_a_name_gives_back_its_key_just_where_parsing_does(node: Any) -> None:
    prefixes = ("", "_list_", "_tuple_", "_list_2_", "_list_empty_", "_bs_", "_sig_", "_datetime_")
    for prefix in prefixes:
        for key in (*RESERVED, "µ", "a b", "__x", "date", "time", "empty_x", "2_x"):
            kind, _ = classify(f"{prefix}x", node)
            assert reads_back_as(prefix, key, node) is (classify(prefix + key, node) == (kind, key))
