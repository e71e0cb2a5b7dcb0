"""A file that is being written: one descriptor, which HDF5 and the engine share.

HDF5 can crash the process when a write fails under it. So it writes through an object of ours,
which remembers a failure and goes on as if nothing had happened, until somebody asks.
"""

from __future__ import annotations

import io
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import h5py

from hspyio.arrays.workers import Workers
from hspyio.hdf5.local_snapshot import DescriptorFile, LocalSnapshot
from hspyio.system.calls import resize, sync, write_from
from hspyio.system.interrupts import caught

if TYPE_CHECKING:
    from hspyio.arrays.dask import GraphOfTarget

__all__ = ["LIBVER", "Output", "open_by_hdf5", "open_to_copy", "session_of"]

LIBVER = ("v108", "latest")
"""What HDF5 1.8 reads: smaller groups, checksums on metadata, attributes over 64 KiB."""
_PAGE = 4096
_NONE = -1
"""In the place of a closed descriptor: what HDF5 yet has to say must not go into another file."""


def open_by_hdf5(content: io.RawIOBase, mode: str) -> h5py.File:
    """Have HDF5 open a file object; if it fails, nothing of HDF5's leads to the object any more.

    What the frames of an error hold lives as long as the error, such as the last one shown. HDF5's
    list of properties is among it, and the process crashes if that outlasts the interpreter.
    """
    try:
        return h5py.File(content, mode, libver=LIBVER)
    except Exception as error:
        traceback.clear_frames(error.__traceback__)
        raise


@contextmanager
def open_to_copy(snapshot: LocalSnapshot, target: Output | None = None) -> Iterator[h5py.File]:
    """Open an old file by HDF5, as it was, to copy objects out of it.

    Once the target has failed nothing is read: HDF5 would copy all of it into memory.
    """
    with snapshot.as_file() as raw, raw.blamed(), open_by_hdf5(raw, "r") as file:
        if target is not None:
            raw.goes_on = target.is_sound
        yield file


@contextmanager
def session_of(output: Output, mode: str) -> Iterator[h5py.File]:
    """Have HDF5 write into a file; Ctrl-C while it closes that is a failure as any other.

    Raised under HDF5 it would come out as an error of HDF5's, if at all.
    """
    file = open_by_hdf5(output, mode)
    try:
        yield file
    finally:
        with caught(output.fail):
            file.close()


class Output(DescriptorFile):
    """What HDF5 takes for a file, and the engine writes into.

    Parameters
    ----------
    descriptor : int
        Open for reading and writing; closed with this object.
    workers : Workers
        How arrays are written.

    Attributes
    ----------
    graphs : list
        dask arrays that are yet to be computed, and where they go: all in one go, so that what
        they share is computed once.
    indices : list of (int, int)
        Headers of datasets, and the index of chunks that each is to lead to once HDF5 is done.
    moved : list of (int, callable)
        The same of what is to be put behind all that HDF5 has written: see `IndexedSource.put`.
    puts_chunks : bool
        Whether arrays of the engine may be `moved`: nobody reads them before the file is closed.
    folder : str
        Where scratch files may stand; ``""`` if nobody knows.
    """

    def __init__(self, descriptor: int, workers: Workers, folder: str = "") -> None:
        super().__init__(descriptor)
        self.workers = workers
        self.folder = folder
        self.graphs: list[GraphOfTarget] = []
        self.indices: list[tuple[int, int]] = []
        self.moved: list[tuple[int, Callable[[int, int], tuple[int | None, int]]]] = []
        self.puts_chunks = False
        self._failure: BaseException | None = None
        self._pages: dict[int, bytearray] = {}
        self._fresh: int | None = None

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        """Write for HDF5, at the place it went to.

        After a failure it goes on in memory: HDF5 reads some of it again, and would crash on what
        it does not know.
        """
        content = memoryview(data).cast("B")
        if self._fresh is not None and self._failure is None and not self._pages:
            if len(content) == 1 and self._position >= self._fresh:
                self._position += 1
                return 1
            self._fresh = max(self._fresh, self._position + len(content))
        try:
            if self._failure is None:
                write_from(self._descriptor, [content], self._position)
        except BaseException as error:  # Ctrl-C too must not reach HDF5
            self._failure = error
        if self._failure is not None or self._pages:
            self._remember(content, new=self._failure is not None)
        self._position += len(content)
        return len(content)

    def _remember(self, content: memoryview, *, new: bool) -> None:
        """Put into pages of memory what was written; into those there are, or new ones too."""
        done = 0
        while done < len(content):
            number, start = divmod(self._position + done, _PAGE)
            part = content[done : done + _PAGE - start]
            if new or number in self._pages:
                self._page(number)[start : start + len(part)] = part
            done += len(part)

    def _page(self, number: int) -> bytearray:
        if number not in self._pages:
            page = bytearray(_PAGE)
            position, self._position = self._position, number * _PAGE
            super().readinto(memoryview(page))
            self._position = position
            self._pages[number] = page
        return self._pages[number]

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read what HDF5 believes to have written."""
        start = self._position
        target = memoryview(buffer).cast("B")
        count = super().readinto(target)
        if self._failure is not None and count < len(target):
            target[count:] = bytes(len(target) - count)
            count = len(target)
            self._position = start + count
        if self._pages:
            for number in range(start // _PAGE, -(-(start + count) // _PAGE)):
                if number in self._pages:
                    first = number * _PAGE
                    low, high = max(start, first), min(start + count, first + _PAGE)
                    target[low - start : high - start] = self._pages[number][
                        low - first : high - first
                    ]
        return count

    def truncate(self, size: int | None = None) -> int:
        """Cut or extend for HDF5."""
        end = self._position if size is None else size
        try:
            if self._failure is None:
                resize(self._descriptor, end)
        except BaseException as error:
            self._failure = error
        return end

    @contextmanager
    def holding_places(self) -> Iterator[None]:
        """Within this, HDF5 writes zeros of one byte for chunks to come: holes in a file are that.

        Only beyond all that was written before is nothing written.
        """
        self._fresh = os.fstat(self._descriptor).st_size
        try:
            yield
        finally:
            self._fresh = None

    def write_at(self, pieces: Sequence[memoryview], offset: int) -> None:
        """Write for the engine, from any thread."""
        write_from(self._descriptor, pieces, offset)

    def fail(self, error: BaseException) -> None:
        """Let nothing more get into the file."""
        self._failure = self._failure or error

    def is_sound(self) -> bool:
        """Whether nothing went wrong so far."""
        return self._failure is None

    def check(self) -> None:
        """Raise what went wrong under HDF5.

        Raises
        ------
        OSError
            Such as a full disk.
        """
        if failure := self._failure or self._unread:
            raise failure

    def close(self) -> None:
        """Close the descriptor, once, whatever the system says.

        Raises
        ------
        OSError
            If something that was written did not get to the disk.
        """
        if not self.closed:
            io.RawIOBase.close(self)
            descriptor, self._descriptor = self._descriptor, _NONE
            os.close(descriptor)

    def sync(self) -> bool:
        """Wait until all is on the disk; ``False`` where the file system knows no such thing."""
        return sync(self._descriptor)
