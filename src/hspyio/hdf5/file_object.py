"""File objects that somebody else has opened, read as files are: from memory, out of archives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from hspyio.errors import ArgumentError
from hspyio.hdf5.snapshot import Snapshot
from hspyio.system.byte_source import ByteSource, FileObjectBytes

__all__ = ["ObjectSnapshot"]


class ObjectSnapshot(Snapshot):
    """A file object that is read now and later; it is never closed here, and has no lock.

    Parameters
    ----------
    file : file object
        Binary and seekable.
    name : str
        What errors call it.
    """

    def __init__(self, file: Any, name: str) -> None:
        super().__init__(name)
        self._bytes = FileObjectBytes(file)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._bytes.size

    def __reduce__(self) -> NoReturn:
        """Another process has no such object."""
        raise ArgumentError(
            "is read through a file object of this process, which no other process has; save the "
            "bytes to a file and load that by its path, or load them without lazy=True",
            path=self.path,
        )

    def __copy__(self) -> ObjectSnapshot:
        """The object can be held by many."""
        return self

    def __deepcopy__(self, memo: object) -> ObjectSnapshot:
        """The same."""
        return self

    def clone(self) -> ObjectSnapshot:
        """The same: closing it closes nothing."""
        return self

    def close(self) -> None:
        """Leave the object to whoever opened it."""

    @contextmanager
    def open_source(self) -> Iterator[ByteSource]:
        """The bytes of the object, if it is the same still."""
        yield self._bytes
