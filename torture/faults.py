"""Something happens at the N-th call of the operating system that changes a file or a folder."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_WRITES = ("pwritev", "pwrite")
_OTHERS = ("ftruncate", "fsync", "replace", "rename", "link", "unlink", "chmod", "posix_fallocate")
_SUPERBLOCK = 96


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes
    ----------
    name : str
        Function of `os`.
    offset, length : int
        Where in the file, and how many bytes, for writes.
    """

    name: str
    offset: int = 0
    length: int = 0

    @property
    def halves(self) -> bool:
        """Whether it can end in the middle.

        A write inside the superblock cannot: no kill, and no disk, divides what lies in one
        sector of 512 bytes.
        """
        return self.length > 1 and self.offset + self.length > _SUPERBLOCK


@dataclass
class Faults:
    """Replaces calls in this process, for good: meant for a child.

    Parameters
    ----------
    number : int
        The call at which something happens, from 1; 0 for none.
    act : callable
        What happens, before the call.
    half : bool
        Whether half of the bytes are written before.

    Attributes
    ----------
    calls : list of Call
        All so far.
    """

    number: int = 0
    act: Callable[[], object] = lambda: None
    half: bool = False
    calls: list[Call] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def install(self) -> Faults:
        for name in _WRITES:
            setattr(os, name, self._write(name, getattr(os, name)))
        for name in _OTHERS:
            setattr(os, name, self._other(name, getattr(os, name)))
        os.open = self._opening(os.open)  # type: ignore[assignment]
        return self

    def _is_it(self, call: Call) -> bool:
        with self.lock:
            self.calls.append(call)
            return len(self.calls) == self.number

    def _write(self, name: str, original: Any) -> Any:
        def write(descriptor: int, data: Any, place: int) -> int:
            pieces = [memoryview(p).cast("B") for p in (data if name == "pwritev" else [data])]
            length = sum(map(len, pieces))
            if self._is_it(Call(name, place, length)):
                if self.half:
                    os_pwrite(descriptor, b"".join(pieces)[: length // 2], place)
                self.act()
            return int(original(descriptor, data, place))

        os_pwrite = os.pwrite
        return write

    def _other(self, name: str, original: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            if self._is_it(Call(name)):
                self.act()
            return original(*arguments, **options)

        return call

    def _opening(self, original: Any) -> Any:
        def opening(path: Any, flags: int, *more: Any, **options: Any) -> int:
            name = "create" if flags & os.O_CREAT else "open" if flags & os.O_RDWR else ""
            if name and self._is_it(Call(name)):
                self.act()
            return int(original(path, flags, *more, **options))

        return opening


def send(number: int) -> Callable[[], object]:
    """What sends this process a signal; it may be handled before the call goes on."""
    return lambda: os.kill(os.getpid(), number)


KILL = send(signal.SIGKILL)
STOP = send(signal.SIGSTOP)


def traced(function: Callable[[], object]) -> list[Call]:
    """Run a function; the calls that it makes. Meant for a child."""
    faults = Faults().install()
    function()
    return list(faults.calls)
