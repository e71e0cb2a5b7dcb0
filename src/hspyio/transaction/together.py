"""Several new files in one go: what their dask arrays share is computed once, then all appear."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from hspyio.arrays.dask import store_graphs
from hspyio.arrays.workers import Workers
from hspyio.errors import HspyError
from hspyio.hdf5.local_snapshot import LocalSnapshot
from hspyio.hdf5.writing.output import Output
from hspyio.records import record
from hspyio.system.calls import sync_folder
from hspyio.system.interrupts import interrupt_behind
from hspyio.transaction.changes import Changes
from hspyio.transaction.commit import NOT_SYNCED
from hspyio.transaction.replace import failed, no_room, open_new, put_in_place, warn_of
from hspyio.transaction.temporary import NoTemporaryError, Temporary, file_beside

__all__ = ["NewFile", "write_together"]


@record
class NewFile:
    """One of the files.

    Attributes
    ----------
    target : str
        Its path; links have been followed, and other writers are kept out.
    changes : Changes
        What it is to hold.
    source : Snapshot or None
        What `changes` keeps objects of.
    durable, overwrite : bool
        As for a transaction.
    """

    target: str
    changes: Changes
    source: LocalSnapshot | None = None
    durable: bool = True
    overwrite: bool = True


def write_together(files: Sequence[NewFile], workers: Workers) -> None:
    """Write all beside their targets, and only then put them in place, one by one.

    Raises
    ------
    SaveError
        If one cannot be written: no target has changed then. If one cannot be put in its place,
        those before it stand.
    """
    writing = [_Writing(file) for file in files]
    with ExitStack() as held:
        for one in writing:
            with one.blamed():
                one.begin(held, workers)
        _compute(writing, workers)
        for one in writing:
            with one.blamed():
                one.finish()
        for one in writing:
            with one.blamed():
                one.put_in_place()
    for one in writing:
        one.warn()


def _compute(writing: Sequence[_Writing], workers: Workers) -> None:
    """Compute and store what is lazy in all of them."""
    try:
        store_graphs([graph for one in writing for graph in one.output.graphs], workers)
    except Exception:
        for one in writing:  # such as a full disk: of which file?
            with one.blamed():
                one.output.check()
        with writing[0].blamed(len(writing) - 1):
            raise


class _Writing:
    """A file while it is written."""

    output: Output

    def __init__(self, file: NewFile) -> None:
        self._file = file
        self._made = Temporary()
        self._content = ExitStack()
        self._notes: list[str] = []
        self._is_placed = False

    @contextmanager
    def blamed(self, others: int = 0) -> Iterator[None]:
        """Within this, an error is one of this file, or of some that it cannot be told from."""
        target = self._file.target + (f" and {others} more" if others else "")
        try:
            yield
        except NoTemporaryError as error:
            raise no_room(error, target) from None
        except HspyError as error:
            error.path = error.path or target
            raise
        except Exception as error:
            if (interrupt := interrupt_behind(error)) is not None:
                raise interrupt from None
            raise failed(error, target, placed=self._is_placed) from None

    def begin(self, held: ExitStack, workers: Workers) -> None:
        """Write all but what dask computes."""
        file = self._file
        self._made = held.enter_context(file_beside(file.target))
        folder = os.path.dirname(file.target)
        self.output = held.enter_context(Output(os.dup(self._made.descriptor), workers, folder))
        self._content = held.enter_context(ExitStack())
        self._notes = self._content.enter_context(
            open_new(self.output, file.changes, file.source, durable=file.durable)
        )

    def finish(self) -> None:
        """Write the rest, and wait for the disk."""
        self._content.close()
        self.output.close()

    def put_in_place(self) -> None:
        """Let it appear."""
        target = self._file.target
        self._notes += put_in_place(self._made, target, overwrite=self._file.overwrite)
        self._is_placed = True
        if self._file.durable and not sync_folder(os.path.dirname(target)):
            self._notes.append(NOT_SYNCED)

    def warn(self) -> None:
        """Tell what is not as it was."""
        warn_of([*self._notes, *filter(None, [self._made.left])], self._file.target)
