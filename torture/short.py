"""Reads and writes that move less than was asked, as network file systems have them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_ONE_BUFFER = ("pread", "read", "pwrite", "write")
_MANY_BUFFERS = ("preadv", "readv", "pwritev", "writev")


@dataclass
class Short:
    """Replaces calls in this process, for good: meant for a child.

    What is moved is moved truly, and the system says how much that was.

    Parameters
    ----------
    folder : str
        Of the files that are meant.
    number : int
        The call that moves less, from 1; 0 for every one.
    least : bool
        Whether it moves one byte, instead of half of them.

    Attributes
    ----------
    calls : int
        How many could move less so far.
    """

    folder: str
    number: int
    least: bool
    calls: int = 0

    def install(self) -> Short:
        for name in _ONE_BUFFER:
            setattr(os, name, self._one(getattr(os, name), reads="read" in name))
        for name in _MANY_BUFFERS:
            setattr(os, name, self._many(getattr(os, name)))
        return self

    def _less(self, descriptor: int, length: int) -> int:
        """How much a call may move."""
        if length < 2 or not os.readlink(f"/proc/self/fd/{descriptor}").startswith(self.folder):
            return length
        self.calls += 1
        if self.number not in (0, self.calls):
            return length
        return 1 if self.least else length // 2

    def _one(self, original: Any, *, reads: bool) -> Callable[..., Any]:
        def call(descriptor: int, what: Any, *place: int) -> Any:
            if reads:
                return original(descriptor, self._less(descriptor, what), *place)
            content = memoryview(what).cast("B")
            return original(descriptor, content[: self._less(descriptor, len(content))], *place)

        return call

    def _many(self, original: Any) -> Callable[..., Any]:
        def call(descriptor: int, buffers: Any, *place: int) -> Any:
            views = [memoryview(buffer).cast("B") for buffer in buffers]
            room = self._less(descriptor, sum(map(len, views)))
            parts = []
            for view in views:
                parts.append(view[:room])
                room -= len(parts[-1])
            return original(descriptor, parts, *place)

        return call
