"""How a stream is doing, for a display beside the measurement."""

from __future__ import annotations

import time
from collections import deque

from hspyio.errors import byte_text
from hspyio.records import value

__all__ = ["Rate", "StreamStatus"]

_SECONDS = 10.0


@value
class StreamStatus:
    """How a stream is doing.

    Attributes
    ----------
    length : int
        Of the first dimension: of what was taken.
    safe : int
        The same in the last checkpoint: of what readers see, and what a crash leaves.
    checkpoints : int
        How many were made.
    age : float
        Seconds since the last one.
    rate : float
        Bytes a second that were taken, in the last ten seconds.
    queued, queue_bytes : int
        Bytes of chunks that wait to be written, and how many there may be in memory, with those
        that are being filled.
    file_bytes : int
        What the file takes now.
    dead_bytes : int
        How much of it the last checkpoint has no use for; ``close(compact=True)`` wins it back.
    failure : str
        What ended the stream, ``""`` while it goes on.
    """

    length: int
    safe: int
    checkpoints: int
    age: float
    rate: float
    queued: int
    queue_bytes: int
    file_bytes: int
    dead_bytes: int
    failure: str = ""

    def __str__(self) -> str:
        """One line for a display."""
        parts = [
            f"{self.length:,} taken, {self.safe:,} safe {self.age:.0f} s ago",
            f"{byte_text(int(self.rate))}/s",
            f"queue {100 * self.queued // max(1, self.queue_bytes)} %",
            f"file {byte_text(self.file_bytes)}",
            f"{byte_text(self.dead_bytes)} of it dead",
        ]
        return ", ".join([*parts, *filter(None, [self.failure])])


class Rate:
    """Bytes a second, over the last few. Not locked: who calls is."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()
        self._begin = time.monotonic()
        self.total = 0

    def note(self, count: int) -> None:
        """Count bytes."""
        now = time.monotonic()
        self.total += count
        if self._samples and now - self._samples[-1][0] < 0.1:
            self._samples[-1] = (self._samples[-1][0], self._samples[-1][1] + count)
        else:
            self._samples.append((now, count))
        self._forget(now)

    def now(self) -> float:
        """The rate."""
        now = time.monotonic()
        self._forget(now)
        seconds = min(_SECONDS, now - self._begin)
        return sum(count for _, count in self._samples) / seconds if seconds > 0 else 0.0

    def _forget(self, now: float) -> None:
        while self._samples and now - self._samples[0][0] > _SECONDS:
            self._samples.popleft()
