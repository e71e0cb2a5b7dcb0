"""One way to write: what a file is to hold is planned, then written whole, or nothing happened."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from typing import TYPE_CHECKING

from hspyio.arrays.workers import Workers
from hspyio.hdf5.local_snapshot import LocalSnapshot, check_is_file
from hspyio.nodes.node import Group
from hspyio.system.locks import kept_from_writers
from hspyio.system.refusals import named_errors
from hspyio.transaction.changes import Changes, Rest, Step
from hspyio.transaction.commit import RootSwitch
from hspyio.transaction.replace import is_there, replace_file, warn_of
from hspyio.transaction.together import NewFile, write_together

if TYPE_CHECKING:
    from hspyio.integrity.checksums import ArraySums

__all__ = ["Transaction"]


class Transaction:
    """One change of a file, which other writers are kept out of until the end of the block.

    Attributes
    ----------
    path : str
        The file; links have been followed.
    snapshot : LocalSnapshot or None
        The state of the file that `keep` speaks of.
    """

    def __init__(
        self,
        path: str,
        snapshot: LocalSnapshot | None,
        descriptor: int | None,
        *,
        durable: bool,
        overwrite: bool = True,
    ) -> None:
        self.path, self.snapshot = path, snapshot
        self._descriptor = descriptor
        self._durable, self._overwrite = durable, overwrite
        self._steps: list[Step] = []
        self._seals: dict[str, Mapping[str, ArraySums]] = {}

    @classmethod
    @contextmanager
    def new(
        cls, path: str, *, overwrite: bool = True, durable: bool = True
    ) -> Iterator[Transaction]:
        """A file that is written beside its target, and renamed.

        Parameters
        ----------
        path : str
            The target; a symbolic link is followed.
        overwrite : bool
            Whether a file may be replaced, should one have appeared since `check_target`.
        durable : bool
            Whether to wait until the file is on the disk.

        Raises
        ------
        FileLockedError
            If another program is writing the file.
        """
        target = os.path.realpath(path)
        there = overwrite and is_there(target)
        with (
            kept_from_writers(target, change=False) if there else nullcontext(),
            named_errors(target, "written") if there else nullcontext(),
        ):
            yield cls(target, None, None, durable=durable, overwrite=overwrite)

    @classmethod
    @contextmanager
    def change(cls, path: str, *, durable: bool = True) -> Iterator[Transaction]:
        """A file that exists, which is opened once.

        Its root is switched where the file allows it; else it is written anew, as files are with
        superblock version 1, a user block, or a file-space strategy other than HDF5's default.

        Parameters
        ----------
        path : str
            The file; a symbolic link is followed.
        durable : bool
            Whether to wait until the change is on the disk.

        Raises
        ------
        MissingFileError, NotHspyError
            If there is no such file.
        FileLockedError
            If another program is writing it.
        SaveError
            If it is write-protected.
        """
        check_is_file(path)
        target = os.path.realpath(path)
        with (
            kept_from_writers(target, change=True) as descriptor,
            named_errors(target, "changed"),
            closing(LocalSnapshot(path, descriptor=descriptor)) as snapshot,
        ):
            yield cls(target, snapshot, descriptor, durable=durable)

    @property
    def is_planned(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self._steps)

    def copy_from(self, source: LocalSnapshot) -> None:
        """Let `keep` speak of a file, which may be the one that is replaced: opened after the lock.

        Else another writer could change it between the two, and that would be lost.
        """
        self.snapshot = source

    def write(self, root: Group) -> None:
        """Let the file hold a tree: planned, with `Kept` in the place of what stays as it is."""
        self._steps.append(root)

    def keep(self, where: str, *, but: Container[str] = (), members: bool = True) -> None:
        """Let stay what else an old object has: attributes, and members but for some."""
        self._steps.append(Rest(where, but, members))

    def seal(self, name: str, known: Mapping[str, ArraySums] | None = None) -> None:
        """Seal an experiment at last; `known` are checksums of arrays that stay, by path."""
        self._seals[name] = known or {}

    def commit(self, workers: Workers) -> None:
        """Write all of it, look at it, wait for the disk, and let readers see it at once.

        Parameters
        ----------
        workers : Workers
            How arrays are written.

        Raises
        ------
        SaveError
            If writing fails; it says which state the file is in: as it was, but for a disk that
            fails in the last step.
        TargetExistsError
            If there is a file that must not be replaced.
        """
        changes = Changes(tuple(self._steps), self._seals)
        if self._descriptor is not None and self._is_switched(changes, self._descriptor, workers):
            return
        replace_file(
            self.path,
            changes,
            self.snapshot,
            workers,
            durable=self._durable,
            overwrite=self._overwrite,
        )

    @staticmethod
    def commit_together(transactions: Sequence[Transaction], workers: Workers) -> None:
        """Commit new files, what their lazy arrays share being computed once.

        Raises
        ------
        SaveError
            If one of them cannot be written: then none has appeared. Only what fails when they get
            their names, one by one after all are written, leaves those before it.
        """
        files = [
            NewFile(
                tx.path,
                Changes(tuple(tx._steps), tx._seals),
                tx.snapshot,
                durable=tx._durable,
                overwrite=tx._overwrite,
            )
            for tx in transactions
        ]
        write_together(files, workers)

    def _is_switched(self, changes: Changes, descriptor: int, workers: Workers) -> bool:
        """Change the file in place, if that can be."""
        assert self.snapshot is not None
        if self.snapshot.superblock is None:
            return False
        change = RootSwitch(
            self.path, descriptor, self.snapshot.superblock, changes, durable=self._durable
        )
        if not change.made(workers, self.snapshot, linked=True):
            return False
        warn_of(change.notes, self.path)
        return True
