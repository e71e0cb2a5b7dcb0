"""Save a file whole or not at all: write beside the target, then rename over it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hspyio.arrays.dask import store_graphs
from hspyio.arrays.workers import Workers
from hspyio.errors import (
    HspyError,
    MissingFileError,
    OptionError,
    SaveError,
    TargetExistsError,
    warn_user,
)
from hspyio.hdf5.format.index_link import put_chunks
from hspyio.hdf5.local_snapshot import LocalSnapshot
from hspyio.hdf5.writing.output import Output, session_of
from hspyio.system.calls import (
    NO_SUCH_FILE,
    RENAMES_OPEN_FILES,
    are_same_file,
    close,
    flush,
    is_same_file,
    move_over,
    move_to_new,
    open_to_overwrite,
    sync_folder,
    write_from,
)
from hspyio.system.interrupts import interrupt_behind
from hspyio.system.locks import protected
from hspyio.system.permissions import carry_over, make_public, permissions_of
from hspyio.transaction.changes import Changes
from hspyio.transaction.commit import NOT_SYNCED, overwrite_in_place
from hspyio.transaction.temporary import NoTemporaryError, Temporary, file_beside

__all__ = [
    "check_is_other",
    "check_target",
    "failed",
    "is_there",
    "no_room",
    "open_new",
    "put_in_place",
    "replace_file",
    "warn_of",
    "write_bytes",
]


def check_target(path: str, *, overwrite: bool) -> None:
    """Refuse a target that cannot be written, before anything is computed."""
    folder = os.path.dirname(os.path.realpath(path))
    mode, found = _mode_of(folder), _mode_of(path)
    if mode is None or not stat.S_ISDIR(mode):
        raise MissingFileError(f"there is no folder {folder}", path=path)
    if found is not None and stat.S_ISDIR(found):
        raise SaveError("is a folder; name a file in it", path=path)
    if found is not None and not stat.S_ISREG(found):
        raise SaveError("is a device or a pipe, which cannot be replaced by a file", path=path)
    if not overwrite and (found is not None or _mode_of(path, follow=False) is not None):
        raise TargetExistsError("exists; overwrite=True replaces it", path=path)
    if found is not None:
        _check_is_writable(path)


def is_there(path: str) -> bool:
    """Whether there is a file; a link is followed."""
    return _mode_of(path) is not None


def _mode_of(path: str, *, follow: bool = True) -> int | None:
    """Mode of what has a name, for links that lead nowhere too where none is followed."""
    try:
        return (os.stat if follow else os.lstat)(path).st_mode
    except ValueError:  # no such name can be
        return None
    except OSError as error:
        if error.errno in NO_SUCH_FILE:
            return None
        raise SaveError(
            f"could not be written, what was there is untouched: {error.strerror}", path=path
        ) from None


def check_is_other(source: str, target: str) -> None:
    """Refuse to put what is made of a file into its place, whatever name leads there."""
    inside = os.path.join(os.path.realpath(target), "")
    if are_same_file(source, target) or os.path.realpath(source).startswith(inside):
        raise OptionError(f"is or holds the file that is read, {source}; name another", path=target)


def _check_is_writable(path: str) -> None:
    """A folder lets us replace what is write-protected; whoever protected it did not mean that."""
    try:
        close(open_to_overwrite(path))
    except OSError as error:
        raise protected(error, path) from None


def replace_file(
    target: str,
    changes: Changes,
    source: LocalSnapshot | None,
    workers: Workers,
    *,
    durable: bool,
    overwrite: bool = True,
) -> None:
    """Write a new file beside a target that is locked, and put it in the place of the old one."""
    folder = os.path.dirname(target)
    notes: list[str] = []
    placed = False
    try:
        try:
            with file_beside(target) as made:
                with Output(os.dup(made.descriptor), workers, folder) as output:
                    with open_new(output, changes, source, durable=durable) as said:
                        store_graphs(output.graphs, workers)
                    notes += said
                notes += put_in_place(made, target, overwrite=overwrite)
                placed = True
            notes += filter(None, [made.left])
        except NoTemporaryError as error:
            notes += _replace_in_place(target, changes, source, workers, error, durable=durable)
            durable = False
        if durable and not sync_folder(folder):
            notes.append(NOT_SYNCED)
    except HspyError as error:
        error.path = error.path or target
        raise
    except Exception as error:  # a dask array's own tasks may raise anything
        if (interrupt := interrupt_behind(error)) is not None:
            raise interrupt from None
        raise failed(error, target, notes, placed=placed) from None
    warn_of(notes, target)


@contextmanager
def open_new(
    output: Output, changes: Changes, source: LocalSnapshot | None, *, durable: bool
) -> Iterator[list[str]]:
    """Write a whole file; within this the `graphs` of the output are stored.

    Yields what is to be said of it, which is known at the end.
    """
    notes: list[str] = []
    output.puts_chunks = not changes.seals  # which are made of what was written
    try:
        with session_of(output, "w") as file, changes.begun(file, output, source):
            yield notes
    except SaveError:  # which says what happened, here or in a file beside it
        raise
    except Exception:
        output.check()  # what HDF5 says afterwards is not the cause
        raise
    output.check()
    if output.moved:
        put_chunks(output.fileno(), output.moved)
    if durable and not output.sync():
        notes.append(NOT_SYNCED)


def failed(error: Exception, target: str, notes: Sequence[str] = (), *, placed: bool) -> HspyError:
    """What is known after a failure; `notes` are what else would have been warned of."""
    reason = "; ".join([str(error), *getattr(error, "__notes__", ()), *notes])
    if placed:
        return SaveError(
            "is written and stands in its place, but the disk did not confirm its name "
            f"({reason}): a power cut now could bring the old state back. Save again",
            path=target,
        )
    if isinstance(error, FileExistsError):
        return TargetExistsError(
            "was made by another program or thread just now; overwrite=True replaces it",
            path=target,
        )
    return SaveError(f"could not be written, what was there is untouched: {reason}", path=target)


def _replace_in_place(
    target: str,
    changes: Changes,
    source: LocalSnapshot | None,
    workers: Workers,
    error: NoTemporaryError,
    *,
    durable: bool,
) -> list[str]:
    """A file in a folder where none can be made: its root is switched to the new content."""
    refused = error.errno in (errno.EACCES, errno.EPERM) and os.path.exists(target)
    notes = None
    if refused:
        notes = overwrite_in_place(target, changes, source, workers, durable=durable)
    if notes is None:
        raise no_room(error, target) from None
    return notes


def no_room(error: NoTemporaryError, target: str) -> SaveError:
    """The error that says that a folder lets nobody make a file."""
    return SaveError(
        "could not be written, what was there is untouched: no file can be made in "
        f"{os.path.dirname(target)} ({error.strerror}); save it in another folder, or make this "
        "one writable",
        path=target,
    )


def put_in_place(made: Temporary, target: str, *, overwrite: bool) -> tuple[str, ...]:
    """Give a finished file or folder the target's name, and what a file has beside its content."""
    notes: list[str] = []
    old = permissions_of(target) or made.old
    if old is None:
        make_public(made.path, made.descriptor, made.mode)
    else:
        if lost := carry_over(old, made.path, made.descriptor):
            notes.append(f"{', '.join(lost)} could not be kept, as the system did not allow it")
        if old.names > 1:
            notes.append("the other names of the old file (hard links) still lead to the old one")
    if not RENAMES_OPEN_FILES:
        made.close()
    try:
        (move_over if overwrite else move_to_new)(made.path, target)
    except OSError:
        # Network file systems repeat what was done already, and then report that it failed.
        if made.descriptor < 0 or not is_same_file(target, made.descriptor):
            raise
    return tuple(notes)


def write_bytes(target: str, content: bytes) -> None:
    """Write a small file, which may replace one, whole or not at all."""
    try:
        with file_beside(target) as made:
            write_from(made.descriptor, [memoryview(content)], 0)
            flush(made.descriptor)
            notes = put_in_place(made, target, overwrite=True)
        notes = (*notes, *filter(None, [made.left]))
    except HspyError:
        raise
    except NoTemporaryError as error:
        raise no_room(error, target) from None
    except OSError as error:
        raise failed(error, target, placed=False) from None
    warn_of(notes, target)


def warn_of(notes: Sequence[str], target: str) -> None:
    """One warning for all that is not as it was, when the new file stands."""
    if notes:
        message = f"{target}: is written, but {'; '.join(dict.fromkeys(notes))}"
        warn_user(message)
