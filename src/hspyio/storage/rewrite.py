"""Change a file by writing it anew, with what stays copied as it is, chunk by chunk."""

from __future__ import annotations

import os
from collections.abc import Collection, Container, Mapping

import h5py
from h5py import h5o

from hspyio import names
from hspyio.node import Array, Group, Kept
from hspyio.storage.atomic import save_file
from hspyio.storage.output import Output
from hspyio.storage.work import Work
from hspyio.storage.writer import write_group

__all__ = ["repack_file", "rewrite_file"]


def rewrite_file(
    path: str, root: Group, work: Work, *, replaced: Collection[str] = (), durable: bool = True
) -> None:
    """Put a new tree in the place of a file's experiments and models.

    What else stands in the file is taken over.

    Parameters
    ----------
    path : str
        The file.
    root : Group
        Planned; `Kept` objects in it are copied from the old file.
    work : Work
        How arrays are written.
    replaced : collection of str
        The old experiments that are in the new tree, or are to go.
    durable : bool
        Whether to wait until the file is on the disk.

    Raises
    ------
    SaveError
        If writing fails; the old file is untouched.
    """

    def fill(new: h5py.File, output: Output) -> None:
        with h5py.File(os.path.realpath(path), "r") as old:
            write_group(new, root, output, old=old)
            _take_over(old, new, skip=(names.EXPERIMENTS, names.ANALYSIS))
            for name, handled in ((names.EXPERIMENTS, replaced), (names.ANALYSIS, (names.MODELS,))):
                beside = old.get(name)
                if isinstance(beside, h5py.Group) and (beside.attrs or set(beside) - set(handled)):
                    _take_over(beside, new.require_group(name), skip=handled)

    save_file(path, fill, work, durable=durable)


def repack_file(
    source: str, target: str, arrays: Mapping[str, Array], work: Work, *, durable: bool
) -> None:
    """Copy a file, with the data of its experiments written anew.

    Parameters
    ----------
    source, target : str
        The old file and the new one.
    arrays : mapping
        Planned data by the name of the experiment; those of others are copied as they are.
    work : Work
        How arrays are written.
    durable : bool
        Whether to wait until the file is on the disk.

    Raises
    ------
    SaveError
        If writing fails; what was there is untouched.
    """

    def fill(new: h5py.File, output: Output) -> None:
        with h5py.File(os.path.realpath(source), "r") as old:
            _take_over(old, new, skip=(names.EXPERIMENTS,))
            holder = old.get(names.EXPERIMENTS)
            if not isinstance(holder, h5py.Group):
                return
            nodes: dict[str, Group | Kept] = {
                name: Group({}, {names.DATA: arrays[name]})
                if name in arrays
                else Kept(f"/{names.EXPERIMENTS}/{name}")
                for name in holder
            }
            tree = Group({}, {names.EXPERIMENTS: Group({}, nodes, ordered=_is_ordered(holder))})
            write_group(new, tree, output, old=old)
            made = new[names.EXPERIMENTS]
            _take_over(holder, made, skip=())
            for name in arrays:
                _take_over(holder[name], made[name], skip=())

    save_file(target, fill, work, durable=durable)


def _is_ordered(group: h5py.Group) -> bool:
    return bool(group.id.get_create_plist().get_link_creation_order())


def _take_over(old: h5py.Group, new: h5py.Group, *, skip: Container[str]) -> None:
    """Copy attributes, members and links that the new group has not got."""
    for name in old.attrs:
        if name not in new.attrs:
            _copy_attribute(old, new, name)
    for name in old:
        if name in skip or name in new:
            continue
        link = old.get(name, getlink=True)
        if isinstance(link, h5py.HardLink):
            h5o.copy(old.id, name.encode(), new.id, name.encode())
        else:
            new[name] = link


def _copy_attribute(old: h5py.Group, new: h5py.Group, name: str) -> None:
    attribute = old.attrs.get_id(name)
    new.attrs.create(name, old.attrs[name], shape=attribute.shape, dtype=attribute.dtype)
