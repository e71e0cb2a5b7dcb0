"""A file -> its root group: read without HDF5 where that goes, else by it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from hspyio.arrays.workers import Work
from hspyio.hdf5.limits import Budget
from hspyio.hdf5.reader import opened_directly
from hspyio.hdf5.snapshot import FileHandle, being_read, handle_of
from hspyio.nodes.node import Group

__all__ = ["open_root"]


@contextmanager
def open_root(
    path: str | os.PathLike[str],
    *,
    allow_external: bool = False,
    work: Work | None = None,
    budget: Budget | None = None,
    handle: FileHandle | None = None,
    directly: bool = False,
) -> Iterator[Group]:
    """Open a file and give its root group; its arrays can be read within the ``with`` block.

    Parameters
    ----------
    path : path-like
        The file.
    allow_external : bool
        Whether external links, external storage and virtual datasets are followed.
    work : Work, optional
        How arrays are read; on this thread by default.
    budget : Budget, optional
        The memory that arrays may take; what there is by default.
    handle : FileHandle, optional
        The state of the file that is to be read; it is closed at the end.
    directly : bool
        Whether what is usual is read without HDF5, which takes longer to start and to ask than
        a small file to read. The nodes are the same.

    Raises
    ------
    MissingFileError
        If there is no such file.
    NotHspyError
        If it is no HDF5 file.
    DamagedFileError
        If HDF5 cannot open it.
    """
    text = os.fspath(path)
    work = work or Work()
    if directly and not allow_external:
        held = handle or handle_of(text)
        with opened_directly(held, work, budget or Budget()) as root:
            if root is not None:
                yield root
                return
        if handle is None:
            held.close()
    from hspyio.hdf5.h5py_reader import opened_by_hdf5, root_of

    file, session = opened_by_hdf5(
        text, handle, allow_external=allow_external, work=work, budget=budget
    )
    try:
        with being_read(file):
            yield root_of(file, session)
    finally:
        session.end()
