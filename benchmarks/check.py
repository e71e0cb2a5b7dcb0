"""Read a file with h5py alone and compare every element with what was saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from benchmarks.exchange import TITLE, Dataset


def differences(path: Path, dataset: Dataset) -> list[str]:
    """What differs, as places inside the file; empty if all is equal."""
    with h5py.File(path) as file:
        experiment = file[f"Experiments/{TITLE}"]
        same = _same_ragged if dataset.ragged else _same_array
        found = [] if same(experiment, dataset.data) else ["data"]
        if dataset.original_metadata:
            tree = experiment["original_metadata"]
            found += _differing_leaves(tree, dataset.original_metadata, "original_metadata")
        return found


def count(dataset: Dataset) -> int:
    """How many values `differences` compares."""

    def leaves(tree: Any) -> int:
        if isinstance(tree, Mapping):
            return sum(map(leaves, tree.values()))
        return len(tree) if isinstance(tree, list) else 1

    data = sum(item.size for item in dataset.data.flat) if dataset.ragged else dataset.data.size
    return int(data) + leaves(dataset.original_metadata)


def _same_array(experiment: h5py.Group, data: NDArray[Any]) -> bool:
    stored = experiment["data"]
    alike = stored.shape == data.shape and stored.dtype == data.dtype
    return alike and np.array_equal(stored[...], data)


def _same_ragged(experiment: h5py.Group, data: NDArray[Any]) -> bool:
    """Each item is flat in the file, its shape stands in a second dataset."""
    stored, shapes = experiment["data"][...], experiment["_ragged_shapes_data"][...]
    return stored.shape == data.shape and all(
        np.array_equal(stored[i].reshape(shapes[i]), data[i]) and stored[i].dtype == data[i].dtype
        for i in np.ndindex(data.shape)
    )


def _differing_leaves(group: h5py.Group, tree: Mapping[str, Any], where: str) -> Iterator[str]:
    attributes = dict(group.attrs)
    for key, value in tree.items():
        place = f"{where}/{key}"
        if isinstance(value, dict):
            yield from _differing_leaves(group[key], value, place)
        elif isinstance(value, list):
            if not _same_list(group, key, value):
                yield place
        elif key not in attributes or not _same_leaf(attributes[key], value):
            yield place


def _same_leaf(stored: Any, value: Any) -> bool:
    """The format writes None as a text."""
    value = "_None_" if value is None else value
    return bool((stored.decode() if isinstance(stored, bytes) else stored) == value)


def _same_list(group: h5py.Group, key: str, value: list[Any]) -> bool:
    """A list of one kind is a dataset; a mixed one is a group of numbered attributes."""
    if (name := f"_list_{key}") in group:
        stored = group[name][...].tolist()
    elif (name := f"_list_{len(value)}_{key}") in group:
        items = dict(group[name].attrs)
        stored = [items[name] for name in sorted(items, key=int)]
    else:
        return False
    return len(stored) == len(value) and all(map(_same_leaf, stored, value))
