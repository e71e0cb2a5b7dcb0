"""C16 to C30: keys, models, axes and data that its writer mixes up without a word."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import rsciio.hspy

import hspyio
from hspyio import Signal
from hspyio.errors import AxesError
from support.defects.tools import (
    DATA,
    Row,
    Tree,
    check_held,
    check_left_out,
    check_read,
    check_refused,
    computed,
    exchange,
    objects,
    same,
    same_signals,
    signal,
    untouched,
)

__all__ = ["ROWS"]

Array = np.ndarray[Any, Any]


def c16(folder: Path) -> None:
    node = {"z": "x", "a": {"y": None, "b": np.arange(2), "a": {}}, "m": [1], "b": "y"}
    check_held(folder, signal(node), node)
    loaded = hspyio.load(folder / "saved.hspy").metadata
    assert list(loaded.Node) == list(node)
    assert list(loaded.Node.a) == list(node["a"])


def c16_models(folder: Path) -> None:
    models = {"z": {"b": "x", "a": {}}, "a": {"b": np.arange(2), "a": [1]}}
    made = signal({}, models=models)
    check_held(folder, made, {})
    for path in folder.iterdir():
        loaded = hspyio.load(path).models
        assert list(loaded) == list(models)
        for name, tree in models.items():
            assert list(loaded[name].tree) == list(tree)


def c17(folder: Path) -> None:
    node = {1: 2, 2.5: 3.5, b"key": 1, None: True, (1, 2): 0}
    reads = {
        "1": np.int64(2),
        "2.5": np.float64(3.5),
        "b'key'": np.int64(1),
        "None": True,
        "(1, 2)": np.int64(0),
    }
    check_held(folder, signal(node), reads)


def c17_refused(folder: Path) -> None:
    node = {frozenset({1}): 2, (1, frozenset()): 3, "kept": "x"}
    check_left_out(
        folder,
        signal(node),
        *(f"metadata.Node.{key!r}" for key in list(node)[:2]),
        left={"kept": "x"},
        reads={"kept": "x"},
    )


def c18(folder: Path) -> None:
    node = {"a\0b": "cut", "a": "whole", "\0": {"x": "y"}, "a-b": "dash"}
    reads = {"a-b_2": "cut", "a": "whole", "-": {"x": "y"}, "a-b": "dash"}
    check_held(folder, signal(node), reads)


def c19(folder: Path) -> None:
    node = {"a/b": "text", "c/d": {"x": "y"}, "e/f": np.arange(2), "g/h": [1, 2], "c": {}}
    reads = {"a/b": "text", "c-d": {"x": "y"}, "e-f": np.arange(2), "g-h": [1, 2], "c": {}}
    check_held(folder, signal(node), reads)


def c20(folder: Path) -> None:
    node = {
        "/x": np.arange(2),
        "/Experiments/Row/data": np.arange(4),
        "/Experiments/Row": {"metadata": {}},
        "/": {"a": "b"},
    }
    reads = {
        "-x": np.arange(2),
        "-Experiments-Row-data": np.arange(4),
        "-Experiments-Row": {"metadata": {}},
        "-": {"a": "b"},
    }
    made = signal(node)
    made.original_metadata = node
    check_held(folder, made, reads)
    for path in folder.iterdir():
        with h5py.File(path) as file:
            assert list(file) == ["Experiments"] and list(file["Experiments"]) == ["Row"]


def c21(folder: Path) -> None:
    node = {".": {"a": "b"}, "..": {"a": "c"}, "a": "d", ".b": {}, "./c": {}}
    reads = {"key.": {"a": "b"}, "key..": {"a": "c"}, "a": "d", ".b": {}, ".-c": {}}
    check_held(folder, signal(node), reads)


def c22(folder: Path) -> None:
    node = {"": "x", "list": {"": [1, 2]}, "none": {"": None}, "dict": {"": {"": {}}}}
    reads = {
        "key": "x",
        "list": {"": [1, 2]},
        "none": {"key": None},
        "dict": {"key": {"key": {}}},
    }
    check_held(folder, signal(node), reads)


def c23(folder: Path) -> None:
    reserved: Tree = {
        "_list_x": np.arange(2),
        "_list_2_y": {"0": "a"},
        "_list_empty_x": "b",
        "_tuple_z": np.arange(2),
        "_tuple_empty_x": {},
        "_bs_x": True,
        "_sig_x": "c",
        "_ragged_shapes_x": np.arange(2),
        "_datetime_date": "x(1,2,3)",
        "_datetime_time": "x(1,2)",
        "_hspy_AxesManager_q": {"0": "d"},
    }
    safe = {"_list_l": [1], "_hspy_Axis_x": {"name": "x"}, "_private": "e"}
    reads = {f"key{key}": value for key, value in reserved.items()}
    check_held(folder, signal({**reserved, **safe}), {**reads, **safe})


def c24(folder: Path) -> None:
    beside = {"ragged_shapes": np.arange(2), "v": np.arange(3)}
    node = {"_sig_x": {"a": "b"}, "_sig_y": np.arange(2), "_bs_x": "text", "beside": beside}
    reads = {
        "key_sig_x": {"a": "b"},
        "key_sig_y": np.arange(2),
        "key_bs_x": "text",
        "beside": {"ragged_shapes_2": np.arange(2), "v": np.arange(3)},
    }
    check_held(folder, signal(node), reads)


def c24_ragged(folder: Path) -> None:
    rows = objects(np.array([1]), np.array([[2, 3]]))
    node = {"ragged_shapes": rows, "v": rows}
    check_held(folder, signal(node), {"ragged_shapes_2": rows, "v": rows}, lazy=False)  # R1


def c25(folder: Path) -> None:
    node = {"v": [1, 2], "_list_v": np.arange(3), "_list_2_v": {"0": "a"}, "_tuple_v": (1,)}
    reads = {"v": [1, 2], "key_list_v": np.arange(3), "key_list_2_v": {"0": "a"}, "_tuple_v": (1,)}
    check_held(folder, signal(node), reads)


def c25_signal(folder: Path) -> None:
    """HyperSpy hands over a signal as _sig_x; it must not take the place of another x."""
    path = folder / "file.hspy"
    handed = exchange(signal({"x": "text"}))
    handed["metadata"]["Node"]["_sig_x"] = exchange(signal())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        hspyio.file_writer(path, handed)
    told = any("metadata.Node" in str(item.message) for item in caught)
    [theirs] = rsciio.hspy.file_reader(path)
    node = theirs["metadata"]["Node"]
    same(DATA, node["_sig__sig_x"]["data"])
    assert told or "text" in [value for value in node.values() if isinstance(value, str)]


def c26(folder: Path) -> None:
    path = folder / "file.hspy"
    old = signal({"list": [1, 2], "dict": {"a": 1}, "array": np.arange(3), "gone": {"b": None}})
    new = signal({"list": "text", "dict": None, "array": [1, 2]}, DATA + 100)
    expected = signal(new.metadata["Node"])
    for change in _changes(path, new):
        hspyio.save(path, old, overwrite=True)
        change()
        same_signals(expected, hspyio.load(path))
        check_read(path, {"list": "text", "dict": None, "array": [1, 2]})


def c26_axes(folder: Path) -> None:
    path = folder / "file.hspy"
    for change in _changes(path, signal({}, np.arange(4))):
        with untouched(path), pytest.raises(AxesError, match="size 4"):
            change()


def _changes(path: Path, new: Signal) -> tuple[Callable[[], None], ...]:
    """The ways to change all but the data of a file."""
    return (
        lambda: hspyio.update(path, new),
        lambda: hspyio.file_writer(path, exchange(new), write_dataset=False),
    )


def c27(folder: Path) -> None:
    made = []
    for title in ("first", "second"):
        item = signal({}, DATA + len(title), models={"a": {"of": title}, title: {"of": title}})
        item.title = title
        made.append(item)
    saved, added, written = (folder / f"{name}.hspy" for name in ("saved", "added", "written"))
    hspyio.save(saved, made)
    hspyio.save(added, made[0])
    hspyio.append(added, made[1])
    hspyio.file_writer(written, exchange(made[0]))
    hspyio.file_writer(written, exchange(made[1]), mode="a")
    for path in (saved, added, written):
        for item in made:
            same_signals(item, hspyio.load(path, name=item.title))
        for reader in (rsciio.hspy.file_reader, hspyio.file_reader):
            for read, item in zip(reader(path), made, strict=True):
                assert read["metadata"]["General"]["title"] == item.title
                assert [model["of"] for model in read["models"].values()] == [item.title] * 2


def c28(folder: Path) -> None:
    for name, more in {"no axes": {"axes": []}, "default": {}}.items():
        place = folder / name
        place.mkdir()
        made = signal({}, objects(np.array([[1.0, 2.0]])), **more)
        check_held(place, made, {})
        [theirs] = rsciio.hspy.file_reader(place / "saved.hspy")
        assert len(theirs["axes"]) == len(made.axes)


def c29(folder: Path) -> None:
    axis = {"name": "x", "units": "", "offset": 0.0, "scale": 1.0, "navigate": False}
    path = folder / "file.hspy"
    for sizes in ((), (3, 1), (4,)):
        axes = [{**axis, "size": size} for size in sizes]
        with pytest.raises(AxesError):
            signal({}, DATA, axes=axes)
        with untouched(path), pytest.raises(AxesError):
            hspyio.file_writer(path, {**exchange(signal()), "axes": axes})
    for data in (np.zeros((3, 2)), np.zeros(4), np.array(0.0)):
        changed = signal()
        changed.data = data
        check_refused(folder, changed, "data")
        check_refused(folder, signal({"map": changed}), "metadata.Node.map.data")


def c30(folder: Path) -> None:
    cases: dict[str, tuple[Array, Array]] = {
        "ascii": (np.array(["ab", "c"]), np.array([b"ab", b"c"])),
        "unicode": (np.array(["µm", "c"]), np.array(["µm".encode(), b"c"])),
        "wide": (np.array([["x"]], "U9"), np.array([[b"x"]])),
        "strings": (
            np.array(["a", "µ", ""], np.dtypes.StringDType()),
            objects(b"a", "µ".encode(), b""),
        ),
    }
    for name, (data, theirs) in cases.items():
        place = folder / name
        place.mkdir()
        check_held(place, signal({}, data), {}, data=theirs)
        for lazy in (False, True):
            [own] = hspyio.file_reader(place / "saved.hspy", lazy=lazy)
            assert computed(own["data"]).tolist() == data.tolist()


def c30_metadata(folder: Path) -> None:
    strings = np.array(["a", "µ"], np.dtypes.StringDType())
    reads = {"v": objects(b"a", "µ".encode())}
    check_held(folder, signal({"v": strings}), reads, ours={"v": objects("a", "µ")})


ROWS = (
    Row("C16", "the order of keys is hinted", c16),
    Row("C16", "so is the order of models and in models", c16_models),
    Row("C17", "keys of any simple type stand as text, and are hinted", c17),
    Row("C17", "keys of other types are named and refused, or left out", c17_refused),
    Row("C18", "a key with NUL gets a stand-in", c18),
    Row("C19", "a key with / gets a stand-in, where the name of an attribute is not enough", c19),
    Row("C20", "a key that begins with / gets a stand-in inside its own group", c20),
    Row("C21", "the keys . and .. get stand-ins", c21),
    Row("C22", "the empty key gets a stand-in, but for lists", c22),
    Row("C23", "a key that reads as another type gets a stand-in", c23),
    Row("C24", "so does one that makes a file unreadable", c24),
    Row("C24", "and ragged_shapes", c24_ragged),
    Row("C25", "keys that decode alike get names of their own", c25),
    Row("C25", "so do a signal and a value of one key", c25_signal),
    Row("C26", "an update replaces all but the data", c26),
    Row("C26", "axes that do not fit the data in the file are refused", c26_axes),
    Row("C27", "models say whose they are; equal names are told apart", c27),
    Row("C28", "no axes are an empty list of axes", c28),
    Row("C29", "axes that do not fit the data are refused", c29),
    Row("C30", "data of text come back as text", c30),
    Row("C30", "so do numpy's variable-length strings", c30_metadata),
)
