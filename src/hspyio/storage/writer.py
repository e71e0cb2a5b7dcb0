"""Nodes -> HDF5 file."""

from __future__ import annotations

import h5py
import numpy as np
from h5py import h5a, h5o, h5s, h5t

from hspyio.node import Array, Attribute, Group, Kept, Text
from hspyio.storage.array_writer import write_array
from hspyio.storage.types import to_h5py

__all__ = ["LIBVER", "write_group"]

LIBVER = ("v108", "latest")
"""What HDF5 1.8 reads: smaller groups, checksums on metadata, attributes over 64 KiB."""


def write_group(target: h5py.Group, group: Group, *, old: h5py.File | None = None) -> None:
    """Write attributes and members of a group into one that exists.

    Parameters
    ----------
    target : h5py.Group
        Where to.
    group : Group
        What; planned.
    old : h5py.File, optional
        The file that `Kept` objects are copied from, raw.
    """
    for name, attribute in group.attributes.items():
        if isinstance(attribute, Attribute):
            _write_attribute(target, name, attribute)
    for name, node in group.members.items():
        if isinstance(node, Group):
            made = target.create_group(name, track_order=node.ordered or None)
            write_group(made, node, old=old)
        elif isinstance(node, Array):
            write_array(target, name, node)
        elif isinstance(node, Kept) and old is not None:
            h5o.copy(old.id, node.where.encode(), target.id, name.encode())


def _write_attribute(target: h5py.Group, name: str, attribute: Attribute) -> None:
    dtype = to_h5py(attribute.type)
    value = attribute.value
    if isinstance(attribute.type, Text):
        values = np.empty(np.shape(value), dtype)
        values[...] = value
    else:
        values = np.asarray(value)
    space = h5s.create_simple(values.shape) if values.shape else h5s.create(h5s.SCALAR)
    kind = h5t.py_create(dtype, logical=True)
    handle = h5a.create(target.id, name.encode(), kind, space)
    if values.size:
        handle.write(np.ascontiguousarray(values).reshape(values.shape), mtype=h5t.py_create(dtype))
