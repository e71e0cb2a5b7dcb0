"""A type hint never outlives its value: what is changed by hand is read as it stands."""

from __future__ import annotations

from collections import OrderedDict
from datetime import date
from pathlib import Path

import h5py
import numpy as np
import pytest

from support.hinted import HINTED, NODE, objects, ours, outlived, theirs, write


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
