"""Forked children: what became of a function that may be killed while it runs."""

from __future__ import annotations

import ctypes
import os
import pickle
import select
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass

PATIENCE = 300.0
"""Seconds until a child counts as hanging: the machine may be busy with other things."""

_DIE_WITH_PARENT = 1


@dataclass(frozen=True)
class Outcome:
    """How a child ended.

    Attributes
    ----------
    kind : str
        ``"done"``, ``"error"`` or ``"killed"``.
    error : str
        Name of the error, or number of the signal.
    kinds : tuple of str
        The error's classes.
    message : str
        Its text.
    value : object
        What the function returned.
    """

    kind: str
    error: str = ""
    kinds: tuple[str, ...] = ()
    message: str = ""
    value: object = None

    @property
    def done(self) -> bool:
        return self.kind == "done"

    def by(self, number: int) -> bool:
        """Whether a signal has ended it."""
        return self.kind == "killed" and self.error == str(int(number))

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, self.error, self.message)))


class HangingError(Exception):
    """A child that does not end."""


class Child:
    """A process that runs a function.

    Parameters
    ----------
    function : callable
        What to run; its result has to be picklable.
    patience : float, optional
        Seconds until it counts as hanging; ``None`` for ever.
    """

    def __init__(self, function: Callable[[], object], patience: float | None = PATIENCE) -> None:
        self._patience = patience
        self._pipe, write_end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _live(function, write_end, self._pipe)
        os.close(write_end)
        self._status: int | None = None

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self._status is None:
            os.kill(self.pid, number)

    def stopped(self) -> bool:
        """Wait until it has stopped itself; ``False`` if it has ended instead."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found, status = os.waitpid(self.pid, os.WUNTRACED | os.WNOHANG)
            if found:
                if os.WIFSTOPPED(status):
                    return True
                self._status = status
                return False
            time.sleep(0.0005)
        raise HangingError("a child neither stops nor ends")

    def resume(self) -> None:
        self.kill(signal.SIGCONT)

    def end(self) -> Outcome:
        """Wait for its end."""
        report = self._report()
        if self._status is None:
            _, self._status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(self._status):
            return Outcome("killed", str(os.WTERMSIG(self._status)))
        if not report:
            return Outcome("error", "Exit", message=f"exit code {self._status >> 8}, no report")
        return Outcome(*pickle.loads(report))

    def _report(self) -> bytes:
        parts = []
        try:
            while True:
                if not select.select([self._pipe], [], [], self._patience)[0]:
                    self.kill()
                    raise HangingError("a child does not end")
                part = os.read(self._pipe, 1 << 16)
                if not part:
                    return b"".join(parts)
                parts.append(part)
        finally:
            os.close(self._pipe)


def run(function: Callable[[], object]) -> Outcome:
    """Run a function in a child, to its end."""
    return Child(function).end()


def _live(function: Callable[[], object], pipe: int, others_end: int) -> None:
    """What the child does; it never returns, whatever fails: it would be a second parent."""
    code = 1
    try:
        os.close(others_end)
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        warnings.simplefilter("ignore")
        try:
            report = ("done", "", (), "", function())
        except BaseException as error:
            kinds = tuple(kind.__name__ for kind in type(error).__mro__)
            text = str(error) if kinds.count("HspyError") else traceback.format_exc()
            report = ("error", type(error).__name__, kinds, text, None)
        content = pickle.dumps(report)
        while content:
            content = content[os.write(pipe, content) :]
        code = 0
    finally:
        os._exit(code)
