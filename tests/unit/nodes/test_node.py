"""What groups hold: walked through, and with other arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hspyio.nodes.node import (
    Array,
    Attribute,
    Damaged,
    Group,
    LazyMapping,
    MemorySource,
    walk,
    with_arrays,
)


def array(values: object) -> Array:
    held = np.asarray(values)
    return Array(held.dtype, MemorySource(held))


ATTRIBUTE, LOST = Attribute(np.dtype("i8"), np.asarray(1)), Damaged("is gone")
INNER = Group({"n": ATTRIBUTE}, {"b": array([2.0])}, ordered=True)
TREE = Group({}, {"a": array([1, 2]), "lost": LOST, "inner": INNER})


def test_a_walk_goes_in_order_and_names_attributes() -> None:
    assert [where for where, _ in walk(TREE)] == [
        *("/", "/a", "/lost", "/inner", "/inner@n", "/inner/b")
    ]
    assert next(iter(walk(INNER, "/x/inner")))[0] == "/x/inner"


def test_a_walk_ends_where_groups_are_nested_without_end() -> None:
    deep = Group()
    for _ in range(1500):
        deep = Group({}, {"g": deep})
    last = list(walk(deep))[-1][1]
    assert isinstance(last, Damaged) and "nested deeper than 1000 levels" in last.reason


def test_arrays_are_changed_and_all_else_stays() -> None:
    changed = with_arrays(TREE, lambda one: replace(one, chunks=one.shape))
    assert [node.chunks for _, node in walk(changed) if isinstance(node, Array)] == [(2,), (1,)]
    assert changed.members["lost"] is LOST
    inner = changed.members["inner"]
    assert isinstance(inner, Group) and inner.ordered and inner.attributes == {"n": ATTRIBUTE}


def test_a_lazy_mapping_makes_a_value_when_it_is_asked_for_and_once() -> None:
    made: list[str] = []

    def make(name: str, known: int) -> int:
        made.append(name)
        return 10 * known

    mapping = LazyMapping({"a": 1, "b": 2}, make)
    assert (list(mapping), len(mapping), "b" in mapping, "c" in mapping) == (
        *(["a", "b"], 2, True, False),
    )
    assert not made
    assert mapping["b"] == mapping.get("b") == 20
    assert made == ["b"]
    assert (mapping.get("c"), mapping.get("c", 0)) == (None, 0)
    with pytest.raises(KeyError):
        mapping["c"]
