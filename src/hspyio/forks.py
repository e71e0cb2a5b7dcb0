"""What threads share, made so that no forked child waits for a thread that it does not have."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar, overload

__all__ = ["derived", "lock_of_module"]

T = TypeVar("T")


class derived(Generic[T]):  # noqa: N801  # it is a decorator
    """A property that is made of the others when it is first asked for, and kept from then on.

    As `functools.cached_property`, which in Python 3.11 has one lock for all objects of a class
    and holds it while it computes. Here two threads may both compute, and the first to be done is
    right for both.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, one: None, kind: type[Any]) -> derived[T]: ...
    @overload
    def __get__(self, one: object, kind: type[Any]) -> T: ...
    def __get__(self, one: object | None, kind: type[Any]) -> derived[T] | T:
        if one is None:
            return self
        kept: T = vars(one).setdefault(self._name, self._make(one))
        return kept


def lock_of_module() -> AbstractContextManager[Any]:
    """A lock for as long as the program runs; a fork waits for it, so that a child gets it free."""
    lock = threading.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
        )
    return lock
