"""Nodes that are read in two ways, compared, for the tests of what is read without HDF5."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hspyio.hdf5.dataset import stored_bytes
from hspyio.nodes.node import Array, Attribute, Damaged, Group
from support.root import open_by_hdf5, open_root


def differences(path: Path, **options: Any) -> list[str]:
    """Where what our reader makes of a file is not what HDF5 makes of it."""
    with open_root(path, **options) as ours, open_by_hdf5(path, **options) as other:
        return list(_of_groups(ours, other, ""))


def _of_groups(one: Group, other: Group, where: str) -> Iterator[str]:
    if list(one.attributes) != list(other.attributes):
        yield f"{where}: attributes {list(one.attributes)}, not {list(other.attributes)}"
        return
    for name, attribute in one.attributes.items():
        if not _same_attribute(attribute, other.attributes[name]):
            yield f"{where}@{name}: {attribute}, not {other.attributes[name]}"
    if list(one.members) != list(other.members):
        yield f"{where}: members {list(one.members)}, not {list(other.members)}"
        return
    for name, node in one.members.items():
        yield from _of_nodes(node, other.members[name], f"{where}/{name}")


def _of_nodes(one: Any, other: Any, where: str) -> Iterator[str]:
    if isinstance(one, Damaged) and isinstance(other, Damaged):
        return
    if type(one) is not type(other):
        yield f"{where}: {one}, not {other}"
    elif isinstance(one, Group):
        yield from _of_groups(one, other, where)
    else:
        yield from _of_arrays(one, other, where)


def _of_arrays(one: Array, other: Array, where: str) -> Iterator[str]:
    read = one.inline or other.inline  # what is read at once is its values
    stored = () if read else ("chunks", "filters", "maxshape")
    for name in ("type", "shape", "signal_dims", *stored):
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine != theirs:
            yield f"{where}: {name} {mine}, not {theirs}"
    if not read and stored_bytes(one) != stored_bytes(other):
        yield f"{where}: {stored_bytes(one)} bytes, not {stored_bytes(other)}"
    if not same_values(one.source.read(), other.source.read()):
        yield f"{where}: {one.source.read()!r}, not {other.source.read()!r}"


def _same_attribute(one: Attribute | Damaged, other: Attribute | Damaged) -> bool:
    if isinstance(one, Damaged) or isinstance(other, Damaged):
        return isinstance(one, Damaged) and isinstance(other, Damaged)
    return one.type == other.type and same_values(one.value, other.value)


def same_values(one: Any, other: Any) -> bool:
    """Same types, shapes and bytes."""
    if isinstance(one, bytes) or isinstance(other, bytes):
        return type(one) is type(other) and bool(one == other)
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return False
    if one.dtype == object:
        pairs = zip(one.ravel().tolist(), other.ravel().tolist(), strict=True)
        return all(same_values(a, b) for a, b in pairs)
    return one.tobytes() == other.tobytes() or bool(np.array_equal(one, other))
