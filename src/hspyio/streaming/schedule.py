"""When checkpoints are made that nobody asks for: every few seconds, or every so many bytes."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import numpy as np

from hspyio.errors import HspyError, OptionError, SaveError
from hspyio.records import value
from hspyio.streaming.stream import Stream

__all__ = ["Schedule", "Timer", "seconds_of"]

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_FORM = re.compile(r"\s*(\d+(?:\.\d*)?)\s*(ms|s|min|h|B|kB|MB|GB|TB)\s*")
_LOOK = 0.05
"""Seconds between two looks at how much has come."""


def seconds_of(given: object) -> float | None:
    """A time as a user gives it: ``"10s"``, ``"2min"``, a number; ``None`` if it is no time."""
    if isinstance(given, str) and (found := _FORM.fullmatch(given)) and found[2] in _SECONDS:
        given = float(found[1]) * _SECONDS[found[2]]
    is_number = isinstance(given, int | float | np.number) and not isinstance(given, bool)
    return float(given) if is_number and given > 0 else None  # type: ignore[operator,arg-type]


@value
class Schedule:
    """When a checkpoint is due.

    Attributes
    ----------
    seconds, count : float, int or None
        Since the last one, or bytes that were taken since; ``None`` for never.
    """

    seconds: float | None = None
    count: int | None = None

    @classmethod
    def of(cls, given: object) -> Schedule:
        """What a user says: ``"10s"``, ``"500 MB"``, a number of seconds, or ``None``.

        Raises
        ------
        OptionError
            If it is none of these.
        """
        if given is None:
            return cls()
        if isinstance(given, str) and (found := _FORM.fullmatch(given)) and found[2] in _BYTES:
            if float(found[1]):
                return cls(count=max(1, int(float(found[1]) * _BYTES[found[2]])))
        elif (seconds := seconds_of(given)) is not None:
            return cls(seconds=seconds)
        raise OptionError(
            f"checkpoint is {given!r}; use a time such as '10s' or '2min', an amount of data "
            "such as '500MB', a number of seconds, or None"
        )

    def is_due(self, seconds: float, count: int) -> bool:
        """Whether one is, so long after the last, and so many bytes."""
        late = self.seconds is not None and seconds >= self.seconds
        return late or (self.count is not None and count >= self.count)


class Timer:
    """A thread that makes checkpoints; what goes wrong is told to `note`, and is the end of it.

    Parameters
    ----------
    stream : Stream
        What they are made of.
    schedule : Schedule
        When.
    note : callable
        Told of what is wrong with the metadata.
    """

    def __init__(
        self, stream: Stream, schedule: Schedule, note: Callable[[BaseException], None]
    ) -> None:
        self._stream, self._schedule, self._note = stream, schedule, note
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        if schedule != Schedule():
            self._thread = threading.Thread(target=self._run, name="hspyio-timer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End it, after the checkpoint that it may be making."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        at = 0
        while not self._stop.wait(self._pause()):
            seconds, taken = self._stream.seconds_since_checkpoint(), self._stream.taken_bytes
            if not (self._schedule.is_due(seconds, taken - at) and self._stream.has_news()):
                continue
            at = taken
            try:
                error = self._stream.checkpoint(asked=False)
            except Exception as caught:
                if self._stream.failure is not None:  # it tells who calls next
                    return
                error = caught if isinstance(caught, HspyError) else SaveError(f"failed: {caught}")
            except BaseException:
                return
            if error is not None:
                self._note(error)

    def _pause(self) -> float:
        """Seconds until it may be due."""
        if self._schedule.count is not None or self._schedule.seconds is None:
            return _LOOK
        pause = max(_LOOK, self._schedule.seconds - self._stream.seconds_since_checkpoint())
        return min(pause, threading.TIMEOUT_MAX)
