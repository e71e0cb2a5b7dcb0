"""Change a file in place, whole or not at all: build a new root behind its end, then switch.

Nothing that a reader can see is changed until the superblock names the new root. HDF5 takes the
file for one that it may write to, but what it writes below the old end stays in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from contextlib import suppress

import h5py
from h5py import h5g, h5o

from hspyio.errors import HspyError, SaveError
from hspyio.node import Group
from hspyio.storage.datasets import Session
from hspyio.storage.graphs import store_graphs
from hspyio.storage.handles import DescriptorFile, FileHandle, PinnedFile
from hspyio.storage.interrupts import interrupt_behind
from hspyio.storage.output import Output
from hspyio.storage.proof import mismatch
from hspyio.storage.reader import root_of
from hspyio.storage.rebuild import linked_in, rebuild
from hspyio.storage.rewrite import rewrite_file
from hspyio.storage.superblock import LENGTH, Superblock, read_superblock
from hspyio.storage.system import file_size, resize, sync, write_from
from hspyio.storage.work import Work
from hspyio.storage.writer import LIBVER

__all__ = ["change_file"]


def change_file(
    path: str,
    descriptor: int,
    root: Group,
    work: Work,
    *,
    replaced: Collection[str] = (),
    durable: bool = True,
    finish: Callable[[h5py.Group, Output], None] | None = None,
) -> None:
    """Put a new tree in the place of a file's experiments and models.

    What else stands in the file stays. The root is switched where the file allows it; else the
    file is written anew, as files are with superblock version 1, a user block, or a file-space
    strategy other than HDF5's default.

    Parameters
    ----------
    path : str
        The file; links have been followed.
    descriptor : int
        The same, open for writing; the caller keeps other writers out.
    root : Group
        Planned; `Kept` objects in it are those of the old file.
    work : Work
        How arrays are written.
    replaced : collection of str
        The old experiments that are in the new tree, or are to go.
    durable : bool
        Whether to wait until the change is on the disk.
    finish : callable, optional
        What comes last, when all arrays are in the file; is given the new root.

    Raises
    ------
    SaveError
        If writing fails; the file is as it was.
    """
    block = read_superblock(descriptor)
    if block is not None:
        change = _Change(path, descriptor, block, root, work, replaced, durable, finish)
        if change.made():
            return
    rewrite_file(path, root, work, replaced=replaced, durable=durable, finish=finish)


class _Change:
    """One root switch."""

    def __init__(
        self,
        path: str,
        descriptor: int,
        block: Superblock,
        root: Group,
        work: Work,
        replaced: Collection[str],
        durable: bool,
        finish: Callable[[h5py.Group, Output], None] | None,
    ) -> None:
        self._path = path
        self._descriptor = descriptor
        self._block = block
        self._root = root
        self._work = work
        self._replaced = replaced
        self._durable = durable
        self._finish = finish

    def made(self) -> bool:
        """Change the file; ``False`` if that cannot be done this way, and it is as it was.

        Raises
        ------
        SaveError
            If writing fails; the file is as it was.
        """
        switched = False
        try:
            self._cut()
            built = self._built()
            if built is not None and self._is_sound(*built):
                self._switch(*built)
                switched = True
        except HspyError:
            raise
        except Exception as error:  # a dask array's own tasks may raise anything
            if (interrupt := interrupt_behind(error)) is not None:
                raise interrupt from None
            raise SaveError(
                f"could not be changed, it is as it was: {error}", path=self._path
            ) from error
        finally:
            if not switched:
                with suppress(OSError):
                    self._cut()
        return switched

    def _cut(self) -> None:
        """Cut off what lies behind the end: what a kill, or a failure, has left.

        Once the superblock is another one, it may be needed.
        """
        unchanged = read_superblock(self._descriptor) == self._block
        if unchanged and file_size(self._descriptor) > self._block.end:
            resize(self._descriptor, self._block.end)

    def _built(self) -> tuple[int, int] | None:
        """Write the new tree behind the end; its address, and the new end."""
        with SwitchFile(os.dup(self._descriptor), self._work, self._block.end) as output:
            try:
                session = h5py.File(output, "r+", libver=LIBVER)
            except (OSError, RuntimeError, ValueError):
                return None
            try:
                with session, self._old() as raw, h5py.File(raw, "r") as old:
                    group = h5g.create(session.id, None)
                    new = h5py.Group(group)
                    rebuild(new, old, self._root, output, linked_in(session), self._replaced)
                    store_graphs(output.graphs, self._work)
                    if self._finish is not None:
                        self._finish(new, output)
                    session.flush()
                    address = int(h5o.get_info(group).addr)
                    end = output.freeze()
            except Exception:
                output.check()  # what HDF5 says afterwards is not the cause
                raise
            output.check()
        resize(self._descriptor, end)
        if self._durable:
            sync(self._descriptor)
        return address, end

    def _old(self) -> DescriptorFile:
        return DescriptorFile(os.dup(self._descriptor))

    def _is_sound(self, address: int, end: int) -> bool:
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
                    return not mismatch(self._root, root_of(file, session))
                finally:
                    session.end()
        except (HspyError, OSError, RuntimeError, ValueError):
            return False

    def _switch(self, address: int, end: int) -> None:
        for place, content in self._block.moved(address, end):
            write_from(self._descriptor, [memoryview(content)], place)
        if self._durable:
            sync(self._descriptor)


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
