"""Descriptors of lazily open files: no more than the system allows, the least used go first."""

from __future__ import annotations

import sys
import weakref
from collections import OrderedDict
from contextlib import suppress
from typing import Protocol

__all__ = ["OPEN", "OpenFiles"]

_UNKNOWN = 512
"""Descriptors of a process, where the system does not tell."""
_MOST = 4096
_FEW = 32
"""So many are open without asking how many may be."""


class Holder(Protocol):
    """What holds a descriptor, and can do without it."""

    def put_by(self) -> bool:
        """Close it, if it can be opened again; whether it is closed."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class OpenFiles:
    """Who holds descriptors, in the order of their last use.

    Every change is one step of the dict's own, so that no lock is needed: one that another thread
    held would be held for ever in a forked child.
    """

    def __init__(self) -> None:
        self._held: OrderedDict[int, weakref.ref[Holder]] = OrderedDict()

    def used(self, holder: Holder) -> None:
        """Note that a holder has a descriptor, and let others go if there are too many."""
        key = id(holder)
        if key in self._held:
            with suppress(KeyError):  # another thread was here
                self._held.move_to_end(key)
                return
        self._held[key] = weakref.ref(holder)
        if len(self._held) > _FEW:
            self._make_room(*_limits())

    def forget(self, holder: Holder) -> None:
        """Note that it has none any more."""
        self._held.pop(id(holder), None)

    def halve(self) -> None:
        """Let many go: the system gives no more."""
        self._make_room(len(self._held) // 2, sys.maxsize)

    def _make_room(self, wanted: int, most: int) -> None:
        """Close until there are as many as wanted; what cannot be opened again only from `most`.

        Where all of them are such, each new one looks at all, which costs a look at a path each.
        """
        for _ in range(len(self._held)):
            if len(self._held) <= wanted:
                return
            holder = self._least_used()
            if holder is None or holder.put_by():
                continue
            if len(self._held) >= most:
                holder.close()
            else:
                self._held[id(holder)] = weakref.ref(holder)

    def _least_used(self) -> Holder | None:
        try:
            return self._held.popitem(last=False)[1]()
        except KeyError:  # other threads were here
            return None


def _limits() -> tuple[int, int]:
    """How many descriptors we keep, and how many at most: other parts of a program need some."""
    allowed = _UNKNOWN
    if sys.platform != "win32":
        import resource

        allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if allowed == resource.RLIM_INFINITY:
            allowed = 2 * _MOST
    wanted = min(allowed // 2, _MOST)
    return wanted, wanted + wanted // 2


OPEN = OpenFiles()
"""Those of this process: what the system counts is its, too."""
