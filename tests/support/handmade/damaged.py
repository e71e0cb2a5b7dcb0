"""Experiments that lost a part, and files of another kind."""

from __future__ import annotations

from pathlib import Path

import h5py

from hspyio.names import CURRENT_VERSION
from support.handmade.tools import DATA, put, put_signal, skeleton
from support.handmade.versions import minimal


def experiment_without_metadata(path: Path) -> None:
    """An experiment that lost its metadata, before a good one."""
    with skeleton(path) as experiment:
        damaged = experiment.parent.create_group("Damaged")
        put_signal(damaged, "Damaged")
        del damaged["metadata"]


def experiment_without_axes(path: Path) -> None:
    """An experiment that lost its axes, before a good one."""
    with skeleton(path) as experiment:
        put_signal(experiment.parent.create_group("Damaged"), "Damaged", axes="none")


def experiment_without_one_axis(path: Path) -> None:
    """An experiment that lost the second of its axes, before a good one."""
    with skeleton(path) as experiment:
        damaged = experiment.parent.create_group("Damaged")
        put_signal(damaged, "Damaged")
        del damaged["axis-1"]


def data_is_a_group(path: Path) -> None:
    """An experiment whose member `data` is a group, before a good one."""
    with skeleton(path) as experiment:
        damaged = experiment.parent.create_group("Damaged")
        put_signal(damaged, "Damaged", data=None, shape=DATA.shape)
        damaged.create_group("data")


def plain_hdf5(path: Path) -> None:
    """HDF5, but of another kind."""
    with h5py.File(path, "w") as file:
        put(file, "entry", {"data": DATA})


def no_experiment(path: Path) -> None:
    """A file with root attributes and Experiments, but none in there."""
    with h5py.File(path, "w") as file:
        file.attrs.update({"file_format": "HyperSpy", "file_format_version": CURRENT_VERSION})
        file.create_group("Experiments")


def text_file(path: Path) -> None:
    """A text under the name of an HDF5 file."""
    path.write_text("energy,counts\n1,2\n", encoding="utf-8")


def empty_file(path: Path) -> None:
    """A file of no bytes."""
    path.write_bytes(b"")


def truncated_file(path: Path) -> None:
    """The first half of a valid file."""
    minimal(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
