"""The thread on which requests are made: so that one that hangs can be given up at once."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

from hspyio.errors import UnreadableFileError
from hspyio.forks import lock_of_module

__all__ = ["start", "wait"]

T = TypeVar("T")


_LOCK = lock_of_module()


@cache
def _loop_of(process: int) -> asyncio.AbstractEventLoop:
    """The loop of this process, which ends with it."""
    if _loop_of.cache_info().currsize:
        raise UnreadableFileError(
            "a file that is far away cannot be read in a process that was forked from one that "
            "has read such files; start it anew (multiprocessing's 'spawn' or 'forkserver')"
        )
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="hspyio-remote", daemon=True).start()
    return loop


def start(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Begin something; its result can be waited for by any thread.

    Parameters
    ----------
    work : coroutine
        What is to be done on the thread of requests.

    Raises
    ------
    UnreadableFileError
        In a forked process, where the network is no more to be had.
    """
    try:
        with _LOCK:  # two threads would make two of them
            loop = _loop_of(os.getpid())
        return asyncio.run_coroutine_threadsafe(work, loop)
    except UnreadableFileError:
        work.close()
        raise


def wait(work: Future[T]) -> T:
    """The result of what was begun; Ctrl-C gives it up, and is raised here.

    Parameters
    ----------
    work : Future
        From `start`.
    """
    try:
        return work.result()
    except BaseException:
        work.cancel()
        raise
