"""A file read by our reader and by h5py, compared: values, names, and how arrays are stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from hspyio.hdf5.dataset import stored_bytes
from hspyio.nodes.node import Array, Group
from support import oracles
from support.root import open_root


def differences(path: Path, **options: Any) -> list[str]:
    """Where what our reader makes of a file is not what HDF5 makes of it."""
    ours = oracles.by_us(path, **options)
    asked = [name for name, value in ours.items() if "allow_external" in str(value)]
    theirs = oracles.by_h5py(path)
    for name in asked:
        del ours[name], theirs[name]
    found = oracles.differences(ours, theirs)
    with open_root(path, **options) as root, h5py.File(path) as file:
        return [*found, *_of_layouts(root, file, "")]


def _of_layouts(group: Group, file: h5py.File, where: str) -> Iterator[str]:
    for name, node in group.members.items():
        below = f"{where}/{name}"
        if isinstance(node, Group):
            yield from _of_layouts(node, file, below)
        elif isinstance(node, Array) and not node.inline:  # else it is its values
            dataset = file[below.encode("utf-8", "surrogateescape")]
            for what, (mine, theirs) in _facts(node, dataset).items():
                if mine != theirs:
                    yield f"{below}: {what} {mine}, not {theirs}"


def _facts(node: Array, dataset: h5py.Dataset) -> dict[str, tuple[Any, Any]]:
    inner = dataset.id.dtype.subdtype
    chunks = None if inner else dataset.chunks
    creation = dataset.id.get_create_plist()
    filters = [creation.get_filter(index) for index in range(creation.get_nfilters())]
    here = not dataset.external and not dataset.is_virtual
    stored = dataset.id.get_storage_size() if here else stored_bytes(node)
    return {
        "chunks": (node.chunks, chunks),
        "filters": (
            [(step.id, step.options) for step in node.filters],
            [(number, options) for number, _, options, _ in filters],
        ),
        "stored bytes": (stored_bytes(node), stored),
    }
