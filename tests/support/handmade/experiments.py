"""Files of several experiments, and of none; their titles and packages."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from hspyio.names import CURRENT_VERSION
from support.handmade.tools import DATA, put, put_signal, skeleton


def several_experiments(path: Path) -> None:
    """Four experiments that differ in rank, dtype, title and signal dimension."""
    with skeleton(path, title="HAADF", data=DATA[..., 0], signal_dimension=2) as experiment:
        parent = experiment.parent
        put_signal(parent.create_group("EDS"), "EDS")
        put_signal(parent.create_group("a-b"), "a/b", data=np.linspace(0, 1, 5))
        put_signal(parent.create_group("__unnamed__"), "", data=DATA.astype(">f4"))


def repeated_titles(path: Path) -> None:
    """Two experiments under different group names, with the same title."""
    with skeleton(path, title="Twin") as experiment:
        put_signal(experiment.parent.create_group("Twin 2"), "Twin", data=DATA + 1)


def experiments_in_creation_order(path: Path) -> None:
    """Experiments whose group keeps the order of creation: "b" before "a"."""
    with h5py.File(path, "w") as file:
        file.attrs["file_format_version"] = CURRENT_VERSION
        parent = file.create_group("Experiments", track_order=True)
        for name in ("b", "a"):
            put_signal(parent.create_group(name), name)


def experiment_without_data(path: Path) -> None:
    """An experiment group without data beside a good one, and a stray dataset."""
    with skeleton(path) as experiment:
        put(experiment.parent, "Empty", {"metadata": {"General": {"title": "Empty"}}})
        put(experiment.parent, "stray", np.arange(3))


def package_without_version(path: Path) -> None:
    """A `package` attribute that no `package_version` goes with."""
    with skeleton(path) as experiment:
        experiment.attrs["package"] = "exspy"


def unnamed_title(path: Path) -> None:
    """Version 1.1 with the title "__unnamed__", which stands for none."""
    with skeleton(path, version="1.1", title="__unnamed__"):
        pass
