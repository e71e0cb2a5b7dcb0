"""The root group of a file, read by our reader, and by HDF5 as the oracle."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hspyio.arrays.workers import Workers
from hspyio.hdf5.h5py_reader import opened_by_hdf5, root_of
from hspyio.hdf5.limits import Budget
from hspyio.hdf5.reader import open_file
from hspyio.hdf5.snapshot import FileHandle, being_read
from hspyio.nodes.node import Group
from hspyio.schema.policy import HSPY


@contextmanager
def open_root(
    path: str | os.PathLike[str],
    *,
    handle: FileHandle | None = None,
    **options: Any,
) -> Iterator[Group]:
    """Open a file as `hspyio.load` does."""
    with open_file(path if handle is None else handle, HSPY, **options) as root:
        yield root


@contextmanager
def open_by_hdf5(
    path: str | os.PathLike[str],
    *,
    allow_external: bool = False,
    workers: Workers | None = None,
    budget: Budget | None = None,
) -> Iterator[Group]:
    """Open a file by HDF5's library."""
    file, session = opened_by_hdf5(
        os.fspath(path),
        None,
        allow_external=allow_external,
        workers=workers or Workers(),
        budget=budget,
    )
    try:
        with being_read(file):
            yield root_of(file, session)
    finally:
        session.end()
