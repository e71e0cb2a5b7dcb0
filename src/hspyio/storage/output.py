"""A file that is being written: one descriptor, which HDF5 and the engine share.

HDF5 can crash the process when a write fails under it. So it writes through an object of ours,
which remembers a failure and goes on as if nothing had happened, until somebody asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hspyio.storage.handles import DescriptorFile
from hspyio.storage.system import resize, sync, write_from
from hspyio.storage.work import Work

if TYPE_CHECKING:
    from hspyio.storage.graphs import GraphOfTarget

__all__ = ["Output", "interrupt_behind"]


def interrupt_behind(error: BaseException) -> BaseException | None:
    """The Ctrl-C that an error came of: it may have struck while HDF5 was calling us."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, (KeyboardInterrupt, SystemExit)):
        seen = seen.__cause__ or seen.__context__
    return seen


class Output(DescriptorFile):
    """What HDF5 takes for a file, and the engine writes into.

    Parameters
    ----------
    descriptor : int
        Open for reading and writing; closed with this object.
    work : Work
        How arrays are written.

    Attributes
    ----------
    graphs : list
        dask arrays that are yet to be computed, and where they go: all in one go, so that what
        they share is computed once.
    """

    def __init__(self, descriptor: int, work: Work) -> None:
        super().__init__(descriptor)
        self.work = work
        self.graphs: list[GraphOfTarget] = []
        self._failure: BaseException | None = None

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        """Write for HDF5, at the place it went to."""
        count = memoryview(data).nbytes
        try:
            if self._failure is None:
                write_from(self._descriptor, [memoryview(data)], self._position)
        except BaseException as error:  # Ctrl-C too must not reach HDF5
            self._failure = error
        self._position += count
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

    def write_at(self, pieces: Sequence[memoryview], offset: int) -> None:
        """Write for the engine, from any thread."""
        write_from(self._descriptor, pieces, offset)

    def check(self) -> None:
        """Raise what went wrong under HDF5.

        Raises
        ------
        OSError
            Such as a full disk.
        """
        if self._failure is not None:
            raise self._failure

    def sync(self) -> None:
        """Wait until all is on the disk."""
        sync(self._descriptor)
