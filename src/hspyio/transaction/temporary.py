"""Temporary files beside a target: names that nobody can foresee, and what a kill has left of them.

The name is a hidden one that ends in 16 random digits and a suffix. The file is locked as long as
it is written, so that what a kill leaves is known: it has such a name, is ours, and is not locked.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import signal
import stat
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from types import FrameType

from hspyio.errors import HspyError, SaveError
from hspyio.system.calls import (
    RENAMES_OPEN_FILES,
    close,
    create_new,
    may_stand,
    open_unless_special,
)
from hspyio.system.interrupts import deferred
from hspyio.system.locks import LockUnsupportedError, exclude_writers, locked, unlock
from hspyio.system.permissions import PRIVATE, Permissions, make_private, permissions_of

__all__ = ["NoTemporaryError", "Temporary", "file_beside", "folder_beside"]

_SUFFIX = ".hspyio-tmp"
_NAME = re.compile(r"(\..+)\.[0-9a-f]{16}" + re.escape(_SUFFIX), re.DOTALL)
_LOCK = "lock"
"""The file in a temporary folder that says whether somebody still writes there."""
_LONGEST_NAME = 200
_MOST_ENTRIES = 10_000
"""How much of a folder is searched for leftovers: a few milliseconds' worth."""
_MOST_TRIES = 20
_PAUSE = 0.005


class NoTemporaryError(OSError):
    """No file can be made in the target's folder."""


@dataclass(slots=True)
class Temporary:
    """A file or folder beside the target, as soon as there is one.

    Attributes
    ----------
    path : str
        Where it is.
    descriptor : int
        The file; of a folder the one in it that is locked.
    old : Permissions or None
        What the target had when this began.
    mode : int
        The permissions of a new file, which it gets at the end.
    folder : bool
        What it is.
    left : str
        What to say if it could not be removed, else ``""``.
    ended : bool
        Whether it has been removed, or was tried to.
    """

    path: str = ""
    descriptor: int = -1
    old: Permissions | None = None
    mode: int = 0
    folder: bool = False
    left: str = ""
    ended: bool = False

    def remove(self) -> None:
        """Remove it, unless it was renamed: nobody else can have had its name."""
        if not self.path:
            return
        try:
            if self.folder:
                _remove_folder(self.path)
                os.lstat(self.path)
                self._leave("something stands in it")
            else:
                os.unlink(self.path)
        except FileNotFoundError:
            self.left = ""
        except OSError as error:
            self._leave(error.strerror or str(error))

    def _leave(self, reason: str) -> None:
        name = os.path.basename(self.path)
        self.left = (
            f"the temporary {name} could not be removed ({reason}); the next save in its folder "
            "removes it"
        )

    def end(self) -> None:
        """Remove it while it is locked, where an open file can be removed."""
        if not self.path or self.ended:
            return
        self.ended = True
        if RENAMES_OPEN_FILES:
            self.remove()
        if self.descriptor >= 0:
            unlock(self.descriptor)
            self.close()
        if not RENAMES_OPEN_FILES:
            self.remove()

    def close(self) -> None:
        """Close the file, which on Windows cannot be renamed before."""
        descriptor, self.descriptor = self.descriptor, -1
        close(descriptor)


@contextmanager
def file_beside(target: str) -> Iterator[Temporary]:
    """A new file in the target's folder, private, gone at the end unless it has been renamed."""
    with _beside(target, folder=False) as made:
        yield made


@contextmanager
def folder_beside(target: str) -> Iterator[Temporary]:
    """A new folder beside the target, for libraries that write by names; nobody else gets in."""
    with _beside(target, folder=True) as made:
        yield made


@contextmanager
def _beside(target: str, *, folder: bool) -> Iterator[Temporary]:
    made = Temporary(folder=folder)
    with _removed_if_terminated(made):
        try:
            with deferred():  # else it may be made, and not known
                _claim(made, target)
            _check_is_alone(made, target)
            yield made
        except Exception as error:
            made.end()
            if made.left and isinstance(error, HspyError):
                error.message += f"; {made.left}"
            elif made.left:
                error.add_note(made.left)
            raise
        finally:
            made.end()


def _claim(made: Temporary, target: str) -> None:
    """Make it, and lock it."""
    made.old = permissions_of(target)
    if made.old is not None and _stays_in_place(os.path.dirname(target), made.old.owner):
        raise NoTemporaryError(errno.EPERM, "only its owner may replace a file there")
    for _ in range(_MOST_TRIES):
        path = _temporary_name(target)
        try:
            if made.folder:
                os.mkdir(path, 0o700)
                descriptor = create_new(os.path.join(path, _LOCK), PRIVATE)
            else:
                descriptor = create_new(path, PRIVATE if made.old else 0o666)
        except FileExistsError:
            continue
        except FileNotFoundError:  # swept between the two
            if made.folder and os.path.isdir(os.path.dirname(path)):
                continue
            raise
        except OSError as error:
            if made.folder:
                with suppress(OSError):
                    os.rmdir(path)
            raise NoTemporaryError(*error.args) from None
        if _holds(descriptor, path):
            made.path, made.descriptor = path, descriptor
            if not made.folder:
                made.mode = made.old.mode if made.old else make_private(path, descriptor)
            return
        close(descriptor)
    raise SaveError("no temporary file stays beside it, something removes each", path=target)


def _stays_in_place(folder: str, owner: int) -> bool:
    """Whether a folder is like ``/tmp``, where nobody replaces what is another's."""
    if not hasattr(os, "geteuid"):
        return False
    with suppress(OSError):
        found = os.stat(folder or os.curdir)
        mine = os.geteuid() in (0, owner, found.st_uid)
        return bool(found.st_mode & stat.S_ISVTX) and not mine
    return False


def _temporary_name(target: str) -> str:
    folder, name = os.path.split(target)
    return os.path.join(folder, f"{_stem(name)}.{secrets.token_hex(8)}{_SUFFIX}")


def _stem(name: str) -> str:
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f"{zlib.crc32(os.fsencode(name)):08x}"
    return f".{name}"


def _holds(descriptor: int, path: str) -> bool:
    """Lock a new file, unless somebody has taken it for a leftover in the meantime."""
    try:
        if exclude_writers(descriptor) is not None:
            return False
    except LockUnsupportedError:
        return True
    return may_stand(path)  # no other can have that name


# others, alive or dead


def _check_is_alone(made: Temporary, target: str) -> None:
    """Remove leftovers in the folder; refuse to write what somebody is writing.

    Of several who begin at once, one goes on: the others give up, and it waits for that.
    """
    for left in reversed(range(_MOST_TRIES)):
        rivals = _rivals(made.path, target)
        if not rivals:
            return
        first = all(made.path < path for path in rivals)
        if left == 0 or (not first and left < _MOST_TRIES - 1):
            raise locked(target, max(rivals.values()))
        time.sleep(_PAUSE)


def _rivals(own: str, target: str) -> dict[str, int]:
    """Sweep a folder; who else is writing the same target there: files and processes."""
    folder, name = os.path.split(target)
    stem, rivals = _stem(name), {}
    with suppress(OSError), os.scandir(folder or os.curdir) as entries:
        for entry in islice(entries, _MOST_ENTRIES):
            found = _NAME.fullmatch(entry.name)
            path = os.path.join(folder, entry.name)
            if found is None or path == own:
                continue
            with suppress(OSError):
                holder = _remove_leftover(entry, path)
                if holder is not None and found[1] == stem:
                    rivals[path] = holder
    return rivals


def _remove_leftover(entry: os.DirEntry[str], path: str) -> int | None:
    """Remove what a kill has left; the process that is still writing it, if one is.

    What is a link, a device, or somebody else's is left alone.
    """
    status = entry.stat(follow_symlinks=False)
    if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
        return None
    if stat.S_ISDIR(status.st_mode):
        return _remove_left_folder(path)
    if not stat.S_ISREG(status.st_mode):
        return None
    descriptor = open_unless_special(path)
    try:
        holder = exclude_writers(descriptor)
        if holder is None:
            os.unlink(path)
        return holder
    finally:
        close(descriptor)


def _remove_left_folder(path: str) -> int | None:
    try:
        descriptor = open_unless_special(os.path.join(path, _LOCK))
    except FileNotFoundError:
        os.rmdir(path)  # killed before there was anything in it; else this fails
        return None
    try:
        holder = exclude_writers(descriptor)
        if holder is None:
            _remove_folder(path)
        return holder
    finally:
        close(descriptor)


def _remove_folder(path: str) -> None:
    """Remove a temporary folder, its lock last, so that a kill leaves one that is known."""
    import shutil

    with suppress(OSError), os.scandir(path) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            elif entry.name != _LOCK:
                with suppress(OSError):
                    os.unlink(entry.path)
    with suppress(OSError):
        if os.listdir(path) == [_LOCK]:
            os.unlink(os.path.join(path, _LOCK))
        os.rmdir(path)


class _Remover:
    """The handler of SIGTERM while files are written; `before` is that of those begun earlier."""

    def __init__(self, made: Temporary, before: _Remover | None) -> None:
        self._made, self._before = made, before
        self._process = os.getpid()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() == self._process:  # not in a forked child
            self._made.remove()
        if self._before is not None:
            self._before(number, frame)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


@contextmanager
def _removed_if_terminated(made: Temporary) -> Iterator[None]:
    """Remove a file before the process ends on SIGTERM, as it does by default.

    A program with a handler of its own is left alone, and so are all threads but the main one,
    which alone is told of signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    others = before if isinstance(before, _Remover) else None
    if others is None and before is not signal.SIG_DFL:
        yield
        return
    end = _Remover(made, others)
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is end:
            signal.signal(signal.SIGTERM, before)
