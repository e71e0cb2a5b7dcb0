"""Axes that do not describe the data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from support.handmade import put, skeleton

Maker = Callable[[Path], None]

#: What stands for the size of an axis of three points.
SIZES: dict[str, Any] = {
    "negative": -5,
    "huge": 2**62,
    "beyond": np.uint64(2**64 - 1),
    "text": "abc",
    "none": "_None_",
    "broken": np.bytes_(b"\xff"),
    "fraction": 2.5,
    "nan": np.nan,
    "infinite": np.inf,
    "complex": 3j,
    "row": np.arange(3),
    "nothing": np.zeros(0),
    "null": h5py.Empty("i8"),
    "structure": np.zeros((), [("a", "i8")]),
    "other": 300,
}


def size(value: Any) -> Maker:
    """An axis of such a size."""
    return attribute("size", value)


def attribute(name: str, value: Any) -> Maker:
    """An axis with such an attribute, or without it."""

    def make(path: Path) -> None:
        with skeleton(path) as experiment:
            axis = experiment["axis-1"]
            if name in axis.attrs:
                del axis.attrs[name]
            if value is not None:
                axis.attrs[name] = value

    return make


def wrong_values(path: Path) -> None:
    """Every attribute of an axis of a wrong kind."""
    with skeleton(path) as experiment:
        axis = experiment["axis-1"]
        for name in ("offset", "scale", "navigate", "is_binned", "name", "units", "_type"):
            axis.attrs[name] = np.zeros((2, 2), "c16")


def wrong_points(path: Path) -> None:
    """Points that are a table, a text, too many."""
    with skeleton(path) as experiment:
        experiment["axis-0/axis"] = np.zeros((2, 2))
        experiment["axis-1/axis"] = np.zeros(7)
        experiment["axis-2"].attrs["axis"] = "text"


def formula(path: Path) -> None:
    """Formulas that are code, without end, of themselves."""
    with skeleton(path) as experiment:
        for index, text in enumerate(
            ("__import__('os')._exit(86)", "9**" * 1000 + "9", "(" * 5000)
        ):
            axis = experiment[f"axis-{index}"]
            axis.attrs["expression"] = text
            put(axis, "x", {"size": 2**62, "scale": 1.0, "offset": 0.0})


def inner_formulas(path: Path) -> None:
    """A formula of a formula of a formula."""
    with skeleton(path) as experiment:
        axis = experiment["axis-0"]
        for _ in range(500):
            axis.attrs["expression"] = "x"
            axis = axis.create_group("x")


def listed(path: Path) -> None:
    """Axes in a list that holds something else."""
    with skeleton(path, axes="list") as experiment:
        del experiment["_list_3_axes"]
        put(experiment, "_list_3_axes", {"0": 1, "1": "text", "9" * 300: {"size": -1}})


def missing(path: Path) -> None:
    """An experiment without one of its axes."""
    with skeleton(path) as experiment:
        del experiment["axis-1"]
