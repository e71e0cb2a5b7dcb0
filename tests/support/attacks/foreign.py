"""Files that want another file to be opened: the canary, which lies beside them.

A canary is a text, or a FIFO: whoever opens that for reading waits for ever.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import h5py
from h5py import h5d, h5p, h5s, h5t

from hspyio.names import CURRENT_VERSION
from support.attacks.tools import patched
from support.handmade import DATA, put_axes, put_signal, skeleton

CANARY = "canary.h5"
SECRET = b"the content of another file "


def put_canary(path: Path) -> Path:
    """Another file, beside the attack."""
    canary = path.with_name(CANARY)
    with h5py.File(canary, "w", userblock_size=512) as file:
        put_signal(file, "stolen")
    with open(canary, "r+b") as stream:
        stream.write(SECRET)
    return canary


def put_fifo(path: Path) -> Path:
    """Something that must not even be opened."""
    canary = path.with_name(CANARY)
    os.mkfifo(canary)
    return canary


def linked_experiment(path: Path) -> None:
    """An experiment that is an external link, beside a good one."""
    put_canary(path)
    with skeleton(path) as experiment:
        experiment.parent["Linked"] = h5py.ExternalLink(CANARY, "/")


def linked_fifo(path: Path) -> None:
    """The same to a FIFO."""
    put_fifo(path)
    with skeleton(path) as experiment:
        experiment.parent["Linked"] = h5py.ExternalLink(CANARY, "/")


def linked_data(path: Path) -> None:
    """Data that are an external link."""
    put_canary(path)
    with skeleton(path) as experiment:
        del experiment["data"]
        experiment["data"] = h5py.ExternalLink(CANARY, "/data")


def linked_node(path: Path) -> None:
    """A soft link in the metadata that leads through an external link."""
    put_canary(path)
    with skeleton(path) as experiment:
        experiment["away"] = h5py.ExternalLink(CANARY, "/")
        experiment["metadata/node"] = h5py.SoftLink(f"{experiment.name}/away/metadata")


def slashed_name(path: Path) -> None:
    """A member whose name, ``away/data``, is a path through an external link."""
    put_canary(path)
    with skeleton(path) as experiment:
        experiment["metadata/away"] = h5py.ExternalLink(CANARY, "/")
        experiment["metadata/away-metadata"] = experiment["metadata"]
    patched(path, b"away-metadata", b"away/metadata")


def storage(name: Callable[[Path], str], *, fifo: bool = False) -> Callable[[Path], None]:
    """Data, and an array in the metadata, whose bytes stand in the canary."""

    def make(path: Path) -> None:
        (put_fifo if fifo else put_canary)(path)
        with skeleton(path, data=None, shape=DATA.shape) as experiment:
            where = [(name(path), 0, DATA.nbytes)]
            experiment.create_dataset("data", DATA.shape, DATA.dtype, external=where)
            experiment["metadata"].create_dataset("array", (8,), "S1", external=where)
            put_signal(experiment.parent.create_group("Zgood"), "Zgood")

    return make


def absolute(path: Path) -> str:
    return str(path.with_name(CANARY))


def upwards(path: Path) -> str:
    return f"../{path.parent.name}/{CANARY}"


def virtual(path: Path) -> None:
    """Data, and an array in the metadata, that are made up of another file's."""
    put_canary(path)
    layout = h5py.VirtualLayout(DATA.shape, DATA.dtype)
    layout[...] = h5py.VirtualSource(CANARY, "data", DATA.shape)
    with skeleton(path, data=None, shape=DATA.shape) as experiment:
        experiment.create_virtual_dataset("data", layout)
        experiment["metadata"].create_virtual_dataset("array", layout)
        put_signal(experiment.parent.create_group("Zgood"), "Zgood")


def endless_virtual(path: Path) -> None:
    """Virtual data without a limit: to tell their shape, HDF5 opens the other file."""
    put_canary(path)
    with skeleton(path, data=None, shape=DATA.shape) as experiment:
        limits = (h5s.UNLIMITED, *DATA.shape[1:])
        creation = h5p.create(h5p.DATASET_CREATE)
        spaces = [h5s.create_simple(DATA.shape, limits) for _ in range(2)]
        for space in spaces:
            space.select_hyperslab((0, 0, 0), (1, 1, 1), None, (h5s.UNLIMITED, *DATA.shape[1:]))
        creation.set_virtual(spaces[0], CANARY.encode(), b"data", spaces[1])
        kind = h5t.py_create(DATA.dtype)
        space = h5s.create_simple(DATA.shape, limits)
        h5d.create(experiment.id, b"data", kind, space, creation)
        h5d.create(experiment["metadata"].id, b"array", kind, space, creation)
        put_signal(experiment.parent.create_group("Zgood"), "Zgood")


def plain_axes(experiment: h5py.Group, rank: int) -> None:
    """Axes of a few points, whatever the data."""
    put_axes(experiment, (1,) * rank, form="groups", era=float(CURRENT_VERSION), signal_dimension=1)
