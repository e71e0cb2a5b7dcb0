"""Locks: writers exclude each other, and no reader.

Two locks stand on the file itself, so that no lock file is left anywhere. One is ours, on a byte
far beyond the end. The other is HDF5's own, taken as its readers take it: it keeps out programs
that would write by HDF5, and tells whether one is writing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hspyio.errors import FileLockedError, MissingFileError, SaveError, warn_user
from hspyio.system.calls import (
    SEEK_LOCK,
    close,
    is_same_file,
    open_for_reading,
    open_for_writing,
    open_to_overwrite,
)

__all__ = [
    "LockUnsupportedError",
    "exclude_writers",
    "hdf5_writer",
    "kept_from_writers",
    "locked",
    "locked_by_hdf5",
    "protected",
    "share_with_readers",
    "unlock",
    "writer_of",
]


@contextmanager
def kept_from_writers(path: str, *, change: bool) -> Iterator[int]:
    """Hold a file, whose descriptor it gives, against other writers: they are told at once."""
    descriptor, writable = _opened(path, change=change)
    try:
        with _alone_in_process(descriptor, path):
            _lock(descriptor, path, writable)
            yield descriptor
    finally:
        unlock(descriptor)
        close(descriptor)


_WRITTEN: dict[tuple[int, int, int], object] = {}
"""Files that threads of a process write now, by its number: some systems lock for the process as a
whole, and some file systems not at all."""


@contextmanager
def _alone_in_process(descriptor: int, path: str) -> Iterator[None]:
    """Keep out other threads, where the system's locks do not."""
    try:
        found = os.fstat(descriptor)
    except OSError as error:
        raise protected(error, path) from None
    key = (os.getpid(), found.st_dev, found.st_ino)  # a forked child writes nothing yet
    mine = object()
    if _WRITTEN.setdefault(key, mine) is not mine:  # one step, so that no lock is left in a fork
        raise locked(path, os.getpid())
    try:
        yield
    finally:
        del _WRITTEN[key]


def _opened(path: str, *, change: bool) -> tuple[int, bool]:
    """Descriptor, and whether it can be written to."""
    try:
        return open_for_writing(path), True
    except FileNotFoundError:
        raise MissingFileError("no such file", path=path) from None
    except OSError as error:
        if change:
            raise protected(error, path) from None
    try:  # a file that we may not read can be replaced all the same
        return open_to_overwrite(path), True
    except OSError as error:
        raise protected(error, path) from None


_PROTECTED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ETXTBSY)


def protected(error: OSError, path: str) -> SaveError:
    """The error that says why a file is not to be written to."""
    if error.errno not in _PROTECTED:
        return SaveError(f"cannot be opened for writing: {error.strerror}", path=path)
    return SaveError(
        f"is write-protected ({error.strerror}) and is neither changed nor replaced; make it "
        "writable (chmod u+w), or save under another name",
        path=path,
    )


def _lock(descriptor: int, path: str, writable: bool) -> None:
    try:
        holder = exclude_writers(descriptor, writable=writable)
        if holder is not None:
            raise locked(path, holder)
        if not share_with_readers(descriptor):
            _check_is_alone(descriptor, path, writable)
    except LockUnsupportedError as error:
        warn_user(
            f"{path}: cannot be locked here ({error.strerror}); make sure that no other program "
            "writes it now"
        )
    try:
        replaced = not is_same_file(path, descriptor)
    except OSError as error:
        raise SaveError(f"cannot be changed: {error.strerror}", path=path) from None
    if replaced:
        raise FileLockedError(
            "has just been replaced by another program or thread; look at it and try again",
            path=path,
        )


def _check_is_alone(descriptor: int, path: str, writable: bool) -> None:
    """HDF5's lock is taken: by a program, or by our other lock.

    Network file systems make one kind of lock of the two, and ours stands in the way of HDF5's.
    It keeps out programs that write by HDF5 too, then, as all others; the readers are the price.
    """
    unlock(descriptor)
    free = share_with_readers(descriptor)
    unlock(descriptor)
    if not free:
        raise locked(path, hdf5_writer(descriptor))
    holder = exclude_writers(descriptor, writable=writable)
    if holder is not None:
        raise locked(path, holder)


def locked(path: str, process: int) -> FileLockedError:
    """The error that says who writes a file."""
    who = "another program or thread"
    if process == os.getpid():
        who = "another thread of this program"
    elif process:
        name = _program(process)
        who = f"another program (process {process}{f', {name}' if name else ''})"
    return FileLockedError(
        f"is being written by {who}; wait until it is done, or close the file there, and try again",
        path=path,
    )


class LockUnsupportedError(OSError):
    """The file system knows no such lock."""


_LOCK_BASE = 1 << 62
"""The byte that writers lock: beyond the end of any file, so that nothing else wants it."""


def exclude_writers(descriptor: int, *, writable: bool = True) -> int | None:
    """Keep other writers that ask out of an open file, until `unlock` or its last descriptor.

    The lock is one of the open file, not of the process: threads exclude each other too. How many
    bytes it takes tells others who holds it. Gives ``None`` for success, else the process that has
    it, 0 where that is not known.
    """
    return _exclude(descriptor, writable)


def share_with_readers(descriptor: int) -> bool:
    """Take HDF5's own lock as a reader: programs that would write by HDF5 are kept out."""
    return _share(descriptor)


def writer_of(descriptor: int) -> int | None:
    """The process that keeps other writers out of an open file; ``None`` if there is none.

    0 where the system does not tell which, or whether there is one.
    """
    return _writer(descriptor)


def unlock(descriptor: int) -> None:
    """Give up both locks; a forked child may hold the file open still."""
    _unlock(descriptor)


def locked_by_hdf5(path: str) -> FileLockedError:
    """The error that says which program writes a file by HDF5, which lets no reader in then."""
    descriptor = open_for_reading(path)
    try:
        return locked(path, hdf5_writer(descriptor))
    finally:
        close(descriptor)


def hdf5_writer(descriptor: int) -> int:
    """The process that holds HDF5's lock as a writer; 0 where the system does not tell."""
    inode = f":{os.fstat(descriptor).st_ino}"
    with suppress(OSError, ValueError), open("/proc/locks", encoding="ascii") as table:
        for line in table:
            _, kind, _, access, process, place, *_ = line.split()
            if (kind, access) == ("FLOCK", "WRITE") and place.endswith(inode):
                return int(process)
    return 0


def _program(process: int) -> str:
    """Name of a process' program, as far as this computer knows it."""
    with suppress(OSError), open(f"/proc/{process}/comm", encoding="utf-8") as stream:
        return stream.read().strip()
    return ""


_BUSY = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)

try:
    import fcntl
except ImportError:
    import msvcrt

    def _exclude(descriptor: int, writable: bool) -> int | None:
        with SEEK_LOCK:
            os.lseek(descriptor, _LOCK_BASE, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            except OSError as error:
                if error.errno in _BUSY:
                    return 0
                raise LockUnsupportedError(*error.args) from None
        return None

    def _writer(descriptor: int) -> int | None:
        return 0

    def _share(descriptor: int) -> bool:
        return True  # HDF5 for Windows keeps writers out by itself

    def _unlock(descriptor: int) -> None:
        with SEEK_LOCK, suppress(OSError):
            os.lseek(descriptor, _LOCK_BASE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]

else:
    import struct

    _RECORD = "hhqqi4x"  # struct flock, on Linux with 64 bits: type, whence, start, length, pid

    def _record(kind: int, length: int) -> bytes:
        return struct.pack(_RECORD, kind, os.SEEK_SET, _LOCK_BASE, length, 0)

    def _exclude(descriptor: int, writable: bool) -> int | None:
        if not hasattr(fcntl, "F_OFD_SETLK"):
            return _exclude_simply(descriptor, writable)
        kind = fcntl.F_WRLCK if writable else fcntl.F_RDLCK
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _record(kind, 1 + os.getpid()))
        except OSError as error:
            if error.errno in _BUSY:
                return _holder(descriptor, kind)
            raise LockUnsupportedError(*error.args) from None
        return None

    def _holder(descriptor: int, kind: int) -> int:
        """The process whose lock is in the way: its number is in the length of the lock."""
        found = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _record(kind, 1))
        taken, _, _, length, _ = struct.unpack(_RECORD, found)
        return 0 if taken == fcntl.F_UNLCK else max(0, int(length) - 1)

    def _writer(descriptor: int) -> int | None:
        if not hasattr(fcntl, "F_OFD_GETLK"):
            return 0
        try:
            found = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _record(fcntl.F_RDLCK, 1))
        except OSError:
            return 0
        taken, _, _, length, _ = struct.unpack(_RECORD, found)
        return None if taken == fcntl.F_UNLCK else max(0, int(length) - 1)

    def _exclude_simply(descriptor: int, writable: bool) -> int | None:
        """macOS: a lock of the process, which threads of it do not see."""
        kind = fcntl.LOCK_EX if writable else fcntl.LOCK_SH
        try:
            fcntl.lockf(descriptor, kind | fcntl.LOCK_NB, 1, _LOCK_BASE)
        except OSError as error:
            if error.errno in _BUSY:
                return 0
            raise LockUnsupportedError(*error.args) from None
        return None

    def _share(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _BUSY:
                return False
            raise LockUnsupportedError(*error.args) from None
        return True

    def _unlock(descriptor: int) -> None:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        with suppress(OSError):
            if hasattr(fcntl, "F_OFD_SETLK"):
                fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _record(fcntl.F_UNLCK, 0))
            else:
                fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, _LOCK_BASE)
