"""A file that one writer holds open for hours, and switches from one whole state to the next.

What is behind the end belongs to the writer, and to no reader. Each switch builds a new root there,
as an update does, and moves the end behind it: nothing below the end is ever written again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress

from hspyio.arrays.workers import Workers
from hspyio.errors import SaveError
from hspyio.hdf5.format.superblock import Superblock, read_superblock
from hspyio.hdf5.local_snapshot import LocalSnapshot, check_is_file
from hspyio.system.calls import file_size, is_same_file, link_count, resize, sync, write_from
from hspyio.system.locks import kept_from_writers
from hspyio.system.refusals import named_errors
from hspyio.transaction.changes import Changes, Step
from hspyio.transaction.commit import RootSwitch
from hspyio.transaction.replace import replace_file

__all__ = ["GrowingFile", "open_growing"]

_LEAST_AHEAD, _MOST_AHEAD = 2**20, 64 * 2**20


class GrowingFile:
    """The file, locked against other writers.

    Attributes
    ----------
    path : str
        Links have been followed.
    descriptor : int
        Open for reading and writing.
    notes : list of str
        What is to be said of the last switch.
    """

    def __init__(self, path: str, descriptor: int, block: Superblock, *, durable: bool) -> None:
        self.path, self.descriptor = path, descriptor
        self.notes: list[str] = []
        self._block = block
        self._durable = durable
        self._growing = threading.Lock()
        self._size = 0

    @property
    def end(self) -> int:
        """Where the file ends for readers."""
        return self._block.end

    def write(self, pieces: Sequence[memoryview], offset: int) -> None:
        """Write behind the end, from any thread."""
        if offset < self._block.end:
            raise SaveError(f"would write at {offset}, where readers are", path=self.path)
        write_from(self.descriptor, pieces, offset)
        self.stay_ahead(offset + sum(map(len, pieces)))

    def stay_ahead(self, place: int) -> None:
        """Let the file be longer than what is written: as a hole, which takes no room.

        HDF5's readers ask for its length first, and for its end then; where a switch came between
        the two, they would take the file for one that was cut.
        """
        ahead = min(_MOST_AHEAD, max(_LEAST_AHEAD, place // 2))
        with self._growing, suppress(OSError):  # what does not fit is told when it is written
            if place + ahead // 2 > self._size:
                resize(self.descriptor, place + ahead)
                self._size = place + ahead

    def sync(self) -> None:
        """Wait until what was written is on the disk, so that a switch has little to wait for."""
        if self._durable:
            sync(self.descriptor)

    def switch(self, steps: Sequence[Step], start: int, workers: Workers) -> None:
        """Let readers see a new root, which may lead to all that stands below `start`.

        Nobody writes meanwhile.

        Raises
        ------
        SaveError
            If it could not be; it says which state the file is in.
        """
        changes = Changes(tuple(steps), {})
        with closing(LocalSnapshot(self.path, descriptor=self.descriptor)) as old:
            switch = RootSwitch(
                self.path, self.descriptor, self._block, changes, durable=self._durable, start=start
            )
            done = switch.made(workers, old, linked=True)
        block = read_superblock(self.descriptor)
        if not done or block is None:
            raise SaveError("could not be changed, it is as it was: HDF5 fails", path=self.path)
        self._block = block
        self.notes = switch.notes
        self.stay_ahead(block.end)

    def fate(self) -> tuple[str, bool]:
        """What became of the file under its name, ``""`` for nothing; and whether it is lost."""
        if is_same_file(self.path, self.descriptor):
            return "", False
        if link_count(self.descriptor):
            return "was moved while it was written: all of it is where it was moved to", False
        text = (
            "was deleted, or replaced by another file, while it was written: what was measured is "
            "in no folder any more"
        )
        return text, True

    def replace(self, steps: Sequence[Step], workers: Workers) -> None:
        """Put a new file in the place of this one, which readers that have it open go on with.

        Raises
        ------
        SaveError
            If it cannot be written; then the file is as it was.
        """
        fate, _ = self.fate()
        if fate:
            raise SaveError(fate, path=self.path)
        changes = Changes(tuple(steps), {})
        with closing(LocalSnapshot(self.path, descriptor=self.descriptor)) as old:
            replace_file(self.path, changes, old, workers, durable=self._durable)

    def cut(self) -> None:
        """Cut off what no reader knows of, if the end is where it is believed to be."""
        with suppress(OSError):
            found = read_superblock(self.descriptor)
            if found == self._block and file_size(self.descriptor) > found.end:
                resize(self.descriptor, found.end)


@contextmanager
def open_growing(path: str, *, durable: bool) -> Iterator[GrowingFile]:
    """Hold a file of ours, and leave nothing behind its end.

    Parameters
    ----------
    path : str
        The file; a symbolic link is followed.
    durable : bool
        Whether each switch waits until it is on the disk.

    Raises
    ------
    MissingFileError, NotHspyError
        If there is no such file.
    FileLockedError
        If another program is writing it.
    SaveError
        If it is write-protected, or its root cannot be switched.
    """
    check_is_file(path)
    target = os.path.realpath(path)
    with (
        kept_from_writers(target, change=True) as descriptor,
        named_errors(target, "changed"),
    ):
        block = read_superblock(descriptor)
        if block is None:
            raise SaveError(
                "is of a form of HDF5 that cannot grow while it is read (a user block, superblock "
                "version 1, or a file-space strategy); hspy repack makes one that can",
                path=path,
            )
        growing = GrowingFile(target, descriptor, block, durable=durable)
        growing.cut()
        growing.stay_ahead(block.end)
        try:
            yield growing
        finally:
            growing.cut()
