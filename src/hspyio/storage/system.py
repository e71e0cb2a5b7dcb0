"""Every call of the operating system that a file is opened, read, written or replaced with.

Where a platform lacks one, what it has instead stands beside it. Only Linux has been run. Locks
are in `hspyio.storage.locks`.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Sequence
from contextlib import suppress

__all__ = [
    "READS_AT_A_PLACE",
    "RENAMES_OPEN_FILES",
    "create_new",
    "file_size",
    "free_space",
    "is_same_file",
    "keep_permissions",
    "move_over",
    "move_to_new",
    "open_for_reading",
    "open_for_writing",
    "read_into",
    "read_some",
    "resize",
    "sync",
    "sync_folder",
    "write_from",
]

_BINARY = getattr(os, "O_BINARY", 0)
READS_AT_A_PLACE = hasattr(os, "preadv")
"""Whether reading leaves alone where others, who share the descriptor, go on."""
RENAMES_OPEN_FILES = os.name != "nt"
"""Whether a file can be renamed while it is open."""

# opening


def open_for_reading(path: str) -> int:
    """Descriptor of a file.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    return os.open(path, os.O_RDONLY | _BINARY)


def open_for_writing(path: str) -> int:
    """Descriptor of a file that exists, for reading and writing.

    Raises
    ------
    OSError
        If there is none, or it is write-protected.
    """
    return os.open(path, os.O_RDWR | _BINARY)


def create_new(path: str) -> int:
    """Descriptor of a new file, for reading and writing.

    Raises
    ------
    FileExistsError
        If there is one of that name.
    OSError
        If none can be made there.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)


def is_same_file(path: str, descriptor: int) -> bool:
    """Whether a path still leads to an open file."""
    try:
        found = os.stat(path)
    except OSError:
        return False
    return os.path.samestat(found, os.fstat(descriptor))


# reading and writing

SEEK_LOCK = threading.Lock()
"""Windows: duplicates of a descriptor share one position."""


def file_size(descriptor: int) -> int:
    """Bytes of an open file."""
    return os.fstat(descriptor).st_size


def read_into(descriptor: int, buffers: Sequence[memoryview], offset: int) -> None:
    """Fill buffers from a place in a file; from many threads at once.

    Raises
    ------
    OSError
        If it cannot be read, or ends too early.
    """
    pending = list(buffers)
    while pending:
        count = read_some(descriptor, pending, offset)
        if count == 0:
            raise OSError(f"the file ends at {offset}")
        offset += count
        pending = _rest(pending, count)


def write_from(descriptor: int, buffers: Sequence[memoryview], offset: int) -> None:
    """Write buffers to a place in a file; from many threads at once.

    Raises
    ------
    OSError
        If the disk is full, or the file cannot be written.
    """
    pending = list(buffers)
    while pending:
        count = _write_some(descriptor, pending, offset)
        offset += count
        pending = _rest(pending, count)


def _rest(buffers: Sequence[memoryview], count: int) -> list[memoryview]:
    """What is left of buffers when a number of bytes is done."""
    rest = []
    for buffer in buffers:
        if count < len(buffer):
            rest.append(buffer[count:])
        count = max(0, count - len(buffer))
    return rest


def read_some(descriptor: int, buffers: list[memoryview], offset: int) -> int:
    """Read once; perhaps less than all."""
    if READS_AT_A_PLACE:
        return os.preadv(descriptor, buffers, offset)
    with SEEK_LOCK:
        os.lseek(descriptor, offset, os.SEEK_SET)
        content = os.read(descriptor, len(buffers[0]))
    buffers[0][: len(content)] = content
    return len(content)


def _write_some(descriptor: int, buffers: list[memoryview], offset: int) -> int:
    if hasattr(os, "pwritev"):
        return os.pwritev(descriptor, buffers, offset)
    with SEEK_LOCK:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, buffers[0])


def resize(descriptor: int, size: int) -> None:
    """Cut an open file, or extend it with zeros.

    Raises
    ------
    OSError
        If it cannot be that long.
    """
    os.ftruncate(descriptor, size)


def sync(descriptor: int) -> None:
    """Wait until an open file is on the disk."""
    os.fsync(descriptor)


def sync_folder(path: str) -> None:
    """Wait until the names in a folder are on the disk; not every file system can."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


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


def keep_permissions(target: str, replacement: str) -> None:
    """Give a file the permissions of the one that it is to replace, if there is one.

    Raises
    ------
    OSError
        If they cannot be set.
    """
    try:
        mode = stat.S_IMODE(os.stat(target).st_mode)
    except FileNotFoundError:
        return
    os.chmod(replacement, mode)


def move_over(source: str, target: str) -> None:
    """Rename a file, in one step, over one that may be there.

    Raises
    ------
    OSError
        If it cannot be; on Windows also where another program holds the target open.
    """
    os.replace(source, target)


def move_to_new(source: str, target: str) -> None:
    """Rename a file to a name that no other has.

    Raises
    ------
    FileExistsError
        If one has it by now.
    OSError
        If it cannot be renamed.
    """
    if os.name == "nt":
        os.rename(source, target)  # which replaces nothing there
        return
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        os.rename(source, target)
    else:
        os.unlink(source)
