"""C1 to C30: what RosettaSciIO's writer corrupts or loses without a word."""

from __future__ import annotations

import enum
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

import h5py
import numpy as np
import pytest
import rsciio.hspy

import hspyio
from defects.tools import (
    DATA,
    Row,
    Tree,
    check_data_refused,
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
from hspyio import Signal
from hspyio.axes import UniformAxis, axis_to_dict
from hspyio.errors import AxesError

__all__ = ["ROWS"]

Array = np.ndarray[Any, Any]

MIXED: dict[str, tuple[list[Array], str]] = {
    "int, float": ([np.array([1, 2]), np.array([3.0])], "f8"),
    "float32, float64": ([np.array([1], "f4"), np.array([0.1])], "f8"),
    "int8, int64": ([np.array([1], "i1"), np.array([2**40])], "i8"),
    "int64, int8": ([np.array([[2**40]]), np.array([1], "i1")], "i8"),
    "complex, int": ([np.array([1j, -0.0]), np.array([1])], "c16"),
    "bool, float": ([np.array([True]), np.array([np.nan])], "f8"),
}


def c1(folder: Path) -> None:
    node = {name: objects(*items) for name, (items, _) in MIXED.items()}
    huge = objects(np.array([2**63 - 1]), np.array([0.5]))
    reads: Tree = {
        name: objects(*(item.astype(common) for item in items))
        for name, (items, common) in MIXED.items()
    }
    reads |= {"no common type": list(huge)}
    check_held(folder, signal({**node, "no common type": huge}), reads, lazy=False)  # R1


def c1_data(folder: Path) -> None:
    for number, (items, common) in enumerate(MIXED.values()):
        place = folder / str(number)
        place.mkdir()
        made = signal({}, objects(*items))
        check_held(place, made, {}, data=objects(*(item.astype(common) for item in items)))
    check_data_refused(folder, signal({}, objects(np.array([2**63 - 1]), np.array([0.5]))))


def c2(folder: Path) -> None:
    items = [np.array([1.0, 2.0], ">f8"), np.array([[3.0]], ">f8")]
    native = objects(*(item.astype("f8") for item in items))
    made = signal({"v": objects(*items)}, objects(*items))
    check_held(folder, made, {"v": native}, data=native, lazy=False)  # R1
    only_data = folder / "data"
    only_data.mkdir()
    check_held(only_data, signal({}, objects(*items)), {}, data=native)


def c3(folder: Path) -> None:
    node = {"v": objects(np.array([b"ab", b"c"]), np.array([b"longer", b"\xff"]))}
    reads = {"v": [np.array(["ab", "c"]), np.array([b"longer", b"\xff"])]}
    check_held(folder, signal(node), reads)
    check_data_refused(folder, signal({}, node["v"]))


def c4(folder: Path) -> None:
    text = objects(np.array(["µm", "Å"]), np.array([["nm"]]))
    encoded = objects(
        objects("µm".encode(), "Å".encode()),
        objects(b"nm", shape=(1, 1)),
    )
    ours = objects(*(item.astype("U2") for item in text))
    made = signal({"v": text}, text)
    check_held(folder, made, {"v": encoded}, data=encoded, ours={"v": ours}, lazy=False)  # R1


def c5(folder: Path) -> None:
    node = {"utf8": ["é".encode()], "other": (b"\xff", b"\xc3")}
    check_held(folder, signal(node), node)


def c6(folder: Path) -> None:
    node = {"v": [b"\0", b"a\0", b"", b"plain"], "one": (b"plain",), "same": [b"ab", b"cd"]}
    check_held(folder, signal(node), node)


def c7(folder: Path) -> None:
    axes = [axis_to_dict(UniformAxis(name=str(n), size=n + 1)) for n in range(12)]
    node = {
        "mixed": [None, *map(str, range(11))],
        "dicts": [{"text": str(n)} for n in range(12)],
        "lists": [[n, n] for n in range(120)],
        "tuples": tuple(("x", None) if n % 2 else ("y",) for n in range(12)),
        "_hspy_AxesManager_axes": [{"name": str(n), "units": "nm"} for n in range(12)],
    }
    assert len(axes) == 12
    check_held(folder, signal(node), node)


def c7_signals(folder: Path) -> None:
    maps = [Signal(np.full(2, n), metadata={"General": {"title": f"Map {n}"}}) for n in range(12)]
    made = signal({"maps": maps})
    saved, written = folder / "saved.hspy", folder / "written.hspy"
    hspyio.save(saved, made)
    same_signals(made, hspyio.load(saved))
    handed = exchange(signal())
    handed["metadata"]["Node"] = {"maps": [{"_sig_": exchange(item)} for item in maps]}
    hspyio.file_writer(written, handed)
    same_signals(made, hspyio.load(written))
    for path in (saved, written):
        for reader in (rsciio.hspy.file_reader, hspyio.file_reader):
            for lazy in (False, True):
                [read] = reader(path, lazy=lazy)
                found = [item["_sig_"] for item in read["metadata"]["Node"]["maps"]]
                titles = [item["metadata"]["General"]["title"] for item in found]
                assert titles == [item.title for item in maps]
                same([item.data for item in maps], [item["data"] for item in found])


def c7_models(folder: Path) -> None:
    components = [{"name": f"component {n}", "active": True} for n in range(12)]
    made = signal({}, models={"fit": {"_dict": {"components": components}}})
    check_held(folder, made, {})
    for path in folder.iterdir():
        same_signals(made, hspyio.load(path))
        for reader in (rsciio.hspy.file_reader, hspyio.file_reader):
            [read] = reader(path)
            same(components, read["models"]["fit"]["_dict"]["components"])


def c8(folder: Path) -> None:
    check_left_out(
        folder,
        signal({"items": ["a", object(), "c"], "nested": ({"bad": object(), "b": "x"}, None)}),
        "metadata.Node.items[1]",
        "metadata.Node.nested[0].bad",
        left={"items": ["a", None, "c"], "nested": ({"b": "x"}, None)},
        reads={"items": ["a", None, "c"], "nested": ({"b": "x"}, None)},
    )


class Colour(enum.Enum):
    RED = 1


def c9(folder: Path) -> None:
    node = {
        "date": date(2020, 1, 2),
        "moment": datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        "time": time(1, 2),
        "duration": timedelta(1, 2, 3),
        "numpy": np.datetime64("2020-01-02"),
        "set": {1, 2},
        "frozen": frozenset({"a"}),
        "path": PurePosixPath("/a/b"),
        "decimal": Decimal("1.50"),
        "fraction": Fraction(1, 3),
        "uuid": UUID(int=5),
        "int": 2**100,
        "negative": -(2**63) - 1,
    }
    reads = {
        "date": "2020-01-02",
        "moment": "2020-01-02T03:04:05.000006+00:00",
        "time": "01:02:00",
        "duration": "1 d 2 s 3 us",
        "numpy": "2020-01-02",
        "set": [1, 2],
        "frozen": ["a"],
        "path": "/a/b",
        "decimal": "1.50",
        "fraction": "1/3",
        "uuid": str(UUID(int=5)),
        "int": str(2**100),
        "negative": str(-(2**63) - 1),
    }
    check_held(folder, signal(node), reads)


def c9_refused(folder: Path) -> None:
    bad = {"object": object(), "enum": Colour.RED, "function": len, "generator": iter(())}
    check_left_out(
        folder,
        signal({**bad, "kept": "x"}),
        *(f"metadata.Node.{key}" for key in bad),
        left={"kept": "x"},
        reads={"kept": "x"},
    )


def c10(folder: Path) -> None:
    node = {
        "range": range(0, 200_000, 2),
        "bytearray": bytearray(b"\1\0") * 50_000,
        "void": np.void(b"\1\0" * 50_000),
    }
    reads = {
        "range": np.arange(0, 200_000, 2),
        "bytearray": bytes(node["bytearray"]),
        "void": node["void"],
    }
    check_held(folder, signal(node), reads)


def c11(folder: Path) -> None:
    node = {"text": "_None_", "none": None, "list": ["_None_", "a"], "mixed": ["_None_", None]}
    reads = {"text": None, "none": None, "list": ["_None_", "a"], "mixed": [None, None]}
    check_held(folder, signal(node), reads)


def c12(folder: Path) -> None:
    node = {
        "signs": [2**63 - 1, 2**63],
        "float": [2**53 + 1, 0.5],
        "down": [2**63, 1],
        "none": [2**63, -1],
        "complex": (2**53 + 1, 1j),
    }
    reads = {
        "signs": [2**63 - 1, 2**63],
        "float": [np.int64(2**53 + 1), np.float64(0.5)],
        "down": [2**63, 1],
        "none": [np.uint64(2**63), np.int64(-1)],
        "complex": (np.int64(2**53 + 1), np.complex128(1j)),
    }
    check_held(folder, signal(node), reads)


def c13(folder: Path) -> None:
    node = {"seed": [1, 2.0, "a name"], "tuple": (True, 0.1, "x"), "bools": [True, 2]}
    reads = {"seed": ["1", "2.0", "a name"], "tuple": ("True", "0.1", "x"), "bools": [1, 2]}
    check_held(folder, signal(node), reads)


def c14(folder: Path) -> None:
    node = {"v": ["a"] * 100 + ["b" * 1_000_000]}
    check_held(folder, signal(node), node)
    made = signal(node)
    tracemalloc.start()
    try:
        hspyio.save(folder / "measured.hspy", made)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40e6


def c15(folder: Path) -> None:
    masked = np.ma.array([1, 2, 3], mask=[False, True, False], fill_value=9)
    hard = np.ma.array([[1.0, 2.0]], mask=[[True, False]], hard_mask=True)
    node = {"masked": masked, "hard": hard, "nothing masked": np.ma.array([1])}
    reads = {key: value.data for key, value in node.items()}
    check_held(folder, signal(node, masked), reads, data=masked.data)


def c16(folder: Path) -> None:
    node = {"z": "x", "a": {"y": None, "b": np.arange(2), "a": {}}, "m": [1], "b": "y"}
    check_held(folder, signal(node), node)
    loaded = hspyio.load(folder / "saved.hspy").metadata
    assert list(loaded.Node) == list(node)
    assert list(loaded.Node.a) == list(node["a"])


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
        item = signal({}, DATA + len(title), models={"fit": {"of": title}, title: {"of": title}})
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
    wrong = {"none": [], "two": [{**axis, "size": 3}, {**axis, "size": 1}], "long": [{**axis, "size": 4}]}
    for axes in wrong.values():
        with pytest.raises(AxesError):
            signal({}, DATA, axes=axes)
        with untouched(path), pytest.raises(AxesError):
            hspyio.file_writer(path, {**exchange(signal()), "axes": axes})
        changed = signal()
        changed.data = np.zeros((3, 2))
        check_refused(folder, changed, "data")
        changed.data = np.zeros(4)
        check_refused(folder, changed, "data")


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
    Row("C1", "mixed ragged elements are cast to a type that holds all, or are a list", c1),
    Row("C1", "ragged data likewise; refused where no type holds all", c1_data),
    Row("C2", "ragged elements are stored in native byte order, and hinted", c2),
    Row("C3", "ragged byte strings are a list; as data refused", c3),
    Row("C4", "ragged text is flagged ASCII where others could not read UTF-8", c4),
    Row("C5", "bytes in lists stand item by item, opaque", c5),
    Row("C6", "bytes in lists keep their NULs and their type", c6),
    Row("C7", "items have zero-padded names, which sort as text too", c7),
    Row("C7", "so have signals in lists", c7_signals),
    Row("C7", "and components of models", c7_models),
    Row("C8", "None keeps the place of an item that is left out, with a warning", c8),
    Row("C9", "dates, sets, paths and big numbers are text or lists, and hinted", c9),
    Row("C9", "what has no form is named and refused, or left out with a warning", c9_refused),
    Row("C10", "big attributes are written, ranges as arrays", c10),
    Row("C11", "the text _None_ is hinted", c11),
    Row("C12", "numbers stand in one type that holds all exactly, else item by item", c12),
    Row("C13", "mixed lists are texts, as documented, and hinted", c13),
    Row("C14", "texts of variable length are written without a fixed-width array", c14),
    Row("C15", "the mask is stored beside the trees", c15),
    Row("C16", "the order of keys is hinted", c16),
    Row("C17", "keys of any simple type stand as text, and are hinted", c17),
    Row("C18", "a key with NUL gets a stand-in", c18),
    Row("C19", "a key with / gets a stand-in, where the name of an attribute is not enough", c19),
    Row("C20", "a key that begins with / gets a stand-in inside its own group", c20),
    Row("C21", "the keys . and .. get stand-ins", c21),
    Row("C22", "the empty key gets a stand-in, but for lists", c22),
    Row("C23", "a key that reads as another type gets a stand-in", c23),
    Row("C24", "so does one that makes a file unreadable", c24),
    Row("C24", "and ragged_shapes", c24_ragged),
    Row("C25", "keys that decode alike get names of their own", c25),
    Row("C26", "an update replaces all but the data", c26),
    Row("C26", "axes that do not fit the data in the file are refused", c26_axes),
    Row("C27", "models say whose they are; equal names are told apart", c27),
    Row("C28", "no axes are an empty list of axes", c28),
    Row("C29", "axes that do not fit the data are refused", c29),
    Row("C30", "data of text come back as text", c30),
    Row("C30", "so do numpy's variable-length strings", c30_metadata),
)
