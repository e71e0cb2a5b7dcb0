"""The process that reads for another, forked instead of started: all else is the same."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import types
from collections.abc import Sequence
from typing import Any

from hspyio.api import sandbox, sandbox_child

_DIE_WITH_PARENT = 1


class Forked:
    """Takes the place of `subprocess.Popen`; starting Python would take most of the time."""

    def __init__(self, arguments: Sequence[str], **options: Any) -> None:
        asked, told = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _live([*arguments[arguments.index("-m") + 1 :]], asked[0], told[1])
        os.close(asked[0])
        os.close(told[1])
        self.stdin = os.fdopen(asked[1], "wb")
        self.stdout = os.fdopen(told[0], "rb")
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            if found:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def wait(self) -> int:
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code

    def kill(self) -> None:
        if self._code is None:
            os.kill(self.pid, signal.SIGKILL)


def install() -> None:
    """From now on, in this process."""
    sandbox.subprocess = types.SimpleNamespace(Popen=Forked, PIPE=None, DEVNULL=None)  # type: ignore[attr-defined]


def _live(arguments: list[str], asked: int, told: int) -> None:
    """What `python -m hspyio.api.sandbox_child` does; it never returns."""
    try:
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        for number in (signal.SIGPROF, signal.SIGXCPU, signal.SIGSEGV, signal.SIGABRT):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(asked, 0)
        os.dup2(told, 1)
        os.closerange(3, 256)
        sys.argv = arguments
        sandbox_child.main()
    finally:
        os._exit(0)
