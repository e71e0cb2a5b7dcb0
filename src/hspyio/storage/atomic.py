"""Save a file whole or not at all: write beside the target, then rename over it."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import h5py

from hspyio.errors import HspyError, MissingFileError, SaveError, TargetExistsError
from hspyio.storage.graphs import store_graphs
from hspyio.storage.output import Output
from hspyio.storage.work import Work
from hspyio.storage.writer import LIBVER

__all__ = ["check_target", "created", "save_file"]

_SUFFIX = ".hspyio-tmp"


def check_target(path: str, *, overwrite: bool) -> None:
    """Refuse a target that cannot be written, before anything is computed.

    Raises
    ------
    TargetExistsError
        If it exists and must not be replaced.
    MissingFileError
        If its folder does not exist.
    SaveError
        If it is a folder.
    """
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise MissingFileError(f"there is no folder {folder}", path=path)
    if os.path.isdir(path):
        raise SaveError("is a folder", path=path)
    if os.path.lexists(path) and not overwrite:
        raise TargetExistsError("exists; overwrite=True replaces it", path=path)


def save_file(
    path: str,
    fill: Callable[[h5py.File, Output], None],
    work: Work,
    *,
    durable: bool,
    finish: Callable[[h5py.File, Output], None] | None = None,
) -> None:
    """Write a new file and put it in the place of the old one.

    Parameters
    ----------
    path : str
        The target; a symbolic link is followed.
    fill : callable
        Writes into the open file.
    work : Work
        How arrays are written.
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
    temporary = os.path.join(os.path.dirname(target), f".{secrets.token_hex(8)}{_SUFFIX}")
    try:
        with created(temporary, work, durable=durable, finish=finish) as (file, output):
            fill(file, output)
        _keep_permissions(target, temporary)
        os.replace(temporary, target)
        if durable:
            with suppress(OSError):  # the file stands; not every file system flushes folders
                _sync_folder(os.path.dirname(target))
    except HspyError:
        raise
    except Exception as error:  # a dask array's own tasks may raise anything
        raise SaveError(
            f"could not be written, what was there is untouched: {error}", path=path
        ) from error
    finally:
        with suppress(OSError):
            os.unlink(temporary)


@contextmanager
def created(
    path: str,
    work: Work,
    *,
    durable: bool = False,
    finish: Callable[[h5py.File, Output], None] | None = None,
) -> Iterator[tuple[h5py.File, Output]]:
    """Make a file that does not exist; at the end it is complete, dask arrays computed.

    Parameters
    ----------
    path : str
        The file.
    work : Work
        How arrays are written.
    durable : bool
        Whether to wait until the file is on the disk.
    finish : callable, optional
        What comes last, when all arrays are in the file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    access = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with Output(os.open(path, access, 0o666), work) as output:
        with h5py.File(output, "w", libver=LIBVER) as file:
            yield file, output
            store_graphs(output.graphs, work)
            if finish is not None:
                finish(file, output)
        output.check()
        if durable:
            output.sync()


def _keep_permissions(target: str, temporary: str) -> None:
    if os.path.exists(target):
        os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
