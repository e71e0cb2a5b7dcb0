"""The writer of one array that grows, or is filled in any order; see the package's docstring."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.arrays.indexing import BasicIndexer, ChunkProjection, Range
from hspyio.arrays.manifest import ChunkManifest
from hspyio.arrays.workers import Workers
from hspyio.errors import HspyError, OptionError, SaveError, warn_user
from hspyio.hdf5.format.chunk_tree import ChunkTree
from hspyio.nodes.node import Group, Selection
from hspyio.records import record
from hspyio.streaming.copier import ChunkCopier
from hspyio.streaming.coverage import Coverage
from hspyio.streaming.encoders import Encoders
from hspyio.streaming.gate import Gate, release
from hspyio.streaming.open_chunks import OpenChunks
from hspyio.streaming.states import States
from hspyio.streaming.status import Rate, StreamStatus
from hspyio.streaming.written import written_mask
from hspyio.system.calls import read_into
from hspyio.system.interrupts import deferred
from hspyio.transaction.growing import GrowingFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Before", "Stream", "stopped"]

_SHARE = 4
"""A call takes the gate again for every such part of the queue: a checkpoint need not wait long."""
_SHORT = 0.1
"""Seconds that nobody notices."""
_DEAD_BYTES = 64 * 2**20
_DEAD_SHARE = 10
"""Dead space that a checkpoint nobody asked for may leave: so many bytes, or a tenth."""


@record
class Before:
    """What stands in a file that a stream goes on with.

    Attributes
    ----------
    manifest : ChunkManifest
        The chunks.
    full : ndarray of bool or None
        Which are full, of an array that does not grow.
    parts : dict of int to Coverage
        What was written of others.
    """

    manifest: ChunkManifest
    full: NDArray[np.bool_] | None
    parts: dict[int, Coverage]


@record
class _Instant:
    """What a checkpoint found at its instant."""

    length: int
    turn: int
    experiment: Group
    error: HspyError | None


class Stream:
    """Takes frames, and makes states of the file.

    Parameters
    ----------
    file : GrowingFile
        Locked; whoever opened it closes it.
    states : States
        Makes the states.
    threads : int
        How many compress.
    queue_bytes : int
        Of chunks in memory.
    before : Before, optional
        What is there already.

    Attributes
    ----------
    gate : Gate
        Calls go through it.
    length : int
        Of the first dimension.
    safe : int
        The same in the last state.
    """

    def __init__(
        self,
        file: GrowingFile,
        states: States,
        *,
        threads: int,
        queue_bytes: int,
        before: Before | None = None,
    ) -> None:
        layout = states.layout
        self.layout, self.gate = layout, Gate()
        self._file, self._states = file, states
        self.length = self.safe = layout.shape[0]
        self._tree = ChunkTree(layout.chunk, layout.grid.counts[1:])
        self._encoders = Encoders(layout.pipeline, threads, file.write, file.end, queue_bytes)
        self._chunks = OpenChunks(layout, self._encoders, self._stored)
        self._appending, self._switching = threading.RLock(), threading.RLock()
        self._workers = Workers(threads)
        self._rate = Rate()
        self._checkpoints = 0
        self._last = time.monotonic()
        self._metadata_bytes = file.end
        self._others_bytes = 0
        self._saved_bytes = 0
        self._is_ended = False
        self._said = {""}
        if before is not None:
            self._go_on(before)

    def _go_on(self, before: Before) -> None:
        found = before.manifest
        self._tree.set(found.ids, found.offsets, found.sizes, found.masks)
        self._chunks.stored_parts.update(before.parts)
        self._chunks.full = before.full
        self._metadata_bytes = 0
        self._others_bytes = max(0, self._file.end - self._tree.chunk_bytes)

    # taking

    def put(self, selection: Selection, values: NDArray[Any], *, wait: bool) -> None:
        """Take the values of a region.

        Parameters
        ----------
        selection : tuple of slice or int
            The region; inside the array.
        values : ndarray
            In its shape, of a type that can be stored.
        wait : bool
            Whether to wait for room; else a call that there is no room for raises.
        """
        shape = (self.length, *self.layout.shape[1:])
        indexer = BasicIndexer(selection, shape)
        self._take(indexer, values.reshape(indexer.shape), wait=wait)

    def append(self, frames: NDArray[Any], *, wait: bool) -> None:
        """Take frames behind the last."""
        try:
            self._append_all(frames, wait=wait)
        finally:
            release([self._appending])  # if Ctrl-C came between

    def _append_all(self, frames: NDArray[Any], *, wait: bool) -> None:
        try:
            with self.gate.call():
                self._check_goes_on()
                self._appending.acquire()
                first, end = self.length, self.length + len(frames)
                if not wait:
                    self._chunks.check_room(self._pieces(first, end))
                parts = self._parts(first, end)
                self._append(frames, first, next(parts))
            for part in parts:
                with self.gate.call(goes_on=True):
                    self._append(frames, first, part)
        finally:
            release([self._appending])

    def _append(self, frames: NDArray[Any], first: int, part: range) -> None:
        values = frames[part.start - first : part.stop - first]
        for piece in self._pieces(part.start, part.stop):
            self._chunks.put(piece, values)
        with self._encoders.lock:
            self.length = part.stop
            self._rate.note(values.nbytes)

    def _parts(self, first: int, end: int) -> Iterator[range]:
        """Frames that are taken in one go: whole chunks, of a part of the queue together."""
        rows = self._encoders.limit // _SHARE // max(1, self.layout.frame_bytes)
        step = max(1, rows // self.layout.chunk[0]) * self.layout.chunk[0]
        low = first
        while low < end or low == first:
            high = min(end, low - low % step + step)
            yield range(low, high)
            if high == end:
                return
            low = high

    def _pieces(self, low: int, high: int) -> list[ChunkProjection]:
        """What of some frames goes into which chunk: one call may bring a single one."""
        step, frames = self.layout.chunk[0], Range(low, 1, high - low)
        rows = [(row, *frames.within(row * step, (row + 1) * step)) for row in frames.touched(step)]
        return [
            ChunkProjection((row, *coords), (inside, *part), (out, *place))
            for row, out, inside in rows
            for coords, part, place in self.layout.across
        ]

    def _take(self, indexer: BasicIndexer, values: NDArray[Any], *, wait: bool) -> None:
        pieces = [*indexer.projections(self.layout.grid)]
        most = max(1, self._encoders.limit // _SHARE // self.layout.pipeline.size)
        with self.gate.call():
            self._check_goes_on()
            if not wait:
                self._chunks.check_room(pieces)
            self._put_all(pieces[:most], values)
        for low in range(most, len(pieces), most):
            with self.gate.call(goes_on=True):
                self._put_all(pieces[low : low + most], values)
        with self._encoders.lock:
            self._rate.note(values.nbytes)

    def _check_goes_on(self) -> None:
        """Refuse what another thread has closed the file before."""
        if self._is_ended:
            raise OptionError("has just been closed; nothing was taken", path=self._file.path)

    def _put_all(self, pieces: Sequence[ChunkProjection], values: NDArray[Any]) -> None:
        for piece in pieces:
            self._chunks.put(piece, values)

    def _stored(self, number: int) -> tuple[bytes, int] | None:
        """A chunk as it stands in the file."""
        newest = self._encoders.newest(number)
        if newest is not None:
            offset, size, mask = newest.offset, newest.size, newest.mask
        elif (place := self._tree.place(number)) is not None:
            offset, size, mask = place
        else:
            return None
        content = bytearray(size)
        read_into(self._file.descriptor, [memoryview(content)], offset)
        return bytes(content), mask

    # telling

    @property
    def failure(self) -> BaseException | None:
        """What ended it."""
        return self._encoders.failure

    @property
    def taken_bytes(self) -> int:
        """Bytes of all that was taken."""
        return self._rate.total

    def seconds_since_checkpoint(self) -> float:
        """How old the last state is."""
        return time.monotonic() - self._last

    def has_news(self) -> bool:
        """Whether anything was taken since the last state."""
        return self._rate.total > self._saved_bytes

    def written(self) -> NDArray[np.bool_]:
        """Which signals were written, as of now."""
        with self._encoders.lock:
            parts = self._chunks.parts(now=True)
            return written_mask(self.layout, self._chunks.full, parts, self.length)

    def status(self) -> StreamStatus:
        """How it is doing."""
        with self._encoders.lock:
            return StreamStatus(
                length=self.length,
                safe=self.safe,
                checkpoints=self._checkpoints,
                age=self.seconds_since_checkpoint(),
                rate=self._rate.now(),
                queued=self._encoders.queued,
                queue_bytes=self._encoders.limit,
                file_bytes=max(self._encoders.place, self._file.end),
                dead_bytes=self._dead_bytes(),
                failure="" if self.failure is None else str(self.failure),
            )

    def _dead_bytes(self) -> int:
        small = self._tree.node_bytes + self._metadata_bytes + self._others_bytes
        small += self._encoders.stored_below(self._file.end)
        return max(0, self._file.end - self._tree.chunk_bytes - small)

    # states

    def checkpoint(self, *, asked: bool = True, last: bool = False) -> HspyError | None:
        """Make a state of the file of all that was taken.

        Parameters
        ----------
        asked : bool
            Whether somebody waits for it; else chunks that are not full may be left out of it.
        last : bool
            Whether nothing is to come: the tree of chunks is written as a whole.

        Returns
        -------
        HspyError or None
            What was wrong with the metadata, which are as in the state before then.
        """
        with self._switching:
            taken = self._rate.total
            with self.gate.closed():
                self._is_ended = self._is_ended or last
                instant = self._instant(asked=asked, last=last)
            with self._encoders.lock:
                self._encoders.wait_for(instant.turn)
                if self.failure is not None:
                    raise self.failure
            with self._ending(Exception):
                self._sync()
            # Ctrl-C is how a measurement is ended: what was taken before goes into the last state.
            with deferred():
                with self._ending(BaseException), self._encoders.frozen():
                    self._switch(instant, last=last)
                self._note(instant, taken)
            if not last:
                self._check_fate(last=False)
            return instant.error

    def _check_fate(self, *, last: bool) -> None:
        """Tell of a file that is not under its name any more, and of what else is to be said."""
        fate, is_lost = self._file.fate()
        if is_lost:
            still = f"/proc/{os.getpid()}/fd/{self._file.descriptor}"
            if not last and os.path.exists(still):
                fate += f"; until the writer is closed, {still} can be copied"
            raise SaveError(fate, path=self._file.path)
        notes = {fate, *self._file.notes} - self._said
        self._said |= notes
        for note in notes:
            warn_user(f"{self._file.path}: {note}")

    @contextmanager
    def _ending(self, kind: type[BaseException]) -> Iterator[None]:
        """Within this, an error is the end: what is in the file is known to nobody then."""
        try:
            yield
        except kind as error:
            self._encoders.fail(error)
            raise

    def _sync(self) -> None:
        """Wait for the disk until little is left for the switch, within which nobody writes.

        Again, as long as each time takes half as long as the one before: on a disk that is slower
        than what comes, waiting makes it more.
        """
        before = self.seconds_since_checkpoint()
        while True:
            begin = time.monotonic()
            self._file.sync()
            took = time.monotonic() - begin
            if took < _SHORT or took > before / 2:
                return
            before = took

    def _note(self, instant: _Instant, taken: int) -> None:
        """Note that a state is in the file."""
        self._states.stand(instant.experiment)
        self.safe = instant.length
        self._checkpoints += 1
        self._last = time.monotonic()
        self._saved_bytes = taken

    def _instant(self, *, asked: bool, last: bool) -> _Instant:
        """What belongs to the state, as of now: no call is going on."""
        with deferred(), self._encoders.lock:
            length = self.length
            if asked or self._may_store_parts():
                self._chunks.store_parts()
            elif self.layout.is_open and (first := self._chunks.least_dirty()) is not None:
                rows = self.layout.grid.corner(first)[0]
                length = min(length, max(self.safe, rows))
            parts = self._chunks.parts()
            full = None if self._chunks.full is None else self._chunks.full.copy()
            turn = self._encoders.turn
        mask = written_mask(self.layout, full, parts, length)
        written = None if mask.all() else mask
        experiment, error = self._states.experiment(length, written, growing=not last)
        return _Instant(length, turn, experiment, error)

    def _may_store_parts(self) -> bool:
        dead = self._dead_bytes() + self._chunks.dirty_bytes()
        return dead <= max(_DEAD_BYTES, self._encoders.place // _DEAD_SHARE)

    def _switch(self, instant: _Instant, *, last: bool) -> None:
        """Write the new nodes of the tree, and a root that leads to them; nobody else writes."""
        with self._encoders.lock:
            placed = {one.number: one for one in self._encoders.take(instant.turn)}
            table = np.array(
                [(one.number, one.offset, one.size, one.mask) for one in placed.values()], np.int64
            ).reshape(-1, 4)
            self._tree.set(*table.T)
        place = self._encoders.place
        nodes, address = self._tree.write(place, whole=last)
        if nodes:
            self._file.write([memoryview(nodes)], place)
        start = place + len(nodes)
        steps = self._states.steps(instant.experiment, instant.length, address)
        self._file.switch(steps, start, self._workers)
        with self._encoders.lock:
            self._encoders.place = self._file.end
            self._metadata_bytes = self._file.end - start

    def end(self, *, compact: bool = False) -> HspyError | None:
        """Make the last state, unless it has failed, and end the threads.

        Parameters
        ----------
        compact : bool
            Whether a new file takes the place of this one then, without dead space.
        """
        try:
            if self.failure is not None:
                return None
            error = self.checkpoint(last=True)
            if compact:
                self._replace()
            else:
                self._check_fate(last=True)
            return error
        finally:
            self._encoders.stop()

    def _replace(self) -> None:
        """Copy the last state, chunk by chunk, as they are stored."""
        experiment = self._states.last
        assert experiment is not None
        copier = ChunkCopier(self._tree, self._file.descriptor)
        steps = self._states.steps(experiment, self.safe, None, copier.put)
        self._file.replace(steps, self._workers)


def stopped(error: BaseException, path: str, safe: int, unit: str) -> SaveError:
    """The error that says what became of a stream."""
    reason = error.message if isinstance(error, HspyError) else str(error) or type(error).__name__
    return SaveError(
        f"nothing more is written: {reason}. The last checkpoint, of {safe:,} {unit}, is safe; "
        "hspyio.resume(path) goes on from there",
        path=path,
    )
