"""The chunks that are being filled: their buffers, and what was written of each."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.arrays.indexing import ChunkProjection
from hspyio.errors import QueueFullError
from hspyio.filters.pipeline import Scratch
from hspyio.streaming.coverage import Coverage
from hspyio.streaming.encoders import Encoders
from hspyio.streaming.layout import StreamLayout
from hspyio.system.interrupts import deferred

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hspyio.arrays.grid import Region

__all__ = ["OpenChunks"]


class _OpenChunk:
    """A chunk with a buffer.

    Attributes
    ----------
    values : ndarray
        The buffer.
    coverage : Coverage
        Which of them were written.
    stored : Coverage or None
        Which were, of those that stand in the file, if any do.
    dirty : bool
        Whether anything was written since it was stored.
    read : bool
        Whether what was not written was read back; else it is anything.
    again : bool
        Whether it was full before, and is written into again: it is not full for that.
    users : int
        How many threads are copying into it.
    """

    __slots__ = ("again", "coverage", "dirty", "read", "stored", "users", "values")

    def __init__(self, values: NDArray[Any], coverage: Coverage, *, stored: bool) -> None:
        self.values, self.coverage = values, coverage
        self.stored = coverage.copy() if stored else None
        self.again = coverage.is_full
        self.read = stored
        self.dirty = False
        self.users = 0


class OpenChunks:
    """All of them, in the order of their use. `Encoders.changed` is what they are locked by.

    Parameters
    ----------
    layout : StreamLayout
        The array.
    encoders : Encoders
        Take chunks that are full.
    read : callable
        Reads a chunk that stands in the file, by its number, as it is stored, and with the mask of
        filters that were left out; ``None`` if there is none.

    Attributes
    ----------
    stored_parts : dict of int to Coverage
        What was written of chunks that stand in the file, have no buffer, and are not full.
    full : ndarray of bool or None
        Which chunks were written whole, of an array that does not grow.
    """

    def __init__(
        self,
        layout: StreamLayout,
        encoders: Encoders,
        read: Callable[[int], tuple[bytes, int] | None],
    ) -> None:
        self._layout, self._encoders, self._read = layout, encoders, read
        self._open: OrderedDict[int, _OpenChunk] = OrderedDict()
        self._scratch = Scratch()
        self.stored_parts: dict[int, Coverage] = {}
        self.full = None if layout.is_open else np.zeros(layout.grid.count, bool)

    def has_changed(self) -> bool:
        """Whether any was written into since it was stored."""
        return any(chunk.dirty for chunk in self._open.values())

    def dirty_bytes(self) -> int:
        """Bytes of those that would have to be stored again once they are full."""
        return self._layout.pipeline.size * sum(chunk.dirty for chunk in self._open.values())

    def check_room(self, projections: list[ChunkProjection]) -> None:
        """Refuse what the queue has no room for now, before anything of it is taken.

        Raises
        ------
        QueueFullError
            If there is none.
        """
        numbers = {self._layout.grid.number(one.coords) for one in projections}
        with self._encoders.lock:
            new = sum(number not in self._open for number in numbers)
            needed = new * self._layout.pipeline.size
            if self._encoders.used + needed > self._encoders.limit:
                self._give_up(numbers, new)
                raise QueueFullError(
                    f"the queue is full: {self._encoders.used:,} of {self._encoders.limit:,} bytes "
                    f"are in use, and {needed:,} more are needed; try again, let it wait "
                    "(on_full='wait'), or give it more (queue_bytes)"
                )

    def _give_up(self, wanted: set[int], count: int) -> None:
        """Store what nobody uses, so that there is room when it is tried again."""
        idle = [n for n, chunk in self._open.items() if not chunk.users and n not in wanted]
        if not self._encoders.is_busy:
            with deferred():
                for number in idle[:count]:
                    self._put_by(number)

    def put(self, piece: ChunkProjection, values: NDArray[Any]) -> None:
        """Copy what belongs to one chunk; wait for room.

        Parameters
        ----------
        piece : ChunkProjection
            Which chunk, where in it, and where in `values`.
        values : ndarray
            All dimensions.
        """
        number = self._layout.grid.number(piece.coords)
        chunk, done = None, False
        try:
            with self._encoders.lock:
                chunk = self._opened(number, piece.chunk_selection)
                chunk.users += 1
            np.copyto(chunk.values[piece.chunk_selection], values[piece.out_selection])
            done = True
        finally:
            if chunk is not None:
                self._leave(number, chunk, piece.chunk_selection if done else None)

    def _leave(self, number: int, chunk: _OpenChunk, region: Region | None) -> None:
        """Note what a thread has written into a chunk, if anything."""
        with self._encoders.lock:
            chunk.users -= 1
            if region is not None:
                chunk.coverage.mark(region)
                chunk.dirty = True
            if not chunk.users and not chunk.again and chunk.coverage.is_full:
                with deferred():
                    self._finish(number)
            self._encoders.changed.notify_all()

    def _opened(self, number: int, region: Region) -> _OpenChunk:
        """The chunk of a number, with a buffer from now on."""
        whole: bool | None = None
        while True:
            self._check()
            found = self._open.get(number)
            if found is not None:
                self._open.move_to_end(number)
                return found
            if whole is None:
                all_of_it = Coverage(self._layout.inside(number))
                all_of_it.mark(region)
                whole = all_of_it.is_full
            if not whole and self._encoders.is_pending(number):
                self._encoders.changed.wait()  # it is read back
            elif self._encoders.has_room() or not self._make_room():
                break
        with deferred():  # as all that must not be left half done
            chunk = self._open[number] = self._begun(number, whole=whole)
        return chunk

    def _check(self) -> None:
        if self._encoders.failure is not None:
            raise self._encoders.failure

    def _make_room(self) -> bool:
        """Wait for a buffer, or give one up; ``False`` where all are in use by threads."""
        if self._encoders.is_busy:
            self._encoders.changed.wait()
            return True
        for number, chunk in self._open.items():
            if not chunk.users:
                with deferred():
                    self._put_by(number)
                return True
        return False

    def _put_by(self, number: int) -> None:
        """Store a chunk as it is: it is read back when more comes."""
        chunk = self._open[number]
        if chunk.coverage.is_full:
            self._finish(number)
            return
        del self._open[number]
        self.stored_parts[number] = chunk.coverage
        if chunk.dirty:
            self._fill_rest(chunk, chunk.values)
            self._encoders.submit(number, chunk.values)
        else:
            self._encoders.release(chunk.values)

    def _finish(self, number: int) -> None:
        """Hand over a chunk that is full."""
        chunk = self._open.pop(number)
        self.stored_parts.pop(number, None)
        if self.full is not None:
            self.full[number] = True
        if chunk.dirty:
            self._encoders.submit(number, chunk.values)
        else:
            self._encoders.release(chunk.values)

    def _begun(self, number: int, *, whole: bool) -> _OpenChunk:
        """A chunk with a buffer, which holds what the file has of it, unless all of it comes."""
        stored = None if whole else self._read(number)
        inside = self._layout.inside(number)
        values = self._encoders.buffer()
        if inside != values.shape or values.dtype.names:
            values.reshape(-1).view(np.uint8)[:] = 0
        if stored is None:
            return _OpenChunk(values, Coverage(inside), stored=False)
        everything = tuple(map(slice, values.shape))
        self._layout.pipeline.decode(stored[0], stored[1], values, everything, self._scratch)
        parts = self.stored_parts.pop(number, None)
        return _OpenChunk(values, parts or Coverage(inside, full=True), stored=True)

    def _fill_rest(self, chunk: _OpenChunk, values: NDArray[Any]) -> None:
        if not chunk.read:
            chunk.coverage.fill_rest(values, self._layout.fill)

    # the instant of a checkpoint

    def store_parts(self) -> None:
        """Queue copies of all that has changed: what is stored of it then is no more than that."""
        for number, chunk in list(self._open.items()):
            if chunk.coverage.is_full:
                self._finish(number)
            elif chunk.dirty:
                values = self._encoders.buffer()
                np.copyto(values, chunk.values)
                self._fill_rest(chunk, values)
                self._encoders.submit(number, values)
                chunk.stored, chunk.dirty = chunk.coverage.copy(), False

    def parts(self, *, now: bool = False) -> dict[int, Coverage]:
        """What stands in the file, or will, of chunks that are not full; or all that was taken."""
        parts = {number: part.copy() for number, part in self.stored_parts.items()}
        for number, chunk in self._open.items():
            part = chunk.coverage if now else chunk.stored
            if part is not None:
                parts[number] = part
        return parts

    def least_dirty(self) -> int | None:
        """The first chunk of which something was written that is not stored."""
        return min((number for number, chunk in self._open.items() if chunk.dirty), default=None)
