"""Change a file by writing it anew, with what stays copied as it is, chunk by chunk."""

from __future__ import annotations

import os

import h5py

from hspyio import names
from hspyio.node import Group
from hspyio.storage.atomic import save_file
from hspyio.storage.writer import write_group

__all__ = ["rewrite_file"]

_OWN = (names.EXPERIMENTS, names.ANALYSIS)


def rewrite_file(path: str, root: Group, *, durable: bool = True) -> None:
    """Put a new tree in the place of a file's experiments and models.

    What else stands in the file, attributes of ``Experiments`` included, is taken over.

    Parameters
    ----------
    path : str
        The file.
    root : Group
        Planned; `Kept` objects in it are copied from the old file.
    durable : bool
        Whether to wait until the file is on the disk.

    Raises
    ------
    SaveError
        If writing fails; the old file is untouched.
    """

    def fill(new: h5py.File) -> None:
        with h5py.File(os.path.realpath(path), "r") as old:
            _take_over(old, new)
            write_group(new, root, old=old)
            if names.EXPERIMENTS in old:
                for name in old[names.EXPERIMENTS].attrs:
                    _copy_attribute(old[names.EXPERIMENTS], new[names.EXPERIMENTS], name)

    save_file(path, fill, durable=durable)


def _take_over(old: h5py.File, new: h5py.File) -> None:
    for name in old.attrs:
        if name not in (names.FILE_FORMAT, names.FILE_FORMAT_VERSION):
            _copy_attribute(old, new, name)
    for name in old:
        if name not in _OWN and old.get(name, getlink=True).__class__ is h5py.HardLink:
            old.copy(name, new)


def _copy_attribute(old: h5py.Group, new: h5py.Group, name: str) -> None:
    attribute = old.attrs.get_id(name)
    new.attrs.create(name, old.attrs[name], shape=attribute.shape, dtype=attribute.dtype)
