"""What groups hold: walked through, and with other arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hspyio.nodes.node import Array, Attribute, Damaged, Group, MemorySource, walk, with_arrays


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
