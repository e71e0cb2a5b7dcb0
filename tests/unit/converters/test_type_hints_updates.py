"""RosettaSciIO updates a file in place: it keeps the text of the hints, and what it does not know.

A type hint never outlives its value: whatever changes beside it is read as it stands.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import rsciio.hspy

import hspyio
from hspyio import Signal
from hspyio.compare import value_differences
from hspyio.names import TYPES
from support.hinted import NODE, ROOT, UPDATED, Tree, objects, ours, outlived, theirs, write

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


def update(path: Path, changes: Tree) -> None:
    """RosettaSciIO's update in place, as HyperSpy asks it for one."""
    [signal] = rsciio.hspy.file_reader(path)
    attributes = signal["attributes"]
    signal["learning_results"] = attributes.pop("learning_results", {})
    signal |= {"package_info": {"package": "", "package_version": ""}, "tmp_parameters": {}}
    signal["metadata"]["Node"].update(changes)
    rsciio.hspy.file_writer(path, signal, write_dataset=False)


def fitting(path: Path, changes: Tree) -> Tree:
    """The changes that RosettaSciIO can make: it crashes over an object of another form."""
    with h5py.File(path) as file:
        members = set(file[NODE])
    return {key: value for key, value in changes.items() if _stored_as(key, value) not in members}


def _stored_as(key: str, value: Any) -> str:
    if isinstance(value, (list, tuple)) and value:
        return f"_{type(value).__name__}_{'3_' if None in value else ''}{key}"
    return key if isinstance(value, (dict, np.ndarray)) else ""


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
