"""Trees with links, objects that are no values, and a part that cannot be read."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from support.handmade.tools import GARBAGE, VECTOR, put, skeleton


def working_soft_link(path: Path) -> None:
    """A soft link inside the tree that leads to an array."""
    with skeleton(path) as experiment:
        put(experiment["original_metadata"], "array", VECTOR)
        experiment["metadata/array"] = h5py.SoftLink(f"{experiment.name}/original_metadata/array")


def dangling_soft_link(path: Path) -> None:
    """A soft link inside the tree that leads nowhere."""
    with skeleton(path) as experiment:
        experiment["metadata/link"] = h5py.SoftLink("/nowhere")


def dangling_experiment(path: Path) -> None:
    """A soft link among the experiments that leads nowhere."""
    with skeleton(path) as experiment:
        experiment.parent["Lost"] = h5py.SoftLink("/nowhere")


def dangling_member(path: Path) -> None:
    """A dangling soft link beside the data, where readers do not look."""
    with skeleton(path) as experiment:
        experiment["link"] = h5py.SoftLink("/nowhere")


def looped_group(path: Path) -> None:
    """A group of the tree that contains itself."""
    with skeleton(path) as experiment:
        experiment["metadata/General/loop"] = experiment["metadata"]


def committed_datatype(path: Path) -> None:
    """A datatype that stands in the tree under a name."""
    with skeleton(path) as experiment:
        experiment["metadata/kind"] = np.dtype("f8")


def null_dataset(path: Path) -> None:
    """A dataset in the tree that has a type but no space."""
    with skeleton(path) as experiment:
        experiment["metadata/null"] = h5py.Empty("f8")


def empty_attribute(path: Path) -> None:
    """Attributes in the tree that have a type but no space."""
    with skeleton(path) as experiment:
        put(experiment["metadata"], "number", h5py.Empty("f8"))
        put(experiment["metadata"], "text", h5py.Empty("S4"))


def reference_attribute(path: Path) -> None:
    """An attribute in the tree that refers to the data."""
    with skeleton(path) as experiment:
        experiment["metadata"].attrs["reference"] = experiment["data"].ref


def bad_metadata_chunk(path: Path) -> None:
    """A compressed metadata array whose only chunk is garbage, beside a good one."""
    with skeleton(path) as experiment:
        node = experiment["metadata"].create_group("node")
        put(node, "good", VECTOR)
        bad = node.create_dataset("bad", data=VECTOR, chunks=(4,), compression="gzip")
        bad.id.write_direct_chunk((0,), GARBAGE)
