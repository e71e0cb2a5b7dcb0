"""Save a file whole or not at all: write beside the target, then rename over it."""

from __future__ import annotations

import os
import secrets
import signal
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from types import FrameType

import h5py

from hspyio.errors import HspyError, MissingFileError, SaveError, TargetExistsError
from hspyio.storage.graphs import store_graphs
from hspyio.storage.interrupts import deferred, interrupt_behind
from hspyio.storage.locks import (
    LockUnsupportedError,
    exclude_writers,
    kept_from_writers,
    locked,
    unlock,
)
from hspyio.storage.output import Output
from hspyio.storage.system import (
    RENAMES_OPEN_FILES,
    create_new,
    is_same_file,
    keep_permissions,
    move_over,
    move_to_new,
    open_for_writing,
    sync_folder,
)
from hspyio.storage.work import Work
from hspyio.storage.writer import LIBVER

__all__ = ["check_target", "created", "replace_file", "save_file"]

_SUFFIX = ".hspyio-tmp"
_LONGEST_NAME = 200
_MOST_ENTRIES = 10_000
"""How much of a folder is searched for leftovers: a few milliseconds' worth."""


def check_target(path: str, *, overwrite: bool) -> None:
    """Refuse a target that cannot be written, before anything is computed.

    Raises
    ------
    TargetExistsError
        If it exists and must not be replaced.
    MissingFileError
        If its folder does not exist.
    SaveError
        If it is a folder, a device or a pipe.
    """
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise MissingFileError(f"there is no folder {folder}", path=path)
    if os.path.isdir(path):
        raise SaveError("is a folder", path=path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise SaveError("is a device or a pipe, which cannot be replaced by a file", path=path)
    if os.path.lexists(path) and not overwrite:
        raise TargetExistsError("exists; overwrite=True replaces it", path=path)


def save_file(
    path: str,
    fill: Callable[[h5py.File, Output], None],
    work: Work,
    *,
    durable: bool,
    overwrite: bool = True,
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
    overwrite : bool
        Whether a file may be replaced, should one have appeared since `check_target`.
    finish : callable, optional
        What comes last, when all arrays are in the file.

    Raises
    ------
    SaveError
        If writing fails; the old file is untouched.
    FileLockedError
        If another program is writing the file; it is untouched.
    TargetExistsError
        If there is a file that must not be replaced.
    """
    target = os.path.realpath(path)
    if not overwrite or not os.path.exists(target):
        replace_file(target, fill, work, durable=durable, overwrite=overwrite, finish=finish)
        return
    with kept_from_writers(target, change=False):
        replace_file(target, fill, work, durable=durable, finish=finish)


def replace_file(
    target: str,
    fill: Callable[[h5py.File, Output], None],
    work: Work,
    *,
    durable: bool,
    overwrite: bool = True,
    finish: Callable[[h5py.File, Output], None] | None = None,
) -> None:
    """`save_file` for a target that is locked already."""
    folder = os.path.dirname(target)
    try:
        _sweep(folder)
        with _beside(target) as (temporary, descriptor):
            with (
                Output(os.dup(descriptor), work) as output,
                _written(output, durable=durable, finish=finish) as file,
            ):
                fill(file, output)
            keep_permissions(target, temporary)
            if not RENAMES_OPEN_FILES:
                os.close(descriptor)
            (move_over if overwrite else move_to_new)(temporary, target)
        if durable:
            sync_folder(folder)
    except HspyError:
        raise
    except FileExistsError as error:
        raise TargetExistsError(
            "was made by another program just now; overwrite=True replaces it", path=target
        ) from error
    except Exception as error:  # a dask array's own tasks may raise anything
        if (interrupt := interrupt_behind(error)) is not None:
            raise interrupt from None
        raise SaveError(
            f"could not be written, what was there is untouched: {error}", path=target
        ) from error


@contextmanager
def created(path: str, work: Work, *, durable: bool = False) -> Iterator[tuple[h5py.File, Output]]:
    """Make a file that does not exist; at the end it is complete, dask arrays computed.

    Parameters
    ----------
    path : str
        The file.
    work : Work
        How arrays are written.
    durable : bool
        Whether to wait until the file is on the disk.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with Output(create_new(path), work) as output, _written(output, durable=durable) as file:
        yield file, output


@contextmanager
def _written(
    output: Output,
    *,
    durable: bool,
    finish: Callable[[h5py.File, Output], None] | None = None,
) -> Iterator[h5py.File]:
    try:
        with h5py.File(output, "w", libver=LIBVER) as file:
            yield file
            store_graphs(output.graphs, output.work)
            if finish is not None:
                finish(file, output)
    except Exception:
        output.check()  # what HDF5 says afterwards is not the cause
        raise
    output.check()
    if durable:
        output.sync()


# the file beside the target: locked while it is written, so that what a kill leaves is known


@contextmanager
def _beside(target: str) -> Iterator[tuple[str, int]]:
    """A new file in the target's folder, gone at the end unless it has been renamed."""
    made = _Temporary()
    with _removed_if_terminated(made):
        try:
            with deferred():  # else it may be made, and not known
                made.path, made.descriptor = _claimed(target)
            yield made.path, made.descriptor
        finally:
            made.close()


@dataclass(slots=True)
class _Temporary:
    """The file beside the target, as soon as there is one."""

    path: str = ""
    descriptor: int = -1

    def remove(self) -> None:
        """Unlink it, unless it was renamed: the name may be another's afterwards."""
        with suppress(OSError):
            if self.path and is_same_file(self.path, self.descriptor):
                os.unlink(self.path)

    def close(self) -> None:
        """Remove it while it is locked, where an open file can be removed."""
        if not self.path:
            return
        if RENAMES_OPEN_FILES:
            self.remove()
            unlock(self.descriptor)
            os.close(self.descriptor)
        else:
            with suppress(OSError):
                os.close(self.descriptor)
            with suppress(OSError):
                os.unlink(self.path)


def _claimed(target: str) -> tuple[str, int]:
    """Make and lock the file that everyone who writes this target would make.

    Raises
    ------
    FileLockedError
        If somebody is writing it.
    """
    path = _temporary_name(target)
    while True:
        try:
            descriptor = create_new(path)
        except FileExistsError:
            try:
                holder = _remove_leftover(path)
            except OSError:  # whether it is one cannot be told
                path = _temporary_name(target, secrets.token_hex(4))
                continue
            if holder is not None:
                raise locked(target, holder) from None
            continue
        if _holds(descriptor, path):
            return path, descriptor
        os.close(descriptor)


def _temporary_name(target: str, token: str = "") -> str:
    folder, name = os.path.split(target)
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f"{zlib.crc32(os.fsencode(name)):08x}"
    return os.path.join(folder, f".{name}{token and '.'}{token}{_SUFFIX}")


def _holds(descriptor: int, path: str) -> bool:
    """Lock a new file, unless somebody has taken it for a leftover in the meantime."""
    try:
        if exclude_writers(descriptor) is not None:
            return False
    except LockUnsupportedError:
        return True
    return is_same_file(path, descriptor)


def _remove_leftover(path: str) -> int | None:
    """Remove what a kill has left; the process that is still writing it, if one is.

    Raises
    ------
    OSError
        If that cannot be told, or it cannot be removed.
    """
    try:
        descriptor = open_for_writing(path)
    except FileNotFoundError:
        return None
    try:
        holder = exclude_writers(descriptor)
        if holder is None and is_same_file(path, descriptor):
            os.unlink(path)
        return holder
    finally:
        os.close(descriptor)


def _sweep(folder: str) -> None:
    """Remove leftovers of other targets."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in islice(entries, _MOST_ENTRIES):
            if entry.name.startswith(".") and entry.name.endswith(_SUFFIX):
                with suppress(OSError):
                    _remove_leftover(entry.path)


@contextmanager
def _removed_if_terminated(made: _Temporary) -> Iterator[None]:
    """Remove a file before the process ends on SIGTERM, as it does by default.

    A program with a handler of its own is left alone, and so are all threads but the main one,
    which alone is told of signals.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield
        return
    process = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        if os.getpid() == process:  # not in a forked child
            made.remove()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is end:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
