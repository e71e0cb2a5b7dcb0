"""The text of the hints: it comes back as it was, and damage to it costs no value."""

from __future__ import annotations

import base64
import json
import warnings
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import hspyio
from hspyio import HspyWarning
from hspyio.compare import value_differences
from hspyio.converters import CONVERTERS
from hspyio.converters.type_hints import NO_HINT, Hint, dumps, loads, names_digest
from hspyio.names import TYPES
from hspyio.nodes.digest import digest
from support.hinted import ROOT, Tree, objects, ours, plain, theirs, write
from support.root import open_root

# the text itself is damaged


def hints_of(path: Path) -> str:
    with h5py.File(path) as file:
        text: str = file[ROOT].attrs[TYPES]
    return text


def set_hints(path: Path, text: Any) -> None:
    with h5py.File(path, "r+") as file:
        file[ROOT].attrs[TYPES] = text


def deflated(content: bytes) -> str:
    return json.dumps({"version": 1, "deflated": base64.b85encode(content).decode()})


DAMAGED_TEXTS: dict[str, Callable[[str], Any]] = {
    "cut": lambda text: text[: len(text) // 2],
    "no JSON": lambda text: "x",
    "a list": lambda text: "[]",
    "a number": lambda text: "1",
    "no version": lambda text: "{}",
    "version is text": lambda text: '{"version": "1"}',
    "version is null": lambda text: '{"version": null}',
    "newer": lambda text: text.replace('"version":1', '"version":2'),
    "types are a list": lambda text: '{"version": 1, "types": [1]}',
    "entry is a number": lambda text: '{"version": 1, "types": {"/metadata/Node": 1}}',
    "entry is short": lambda text: '{"version": 1, "types": {"/metadata/Node": ["set"]}}',
    "order is text": lambda text: '{"version": 1, "order": {"/metadata/Node": "ab"}}',
    "order is infinite": lambda text: '{"version": 1, "order": {"/metadata": [Infinity, [0]]}}',
    "place is infinite": lambda text: '{"version": 1, "order": {"/metadata": [1, [1e999]]}}',
    "order is nan": lambda text: '{"version": 1, "order": {"/metadata": [NaN, [0]]}}',
    "deep JSON": lambda text: '{"version": 1, "types": ' + "[" * 100_000,
    "deep path": lambda text: json.dumps({"version": 1, "types": {"/" * 100_000: ["set", ""]}}),
    "no base 85": lambda text: '{"version": 1, "deflated": "\\""}',
    "deflated is a number": lambda text: '{"version": 1, "deflated": 5}',
    "no deflate": lambda text: deflated(b"nonsense"),
    "deflate is cut": lambda text: deflated(zlib.compress(text.encode())[:-20]),
    "bomb": lambda text: deflated(zlib.compress(b" " * (257 * 2**20), 9)),
}


@pytest.mark.parametrize("name", DAMAGED_TEXTS)
def test_damaged_hints_are_a_warning_and_the_plain_reading(name: str, path: Path) -> None:
    set_hints(path, DAMAGED_TEXTS[name](hints_of(path)))
    with pytest.warns(HspyWarning, match=f"{ROOT}@{TYPES}"):
        loaded = ours(path)
    assert not value_differences(_sorted(loaded), _sorted(plain(theirs(path))))


def _sorted(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _sorted(tree[key]) for key in sorted(tree)}
    return type(tree)(map(_sorted, tree)) if type(tree) in (list, tuple) else tree


@pytest.mark.parametrize(
    "value", [b"\xff\xfe", np.void(b"\0"), 5, np.arange(3), h5py.Empty("f"), ["a", "b"]]
)
def test_hints_that_are_no_text_do_no_harm(value: Any, path: Path) -> None:
    set_hints(path, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HspyWarning)
        loaded = ours(path)
    assert not value_differences(_sorted(loaded), _sorted(plain(theirs(path))))


def test_file_reader_restores_no_types(path: Path) -> None:
    [signal] = hspyio.file_reader(path)
    read = signal["metadata"]["Node"]
    masked = read["masked"]
    assert isinstance(masked, np.ma.MaskedArray) and masked.mask.tolist() == [True, False]
    read["masked"] = masked.data  # restored in any reading: what it hides would look like values
    assert not value_differences(_sorted(plain(read)), _sorted(plain(theirs(path))))
    assert type(read["numpy"]) is np.int64


NODES: Tree = {
    "text": "a text",
    "number": 1.5,
    "list": [1, 2, 3],
    "texts": ["a", "b"],
    "group": [None, 1],
    "dict": {"a": 1},
    "array": np.arange(3),
    "strings": np.array(["a", "b"]),
    "ragged": objects(np.arange(2.0), np.arange(3.0)),
    "bytes": b"\0a",
    "empty": [],
}
STORED = {
    "list": "_list_list", "texts": "_list_texts", "group": "_list_2_group", "bytes": "_bs_bytes",
    "empty": "_list_empty_empty",
}  # fmt: skip
KNOWN = {tag for converter in CONVERTERS for tag in converter.exact_readers}
TAGS = [*sorted(KNOWN - {"absent"}), "newer than us"]
NONSENSE: list[Any] = [
    None, 5, -1, "nonsense", "O", "f8", [], [1], ["set"], ["nonsense", 1], ["f8", [2, 2]],
    ["slice", [["int", 1]]], ["", [["numpy", 3]]], ["", [["int", -5]]], ["", [[]]],
    {}, {"nul": -1}, {"nul": "x"}, {"surrogates": [[99, 1]]}, {"surrogates": [[0, -1]]},
    [["x", 1], 0, ["f8", "AA=="], True], [["f8", 2]], [None, None, None, None], [1, 2, 3],
    ["1", "2", "0"], [True, [7], None], 1e308, [{"fields": []}, None],
]  # fmt: skip


@pytest.mark.parametrize("tag", TAGS)
def test_a_hint_that_does_not_fit_costs_no_value(tag: str, tmp_path: Path) -> None:
    """The digest fits, its details are nonsense: the value is what the hint or the form says."""
    path = tmp_path / "a.hspy"
    write(
        path, {key: {f"k{i}": value for i in range(len(NONSENSE))} for key, value in NODES.items()}
    )
    entries = {}
    with open_root(path) as root:
        node = _member(root, "Experiments", "Hints", "metadata", "Node")
        for key in NODES:
            prefix = STORED.get(key, key).removesuffix(key)
            for i, data in enumerate(NONSENSE):
                item = node.members[key]
                name = f"{prefix}k{i}"
                stored = item.attributes.get(name) or item.members[name]
                shapes = item.members.get(f"_ragged_shapes_{name}")
                entries[f"/metadata/Node/{key}/{name}"] = [tag, digest(stored, shapes), data]
    set_hints(path, json.dumps({"version": 1, "types": entries}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HspyWarning)
        loaded = ours(path)
    lost = [f"{key} {tag} {NONSENSE[i]!r}" for key in NODES for i in range(len(NONSENSE))
            if f"k{i}" not in loaded[key]]  # fmt: skip
    assert not lost


def _member(group: Any, *path: str) -> Any:
    for name in path:
        group = group.members[name]
    return group


@pytest.mark.parametrize(
    "key",
    [
        5, [], {}, {"int": "x"}, {"int": 5}, {"float": "x"}, {"complex": []}, {"bytes": "\u1234"},
        {"tuple": 5}, {"tuple": [[]]}, {"Decimal": "x"}, {"Fraction": "1/0"}, {"UUID": "x"},
        {"date": "x"}, {"timedelta": "9999999999999 d 0 s 0 us"}, {"a": 1, "b": 2}, {"newer": 1},
    ],
)  # fmt: skip
def test_a_key_that_is_nonsense_costs_no_value(key: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    write(path, {"x": "value", "y": 1})
    with open_root(path) as root:
        stored = _member(root, "Experiments", "Hints", "metadata", "Node").attributes["x"]
    keys = {"/metadata/Node/x": [key, digest(stored)]}
    set_hints(path, json.dumps({"version": 1, "keys": keys}))
    with pytest.warns(HspyWarning, match="Node@x"):
        loaded = ours(path)
    assert loaded == {"x": "value", "y": 1}


def test_a_type_of_a_newer_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    write(path, {"x": date(2020, 1, 1)})
    set_hints(path, hints_of(path).replace('"date"', '"stardate"'))
    with pytest.warns(HspyWarning, match="Node@x: has the type 'stardate'"):
        assert ours(path) == {"x": "2020-01-01"}


# the text


names = st.text(st.characters(codec=None), max_size=4)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), names),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(names, inner)),
    max_leaves=5,
)
orders = st.tuples(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 9)))


@st.composite
def hints(draw: st.DrawFn, depth: int = 3) -> Hint:
    tag = draw(st.sampled_from(["", "set", "masked"]))
    key = draw(st.none() | st.tuples(json_values))
    children = st.dictionaries(names, hints(depth - 1), max_size=3) if depth else st.just({})
    return Hint(
        tag,
        draw(json_values) if tag else None,
        draw(st.text("abc+/=", max_size=8)) if tag or key else "",
        key,
        draw(st.none() | orders),
        draw(children),
    )


def told(hint: Hint) -> Any:
    """All that a hint tells; a child that tells nothing is none."""
    told_of = {name: told(child) for name, child in hint.children.items()}
    children = {name: child for name, child in told_of.items() if child}
    order = None if hint.order is None else (hint.order[0], list(hint.order[1]))
    if not (hint.tag or hint.key or order or children):
        return None
    return hint.tag, hint.data, hint.digest, hint.key, order, children


@given(hints())
@example(Hint(children={"a/b~1~0": Hint("set"), "": Hint("x"), "~": Hint("y")}))
@example(Hint(children={"k" * 5000: Hint(key=("\ud800",))}))
def test_text_comes_back(hint: Hint) -> None:
    assert told(loads(dumps(hint))) == told(hint)


def test_long_text_is_deflated() -> None:
    many = Hint(children={f"name {i}": Hint("date", digest="AAAAAAAA") for i in range(1000)})
    text = dumps(many)
    assert set(json.loads(text)) == {"version", "deflated"}
    assert len(text) < 10_000
    assert told(loads(text)) == told(many)
    few = dumps(Hint(children={"x": Hint("date", digest="AAAAAAAA")}))
    assert json.loads(few) == {"version": 1, "types": {"/x": ["date", "AAAAAAAA"]}}


def test_hints_of_many_alike_groups_come_back(tmp_path: Path) -> None:
    """They deflate to less than readers believe them to be of; all types were lost for it."""
    order = [0, *range(399, 0, -1)]
    children = {f"g{i}": Hint(order=(names_digest(["x"]), order)) for i in range(2000)}
    hint = Hint(children=children)
    assert loads(dumps(hint)) == hint
    tree = {f"g{i}": {f"k{j}": None for j in range(150)} for i in range(200)}
    signal = hspyio.Signal([1.0], original_metadata=tree)
    hspyio.save(tmp_path / "a.hspy", signal)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = hspyio.load(tmp_path / "a.hspy")
    assert loaded.original_metadata == signal.original_metadata
    assert list(loaded.original_metadata["g7"]) == list(tree["g7"])


def test_pointers_that_nobody_writes_lead_somewhere() -> None:
    tables = {"types": {"x": ["set", "a"], "x/y": ["int", "b"]}, "keys": {"/y": ["k", "c"]}}
    hint = loads(json.dumps({"version": 1, **tables}))
    inside = {"y": ("int", None, "c", ("k",), None, {})}
    assert told(hint) == ("set", None, "a", None, None, inside)
    with pytest.raises(ValueError, match="no type hints"):
        loads(json.dumps({"version": 1, "types": {"/" * 100_000: ["set", "a"]}}))


def test_nothing_is_written_where_nothing_needs_it(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    write(path, {"a": 1, "b": ["x", "y"], "c": {"d": None, "e": np.arange(3)}})
    with h5py.File(path) as file:
        assert TYPES not in file[ROOT].attrs
    assert not NO_HINT
    assert Hint(order=(1, [0]))


def test_an_order_fits_its_names_only() -> None:
    assert names_digest(["a", "b"]) != names_digest(["ab"])
    assert names_digest(["a", "b"]) != names_digest(["b", "a"])
    assert names_digest(["\ud800"]) == names_digest(["\ud800"])


def test_the_decoder_trusts_no_permutation(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    write(path, {"b": 1, "a": 2, "c": 3})
    for order in ([0, 0, 1], [2, 1], [0, 1, 2, 3], [-1, 0, 1]):
        wrong = {"/metadata/Node": [names_digest(["a", "b", "c"]), order]}
        set_hints(path, json.dumps({"version": 1, "order": wrong}))
        assert ours(path) == {"b": 1, "a": 2, "c": 3}
