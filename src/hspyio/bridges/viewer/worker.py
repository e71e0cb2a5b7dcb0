"""Threads of the viewer: the newest job of each counts, and the pointer goes before all others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Superseded", "Turns", "Worker"]

Job: TypeAlias = Callable[[Callable[[], None]], None]
"""Called with a function that waits for its turn, and raises `Superseded`."""

_QUIET = 0.15
"""Seconds after the last move of a pointer before anything else goes on."""


class Superseded(Exception):  # noqa: N818 - it ends a job that nobody waits for: no error
    """A newer job has come, or the viewer ends."""


class Turns:
    """Who goes first: what a user waits for, in any window, or what is read in the background."""

    def __init__(self) -> None:
        self._last = 0.0

    def urgent(self) -> None:
        """Note that somebody moves a pointer."""
        self._last = time.monotonic()

    def wait(self, is_over: Callable[[], bool]) -> None:
        """Wait until nobody has for a moment.

        Raises
        ------
        Superseded
            If the job is over meanwhile.
        """
        while True:
            if is_over():
                raise Superseded
            left = self._last + _QUIET - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.02))


class Worker:
    """A thread that does the newest job it was given; older ones end at their next turn.

    Parameters
    ----------
    turns : Turns
        Whose turn it is.
    failed : callable
        Told of what a job raises.
    """

    def __init__(self, turns: Turns, failed: Callable[[Exception], None]) -> None:
        self._turns = turns
        self._failed = failed
        self._change = threading.Condition()
        self._waiting: Job | None = None
        self._number = 0
        self._closed = False
        self._thread: threading.Thread | None = None

    def ask(self, job: Job) -> None:
        """Give it a job in the place of the one before."""
        with self._change:
            if self._closed:
                return
            self._waiting = job
            self._number += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hspy view", daemon=True)
                self._thread.start()
            self._change.notify()

    def cancel(self) -> None:
        """End the job that it has."""
        with self._change:
            self._waiting = None
            self._number += 1

    def close(self) -> None:
        """End for good; the thread is gone afterwards."""
        with self._change:
            self._closed = True
            self._waiting = None
            self._number += 1
            self._change.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while True:
            with self._change:
                while self._waiting is None and not self._closed:
                    self._change.wait()
                if self._closed:
                    return
                job, self._waiting, number = self._waiting, None, self._number
            assert job is not None
            try:
                job(lambda number=number: self._turns.wait(lambda: self._number != number))  # type: ignore[misc]
            except Superseded:
                pass
            except Exception as error:  # whatever it is, the window stays and says it
                self._failed(error)
