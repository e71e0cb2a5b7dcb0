"""Files as lazy arrays hold them: a path, a fingerprint, a descriptor. System calls stand here.

The descriptor goes on whatever happens to the path: a file that is lazily open can be
overwritten, the old one lives on for the old array. Pickled, a handle is path and fingerprint.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import h5py

from hspyio.errors import MissingFileError, StaleFileError

__all__ = ["FileHandle", "Fingerprint", "fingerprint"]

Fingerprint: TypeAlias = tuple[int, int, int]
"""Inode, size, time of the last change in ns; not the device, which differs from host to host."""


def fingerprint(status: os.stat_result) -> Fingerprint:
    """What tells one state of a file from another."""
    return (status.st_ino, status.st_size, status.st_mtime_ns)


class FileHandle:
    """A file that was opened once and is read later.

    Parameters
    ----------
    path : str
        The file.
    expected : tuple, optional
        The fingerprint it has to have, for a handle that comes from another process.
    """

    def __init__(self, path: str, expected: Fingerprint | None = None) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        if expected is None:
            self._descriptor = _opened(path)
            expected = fingerprint(os.fstat(self._descriptor))
        self.fingerprint = expected

    def __reduce__(self) -> tuple[type[FileHandle], tuple[str, Fingerprint]]:
        """A descriptor is never pickled, only how to get one."""
        return FileHandle, (self.path, self.fingerprint)

    def __del__(self) -> None:
        """Release the descriptor with the last array that needs it."""
        self.close()

    def close(self) -> None:
        """Release the descriptor; the next read opens the file again if it is unchanged."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _duplicate(self) -> int:
        with self._lock:
            if self._descriptor is None:
                descriptor = _opened(self.path)
                if fingerprint(os.fstat(descriptor)) != self.fingerprint:
                    os.close(descriptor)
                    raise StaleFileError(
                        "has changed since it was loaded lazily; load it again", path=self.path
                    )
                self._descriptor = descriptor
            return os.dup(self._descriptor)

    @contextmanager
    def open(self) -> Iterator[h5py.File]:
        """Open the file, as it was, for reading.

        Raises
        ------
        StaleFileError
            If it has changed and no descriptor of the old state is open.
        """
        with _DescriptorFile(self._duplicate()) as raw, h5py.File(raw, "r") as file:
            yield file


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except FileNotFoundError as error:
        raise MissingFileError("is gone", path=Path(path)) from error


class _DescriptorFile(io.RawIOBase):
    """A file object over a descriptor, with a position of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence)
        if start is None:
            start = os.fstat(self._descriptor).st_size
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = _read_at(self._descriptor, len(buffer), self._position)
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


_SEEK_LOCK = threading.Lock()


def _read_at(descriptor: int, length: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, length, offset)
    with _SEEK_LOCK:  # Windows: duplicates of a descriptor share one position
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, length)
