"""Axes in every form, and axes that don't fit."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from support.handmade.tools import VECTOR, Tree, put, skeleton


def replace_axis(experiment: h5py.Group, index: int, axis: Tree) -> None:
    """Put another axis in the place of one."""
    del experiment[f"axis-{index}"]
    put(experiment, f"axis-{index}", axis)


def axis_dataset(path: Path) -> None:
    """A signal axis that is a vector, stored as a dataset."""
    with skeleton(path) as experiment:
        axis: Tree = {"_type": "DataAxis", "name": "E", "units": "eV", "axis": VECTOR}
        replace_axis(experiment, 2, axis | {"navigate": False, "is_binned": True})


def axis_attribute(path: Path) -> None:
    """A signal axis that is a vector, stored as an attribute."""
    with skeleton(path) as experiment:
        replace_axis(experiment, 2, {"name": "E", "units": "eV", "navigate": False})
        experiment["axis-2"].attrs["axis"] = VECTOR


def axis_list(path: Path) -> None:
    """A signal axis that is a vector, stored as the list `_list_axis`."""
    with skeleton(path) as experiment:
        axis: Tree = {"name": "E", "units": "eV", "navigate": False, "_list_axis": VECTOR}
        replace_axis(experiment, 2, axis)


def functional_axis(path: Path) -> None:
    """Two axes that are functions: of a uniform axis, and of a vector."""
    common: Tree = {"_type": "FunctionalDataAxis", "units": "nm", "is_binned": False}
    uniform: Tree = {"_type": "UniformDataAxis", "size": 4, "offset": 1.0, "scale": 0.5}
    vector: Tree = {"_type": "DataAxis", "axis": VECTOR[:2]}
    hyperbola: Tree = {"expression": "a / (x + 1) + b", "a": 100.0, "b": 10, "x": uniform}
    square: Tree = {"expression": "x**power", "power": 2, "x": vector}
    for nested in (uniform, vector):
        nested.update(name="_None_", units="_None_", navigate=False, is_binned=False)
    with skeleton(path) as experiment:
        replace_axis(experiment, 0, {**common, **square, "name": "q", "size": 2, "navigate": True})
        replace_axis(
            experiment, 2, {**common, **hyperbola, "name": "w", "size": 4, "navigate": False}
        )


def bare_axes(path: Path) -> None:
    """Axes of version 1.3 with neither name nor units nor navigate."""
    with skeleton(path, version="1.3") as experiment:
        for index in range(3):
            attributes = experiment[f"axis-{index}"].attrs
            del attributes["name"], attributes["units"]


def undefined_axes(path: Path) -> None:
    """Names and units that are `_None_`, and some that are empty."""
    with skeleton(path) as experiment:
        put(experiment, "axis-0", {"name": "_None_", "units": "_None_"})
        put(experiment, "axis-1", {"name": "", "units": ""})


def indexed_axes(path: Path) -> None:
    """Axes with `index_in_array`, as version 1.0 had it, in fixed ASCII."""
    with skeleton(path, version=None, file_format=None) as experiment:
        for index in range(3):
            axis: Tree = {
                "index_in_array": index,
                "name": np.bytes_(b"E"),
                "units": np.bytes_(b"m"),
            }
            put(experiment, f"axis-{index}", axis)


def listed_axes(path: Path) -> None:
    """No groups `axis-<i>`, but a list `_list_3_axes`."""
    with skeleton(path, axes="list"):
        pass


def twelve_listed_axes(path: Path) -> None:
    """Twelve axes in a list whose keys, sorted as text, stand in the wrong order."""
    with skeleton(path, data=np.zeros((1,) * 10 + (2, 3)), axes="list"):
        pass


def surplus_axes(path: Path) -> None:
    """An axis group more than the data have dimensions."""
    with skeleton(path) as experiment:
        put(experiment, "axis-3", {"name": "none", "size": 9, "offset": 0.0, "scale": 1.0})


def wrong_axis_size(path: Path) -> None:
    """An axis whose size is not that of the data."""
    with skeleton(path) as experiment:
        experiment["axis-1"].attrs["size"] = 300
