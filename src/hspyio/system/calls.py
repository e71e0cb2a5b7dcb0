"""Every call of the operating system that a file is opened, read, written or replaced with.

Where a platform lacks one, what it has instead stands beside it. Only Linux has been run. Locks
are in `hspyio.system.locks`.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Sequence
from contextlib import suppress

__all__ = [
    "NO_SUCH_FILE",
    "READS_AT_A_PLACE",
    "RENAMES_OPEN_FILES",
    "are_same_file",
    "close",
    "create_new",
    "file_size",
    "flush",
    "free_space",
    "is_same_file",
    "link_count",
    "may_stand",
    "move_over",
    "move_to_new",
    "open_for_reading",
    "open_for_writing",
    "open_to_overwrite",
    "open_unless_special",
    "read_into",
    "read_up_to",
    "resize",
    "sync",
    "sync_folder",
    "write_from",
]

_BINARY = getattr(os, "O_BINARY", 0)
_UNFOLLOWED = getattr(os, "O_NOFOLLOW", 0)
_UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
NO_SUCH_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
"""What the system says where nothing is; all else it says is no answer to that."""
READS_AT_A_PLACE = hasattr(os, "pread")
"""Whether reading leaves alone where others, who share the descriptor, go on."""
RENAMES_OPEN_FILES = os.name != "nt"
"""Whether a file can be renamed while it is open."""

# opening


def open_for_reading(path: str) -> int:
    """Descriptor of a file."""
    return os.open(path, os.O_RDONLY | _BINARY)


def open_for_writing(path: str) -> int:
    """Descriptor of a file that exists, for reading and writing."""
    return os.open(path, os.O_RDWR | _BINARY)


def open_to_overwrite(path: str) -> int:
    """Descriptor of a file that exists, for writing only: it need not be readable."""
    return os.open(path, os.O_WRONLY | _BINARY)


def open_unless_special(path: str) -> int:
    """Descriptor of a regular file, for reading and writing, without following a link to it.

    Nothing else is waited for: a FIFO of that name would have its opener wait for ever.
    """
    flags = os.O_RDWR | _BINARY | _UNFOLLOWED | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        close(descriptor)
        raise OSError(errno.EINVAL, "is no regular file", path)
    return descriptor


def create_new(path: str, mode: int = 0o666) -> int:
    """Descriptor of a new file, for reading and writing."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY | _UNFOLLOWED
    return os.open(path, flags, mode)


def is_same_file(path: str, descriptor: int) -> bool:
    """Whether a path still leads to an open file.

    Some network file systems give a file another number each time they are asked; there, its size
    and its time have to do.
    """
    try:
        found, again, opened = os.stat(path), os.stat(path), os.fstat(descriptor)
    except OSError as error:
        if error.errno in NO_SUCH_FILE:
            return False
        raise
    if os.path.samestat(found, opened) or os.path.samestat(again, opened):
        return True
    alike = (again.st_size, again.st_mtime_ns) == (opened.st_size, opened.st_mtime_ns)
    return again.st_ino != found.st_ino and alike


def are_same_file(one: str, other: str) -> bool:
    """Whether two paths lead to one file: by links, hard links, or another spelling."""
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return False


def close(descriptor: int) -> None:
    """Close a descriptor that nothing hangs on any more: what was written has been flushed.

    The system closes it in any case, whatever it reports, and it must not be closed again.
    """
    try:  # suppress() takes as long as this whole
        os.close(descriptor)
    except OSError:
        pass


# reading and writing

_MOST_BUFFERS = 1024
"""How many the system takes at a time: ``IOV_MAX`` of Linux and macOS."""
SEEK_LOCK = threading.Lock()
"""Windows, which forks nothing: duplicates of a descriptor share one position."""


def file_size(descriptor: int) -> int:
    """Bytes of an open file."""
    return os.fstat(descriptor).st_size


def link_count(descriptor: int) -> int:
    """How many names an open file has."""
    return os.fstat(descriptor).st_nlink


def read_into(descriptor: int, buffers: Sequence[memoryview], offset: int) -> None:
    """Fill buffers from a place in a file; from many threads at once."""
    count = read_up_to(descriptor, buffers, offset)
    if count < sum(map(len, buffers)):
        raise OSError(f"the file ends at {offset + count}")


def read_up_to(descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
    """The same; how many bytes there were, where the file ends before.

    The system may give less than it is asked for at any time: network file systems do.
    """
    pending = [buffer for buffer in buffers if len(buffer)]
    done = 0
    while pending:
        count = _read_some(descriptor, pending[:_MOST_BUFFERS], offset + done)
        if count == 0:
            break
        done += count
        pending = _rest(pending, count)
    return done


def write_from(descriptor: int, buffers: Sequence[memoryview], offset: int) -> None:
    """Write buffers to a place in a file; from many threads at once."""
    pending = buffers if len(buffers) == 1 and len(buffers[0]) else list(filter(len, buffers))
    while pending:
        count = _write_some(descriptor, pending[:_MOST_BUFFERS], offset)
        if count == 0:
            raise OSError(errno.EIO, "nothing was written, and no reason given")
        if len(pending) == 1 and count == len(pending[0]):
            return
        offset += count
        pending = _rest(pending, count)


def _rest(buffers: Sequence[memoryview], count: int) -> list[memoryview]:
    """What is left of buffers when a number of bytes is done."""
    if len(buffers) == 1:
        return [buffers[0][count:]] if count < len(buffers[0]) else []
    rest = []
    for buffer in buffers:
        if count < len(buffer):
            rest.append(buffer[count:])
        count = max(0, count - len(buffer))
    return rest


def _read_some(descriptor: int, buffers: list[memoryview], offset: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(descriptor, buffers, offset)
    if READS_AT_A_PLACE:
        content = os.pread(descriptor, len(buffers[0]), offset)
    else:
        with SEEK_LOCK:
            os.lseek(descriptor, offset, os.SEEK_SET)
            content = os.read(descriptor, len(buffers[0]))
    buffers[0][: len(content)] = content
    return len(content)


def _write_some(descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
    if hasattr(os, "pwritev"):
        return os.pwritev(descriptor, buffers, offset)
    if hasattr(os, "pwrite"):
        return os.pwrite(descriptor, buffers[0], offset)
    with SEEK_LOCK:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, buffers[0])


def resize(descriptor: int, size: int) -> None:
    """Cut an open file, or extend it with zeros."""
    os.ftruncate(descriptor, size)


def flush(descriptor: int) -> None:
    """Hand over what was written: network file systems do so when a descriptor is closed."""
    os.close(os.dup(descriptor))


def sync(descriptor: int) -> bool:
    """Wait until an open file is on the disk; ``False`` where the file system has no sync."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return False
        raise
    return True


def sync_folder(path: str) -> bool:
    """The same for the names in a folder; ``False`` where we may not open it.

    Network file systems sync no folders: they note names by themselves.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        return os.name == "nt"  # which opens no folder, and notes names by itself
    try:
        sync(descriptor)
    finally:
        close(descriptor)
    return True


def free_space(folder: str) -> int | None:
    """Bytes that can be written in a folder; ``None`` where the system does not tell."""
    try:
        if hasattr(os, "statvfs"):
            found = os.statvfs(folder)
            return found.f_bavail * found.f_frsize
        import shutil

        return shutil.disk_usage(folder).free
    except OSError:
        return None


# replacing


def move_over(source: str, target: str) -> None:
    """Rename a file, in one step, over one that may be there."""
    os.replace(source, target)


def may_stand(path: str) -> bool:
    """Whether a name is taken, also where the system does not tell: nothing is lost then."""
    try:
        return _stands(path)
    except OSError:
        return True


def _stands(path: str) -> bool:
    """Whether a name is taken; raises where the system does not tell."""
    try:
        os.lstat(path)
    except OSError as error:
        if error.errno in NO_SUCH_FILE:
            return False
        raise
    return True


def move_to_new(source: str, target: str) -> None:
    """Rename a file to a name that no other has; perhaps the old name stays, too."""
    if os.name == "nt":
        os.rename(source, target)  # which replaces nothing there
        return
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if _stands(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        os.rename(source, target)
    else:
        with suppress(OSError):  # the file is there; who made the other name removes it
            os.unlink(source)
