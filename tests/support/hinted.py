"""Values that need type hints, files that hold them, and whether a hint outlived its value."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

import numpy as np

import hspyio
from hspyio import Signal
from hspyio.compare import value_differences

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


def write(path: Path, node: Tree) -> None:
    metadata = {"General": {"title": "Hints"}, "Node": node}
    hspyio.save(path, Signal(np.arange(3.0), metadata=metadata), overwrite=True, durable=False)


def ours(path: Path) -> Any:
    return hspyio.load(path).metadata.Node.as_dictionary()


def theirs(path: Path) -> Tree:
    import rsciio.hspy

    [signal] = rsciio.hspy.file_reader(path)
    node: Tree = signal["metadata"]["Node"]
    return node


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
