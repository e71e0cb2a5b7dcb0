"""Change a file in place, whole or not at all: build a new root behind its end, then switch.

Nothing that a reader can see is changed until the superblock names the new root. HDF5 takes the
file for one that it may write to, but what it writes below the old end stays in memory.
"""

from __future__ import annotations

import os
from contextlib import suppress

import h5py
from h5py import h5g, h5o

from hspyio.arrays.workers import Workers
from hspyio.errors import HspyError, SaveError
from hspyio.hdf5.format.index_link import lead_to_index
from hspyio.hdf5.format.superblock import LENGTH, Superblock, read_superblock
from hspyio.hdf5.local_snapshot import LocalSnapshot
from hspyio.hdf5.writing.output import Output, open_by_hdf5
from hspyio.system.calls import close, file_size, flush, open_for_writing, resize, sync, write_from
from hspyio.system.interrupts import interrupt_behind
from hspyio.transaction.changes import Changes, open_written

__all__ = ["NOT_SYNCED", "CopyOnWriteFile", "RootSwitch", "overwrite_in_place"]

NOT_SYNCED = "the file system does not tell when it is on the disk (fsync)"


class RootSwitch:
    """One change of a file; `notes` are what is to be said when it is done.

    Parameters
    ----------
    path : str
        The file; links have been followed.
    descriptor : int
        The same, open for writing; the caller keeps other writers out.
    block : Superblock
        As it is now.
    changes : Changes
        The new content.
    start : int, optional
        Where the new tree may begin; what stands between the end and there is the caller's, and so
        is how long the file is: it is never cut.
    """

    def __init__(
        self,
        path: str,
        descriptor: int,
        block: Superblock,
        changes: Changes,
        *,
        durable: bool,
        start: int | None = None,
    ) -> None:
        self._path = path
        self._start = block.end if start is None else start
        self._is_callers = start is not None
        self._descriptor = descriptor
        self._block = block
        self._changes = changes
        self._durable = durable
        self.notes: list[str] = []

    def made(self, workers: Workers, old: LocalSnapshot | None, *, linked: bool = False) -> bool:
        """Change the file; ``False`` if that cannot be done this way, and it is as it was."""
        switched = False
        root = self._block.root
        try:
            self._cut()
            built = self._built(workers, old, linked=linked)
            if built is not None and self._is_sound(*built):
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
            return (
                f"may be changed or not: the change failed ({error}), and then the file could not "
                "be read; look at it when its disk is back"
            )
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
        longer = file_size(self._descriptor) > self._block.end
        if unchanged and longer and not self._is_callers:
            resize(self._descriptor, self._block.end)

    def _built(
        self, workers: Workers, old: LocalSnapshot | None, *, linked: bool
    ) -> tuple[int, int] | None:
        """Write the new tree behind the end; its address, and the new end."""
        with CopyOnWriteFile(os.dup(self._descriptor), workers, self._start) as output:
            if self._is_callers:
                output.pretend(self._block.switched(self._block.root, self._start))
            output.folder = os.path.dirname(self._path)
            try:
                session = open_by_hdf5(output, "r+")
            except (OSError, RuntimeError, ValueError):
                return None
            try:
                with session:
                    group = h5g.create(session.id, None)
                    new = h5py.Group(group)
                    self._changes.write(new, output, old, session if linked else None)
                    session.flush()
                    address = int(h5o.get_info(group).addr)
                    end = output.stop_writes()
            except Exception:
                output.check()  # what HDF5 says afterwards is not the cause
                raise
            output.check()
            for header, index in output.indices:
                lead_to_index(self._descriptor, header, index)
        if not self._is_callers or file_size(self._descriptor) < end:
            resize(self._descriptor, end)
        self._sync()
        return address, end

    def _is_sound(self, address: int, end: int) -> bool:
        """Whether the new tree is all there, seen as it will be."""
        if not self._start <= address < end:
            return False
        try:
            with open_written(self._descriptor, self._block.switched(address, end)) as root:
                return not self._changes.first_difference(root)
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
            self.notes.append(NOT_SYNCED)


def overwrite_in_place(
    path: str, changes: Changes, source: LocalSnapshot | None, workers: Workers, *, durable: bool
) -> list[str] | None:
    """Give a file a new content without a second file; what was in it takes room still.

    The caller keeps other writers out. What is to be said of it; ``None`` where it cannot be
    changed this way, and is as it was.
    """
    descriptor = open_for_writing(path)
    try:
        block = read_superblock(descriptor)
        if block is None:
            return None
        change = RootSwitch(path, descriptor, block, changes, durable=durable)
        done = change.made(workers, source)
    finally:
        close(descriptor)
    text = (
        "in place, as no file can be made in its folder: the old content takes "
        f"{block.end} bytes of it still, which hspy repack into another folder wins back"
    )
    return [*change.notes, text] if done else None


class CopyOnWriteFile(Output):
    """What HDF5 takes for a file that it may change; below the old end, nothing gets to the disk.

    Parameters
    ----------
    descriptor : int
        Open for reading and writing; closed with this object.
    workers : Workers
        How arrays are written.
    end : int
        Where the file ends, for those who read it now.
    """

    def __init__(self, descriptor: int, workers: Workers, end: int) -> None:
        super().__init__(descriptor, workers)
        self._end = end
        self._last = end
        self._stopped = self._only_grows = False

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        """Keep in memory what lies below the old end, write what lies beyond."""
        content = memoryview(data).cast("B")
        count = len(content)
        if self._stopped:
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

    def pretend(self, block: Superblock) -> None:
        """Let HDF5 read another superblock than the file has, and cut nothing off."""
        self._page(0)[: len(block.content)] = block.content
        self._only_grows = True

    def truncate(self, size: int | None = None) -> int:
        """Extend the file, or cut what is new."""
        end = self._position if size is None else size
        shorter = self._only_grows and end <= file_size(self._descriptor)
        if not self._stopped and end >= self._end and not shorter:
            super().truncate(end)
        return end

    def write_at(self, pieces: list[memoryview], offset: int) -> None:  # type: ignore[override]
        """Write for the engine, behind the old end only."""
        if offset < self._end:
            raise SaveError(f"HDF5 would write at {offset}, where old values are")
        super().write_at(pieces, offset)
        self._last = max(self._last, offset + sum(map(len, pieces)))

    def stop_writes(self) -> int:
        """Let nothing get to the disk from now on; the end of what is there.

        HDF5 goes on when it closes the file: it would remove the new root, which it takes for an
        object that nobody needs.
        """
        self._stopped = True
        content = bytes(self._page(0)[:LENGTH])
        return max(self._last, Superblock(content[8], content).end)
