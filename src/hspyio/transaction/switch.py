"""Change the tree of a file: by a switch of its root, or by writing the file anew."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection

import h5py

from hspyio.arrays.workers import Work
from hspyio.errors import SaveError
from hspyio.hdf5.format.superblock import read_superblock
from hspyio.hdf5.output import Output
from hspyio.hdf5.snapshot import DescriptorFile
from hspyio.nodes.node import Group
from hspyio.transaction.rebuild import linked_in, rebuild
from hspyio.transaction.replace import warn_of
from hspyio.transaction.rewrite import rewrite_file
from hspyio.transaction.root_switch import RootSwitch
from hspyio.transaction.unchanged import mismatch

__all__ = ["change_file"]


def change_file(
    path: str,
    descriptor: int,
    root: Group,
    work: Work,
    *,
    replaced: Collection[str] = (),
    durable: bool = True,
    finish: Callable[[h5py.Group, Output], None] | None = None,
) -> None:
    """Put a new tree in the place of a file's experiments and models.

    What else stands in the file stays. The root is switched where the file allows it; else the
    file is written anew, as files are with superblock version 1, a user block, or a file-space
    strategy other than HDF5's default.

    Parameters
    ----------
    path : str
        The file; links have been followed.
    descriptor : int
        The same, open for writing; the caller keeps other writers out.
    root : Group
        Planned; `Kept` objects in it are those of the old file.
    work : Work
        How arrays are written.
    replaced : collection of str
        The old experiments that are in the new tree, or are to go.
    durable : bool
        Whether to wait until the change is on the disk.
    finish : callable, optional
        What comes last, when all arrays are in the file; is given the new root.

    Raises
    ------
    SaveError
        If writing fails; it says which state the file is in: as it was, but for a disk that
        fails in the last step.
    """

    def write(session: h5py.File, new: h5py.Group, output: Output) -> None:
        with DescriptorFile(os.dup(descriptor)) as raw, raw.blamed(), h5py.File(raw, "r") as old:
            rebuild(new, old, root, output, linked_in(session), replaced)

    try:
        block = read_superblock(descriptor)
    except OSError as error:
        raise SaveError(f"could not be changed, it is as it was: {error}", path=path) from None
    if block is not None:
        notes: list[str] = []
        change = RootSwitch(path, descriptor, block, work, durable=durable, notes=notes)
        if change.made(write, finish, lambda found: not mismatch(root, found)):
            warn_of(notes, path)
            return
    rewrite_file(path, root, work, replaced=replaced, durable=durable, finish=finish)
