"""W1 to W19: what crashes RosettaSciIO's writer, after the old file is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import numpy as np
import rsciio.hspy

import hspyio
from hspyio import Signal
from support.defects.tools import (
    Row,
    Tree,
    check_data_refused,
    check_held,
    check_left_out,
    check_read,
    computed,
    exchange,
    objects,
    same,
    same_signals,
    signal,
)

__all__ = ["ROWS"]


def w1(folder: Path) -> None:
    node = {"v": b"\xff\xfe", "items": [b"\xff", b"text"], "nested": {"v": (b"\x80",)}}
    check_held(folder, signal(node), node)


def w2(folder: Path) -> None:
    node = {"v": b"\0" * 70_000, "big": b"\0\1" * 500_000, "ends": b"\0" + b"x" * 66_000 + b"\0"}
    check_held(folder, signal(node), node)


def w3(folder: Path) -> None:
    node = {"inner": "a\0b", "trailing": "ab\0\0", "only": "\0", "µ": "µ\0µ"}
    check_held(folder, signal(node), {**node, "trailing": "ab", "only": ""})


def w4(folder: Path) -> None:
    escaped = b"5 \xb5m".decode("utf-8", "surrogateescape")
    node = {"lone": "a\ud800b", "escaped": escaped, "items": ["\udfff", "x"]}
    reads = {"lone": "a\ufffdb", "escaped": "5 \ufffdm", "items": ["\ufffd", "x"]}
    check_held(folder, signal(node), reads)


def w5(folder: Path) -> None:
    node = {"v": np.str_("text"), "items": [np.str_("µ"), "x"], "none": np.str_("_None_")}
    check_held(folder, signal(node), {"v": "text", "items": ["µ", "x"], "none": None})


def w6(folder: Path) -> None:
    node = {"v": np.array(["µm", "nm"]), "square": np.array([["", "日本"], ["a", "b"]], "U7")}
    reads = {
        "v": np.array(["µm".encode(), b"nm"]),
        "square": np.array([[b"", "日本".encode()], [b"a", b"b"]]),
    }
    check_held(folder, signal(node), reads, ours=node)


def w7(folder: Path) -> None:
    node = {
        "int": np.array(5),
        "big endian": np.array(2.5, ">f4"),
        "text": np.array("µm"),
        "bool": np.array(True),
        "date": np.array("2020-01-02", "M8[D]"),
        "masked": np.ma.masked,
        "object": objects(None, shape=()),
    }
    reads = {
        "int": np.int64(5),
        "big endian": np.float32(2.5),
        "text": "µm",
        "bool": True,
        "date": "2020-01-02",
        "masked": "--",
        "object": None,
    }
    check_held(folder, signal(node), reads)


def w8(folder: Path) -> None:
    dates = np.array(["2020-01-02", "NaT"], "M8[D]")
    steps = np.array([[1, -2]], ">m8[us]")
    node = {"dates": dates, "steps": steps, "items": [dates[0], np.timedelta64(5, "s")]}
    reads = {
        "dates": dates.view("i8"),
        "steps": steps.view(">i8"),
        "items": ["2020-01-02", "5 seconds"],
    }
    check_held(folder, signal(node), reads)


def w9(folder: Path) -> None:
    inner = objects(np.array([1, 2]), np.array([3]))
    node = {
        "none": objects(np.array([1.0]), None),
        "dicts": objects({"a": 1}, [2], "x"),
        "nested": objects(inner, np.array([1.5])),
        "square": objects(None, 1, "a", 2.5, shape=(2, 2)),
        "empty": np.empty(0, object),
        "empty square": np.empty((2, 0), object),
    }
    reads = {
        "none": [np.array([1.0]), None],
        "dicts": [{"a": np.int64(1)}, [2], "x"],
        "nested": [inner, np.array([1.5])],
        "square": [None, np.int64(1), "a", np.float64(2.5)],
        "empty": np.empty(0, object),
        "empty square": np.empty((2, 0), object),
    }
    check_held(folder, signal(node), reads, lazy=False)  # R1


def w10(folder: Path) -> None:
    units = np.array([("µm", 1), ("nm", 2)], [("unit", "U4"), ("n", "i4")])
    dates = np.array([("2020-01-02", 1)], [("date", "M8[D]"), ("n", "i4")])
    reads = {
        "units": np.array([("µm".encode(), 1), (b"nm", 2)], [("unit", "S16"), ("n", "i4")]),
        "dates": dates.view([("date", "i8"), ("n", "i4")]),
    }
    check_held(folder, signal({"units": units, "dates": dates}), reads)
    bad = np.array([(None, 1)], [("o", object), ("n", "i4")])
    check_left_out(
        folder,
        signal({"bad": bad, "kept": 1}),
        "metadata.Node.bad",
        left={"kept": 1},
        reads={"kept": np.int64(1)},
    )


def w11(folder: Path) -> None:
    for shape in ((0,), (0, 3), (3, 0), (0, 0), (2, 0, 3)):
        place = folder / "x".join(map(str, shape))
        place.mkdir()
        node = {"v": np.zeros(shape, "i4")}
        check_held(place, signal(node, np.zeros(shape)), node)


def w12(folder: Path) -> None:
    for dtype in ("f8", ">i2", "?", "c8", "U3"):
        place = folder / str(np.dtype(dtype).num)
        place.mkdir()
        data = np.array(1).astype(dtype)
        theirs = data.reshape(1).astype("S1") if dtype == "U3" else data.reshape(1)
        check_held(place, signal({}, data), {}, data=theirs)


def w12_nested(folder: Path) -> None:
    """Signals inside the metadata may have the same odd data."""
    rows, text = objects(np.array([1.0, 2.0]), np.array([[3.0]])), np.array(["µm", "x"])
    cases: dict[str, tuple[Signal, Any]] = {
        "scalar": (Signal(np.array(2.5)), np.array([2.5])),
        "empty": (Signal(np.zeros((2, 0))), np.zeros((2, 0))),
        "ragged": (Signal(rows), rows),
        "no axes": (Signal(rows[:1], []), rows[:1]),
        "dask": (Signal(da.ones((2, 3))), np.ones((2, 3))),
        "masked": (Signal(np.ma.array([1, 2], mask=[False, True])), np.array([1, 2])),
        "text": (Signal(text), np.array(["µm".encode(), b"x"])),
    }
    path = folder / "file.hspy"
    made = signal({name: nested for name, (nested, _) in cases.items()})
    hspyio.save(path, made)
    same_signals(made, hspyio.load(path))
    for lazy in (False, True):
        [theirs] = rsciio.hspy.file_reader(path, lazy=lazy)
        for name, (nested, data) in cases.items():
            read = theirs["metadata"]["Node"][f"_sig_{name}"]
            same(data, computed(read["data"]))
            assert len(read["axes"]) == (1 if name == "scalar" else len(nested.axes))


def w13(folder: Path) -> None:
    rows = objects(np.array([1.0, 2.0]), np.array([[3.0]]), np.array([4.0]))
    cases: dict[str, tuple[Any, Any, bool]] = {
        "ragged": (da.from_array(rows, chunks=2), rows, False),
        "empty": (da.zeros((2, 0, 3)), np.zeros((2, 0, 3)), True),
        "scalar": (da.from_array(np.array(2.5)), np.array(2.5), True),
    }
    for name, (lazy, eager, readable) in cases.items():
        place = folder / name
        place.mkdir()
        made, loaded = signal({"v": lazy}, lazy), signal({"v": eager}, eager)
        reads = {"v": eager if eager.ndim else np.float64(2.5)}
        data = eager if eager.ndim else eager.reshape(1)
        check_held(place, made, reads, data=data, loaded=loaded, lazy=readable)


def w14(folder: Path) -> None:
    node: Tree = {
        1: "text",
        2.5: None,
        False: {"a": 1},
        None: [1, 2],
        (1, "b"): np.arange(3),
        "": {"x": 1},
    }
    reads = {
        "1": "text",
        "2.5": None,
        "False": {"a": np.int64(1)},
        "None": [1, 2],
        "(1, 'b')": np.arange(3),
        "key": {"x": np.int64(1)},
    }
    check_held(folder, signal(node), reads)


def w14_clash(folder: Path) -> None:
    node = {1: "number", "1": "text", "": np.arange(2), "key": 5}
    reads = {"1_2": "number", "1": "text", "key_2": np.arange(2), "key": np.int64(5)}
    check_held(folder, signal(node), reads)


def w15(folder: Path) -> None:
    node = {".": np.arange(3), "items": ["a\0b", "c", "d\0"]}
    check_held(folder, signal(node), {"key.": np.arange(3), "items": ["a\0b", "c", "d"]})


def w16(folder: Path) -> None:
    loop: Tree = {"a": 1}
    loop["self"] = loop
    items: list[Any] = [1]
    items.append(items)
    check_left_out(
        folder,
        signal({"loop": loop, "items": items}),
        "metadata.Node.loop.self",
        "metadata.Node.items[1]",
        left={"loop": {"a": 1}, "items": [1, None]},
        reads={"loop": {"a": np.int64(1)}, "items": [np.int64(1), None]},
    )


def w16_deep(folder: Path) -> None:
    node = nested(90)
    check_held(folder, signal(node), node)
    # The tree itself, metadata and Node are three of the 100 levels.
    place = "metadata.Node.deep" + ".a" * 98
    check_left_out(
        folder,
        signal({"deep": nested(1500), "kept": "x"}),
        place,
        left={"deep": nested(98), "kept": "x"},
        reads={"deep": nested(98), "kept": "x"},
    )


def nested(levels: int) -> Tree:
    """Dicts in dicts."""
    result: Tree = {}
    for _ in range(levels - 1):
        result = {"a": result}
    return result


def w17(folder: Path) -> None:
    groups = {".": "-", "..": "--", "a\0b": "ab", "\0": "__unnamed__", "a/b": "a-b"}
    for number, (title, group) in enumerate(groups.items()):
        saved, written = folder / f"{number}.hspy", folder / f"{number}w.hspy"
        made = signal({"v": "x"})
        made.title = title
        hspyio.save(saved, made)
        same_signals(made, hspyio.load(saved))
        hspyio.file_writer(written, exchange(made))
        for path in (saved, written):
            with h5py.File(path) as file:
                assert list(file["Experiments"]) == [group]
            check_read(path, {"v": "x"})
            [own] = hspyio.file_reader(path, exact_types=True)
            assert own["metadata"]["General"]["title"] == title


def w18(folder: Path) -> None:
    path = folder / "file.hspy"
    first, second = signal({"v": "first"}), signal({"v": "second"}, np.arange(6).reshape(2, 3))
    second.title = "Other"
    hspyio.file_writer(path, exchange(first), mode="a")  # there is no such file yet
    hspyio.file_writer(path, exchange(second), mode="a")
    for made in (first, second):
        same_signals(made, hspyio.load(path, name=made.title))
    again = signal({"w": "again"}, np.arange(7))  # of that title, in another shape
    hspyio.file_writer(path, exchange(again), mode="a")
    same_signals(again, hspyio.load(path, name="Row"))
    same_signals(second, hspyio.load(path, name="Other"))
    for lazy in (False, True):
        read = rsciio.hspy.file_reader(path, lazy=lazy)
        theirs = {item["metadata"]["General"]["title"]: item for item in read}
        assert set(theirs) == {"Row", "Other"}
        same(again.data, computed(theirs["Row"]["data"]))
        same({"w": "again"}, theirs["Row"]["metadata"]["Node"])
        same(second.data, computed(theirs["Other"]["data"]))


def w19(folder: Path) -> None:
    text, numbers = np.array(["a", "bc"]), np.array([1, 2])
    node = {"text first": objects(text, numbers), "numbers first": objects(numbers, text)}
    check_held(folder, signal(node), {key: list(value) for key, value in node.items()})
    check_data_refused(folder, signal({}, objects(text, numbers)))


ROWS = (
    Row("W1", "bytes of any content stand in an opaque attribute", w1),
    Row("W2", "bytes of any length are written: big attributes are stored densely", w2),
    Row("W3", "text with NUL is a fixed-length string; trailing NULs are hinted", w3),
    Row("W4", "a lone surrogate is U+FFFD for others, and hinted", w4),
    Row("W5", "numpy.str_ is text, and hinted", w5),
    Row("W6", "non-ASCII text arrays are UTF-8 strings of fixed length, read as text", w6),
    Row("W7", "a 0-d array is the scalar in it, and hinted", w7),
    Row("W8", "dates and durations are int64 arrays or text, and hinted", w8),
    Row("W9", "an array of any objects is a list, and hinted; an empty one is ragged", w9),
    Row("W10", "text and dates in structures are bytes and int64, objects are refused", w10),
    Row("W11", "empty arrays of any shape get chunks of h5py's guess", w11),
    Row("W12", "0-d data are stored as one value with one axis, and hinted", w12),
    Row("W12", "signals inside the trees may have such data too", w12_nested),
    Row("W13", "dask arrays of objects, without items or without dimensions are computed", w13),
    Row("W14", "a key that is no text stands as text, and is hinted", w14),
    Row("W14", "a key that stands as text gives way to a key that is text", w14_clash),
    Row("W15", "the key . gets a stand-in; lists of texts with NUL are item by item", w15),
    Row("W16", "what holds itself is named and refused, not recursed into", w16),
    Row("W16", "what is deeper than 100 levels is named and refused", w16_deep),
    Row("W17", "the group's name is made fit, the title stays what it is", w17),
    Row("W18", "mode='a' adds an experiment or replaces the one of that title", w18),
    Row("W19", "text and numbers in one array of objects are a list; as data refused", w19),
)
