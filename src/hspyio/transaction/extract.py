"""A new file out of an old one, with what stays copied as it is stored, chunk by chunk."""

from __future__ import annotations

import os
from collections.abc import Collection

import h5py

from hspyio import names
from hspyio.arrays.workers import Work
from hspyio.hdf5.output import Output
from hspyio.hdf5.snapshot import FileHandle
from hspyio.hdf5.sources import readable_name
from hspyio.hdf5.writer import write_group
from hspyio.nodes.node import Group, Kept
from hspyio.transaction.rebuild import copied_from, rebuild, take_over
from hspyio.transaction.replace import save_file

__all__ = ["extract_file", "rebuild_file"]


def extract_file(
    source: str,
    target: str,
    experiments: Collection[str],
    models: Collection[str],
    work: Work,
    *,
    root: Group,
    durable: bool,
    overwrite: bool,
) -> None:
    """Copy some experiments of a file, with some of its models, into a file of their own.

    Parameters
    ----------
    source, target : str
        The old file and the new one.
    experiments, models : collection of str
        Names of groups. Attributes of the file and of their parents are copied too.
    work : Work
        How arrays are written.
    root : Group
        What is written first, in the place of what stands so in the old file.
    durable : bool
        Whether to wait until the file is on the disk.
    overwrite : bool
        Whether a file may be replaced.

    Raises
    ------
    SaveError
        If writing fails; what was there is untouched.
    """
    holders = {names.EXPERIMENTS: experiments, f"{names.ANALYSIS}/{names.MODELS}": models}

    def fill(new: h5py.Group, output: Output) -> None:
        with FileHandle(os.path.realpath(source)).open() as old:
            keep = copied_from(old)
            write_group(new, root, output)
            take_over(old, new, keep, skip=set(map(readable_name, old)))
            for holder, chosen in holders.items():
                if not chosen:
                    continue
                # The order of the file, whatever order they were asked for in.
                listed = map(readable_name, old[holder])
                kept = {name: Kept(f"/{holder}/{name}") for name in listed if name in chosen}
                made = new.create_group(holder, track_order=holder == names.EXPERIMENTS)
                write_group(made, Group({}, kept), output, keep=keep)
                take_over(old[holder], made, keep, skip=set(map(readable_name, old[holder])))

    save_file(target, fill, work, durable=durable, overwrite=overwrite)


def rebuild_file(
    source: str,
    target: str,
    root: Group,
    work: Work,
    *,
    replaced: Collection[str],
    durable: bool,
    overwrite: bool,
) -> None:
    """Write a file anew elsewhere, with a new tree in the place of its experiments and models.

    Parameters
    ----------
    source, target : str
        The old file and the new one.
    root : Group
        Planned; `Kept` objects in it are copied from the old file, and so is what else stands in
        that.
    work : Work
        How arrays are written.
    replaced : collection of str
        The old experiments that are in the new tree.
    durable, overwrite : bool
        As for `extract_file`.

    Raises
    ------
    SaveError
        If writing fails; what was there is untouched.
    """

    def fill(new: h5py.Group, output: Output) -> None:
        with FileHandle(os.path.realpath(source)).open() as old:
            rebuild(new, old, root, output, copied_from(old), replaced)

    save_file(target, fill, work, durable=durable, overwrite=overwrite)
