"""Calls of many threads on one side, the instant of a checkpoint on the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hspyio.errors import OptionError

__all__ = ["Gate"]


class Gate:
    """Lets any number of calls through, or one checkpoint that looks at what they have done.

    A thread that is inside may call again: it is let through at once.
    """

    def __init__(self) -> None:
        # Not `with changed`: its enter is Python, in which Ctrl-C would leave the lock held.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._mine = threading.local()
        self._inside = 0
        self._closing = self._closed = False

    @property
    def is_inside(self) -> bool:
        """Whether this thread is."""
        return bool(getattr(self._mine, "depth", 0))

    @contextmanager
    def call(self, *, goes_on: bool = False) -> Iterator[None]:
        """What no checkpoint is to see half of.

        One that goes on with an earlier one does not wait for a checkpoint that is waiting itself:
        another call, which is inside, may wait for this one.
        """
        depth = getattr(self._mine, "depth", 0)
        if not depth:
            with self._lock:
                while self._closed or (self._closing and not goes_on):
                    self._changed.wait()
                self._inside += 1
        self._mine.depth = depth + 1
        try:
            yield
        finally:
            self._mine.depth = depth
            if not depth:
                with self._lock:
                    self._inside -= 1
                    self._changed.notify_all()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Wait until no call is inside, and let none in.

        Raises
        ------
        OptionError
            If this thread itself is inside: it would wait for ever.
        """
        if self.is_inside:
            raise OptionError("checkpoint() is called in a block of one_state(): call it behind it")
        with self._lock:
            while self._closing:
                self._changed.wait()
            self._closing = True
        try:
            with self._lock:
                while self._inside:
                    self._changed.wait()
                self._closed = True
            yield
        finally:
            with self._lock:
                self._closing = self._closed = False
                self._changed.notify_all()
