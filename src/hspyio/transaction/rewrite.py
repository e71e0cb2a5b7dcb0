"""Change a file by writing it anew, with what stays copied as it is, chunk by chunk."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping

import h5py

from hspyio import names
from hspyio.arrays.workers import Work
from hspyio.hdf5.output import Output
from hspyio.hdf5.snapshot import FileHandle
from hspyio.hdf5.sources import readable_name, stored_name
from hspyio.hdf5.writer import write_group
from hspyio.nodes.node import Array, Group, Kept
from hspyio.transaction.rebuild import (
    copied_from,
    held_in,
    rebuild,
    take_over,
    take_over_attributes,
)
from hspyio.transaction.replace import replace_file

__all__ = ["repack_file", "rewrite_file"]


def rewrite_file(
    path: str,
    root: Group,
    work: Work,
    *,
    replaced: Collection[str] = (),
    durable: bool = True,
    finish: Callable[[h5py.Group, Output], None] | None = None,
) -> None:
    """Put a new tree in the place of a file's experiments and models.

    What else stands in the file is taken over. The caller keeps other writers out.

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
    finish : callable, optional
        What comes last, when all arrays are in the file.

    Raises
    ------
    SaveError
        If writing fails; the old file is untouched.
    """
    target = os.path.realpath(path)

    def fill(new: h5py.Group, output: Output) -> None:
        with FileHandle(target).open() as old:
            rebuild(new, old, root, output, copied_from(old), replaced)

    replace_file(target, fill, work, durable=durable, finish=finish)


def repack_file(
    source: FileHandle,
    target: str,
    arrays: Mapping[str, Array],
    work: Work,
    *,
    durable: bool,
    overwrite: bool,
    finish: Callable[[h5py.Group, Output], None] | None = None,
) -> None:
    """Copy a file, with the data of its experiments written anew.

    The caller keeps other writers out of a file that is replaced.

    Parameters
    ----------
    source : FileHandle
        The old file, as it was when the arrays were found in it.
    target : str
        The new one.
    arrays : mapping
        Planned data by the name of the experiment; those of others are copied as they are.
    work : Work
        How arrays are written.
    durable : bool
        Whether to wait until the file is on the disk.
    overwrite : bool
        Whether a file may be replaced.
    finish : callable, optional
        What comes last, when all arrays are in the file.

    Raises
    ------
    SaveError
        If writing fails; what was there is untouched.
    """

    def fill(new: h5py.Group, output: Output) -> None:
        with source.open() as old:
            keep = copied_from(old)
            take_over(old, new, keep, skip=(names.EXPERIMENTS,))
            holder = held_in(old, names.EXPERIMENTS)
            if not isinstance(holder, h5py.Group):
                return
            nodes: dict[str, Group | Kept] = {
                name: Group({}, {names.DATA: arrays[name]})
                if name in arrays
                else Kept(f"/{names.EXPERIMENTS}/{name}")
                for name in map(readable_name, holder)
            }
            tree = Group({}, {names.EXPERIMENTS: Group({}, nodes, ordered=_is_ordered(holder))})

            def take_over_rest() -> None:
                made = new[names.EXPERIMENTS]
                take_over(holder, made, keep, skip=())
                for name in arrays:
                    before, after = holder[stored_name(name)], made[stored_name(name)]
                    take_over(before, after, keep, skip=())
                    take_over_attributes(before[names.DATA], after[names.DATA])

            write_group(new, tree, output, keep=keep, beside=take_over_rest)

    path = os.path.realpath(target)
    replace_file(path, fill, work, durable=durable, overwrite=overwrite, finish=finish)


def _is_ordered(group: h5py.Group) -> bool:
    return bool(group.id.get_create_plist().get_link_creation_order())
