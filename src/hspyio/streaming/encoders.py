"""Threads that compress chunks and write them behind the end of the file, from a bounded queue."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.filters.pipeline import Pipeline, Scratch
from hspyio.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Encoders", "Placed"]


@record
class _Job:
    """A chunk that is to be written."""

    turn: int
    number: int
    values: NDArray[Any]


@record
class Placed:
    """A chunk that stands in the file.

    Attributes
    ----------
    turn : int
        When it was handed over: a later one of the same number counts.
    number : int
        Of the chunk.
    offset, size, mask : int
        Where it begins, its bytes, and a bit for each filter that was left out.
    """

    turn: int
    number: int
    offset: int
    size: int
    mask: int


class Encoders:
    """The queue, its threads, and the next free place in the file.

    Parameters
    ----------
    pipeline : Pipeline
        How chunks are encoded.
    threads : int
        How many there are.
    write : callable
        Writes buffers at a place in the file.
    place : int
        The first free place.
    limit : int
        Bytes of buffers that should be in use at most.

    Attributes
    ----------
    changed : Condition
        Held by who looks at anything here, and told of every change.
    failure : BaseException or None
        What ended it.
    used : int
        Bytes of buffers in use.
    place : int
        The first free place.
    stored : int
        Bytes that were written.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        threads: int,
        write: Callable[[Sequence[memoryview], int], None],
        place: int,
        limit: int,
    ) -> None:
        # Not `with changed`: its enter is Python, in which Ctrl-C would leave the lock held.
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.failure: BaseException | None = None
        self.used = 0
        self.place = place
        self.stored = 0
        self.limit = max(limit, (threads + 2) * pipeline.size)
        self._pipeline, self._write = pipeline, write
        self._jobs: deque[_Job] = deque()
        self._unfinished: dict[int, int] = {}
        self._placed: list[Placed] = []
        self._newest: dict[int, Placed] = {}
        self._spare: list[NDArray[Any]] = []
        self._turn = 0
        self._writing = 0
        self._frozen = self._stopped = False
        # File systems let one thread at a time write into a file: more would wait, and spin.
        self._threads = [
            threading.Thread(target=self._work, name=f"hspyio-encoder-{i}", daemon=True)
            for i in range(threads if pipeline.filters else 1)
        ]
        for thread in self._threads:
            thread.start()

    # all below until `_work` is called with `changed` held, unless it says otherwise

    @property
    def turn(self) -> int:
        """The turn of what was handed over last."""
        return self._turn

    @property
    def is_busy(self) -> bool:
        """Whether anything is queued, or being encoded."""
        return bool(self._unfinished)

    @property
    def queued(self) -> int:
        """Bytes of chunks that are queued, or being encoded."""
        return len(self._unfinished) * self._pipeline.size

    def is_pending(self, number: int) -> bool:
        """Whether a chunk is queued, or being encoded."""
        return number in self._unfinished.values()

    def has_room(self) -> bool:
        """Whether one more buffer may be in use."""
        return self.used + self._pipeline.size <= self.limit

    def buffer(self) -> NDArray[Any]:
        """A buffer for a chunk, in use from now on; what it held is anything."""
        self.used += self._pipeline.size
        if self._spare:  # the last one that was used: it is in the cache, if any is
            return self._spare.pop()
        return np.empty(self._pipeline.chunk, self._pipeline.dtype)

    def release(self, buffer: NDArray[Any]) -> None:
        """Have a buffer no more in use."""
        self.used -= self._pipeline.size
        if self.used + (len(self._spare) + 1) * self._pipeline.size <= self.limit:
            self._spare.append(buffer)
        self.changed.notify_all()

    def submit(self, number: int, values: NDArray[Any]) -> None:
        """Queue a chunk, with its buffer."""
        self._turn += 1
        self._unfinished[self._turn] = number
        self._jobs.append(_Job(self._turn, number, values))
        self.changed.notify_all()

    def newest(self, number: int) -> Placed | None:
        """Where a chunk stands that was written since the last `take`."""
        return self._newest.get(number)

    def stored_below(self, end: int) -> int:
        """Bytes of chunks below a place that the next `take` has: they came after the last one."""
        return sum(one.size for one in self._placed if one.offset < end)

    def take(self, turn: int) -> list[Placed]:
        """What was written up to a turn, once: in the order of the turns."""
        taken = sorted((one for one in self._placed if one.turn <= turn), key=lambda one: one.turn)
        self._placed = [one for one in self._placed if one.turn > turn]
        for one in taken:
            newest = self._newest.get(one.number)
            if newest is not None and newest.turn <= turn:
                del self._newest[one.number]
        return taken

    def wait_for(self, turn: int) -> None:
        """Wait until all up to a turn is written, or nothing will be any more."""
        while self.failure is None and any(pending <= turn for pending in self._unfinished):
            self.changed.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within this no place is taken, and nothing is being written; `changed` is not held."""
        with self.lock:
            self._frozen = True
            while self._writing:
                self.changed.wait()
        try:
            yield
        finally:
            with self.lock:
                self._frozen = False
                self.changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Let nothing more be done; `changed` is not held."""
        with self.lock:
            self.failure = self.failure or error
            self.changed.notify_all()

    def stop(self) -> None:
        """End the threads, when all is done or nothing can be; `changed` is not held."""
        with self.lock:
            self._stopped = True
            self.changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        scratch = Scratch()
        while (job := self._next()) is not None:
            try:
                data, mask = self._pipeline.encode(job.values, scratch)
                placed = self._stored(job, np.frombuffer(data, np.uint8).data, mask)
            except BaseException as error:  # whatever it is, those who wait have to be told
                self.fail(error)
                return
            with self.lock:
                self._unfinished.pop(job.turn)
                if placed is not None:
                    self._note(placed)
                self.release(job.values)

    def _next(self) -> _Job | None:
        with self.lock:
            while not self._jobs and not self._stopped and self.failure is None:
                self.changed.wait()
            if self.failure is not None or not self._jobs:
                return None
            return self._jobs.popleft()

    def _stored(self, job: _Job, data: memoryview, mask: int) -> Placed | None:
        """Write a chunk at the next free place."""
        with self.lock:
            while self._frozen and self.failure is None:
                self.changed.wait()
            if self.failure is not None:
                return None
            offset = self.place
            self.place += len(data)
            self._writing += 1
        try:
            self._write([data], offset)
        finally:
            with self.lock:
                self._writing -= 1
                self.changed.notify_all()
        return Placed(job.turn, job.number, offset, len(data), mask)

    def _note(self, placed: Placed) -> None:
        self.stored += placed.size
        self._placed.append(placed)
        newest = self._newest.get(placed.number)
        if newest is None or newest.turn < placed.turn:
            self._newest[placed.number] = placed
