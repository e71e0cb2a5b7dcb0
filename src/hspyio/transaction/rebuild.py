"""A new tree beside an old one: what is new is written, what stays is copied or linked."""

from __future__ import annotations

from collections.abc import Collection, Container
from typing import Any

import h5py
import numpy as np
from h5py import h5l, h5o, h5r

from hspyio import names
from hspyio.hdf5.output import Output
from hspyio.hdf5.sources import readable_name, stored_name
from hspyio.hdf5.writer import Keep, write_group
from hspyio.nodes.node import Group, Kept

__all__ = ["copied_from", "held_in", "linked_in", "rebuild", "take_over", "take_over_attributes"]


def copied_from(old: h5py.File) -> Keep:
    """What stays is copied from another file, raw."""

    def keep(target: h5py.h5g.GroupID, name: bytes, where: bytes) -> None:
        h5o.copy(old.id, where, target, name)

    return keep


def linked_in(old: h5py.File) -> Keep:
    """What stays is linked to; the file is the same."""

    def keep(target: h5py.h5g.GroupID, name: bytes, where: bytes) -> None:
        target.links.create_hard(name, old.id, where)

    return keep


def rebuild(
    new: h5py.Group,
    old: h5py.File,
    root: Group,
    output: Output,
    keep: Keep,
    replaced: Collection[str],
) -> None:
    """Write a tree of experiments and models; take over what else stands in the old file.

    Parameters
    ----------
    new : h5py.Group
        The new root, empty.
    old : h5py.File
        The old file, for reading.
    root : Group
        Planned.
    output : Output
        The new file.
    keep : callable
        How an old object gets into the new tree.
    replaced : collection of str
        The old experiments that are in the new tree, or are to go.
    """

    def take_over_rest() -> None:
        take_over(old, new, keep, skip=(names.EXPERIMENTS, names.ANALYSIS))
        for name, handled in ((names.EXPERIMENTS, replaced), (names.ANALYSIS, (names.MODELS,))):
            beside = held_in(old, name)
            if isinstance(beside, h5py.Group) and (
                beside.attrs or set(map(readable_name, beside)) - set(handled)
            ):
                take_over(beside, new.require_group(name), keep, skip=handled)
        _keep_attributes(old, new, root)

    write_group(new, root, output, keep=keep, beside=take_over_rest)


def _keep_attributes(old: h5py.File, new: h5py.Group, root: Group) -> None:
    """Copy what stands on experiments and is to stay there, of whatever type it is."""
    holder = root.members.get(names.EXPERIMENTS)
    for name, node in holder.members.items() if isinstance(holder, Group) else ():
        for key, kept in node.attributes.items() if isinstance(node, Group) else ():
            if isinstance(kept, Kept):
                made = new[names.EXPERIMENTS][stored_name(name)]
                _copy_attribute(old[stored_name(kept.where)], made, key)


def held_in(group: h5py.Group, name: str) -> object:
    """What is in a group, ``None`` if nothing is; what cannot be opened raises: it is there."""
    return group[name] if group.get(name, getlink=True) is not None else None


def take_over(old: h5py.Group, new: h5py.Group, keep: Keep, *, skip: Container[str]) -> None:
    """Put attributes, members and links into a new group that it has not got."""
    take_over_attributes(old, new)
    place = stored_name(old.name).rstrip(b"/")
    for name in map(stored_name, old):
        if readable_name(name) in skip or new.id.links.exists(name):
            continue
        if old.id.links.get_info(name).type == h5l.TYPE_HARD:
            keep(new.id, name, b"/".join([place, name]))
        else:
            _copy_link(old.id.links, new.id.links, name)


def _copy_link(old: h5l.LinkProxy, new: h5l.LinkProxy, name: bytes) -> None:
    """h5py's own way stumbles over a name that is no text."""
    target = old.get_val(name)
    if old.get_info(name).type == h5l.TYPE_SOFT:
        new.create_soft(name, target)
    else:
        new.create_external(name, *target)


def take_over_attributes(old: h5py.HLObject, new: h5py.HLObject) -> None:
    """Put attributes beside a new object that it has not got."""
    for name in old.attrs:
        if name not in new.attrs:
            _copy_attribute(old, new, name)


def _copy_attribute(old: h5py.HLObject, new: h5py.HLObject, name: str) -> None:
    attribute = old.attrs.get_id(name)
    values = old.attrs[name]
    base = h5py.check_vlen_dtype(attribute.dtype) or attribute.dtype
    if h5py.check_ref_dtype(base) is h5py.Reference and old.file != new.file:
        values = _led_to(values, old.file, new.file)
    new.attrs.create(name, values, shape=attribute.shape, dtype=attribute.dtype)


def _led_to(values: Any, old: h5py.File, new: h5py.File) -> Any:
    """References to what has the same path in a new file; those to what is not there are empty."""
    if isinstance(values, h5py.Reference):
        where = h5r.get_name(values, old.id) if values else None
        there = where is not None and where in new
        return new[where].ref if there else h5py.Reference()
    made = np.empty(np.shape(values), object)
    for place in np.ndindex(*made.shape):
        made[place] = _led_to(values[place], old, new)
    return made
