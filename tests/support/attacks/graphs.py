"""Files whose links make a small file look endless."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from support.handmade import put_signal, skeleton

LEVELS = 30
DEEP = 10_000


def soft_loop(path: Path) -> None:
    """Two soft links that lead to each other."""
    with skeleton(path) as experiment:
        node = experiment["metadata"]
        node["a"] = h5py.SoftLink(f"{node.name}/b")
        node["b"] = h5py.SoftLink(f"{node.name}/a")


def dangling(path: Path) -> None:
    """A soft link to nothing."""
    with skeleton(path) as experiment:
        experiment["metadata/gone"] = h5py.SoftLink("/nowhere/at/all")


def soft_explosion(path: Path) -> None:
    """Soft links each of which goes a hundred times through the next one."""
    with skeleton(path) as experiment:
        node = experiment["metadata"]
        node["link0"] = h5py.SoftLink(".")
        for level in range(1, 15):
            node[f"link{level}"] = h5py.SoftLink("/".join([f"link{level - 1}"] * 100))


def long_soft_link(path: Path) -> None:
    """Soft links through thousands of steps."""
    with skeleton(path) as experiment:
        node = experiment["metadata"]
        for index in range(50):
            node[f"link{index}"] = h5py.SoftLink(node.name + "/." * 15_000)


def itself(path: Path) -> None:
    """A group that is a member of itself, and of what is in it."""
    with skeleton(path) as experiment:
        node = experiment["metadata"].create_group("node")
        node["self"] = node
        node["up"] = experiment


def doubled(path: Path) -> None:
    """Thirty groups, each with two links to the next: 2**30 paths."""
    with skeleton(path) as experiment:
        group = experiment["metadata"]
        for _ in range(LEVELS):
            following = group.create_group("a")
            group["b"] = following
            following.attrs["value"] = 1
            group = following


def doubled_experiments(path: Path) -> None:
    """A thousand names for one experiment."""
    with skeleton(path) as experiment:
        experiment.create_dataset("metadata/array", data=np.zeros(2**20), compression=9)
        for index in range(1000):
            experiment.parent[f"name {index:04}"] = experiment


def many_names(path: Path) -> None:
    """Data of 23 MB in as many kB, under hundreds of names."""
    with skeleton(path) as experiment:
        node = experiment["metadata"]
        size = 23 * 2**20
        node.create_dataset("array", data=np.zeros(size, "u1"), chunks=(size,), compression=9)
        for index in range(300):
            node[f"name {index:03}"] = node["array"]


def nested(path: Path) -> None:
    """Ten thousand groups within each other."""
    with skeleton(path) as experiment:
        deepest = experiment["metadata"].id
        for _ in range(DEEP):
            deepest = h5py.h5g.create(deepest, b"g")
        h5py.Group(deepest).attrs["value"] = 1


def nested_experiment(path: Path) -> None:
    """The same as lists in tuples in lists."""
    with skeleton(path) as experiment:
        deepest = experiment["metadata"].id
        for index in range(DEEP):
            name = (b"_list_1_g", b"_tuple_1_g")[index % 2]
            deepest = h5py.h5g.create(deepest, name)


def shared(path: Path) -> None:
    """No attack: two experiments with one array, and one tree, between them."""
    with skeleton(path) as experiment:
        other = experiment.parent.create_group("Other")
        put_signal(other, "Other", data=None, shape=experiment["data"].shape)
        other["data"] = experiment["data"]
        del other["original_metadata"]
        other["original_metadata"] = experiment["original_metadata"]
        experiment["original_metadata"].attrs["note"] = "shared"
