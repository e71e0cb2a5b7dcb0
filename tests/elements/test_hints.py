"""A type hint never outlives its value: whatever changes beside it is read as it stands.

RosettaSciIO updates a file in place: it keeps the text of the hints, and what it does not know.
"""

from __future__ import annotations

import base64
import json
import warnings
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

import h5py
import numpy as np
import pytest
import rsciio.hspy
from hypothesis import example, given
from hypothesis import strategies as st

import hspyio
from hspyio import HspyWarning, Signal
from hspyio.differences import value_differences
from hspyio.elements.digest import digest
from hspyio.elements.hints import NO_HINT, Hint, dump, load, names_digest
from hspyio.names import TYPES
from hspyio.storage.reader import open_root

Tree = dict[Any, Any]

ROOT = "/Experiments/Hints"
NODE = f"{ROOT}/metadata/Node"


def objects(*items: Any) -> np.ndarray:
    array = np.empty(len(items), object)
    for index, item in enumerate(items):
        array[index] = item
    return array


HINTED: Tree = {
    "z": date(2020, 1, 1),
    "moment": datetime(2020, 1, 1, tzinfo=UTC),
    "span": timedelta(1),
    "set": {1, 3},
    "set of many": frozenset({1, None, "x"}),
    "empty set": set(),
    "numpy": np.int64(5),
    "numpy list": [np.float32(1), np.float32(2)],
    "numpy text": np.str_("a"),
    "mixed": [1, 2.0, "a name"],
    "truths": [True, 2],
    "floats": (1, 2.5),
    "int keys": {1: "a", 2: [1, 2], 3: {"q": 1}, 4: {5: 1}},
    "odd keys": {None: 1, (1, "x"): 2, 2.5: 3},
    "escaped": {"a/b": "x", "_list_x": np.arange(3), ".": [1.5], "/deep": {"_sig_": 2}},
    "masked": np.ma.MaskedArray([1.0, 2.0], [True, False]),
    "dates": np.array(["2020", "NaT"], "M8[s]"),
    "structure": np.zeros(2, [("t", "M8[s]"), ("x", "f8")]),
    "ordered": OrderedDict(b=1, a=2),
    "order": {"b": 1, "a": {"z": [1], "y": None}, "0": []},
    "slice": slice(1, 2, 3),
    "open slice": slice(None),
    "range": range(3),
    "long range": range(10**9),
    "none": "_None_",
    "array": bytearray(b"\0a"),
    "0-d": np.array(1.5),
    "0-d date": np.array("2020-01-01", "M8[D]"),
    "big": 2**70,
    "big list": [2**70, 1],
    "Decimal": Decimal("1.10"),
    "Fraction": Fraction(1, 3),
    "UUID": UUID(int=5),
    "path": PurePosixPath("/x"),
    "wide text": np.array(["a", "é"], "U9"),
    "long bytes": np.array([b"a"], "S9"),
    "objects": objects(None, {"a": 1}),
    "ragged": objects(np.arange(2, dtype=">i2"), np.zeros(3, "f4")),
    "surrogate": "\ud800",
    "nested": [{"when": date(2020, 1, 1)}, (1, None, {2: 3}), [1, "x"]],
}
"""Values that the format's own forms cannot tell."""

NOT_UPDATED = ("wide text",)
"""What makes RosettaSciIO's own writer crash (W6)."""

UPDATED = {key: value for key, value in HINTED.items() if key not in NOT_UPDATED}

REPLACEMENTS: list[Any] = [
    None,
    "text",
    "_None_x",
    5,
    2.5,
    True,
    [],
    (),
    [1, 3, 5],
    (1, 2, 4),
    ["1", "2.0", "another name"],
    [None, 1, "x"],
    {},
    {"a": "other", "new": 1},
    {"1": [1, 2], "2": {"a": "x"}, "b": None},
    b"\0bytes",
    np.arange(2),
    np.array([7.0, 8.0]),
    np.zeros((2, 2), "u1"),
    np.array(["a", "zz"]),
    objects(np.arange(2.0), np.arange(3.0)),
]
"""What RosettaSciIO can write in the place of any of them."""


SAME_FORM: Tree = {
    "z": "2020-01-02",
    "set": [1, 4],
    "numpy list": [2.0, 1.0],
    "mixed": ["1", "2.5", "a name"],
    "truths": [1, 3],
    "floats": (1.0, 3.5),
    "odd keys": {"None": 1, "(1, 'x')": 3},
    "masked": np.array([1.0, 3.0]),
    "dates": np.array([1, 2]),
    "slice": (1, 2, 4),
    "range": np.array([0, 1, 3]),
    "numpy": 6,
    "0-d": 2.5,
    "ragged": objects(np.arange(2, dtype="f8"), np.ones(3)),
}
"""Other values in the very form on disk that the hinted ones have."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "hints.hspy"
    write(path, UPDATED)
    return path


def write(path: Path, node: Tree) -> None:
    metadata = {"General": {"title": "Hints"}, "Node": node}
    hspyio.save(path, Signal(np.arange(3.0), metadata=metadata), overwrite=True, durable=False)


def ours(path: Path) -> Any:
    return hspyio.load(path).metadata.Node.as_dictionary()


def theirs(path: Path) -> Tree:
    [signal] = rsciio.hspy.file_reader(path)
    node: Tree = signal["metadata"]["Node"]
    return node


def update(path: Path, changes: Tree) -> None:
    """RosettaSciIO's update in place, as HyperSpy asks it for one."""
    [signal] = rsciio.hspy.file_reader(path)
    attributes = signal["attributes"]
    signal["learning_results"] = attributes.pop("learning_results", {})
    signal |= {"package_info": {"package": "", "package_version": ""}, "tmp_parameters": {}}
    signal["metadata"]["Node"].update(changes)
    rsciio.hspy.file_writer(path, signal, write_dataset=False)


def outlived(mine: Any, now: Any, before: Any, original: Any, where: str = "") -> Iterator[str]:
    """Where a loaded tree is neither what was saved, unchanged, nor what RosettaSciIO reads."""
    if not value_differences(now, before) and not value_differences(mine, original):
        return
    if isinstance(mine, dict) and isinstance(now, dict):
        names = {_name(key): key for key in mine}
        if sorted(names) != sorted(now) or len(names) != len(mine):
            yield f"{where}: keys {list(mine)}, RosettaSciIO {list(now)}"
            return
        old, first = _items(before), _items(original)
        for name, key in names.items():
            place = f"{where}.{name}"
            yield from outlived(mine[key], now[name], old.get(name), first.get(name), place)
    elif value_differences(mine, plain(now)):
        yield f"{where}: {mine!r}, RosettaSciIO {now!r}"


def _name(key: Any) -> str:
    return {"_list_x": "key_list_x", "/deep": "-deep", "_sig_": "key_sig_"}.get(key, str(key))


def _items(tree: Any) -> Tree:
    return {_name(key): item for key, item in tree.items()} if isinstance(tree, dict) else {}


def plain(value: Any) -> Any:
    """RosettaSciIO's reading with Python's own numbers, as `load` gives them without a hint."""
    if isinstance(value, np.generic) and value.dtype.name in ("int64", "uint64", "float64"):
        return value.item()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return np.array(value.tolist())  # as wide as its longest text
    return value


def fitting(path: Path, changes: Tree) -> Tree:
    """The changes that RosettaSciIO can make: it crashes over an object of another form."""
    with h5py.File(path) as file:
        members = set(file[NODE])
    return {key: value for key, value in changes.items() if _stored_as(key, value) not in members}


def _stored_as(key: str, value: Any) -> str:
    if isinstance(value, (list, tuple)) and value:
        return f"_{type(value).__name__}_{'3_' if None in value else ''}{key}"
    return key if isinstance(value, (dict, np.ndarray)) else ""


# RosettaSciIO updates in place


@pytest.mark.parametrize("shift", range(len(REPLACEMENTS)))
def test_what_rosettasciio_changes_is_read_as_it_reads_it(path: Path, shift: int) -> None:
    before = theirs(path)
    count = len(REPLACEMENTS)
    changes = {key: REPLACEMENTS[(i + shift) % count] for i, key in enumerate(UPDATED)}
    possible = fitting(path, changes)
    assert len(possible) > 20
    update(path, possible)
    now = theirs(path)
    assert sum(bool(value_differences(now[key], before[key])) for key in possible) > 15
    assert not list(outlived(ours(path), now, before, UPDATED))


def test_other_values_of_the_same_form_are_plain(path: Path) -> None:
    before = theirs(path)
    update(path, SAME_FORM)
    now = theirs(path)
    assert all(value_differences(now[key], before[key]) for key in SAME_FORM)
    assert not list(outlived(ours(path), now, before, UPDATED))


def test_rosettasciio_updates_a_file_with_text_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    write(path, {"x": np.array(["a", "bc"]), "wide": np.array(["a"], "U9"), "y": 1})
    update(path, {"y": 2})
    assert not value_differences(
        ours(path), {"x": np.array(["a", "bc"]), "wide": np.array(["a"], "U9"), "y": 2}
    )


@pytest.mark.parametrize("shift", range(0, len(REPLACEMENTS), 4))
def test_so_it_is_inside_dicts(path: Path, shift: int) -> None:
    before = theirs(path)
    count = len(REPLACEMENTS)
    changes = {
        key: {
            name: REPLACEMENTS[(i + shift) % count] if _stands_alone(item) else item
            for i, (name, item) in enumerate([*tree.items(), ("new", 1), ("added", [1, "x"])])
        }
        for key, tree in before.items()
        if isinstance(tree, dict) and key != "escaped"
    }
    update(path, changes)
    now = theirs(path)
    assert sum(bool(value_differences(now[key], before[key])) for key in changes) == len(changes)
    assert not list(outlived(ours(path), now, before, UPDATED))


def _stands_alone(value: Any) -> bool:
    """Whether it is an attribute, which RosettaSciIO replaces by anything."""
    return not isinstance(value, (dict, list, tuple, np.ndarray))


def test_what_rosettasciio_leaves_alone_keeps_its_type(path: Path) -> None:
    # it writes the two lists as others: of float64, and of text
    kept = {key: value for key, value in UPDATED.items() if key not in ("big list", "numpy list")}
    write(path, kept)
    update(path, {})
    assert not value_differences(ours(path), kept)
    update(path, {"new": {"b": 1, "a": 2}})
    loaded = ours(path)
    assert loaded.pop("new") == {"a": 2, "b": 1}
    assert not value_differences({key: loaded[key] for key in kept}, kept)


def test_an_item_that_a_newer_one_hides_stays_hidden(path: Path) -> None:
    node = {"keys": {1: "old", 2: ["old", None]}, "list": [{"x": 1}, (1, None), "a"]}
    write(path, node)
    update(path, {"keys": {"1": [1, 2], "2": {"a": "x"}}, "list": [None, 1, "x"]})
    with h5py.File(path) as file:
        assert {"1", "_list_1"} <= {*file[f"{NODE}/keys"].attrs, *file[f"{NODE}/keys"]}
        assert {"1", "_tuple_2_1"} <= {
            *file[f"{NODE}/_list_3_list"].attrs,
            *file[f"{NODE}/_list_3_list"],
        }
    before = {"keys": {"1": "old", "2": ["old", None]}, "list": None}
    assert len(theirs(path)["list"]) == 3
    assert len(ours(path)["list"]) == 3
    assert not list(outlived(ours(path), theirs(path), before, node))


def test_signals_inside_are_read_as_they_stand(tmp_path: Path) -> None:
    inner = Signal(
        np.ma.MaskedArray([1.0, 2.0], [True, False]), metadata={"d": date(2020, 1, 1), "n": {1: 2}}
    )
    path = tmp_path / "a.hspy"
    write(path, {"s": inner, 1: Signal(np.array(["2020"], "M8[D]")), "list": [inner, {1: inner}]})
    with h5py.File(path, "r+") as file:
        file[f"{NODE}/_sig_s/data"][...] = [5.0, 6.0]
        file[f"{NODE}/_sig_s/metadata"].attrs["d"] = "2021-01-01"
        file[f"{NODE}/_sig_1/data"][...] = 7
        file[f"{NODE}/_list_2_list/0/_sig_/data"][...] = 9
    loaded = ours(path)
    assert type(loaded["s"].data) is np.ndarray
    assert loaded["s"].data.tolist() == [5.0, 6.0]
    assert loaded["s"].metadata.d == "2021-01-01"
    assert loaded["s"].metadata["n"] == {1: 2}
    assert loaded["1"].data.tolist() == [7]
    assert loaded["list"][0].data.tolist() == [9.0, 9.0]
    assert not value_differences(loaded["list"][1], {1: inner})


def test_a_made_up_title_that_was_given_a_value_shows(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal([1.0], metadata={"x": {"y": 1}}))
    assert "General" not in hspyio.load(path).metadata
    [signal] = rsciio.hspy.file_reader(path)
    signal["learning_results"] = signal["attributes"].pop("learning_results", {})
    signal |= {"package_info": {"package": "", "package_version": ""}, "tmp_parameters": {}}
    signal["metadata"]["General"]["FileIO"] = {"0": {"operation": "save"}}
    rsciio.hspy.file_writer(path, signal, write_dataset=False)
    loaded = hspyio.load(path).metadata
    assert loaded.General["FileIO"] == {"0": {"operation": "save"}}
    assert loaded["x"] == {"y": 1}


def test_hinted_data_that_were_overwritten_are_plain(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    for data in (np.ma.MaskedArray([1, 2], [True, False]), np.array(["2020", "2021"], "M8[Y]")):
        hspyio.save(path, Signal(data, metadata={"General": {"title": "Hints"}}), overwrite=True)
        assert not value_differences(hspyio.load(path).data, data)
        with h5py.File(path, "r+") as file:
            file[f"{ROOT}/data"][...] = [8, 9]
        for lazy in (False, True):
            found = np.asarray(hspyio.load(path, lazy=lazy).data)
            assert not value_differences(found, np.array([8, 9]))


def test_many_hints_survive_an_update_in_place(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    node = {f"key {i:04}/{i % 7}": date.fromordinal(700_000 + 17 * i) for i in range(4000, 0, -1)}
    write(path, node)
    with h5py.File(path) as file:
        assert len(file[ROOT].attrs[TYPES]) > 65536
    update(path, {"new": 1})
    loaded = ours(path)
    assert loaded.pop("new") == 1
    assert loaded == node


# changes by hand


def _edit_attribute(group: h5py.Group, name: str) -> bool:
    value = group.attrs[name]
    if isinstance(value, str):
        group.attrs.modify(name, f"{value} edited")
    elif isinstance(value, np.void):
        group.attrs[name] = np.void(b"edited\0")
    else:
        group.attrs.modify(name, value + value.dtype.type(1))
    return True


def _edit_dataset(dataset: h5py.Dataset) -> bool:
    values = dataset[...]
    if values.dtype.kind in "iuf":
        dataset[...] = values + values.dtype.type(1)
    elif values.dtype.kind == "b":
        dataset[...] = ~values
    elif values.dtype.kind == "S":
        dataset[...] = np.array([b"z"] * values.size, values.dtype).reshape(values.shape)
    elif values.dtype.kind == "O" and h5py.check_string_dtype(values.dtype):
        dataset[...] = [f"{value.decode()}9" for value in values]
    elif values.dtype.kind == "O":
        for index, row in enumerate(values):
            dataset[index] = row + 1
    else:
        values["x"] += 1
        dataset[...] = values
    return True


def _edited(group: h5py.Group) -> int:
    """Change every value of a tree in place, its type and shape kept."""
    count = sum(_edit_attribute(group, name) for name in list(group.attrs))
    for name, member in group.items():
        if isinstance(member, h5py.Group):
            count += _edited(member)
        elif not name.startswith("_ragged_shapes_"):
            count += _edit_dataset(member)
    return count


@pytest.mark.parametrize("key", HINTED)
def test_what_is_overwritten_in_place_is_plain(key: str, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    write(path, {"x": HINTED[key]})
    before = theirs(path)
    with h5py.File(path, "r+") as file:
        assert _edited(file[NODE])
    assert not list(outlived(ours(path), theirs(path), before, {"x": HINTED[key]}))


@pytest.mark.parametrize("key", [key for key in HINTED if type(HINTED[key]) in (dict, OrderedDict)])
def test_what_lost_or_gained_an_item_is_plain(key: str, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    for change in (_remove_one, _add_one):
        write(path, {"x": HINTED[key]})
        before = theirs(path)
        with h5py.File(path, "r+") as file:
            change(file[f"{NODE}/x"])
        found = ours(path)
        assert type(found["x"]) is dict
        assert not list(outlived(found, theirs(path), before, {"x": HINTED[key]}))


def _remove_one(group: h5py.Group) -> None:
    if group.attrs:
        del group.attrs[next(iter(group.attrs))]
    else:
        del group[next(iter(group))]


def _add_one(group: h5py.Group) -> None:
    group.attrs["zz"] = 1


def test_a_ragged_array_with_other_shapes_is_plain(path: Path) -> None:
    array = objects(np.arange(4, dtype=">i2"), np.zeros((2, 3), "f4"))
    write(path, {"x": array})
    with h5py.File(path, "r+") as file:
        file[f"{NODE}/_ragged_shapes_x"][1] = np.array([3, 2])
    loaded = ours(path)["x"]
    assert loaded[1].shape == (3, 2)
    assert [item.dtype.str for item in loaded] == ["<f4", "<f4"]


def test_swapped_items_are_plain(path: Path) -> None:
    write(path, {"a": date(2020, 1, 1), "b": np.str_("x"), "c": {1, 2}, "d": range(3)})
    with h5py.File(path, "r+") as file:
        node = file[NODE]
        one, other = node.attrs["a"], node.attrs["b"]
        node.attrs["a"], node.attrs["b"] = other, one
        for old, new in (("_list_c", "t"), ("d", "_list_c"), ("t", "d")):
            node.move(old, new)
    assert ours(path) == {"a": "x", "b": "2020-01-01", "c": [0, 1, 2], "d": pytest.approx([1, 2])}


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
TAGS = [
    "numpy", "void", "int", "str", "numpy.str", "bytearray", "numpy.bytes", "Decimal", "Fraction",
    "UUID", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "datetime", "date",
    "time", "timedelta", "numpy.datetime", "OrderedDict", "sequence", "range", "signal0",
    "masked", "numpy.ma.masked", "array", "array0", "bytes", "text", "strings", "ragged",
    "objects", "newer than us",
]  # fmt: skip
NONSENSE: list[Any] = [
    None, 5, -1, "nonsense", "O", "f8", [], [1], ["set"], ["nonsense", 1], ["f8", [2, 2]],
    ["slice", [["int", 1]]], ["", [["numpy", 3]]], ["", [["int", -5]]], ["", [[]]],
    {}, {"nul": -1}, {"nul": "x"}, {"surrogates": [[99, 1]]}, {"surrogates": [[0, -1]]},
    [["x", 1], 0, ["f8", "AA=="], True], [["f8", 2]], [None, None, None, None], [1, 2, 3],
    ["1", "2", "0"], [True, [7], None], 1e308, [{"fields": []}, None],
]  # fmt: skip


def test_the_table_of_tags_is_complete() -> None:
    from hspyio.elements import ELEMENTS

    known = {tag for element in ELEMENTS for tag in element.restores}
    assert known - {"absent"} == set(TAGS) - {"newer than us"}


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
    assert told(load(dump(hint))) == told(hint)


def test_long_text_is_deflated() -> None:
    many = Hint(children={f"name {i}": Hint("date", digest="AAAAAAAA") for i in range(1000)})
    text = dump(many)
    assert set(json.loads(text)) == {"version", "deflated"}
    assert len(text) < 10_000
    assert told(load(text)) == told(many)
    few = dump(Hint(children={"x": Hint("date", digest="AAAAAAAA")}))
    assert json.loads(few) == {"version": 1, "types": {"/x": ["date", "AAAAAAAA"]}}


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
