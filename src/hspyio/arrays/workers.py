"""Threads that share a list of chunks; none outlives its call."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from hspyio.errors import OptionError
from hspyio.records import record
from hspyio.system.interrupts import caught

__all__ = ["THREADS_VARIABLE", "Bytewise", "Progress", "Workers", "run", "thread_count"]

T = TypeVar("T")

THREADS_VARIABLE = "HSPYIO_NUM_THREADS"

Bytewise = Callable[[int], None]
"""Told of a number of bytes."""


def _ignore(count: int) -> None:
    """No progress reporting."""


@record
class Progress:
    """Who is told of progress, from any thread; either may raise, to stop the work.

    Attributes
    ----------
    expect, advance : callable
        Told of the bytes of an array before it is read or written, and of those that are done.
    """

    expect: Bytewise = _ignore
    advance: Bytewise = _ignore


@record
class Workers:
    """How arrays are read and written.

    Attributes
    ----------
    threads : int
        How many at most.
    progress : Progress
        Who is told of it.
    asked : bool
        Whether the user wanted just so many threads.
    """

    threads: int = 1
    progress: Progress = Progress()
    asked: bool = True


def thread_count(asked: int | None) -> int:
    """Number of threads: what was asked for, else ``HSPYIO_NUM_THREADS``, else the CPUs.

    Raises
    ------
    OptionError
        If one of the first two is no positive number.
    """
    if asked is not None:
        if asked < 1:
            raise OptionError(f"threads is {asked!r}; use a whole number above 0, or None")
        return int(asked)
    variable = os.environ.get(THREADS_VARIABLE, "").strip()
    if not variable:
        return _usable_cpus()
    if not variable.isdecimal() or len(variable) > 9 or int(variable) < 1:
        raise OptionError(
            f"the environment variable {THREADS_VARIABLE} is {variable!r}; use a positive number"
        )
    return int(variable)


def _usable_cpus() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _nothing() -> None:
    """Where no thread waits for another."""


@dataclass(slots=True, eq=False, repr=False)
class _Part:
    """Items, by their numbers, that one thread is to begin next."""

    begin: int = 0
    end: int = 0


@dataclass(slots=True, eq=False, repr=False)
class _Shared(Generic[T]):
    """What the threads of one call have in common."""

    items: Sequence[T]
    together: int = 1
    stop: Callable[[], None] = _nothing
    given: int = 0
    parts: list[_Part] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    errors: list[BaseException] = field(default_factory=list)

    def fail(self, error: BaseException) -> None:
        """Let nobody begin or wait for anything any more."""
        self.errors.append(error)
        self.stop()

    def part(self) -> _Part:
        """A place for what one more thread takes."""
        part = _Part()
        self.parts.append(part)
        return part

    def next(self, part: _Part) -> int | None:
        """The number of the item that a thread begins; ``None`` if all are begun."""
        with self.lock:
            if part.begin == part.end:
                self._fill(part)
            if part.begin == part.end:
                return None
            part.begin += 1
            return part.begin - 1

    def _fill(self, part: _Part) -> None:
        """What comes next, else half of what another thread has yet to begin."""
        if self.given < len(self.items):
            part.begin, part.end = self.given, min(self.given + self.together, len(self.items))
            self.given = part.end
            return
        longest = max(self.parts, key=lambda other: other.end - other.begin)
        part.end = longest.end
        part.begin = longest.end = longest.begin + (longest.end - longest.begin) // 2


def run(
    items: Sequence[T],
    make: Callable[[], Callable[[T], None]],
    threads: int,
    stop: Callable[[], None] = _nothing,
    together: int = 1,
) -> None:
    """Do something with every item, on this thread and others beside it.

    Items are begun in their order, if they are taken one by one. After an error, or Ctrl-C, no new
    one is begun; when this returns or raises, no thread is left.

    Parameters
    ----------
    items : sequence
        What to work on.
    make : callable
        Makes what a thread does with each item; called once a thread, so that it can hold
        buffers of its own.
    threads : int
        How many at most, this one included.
    stop : callable
        Called after an error or Ctrl-C, to wake threads that wait for one another.
    together : int
        How many items in a row one thread takes, where neighbours share memory. At the end one
        that has nothing more to do takes half of what another has not begun.
    """
    if threads <= 1 or len(items) <= 1:
        do = make()
        for item in items:
            do(item)
        return
    shared = _Shared(items, together, stop)
    helpers = [
        threading.Thread(target=_do_share, args=(shared, make), name="hspyio")
        for _ in range(min(threads, len(items)) - 1)
    ]
    with caught(shared.fail):
        for helper in helpers:
            with suppress(RuntimeError):  # the system has no more; those there are will do
                helper.start()
        _do_share(shared, make)
        for helper in filter(threading.Thread.is_alive, helpers):
            helper.join()  # it ends with the chunk it is at
    if shared.errors:
        raise shared.errors[0]


def _do_share(shared: _Shared[T], make: Callable[[], Callable[[T], None]]) -> None:
    try:
        do = make()
        part = shared.part()
        while (number := shared.next(part)) is not None:
            if shared.errors:
                return
            do(shared.items[number])
    except BaseException as error:
        shared.fail(error)
