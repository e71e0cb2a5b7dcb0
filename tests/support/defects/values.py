"""C1 to C15: values that RosettaSciIO's writer corrupts or loses without a word."""

from __future__ import annotations

import enum
import tracemalloc
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

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
    exchange,
    objects,
    same,
    same_signals,
    signal,
)

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
    node = {
        "mixed": [None, *map(str, range(11))],
        "dicts": [{"text": str(n)} for n in range(12)],
        "lists": [[n, n] for n in range(120)],
        "tuples": tuple(("x", None) if n % 2 else ("y",) for n in range(12)),
        "_hspy_AxesManager_axes": [{"name": str(n), "units": "nm"} for n in range(12)],
    }
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
    components = [{"active": True, "name": f"component {n}"} for n in range(12)]
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
        "range": range(0, 30_000, 3),
        "endless": range(10**15),
        "bytearray": bytearray(b"\1\0") * 50_000,
        "void": np.void(b"\1\0" * 50_000),
    }
    reads = {
        "range": np.arange(0, 30_000, 3),
        "endless": "range(0, 1000000000000000, 1)",
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
    structured = np.ma.array([(1, 2.0)], [("a", "i4"), ("b", "f8")], mask=[(False, True)])
    arrays = {"masked": masked, "hard": hard, "plain": np.ma.array([1]), "struct": structured}
    node = {**arrays, "list": [masked, "x"], "scalar": np.ma.array(5, mask=True)}
    reads: Tree = {key: value.data for key, value in arrays.items()}
    reads |= {"list": [masked.data, "x"], "scalar": np.int64(5)}
    check_held(folder, signal(node, masked), reads, data=masked.data, ours=node)
    check_left_out(
        folder,
        signal({"bad": np.ma.array([None, 1], object, mask=[True, False]), "kept": "x"}),
        "metadata.Node.bad",
        left={"kept": "x"},
        reads={"kept": "x"},
    )


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
    Row("C10", "big attributes are written; a range of over 10,000 numbers is text", c10),
    Row("C11", "the text _None_ is hinted", c11),
    Row("C12", "numbers stand in one type that holds all exactly, else item by item", c12),
    Row("C13", "mixed lists are texts, as documented, and hinted", c13),
    Row("C14", "texts of variable length are written without a fixed-width array", c14),
    Row("C15", "the mask is stored beside the trees", c15),
)
