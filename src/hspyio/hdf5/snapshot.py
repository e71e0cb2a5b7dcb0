"""What lazy arrays hold of a file: how its bytes are had, as they were when it was opened."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from hspyio.hdf5.format.superblock import Superblock, find_superblock
from hspyio.system.byte_source import ByteSource

__all__ = ["Locks", "Snapshot"]

T = TypeVar("T")


class Locks:
    """What one thread at a time does with a file: its descriptor, and finding its chunks."""

    def __init__(self) -> None:
        self.descriptor = threading.Lock()
        self.finding = threading.Lock()


class Snapshot(ABC):
    """A file that was opened once and is read later, wherever it is.

    Parameters
    ----------
    path : str
        The file, as errors name it.

    Attributes
    ----------
    place : str
        What leads to it, whatever folder the program goes to.
    superblock : Superblock or None
        Where the root was when the file was opened: an update moves it, and leaves the old tree.
    is_local : bool
        Whether it is a file on this computer, with a path.
    is_far : bool
        Whether each look at it is a request over a network.
    is_hdf5 : bool
        Whether it is a file of HDF5's, and no store of Zarr's.
    """

    is_local = False
    is_far = False
    is_hdf5 = True
    superblock: Superblock | None = None

    def __init__(self, path: str) -> None:
        self.path = self.place = path
        self._locks: dict[int, Locks] = {}
        self._indices: dict[str, Any] = {}
        self._found: Superblock | None = None

    @property
    @abstractmethod
    def size(self) -> int:
        """Bytes of the file, when it was opened."""

    @abstractmethod
    def clone(self) -> Snapshot:
        """Another snapshot of the same state of the file, whatever has become of the path."""

    @abstractmethod
    def close(self) -> None:
        """Release what is open; the next read opens the file again if it is unchanged."""

    def stay_closed(self) -> None:
        """Hold the file only while it is read from: for one of very many."""
        self.close()

    @abstractmethod
    def open_source(self) -> AbstractContextManager[ByteSource]:
        """Bytes of the file, as it was.

        Raises
        ------
        StaleFileError
            If it has changed, and the old state is gone.
        """

    def hold(self) -> AbstractContextManager[ByteSource]:
        """The same; no program that minds HDF5's locks writes the file meanwhile.

        Raises
        ------
        FileLockedError
            If one is writing it.
        """
        return self.open_source()

    def find_superblock(self, source: ByteSource) -> Superblock:
        """Where the root was when the file was opened.

        Raises
        ------
        NotHspyError, DamagedFileError, UnsupportedFeatureError
            If it is no HDF5 file, or none that can be read.
        """
        if self._found is None:
            self._found = self.superblock or find_superblock(source)
        return self._found

    def index(self, where: str, find: Callable[[], T]) -> T:
        """What `find` makes of an array's chunk index, once a process."""
        with self.locks().finding:
            if where not in self._indices:
                self._indices[where] = find()
            found: T = self._indices[where]
            return found

    def locks(self) -> Locks:
        """The locks of this process: a fork may have copied some that a thread held.

        Every change is one step of the dict's own, so that all threads of a child get the same.
        """
        process = os.getpid()
        found = self._locks.get(process)
        if found is None:
            found = self._locks.setdefault(process, Locks())
            for other in list(self._locks):
                if other != process:  # its number may come again
                    self._locks.pop(other, None)
        return found
