"""File objects that somebody else has opened, read as files are: from memory, out of archives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from hspyio.errors import ArgumentError, StaleFileError
from hspyio.hdf5.identity import Identity
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
        self._bytes = FileObjectBytes(file)
        super().__init__(name, Identity((0, self._bytes.size, 0)))
        self.place, self.locked = name, True

    def __reduce__(self) -> NoReturn:
        """Another process has no such object."""
        raise ArgumentError(
            "is read through a file object of this process, which no other process has; save the "
            "bytes to a file and load that by its path, or load them without lazy=True",
            path=self.path,
        )

    def __copy__(self) -> Snapshot:
        """The object can be held by many."""
        return self

    def clone(self) -> Snapshot:
        """The same: closing it closes nothing."""
        return self

    def is_in_place(self) -> bool:
        """As long as the object is there."""
        return True

    @contextmanager
    def open_source(self) -> Iterator[ByteSource]:
        """The bytes of the object, if it is the same still."""
        yield self._bytes

    hold = open_source

    def _duplicate(self) -> NoReturn:
        raise StaleFileError("is a file object, which has no descriptor", path=self.path)
