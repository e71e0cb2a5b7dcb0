"""Ctrl-C and requests to end, wherever they strike."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["called_back", "caught", "deferred", "interrupt_behind"]

_NAMES = ("INT", "TERM", "HUP", "QUIT", "ALRM", "VTALRM", "PROF", "USR1", "USR2", "BREAK")
_HANDLED = [getattr(signal, f"SIG{name}") for name in _NAMES if hasattr(signal, f"SIG{name}")]
"""Those that programs let their handlers raise errors for; to ask for all 64 takes 0.2 ms."""


def interrupt_behind(error: BaseException) -> BaseException | None:
    """The Ctrl-C that an error came of: it may have struck while HDF5 was calling us."""
    found: BaseException | None = error
    seen: set[int] = set()  # an error that is raised again can come of itself
    while found is not None and not isinstance(found, (KeyboardInterrupt, SystemExit)):
        if id(found) in seen:
            return None
        seen.add(id(found))
        found = found.__cause__ or found.__context__
    return found


@contextmanager
def called_back() -> Iterator[None]:
    """Within this, HDF5 calls functions of ours; Ctrl-C in one of them comes out as what it is.

    Where it strikes on the way in or out of such a function, Python makes a SystemError of it.
    """
    try:
        yield
    except SystemError as error:
        raise (interrupt_behind(error) or error) from None


@contextmanager
def deferred() -> Iterator[None]:
    """Within this, which is short, Ctrl-C and SIGTERM wait for its end.

    Other threads than the main one are not told of signals anyway.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        waiting.append(number)

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    ours = [number for number, handler in handlers.items() if handler is not None]
    try:
        for number in ours:
            signal.signal(number, note)
        yield
    finally:
        for number in ours:
            signal.signal(number, handlers[number])
        for struck in waiting:
            signal.raise_signal(struck)


@contextmanager
def caught(tell: Callable[[BaseException], None]) -> Iterator[None]:
    """Within this, what handlers of signals raise, such as Ctrl-C, is told and breaks nothing off.

    Who waits for threads cannot have it otherwise: Python's ``join`` takes a thread for ended that
    is not, once Ctrl-C has struck there, and what that one writes goes into a file that is closed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    found = {number: signal.getsignal(number) for number in _HANDLED}
    handlers = {int(number): handler for number, handler in found.items() if callable(handler)}

    def handle(number: int, frame: FrameType | None) -> None:
        try:
            handlers[number](number, frame)
        except BaseException as error:
            tell(error)

    try:
        for number in handlers:
            signal.signal(number, handle)
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
