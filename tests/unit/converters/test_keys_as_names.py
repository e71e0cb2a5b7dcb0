"""Names on disk: storable, unique, and the key again wherever they say so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.converters.converter import ENCODED_NONE, Encoded
from hspyio.converters.keys import name_items
from hspyio.converters.kinds import Kind, classify
from hspyio.nodes.node import Array, Attribute, Group, MemorySource, Text, Vlen
from hspyio.testing.strategies import RESERVED, keys

NUMBERS = Array(np.dtype("f8"), MemorySource(np.zeros(2)))
SHAPES = Array(Vlen(np.dtype("i8")), MemorySource(np.empty(0, object)))
SHORT = Attribute(Text(), b"_None_")

FORMS: dict[Kind, Encoded] = {
    Kind.TEXT: ENCODED_NONE,
    Kind.NUMBER: Encoded(Attribute(np.dtype("i8"), np.array(1))),
    Kind.EMPTY_LIST: Encoded(SHORT, "_list_empty_"),
    Kind.EMPTY_TUPLE: Encoded(SHORT, "_tuple_empty_"),
    Kind.BYTES: Encoded(SHORT, "_bs_"),
    Kind.ARRAY: Encoded(NUMBERS),
    Kind.LIST_DATASET: Encoded(NUMBERS, "_list_"),
    Kind.TUPLE_DATASET: Encoded(NUMBERS, "_tuple_"),
    Kind.TEXT_ARRAY: Encoded(Array(Text(3), MemorySource(np.array([b"abc"])))),
    Kind.RAGGED: Encoded(SHAPES, shapes=SHAPES),
    Kind.DICT: Encoded(Group()),
    Kind.LIST: Encoded(Group(), "_list_2_"),
    Kind.TUPLE: Encoded(Group(), "_tuple_2_"),
    Kind.SIGNAL: Encoded(Group(), "_sig_"),
}

items = st.lists(
    st.tuples(keys(), st.sampled_from(list(FORMS))),
    max_size=12,
    unique_by=lambda item: (type(item[0]), repr(item[0])),
)


def check(listed: list[tuple[Any, Kind]]) -> None:
    """A name tells its kind, and its key where it is flagged; no two collide, however read."""
    named = name_items([(key, FORMS[kind]) for key, kind in listed])
    assert len(named) == len(listed)
    decoded = set()
    for (key, kind), (name, is_key) in zip(listed, named, strict=True):
        node = FORMS[kind].node
        assert name
        assert "\0" not in name
        assert len(name.encode()) < 65536  # HDF5's limit for the name of an attribute
        if not isinstance(node, Attribute):
            assert "/" not in name
            assert name not in (".", "..")
            assert not (name == "ragged_shapes" and isinstance(node, Array))
        found, plain = classify(name, node)
        assert found is kind
        if is_key:
            assert type(key) is str
            assert plain == key
        decoded.add(plain)
    assert len({name for name, _ in named}) == len(named)
    assert len(decoded) == len(named)


@given(items)
def test_any_names_are_storable_unique_and_honest(listed: list[tuple[Any, Kind]]) -> None:
    check(listed)


@pytest.mark.parametrize("kind", FORMS)
def test_reserved_keys_of_any_kind_get_names(kind: Kind) -> None:
    check([(key, kind) for key in RESERVED])
    check(
        [("x", kind), *((f"{FORMS[other].prefix}x", kind) for other in FORMS if other != kind)][:2]
    )


@given(st.permutations(RESERVED), st.lists(st.sampled_from(list(FORMS)), min_size=len(RESERVED)))
def test_reserved_keys_of_mixed_kinds_get_names(order: list[str], kinds: list[Kind]) -> None:
    check(list(zip(order, kinds, strict=False)))


@pytest.mark.parametrize("kind", FORMS)
def test_a_plain_key_is_its_own_name(kind: Kind) -> None:
    for key in ("x", "µ€ 1", "chisq.data", "_x", "a_b", "None"):
        assert name_items([(key, FORMS[kind])]) == [(FORMS[kind].prefix + key, True)]


def test_a_stand_in_never_takes_the_name_of_a_key() -> None:
    text, group = FORMS[Kind.TEXT], FORMS[Kind.DICT]
    assert name_items([(1, text), ("1", text), ("1_2", text)]) == [
        ("1_3", False),
        ("1", True),
        ("1_2", True),
    ]
    assert name_items([("a/b", group), ("a-b", text)]) == [("a-b_2", False), ("a-b", True)]
    assert name_items([("a/b", text)]) == [("a/b", True)]  # an attribute may hold a slash


def test_a_subclass_of_str_is_no_plain_key() -> None:
    assert name_items([(np.str_("a"), FORMS[Kind.TEXT])]) == [("a", False)]


def test_the_longest_name_fits() -> None:
    for size in (4000, 4001, 10**6):
        check([("x" * size, Kind.DICT), ("€" * size, Kind.TEXT), ("€" * size + "y", Kind.ARRAY)])


def test_many_equal_stand_ins_are_found_quickly() -> None:
    check([("/" * n, Kind.DICT) for n in range(300)])
    check([("x" * 5000 + str(n), Kind.DICT) for n in range(300)])
