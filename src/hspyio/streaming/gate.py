"""Calls of many threads on one side, the instant of a checkpoint on the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from weakref import WeakSet

from hspyio.errors import OptionError, SaveError

__all__ = ["Gate", "release"]

_LOOK = 0.5
"""Seconds between two looks whether a checkpoint may wait no longer."""


class Gate:
    """Lets any number of calls through, or one checkpoint that looks at what they have done.

    A thread that is inside may call again: it is let through at once.

    Each thread has a lock of its own, which it holds while it is inside; a checkpoint holds those
    of all. A count would not do: between counting and the block, Ctrl-C leaves it wrong.
    """

    def __init__(self) -> None:
        # Not `with changed`: its enter is Python, in which Ctrl-C would leave the lock held.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._mine = threading.local()
        self._locks: WeakSet[Any] = WeakSet()
        self._closing: object = None
        self._deadline = float("inf")

    @property
    def is_inside(self) -> bool:
        """Whether this thread is."""
        return bool(self._own()._is_owned())

    def _own(self) -> Any:
        """The lock of who calls, for as long as that thread is there."""
        try:
            return self._mine.lock
        except AttributeError:
            with self._lock:
                lock = threading.RLock()
                self._locks.add(lock)
                self._mine.lock = lock
            return lock

    def call(self, *, goes_on: bool = False) -> AbstractContextManager[Any]:
        """For a block that no checkpoint is to see half of.

        One that goes on with an earlier one does not wait for a checkpoint that is waiting itself:
        another call, which is inside, may wait for this one.
        """
        own = self._own()
        if self._closing and not goes_on and not own._is_owned():
            with self._lock:
                while self._closing:
                    self._changed.wait()
        return own  # type: ignore[no-any-return]

    def hurry(self, seconds: float) -> None:
        """Let no checkpoint wait longer than this from now on: the program ends."""
        self._deadline = time.monotonic() + seconds

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Wait until no call is inside, and let none in.

        Raises
        ------
        OptionError
            If this thread itself is inside: it would wait for ever.
        SaveError
            If another one is inside when the program ends, and stays there.
        """
        if self.is_inside:
            raise OptionError("checkpoint() is called in a block of one_state(): call it behind it")
        held: list[Any] = []
        me = object()
        try:
            try:
                with self._lock:
                    while self._closing:
                        self._changed.wait()
                    self._closing = me
                self._take_all(held)
                yield
            finally:
                self._open(held, me)
        finally:
            self._open(held, me)  # what Ctrl-C has left of it

    def _take_all(self, held: list[Any]) -> None:
        """Hold every thread's lock: all at once, since one may be inside and wait for another."""
        while (busy := self._first_busy(held)) is not None:
            release(held)
            held.append(busy)
            while not busy.acquire(timeout=_LOOK):
                if time.monotonic() > self._deadline:
                    raise SaveError(
                        "a thread is inside of a block of one_state(), or of a call, and does not "
                        "leave it; what came after the last checkpoint is not in the file"
                    )
            release(held)

    def _first_busy(self, held: list[Any]) -> Any:
        """Hold the locks up to one that another thread holds: that one, or ``None``."""
        with self._lock:
            locks = list(self._locks)
        for lock in locks:
            held.append(lock)  # before it is taken: Ctrl-C may strike between the two
            if not lock.acquire(blocking=False):
                return lock
        return None

    def _open(self, held: list[Any], me: object) -> None:
        release(held)
        with self._lock:
            if self._closing is me:
                self._closing = None
                self._changed.notify_all()


def release(held: list[Any]) -> None:
    """Release those locks that this thread holds, and drop all; again does no harm."""
    while held:
        if held[-1]._is_owned():
            held[-1].release()
        held.pop()
