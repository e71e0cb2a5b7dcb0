"""Change a file in place, whole or not at all: build a new root behind its end, then switch.

Nothing that a reader can see is changed until the superblock names the new root. HDF5 takes the
file for one that it may write to, but what it writes below the old end stays in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

import h5py
from h5py import h5g, h5o

from hspyio.arrays.dask_graphs import store_graphs
from hspyio.arrays.workers import Work
from hspyio.errors import HspyError, SaveError
from hspyio.hdf5.format.superblock import LENGTH, Superblock, read_superblock
from hspyio.hdf5.h5py_reader import root_of
from hspyio.hdf5.output import Output
from hspyio.hdf5.snapshot import FileHandle, PinnedFile
from hspyio.hdf5.via_h5py import Session
from hspyio.hdf5.writer import LIBVER
from hspyio.nodes.node import Group
from hspyio.system.calls import (
    close,
    file_size,
    flush,
    open_for_writing,
    resize,
    sync,
    write_from,
)
from hspyio.system.interrupts import interrupt_behind

__all__ = ["NOT_SYNCED", "RootSwitch", "SwitchFile", "overwrite_in_place"]

NOT_SYNCED = "the file system does not tell when it is on the disk (fsync)"

Write = Callable[[h5py.File, h5py.Group, Output], None]
"""Given the file, its new root, which is empty, and what the engine writes into."""


class RootSwitch:
    """One change of a file.

    Parameters
    ----------
    path : str
        The file; links have been followed.
    descriptor : int
        The same, open for writing; the caller keeps other writers out.
    block : Superblock
        As it is now.
    work : Work
        How arrays are written.
    durable : bool
        Whether to wait until the change is on the disk.
    notes : list of str
        What is to be said when it is done.
    """

    def __init__(
        self,
        path: str,
        descriptor: int,
        block: Superblock,
        work: Work,
        *,
        durable: bool,
        notes: list[str],
    ) -> None:
        self._path = path
        self._descriptor = descriptor
        self._block = block
        self._work = work
        self._durable = durable
        self._notes = notes

    def made(
        self,
        write: Write,
        finish: Callable[[h5py.Group, Output], None] | None,
        is_right: Callable[[Group], bool],
    ) -> bool:
        """Change the file; ``False`` if that cannot be done this way, and it is as it was.

        Parameters
        ----------
        write : callable
            Writes the new tree.
        finish : callable or None
            What comes last, when all arrays are in the file.
        is_right : callable
            Whether the new tree, read again, is what it should be.

        Raises
        ------
        SaveError
            If writing fails; it says which state the file is in.
        """
        switched = False
        root = self._block.root
        try:
            self._cut()
            built = self._built(write, finish)
            if built is not None and self._is_sound(*built, is_right):
                root = built[0]
                self._switch(*built)
                switched = True
        except HspyError as error:
            error.path = error.path or self._path
            raise
        except Exception as error:  # a dask array's own tasks may raise anything
            if (interrupt := interrupt_behind(error)) is not None:
                raise interrupt from None
            raise SaveError(self._outcome(error, root), path=self._path) from None
        finally:
            if not switched:
                with suppress(OSError):
                    self._cut()
        return switched

    def _outcome(self, error: Exception, root: int) -> str:
        """Which state the file is in after a failure: the file itself is asked."""
        try:
            block = read_superblock(self._descriptor)
        except OSError:
            return f"could not be changed ({error}), and which state stands could not be read"
        if block is not None and block.root == self._block.root:
            return f"could not be changed, it is as it was: {error}"
        if block is not None and block.root == root:
            return (
                f"is changed, the new state stands, but the disk did not confirm it ({error}): a "
                "power cut now could bring the old state back. Look at it, and write it again"
            )
        return (
            f"could not be changed ({error}), and its first {LENGTH} bytes are half written; copy "
            "it with hspy rescue"
        )

    def _cut(self) -> None:
        """Cut off what lies behind the end: what a kill, or a failure, has left.

        Once the superblock is another one, it may be needed.
        """
        unchanged = read_superblock(self._descriptor) == self._block
        if unchanged and file_size(self._descriptor) > self._block.end:
            resize(self._descriptor, self._block.end)

    def _built(
        self, write: Write, finish: Callable[[h5py.Group, Output], None] | None
    ) -> tuple[int, int] | None:
        """Write the new tree behind the end; its address, and the new end."""
        with SwitchFile(os.dup(self._descriptor), self._work, self._block.end) as output:
            output.folder = os.path.dirname(self._path)
            try:
                session = h5py.File(output, "r+", libver=LIBVER)
            except (OSError, RuntimeError, ValueError):
                return None
            try:
                with session:
                    group = h5g.create(session.id, None)
                    new = h5py.Group(group)
                    write(session, new, output)
                    store_graphs(output.graphs, self._work)
                    output.graphs.clear()
                    if finish is not None:
                        finish(new, output)
                    session.flush()
                    address = int(h5o.get_info(group).addr)
                    end = output.freeze()
            except Exception:
                output.check()  # what HDF5 says afterwards is not the cause
                raise
            output.check()
        resize(self._descriptor, end)
        self._sync()
        return address, end

    def _is_sound(self, address: int, end: int, is_right: Callable[[Group], bool]) -> bool:
        """Whether the new tree is all there, seen as it will be."""
        if not self._block.end <= address < end:
            return False
        start = bytearray(self._block.content)
        for place, content in self._block.moved(address, end):
            start[place : place + len(content)] = content
        view = PinnedFile(os.dup(self._descriptor), bytes(start))
        try:
            with view, h5py.File(view, "r") as file:
                number = int(h5o.get_info(file.id).fileno)
                session = Session(FileHandle(self._path), False, number)
                try:
                    return is_right(root_of(file, session))
                finally:
                    session.end()
        except (HspyError, OSError, RuntimeError, ValueError):
            return False

    def _switch(self, address: int, end: int) -> None:
        pieces = self._block.moved(address, end)
        try:
            for place, content in pieces:
                write_from(self._descriptor, [memoryview(content)], place)
        except OSError:
            self._roll_back(pieces)
            raise
        self._sync()

    def _roll_back(self, pieces: tuple[tuple[int, bytes], ...]) -> None:
        """Undo a switch of which the system wrote a part: the last piece is the first to go."""
        with suppress(OSError):
            for place, content in reversed(pieces):
                old = self._block.content[place : place + len(content)]
                write_from(self._descriptor, [memoryview(old)], place)
            self._sync()

    def _sync(self) -> None:
        if not self._durable:
            flush(self._descriptor)
        elif not sync(self._descriptor):
            self._notes.append(NOT_SYNCED)


def overwrite_in_place(
    path: str,
    fill: Callable[[h5py.Group, Output], None],
    work: Work,
    notes: list[str],
    *,
    durable: bool,
    finish: Callable[[h5py.Group, Output], None] | None,
) -> bool:
    """Give a file a new content without a second file; what was in it takes room still.

    Parameters
    ----------
    path : str
        The file; the caller keeps other writers out.
    fill : callable
        Writes the content.
    work : Work
        How arrays are written.
    notes : list of str
        What is to be said when it is done.
    durable : bool
        Whether to wait until the change is on the disk.
    finish : callable or None
        What comes last, when all arrays are in the file.

    Returns
    -------
    bool
        Whether the file could be changed this way; else it is as it was.

    Raises
    ------
    SaveError
        If writing fails; it says which state the file is in.
    """
    descriptor = open_for_writing(path)
    try:
        block = read_superblock(descriptor)
        if block is None:
            return False
        change = RootSwitch(path, descriptor, block, work, durable=durable, notes=notes)
        done = change.made(
            lambda session, new, output: fill(new, output), finish, lambda root: True
        )
    finally:
        close(descriptor)
    if done:
        notes.append(
            "in place, as no file can be made in its folder: the old content takes "
            f"{block.end} bytes of it still, which hspy repack into another folder wins back"
        )
    return done


class SwitchFile(Output):
    """What HDF5 takes for a file that it may change; below the old end, nothing gets to the disk.

    Parameters
    ----------
    descriptor : int
        Open for reading and writing; closed with this object.
    work : Work
        How arrays are written.
    end : int
        Where the file ends, for those who read it now.
    """

    def __init__(self, descriptor: int, work: Work, end: int) -> None:
        super().__init__(descriptor, work)
        self._end = end
        self._last = end
        self._frozen = False

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        """Keep in memory what lies below the old end, write what lies beyond."""
        content = memoryview(data).cast("B")
        count = len(content)
        if self._frozen:
            self._position += count
            return count
        below = max(0, min(count, self._end - self._position))
        if below:
            self._remember(content[:below], new=True)
            self._position += below
        if below < count:
            super().write(content[below:])
            self._last = max(self._last, self._position)
        return count

    def truncate(self, size: int | None = None) -> int:
        """Extend the file, or cut what is new."""
        end = self._position if size is None else size
        if not self._frozen and end >= self._end:
            super().truncate(end)
        return end

    def write_at(self, pieces: list[memoryview], offset: int) -> None:  # type: ignore[override]
        """Write for the engine, behind the old end only.

        Raises
        ------
        SaveError
            If HDF5 has given room to it that is in use.
        """
        if offset < self._end:
            raise SaveError(f"HDF5 would write at {offset}, where old values are")
        super().write_at(pieces, offset)
        self._last = max(self._last, offset + sum(map(len, pieces)))

    def freeze(self) -> int:
        """Let nothing get to the disk from now on; the end of what is there.

        HDF5 goes on when it closes the file: it would remove the new root, which it takes for an
        object that nobody needs.
        """
        self._frozen = True
        content = bytes(self._page(0)[:LENGTH])
        return max(self._last, Superblock(content[8], content).end)
