"""Facts of very many files, as JSON: read by several processes, as threads would wait in turn."""

from __future__ import annotations

import io
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr
from functools import partial
from typing import Any, TypeAlias

from hspyio.arrays.workers import thread_count
from hspyio.cli.console import each_file, say_warning
from hspyio.cli.usage import Place
from hspyio.cli.values import json_text
from hspyio.errors import HspyError, HspyWarning

__all__ = ["in_processes"]

Facts: TypeAlias = Callable[[Place], list[dict[str, Any]]]

_WORTH_A_PROCESS = 400
"""Files that take longer to read than a process takes to start."""
_TOGETHER = 50
"""Files that are read between two messages, and told of in one go."""


def in_processes(facts: Facts, files: Sequence[Place]) -> tuple[str, bool]:
    """A JSON list of what is known of all files in their order, and whether all could be read."""
    count = min(thread_count(None), len(files) // _WORTH_A_PROCESS)
    if count < 2:
        text, fine = _known(facts, files)
        return _list(text), fine
    texts: list[str] = []
    fine = True
    for text, told, good in _by_others(facts, files, count):
        sys.stderr.write(told)
        sys.stderr.flush()
        texts.append(text)
        fine &= good
    return _list(",\n".join(filter(None, texts))), fine


def _by_others(facts: Facts, files: Sequence[Place], count: int) -> Iterator[tuple[str, str, bool]]:
    """What processes make of the files: JSON, what they say of them, whether all is well."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    parts = [files[low : low + _TOGETHER] for low in range(0, len(files), _TOGETHER)]
    fresh = multiprocessing.get_context("spawn")  # a fork would take the threads' locks along
    pool = ProcessPoolExecutor(count, fresh, initializer=_left_to_the_first)
    try:
        yield from pool.map(partial(_heard, facts), parts)
    except BrokenProcessPool:
        raise HspyError("a process that was reading files was ended from outside") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _left_to_the_first() -> None:
    """In another process: Ctrl-C is for the one that was started by hand."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _heard(facts: Facts, files: Sequence[Place]) -> tuple[str, str, bool]:
    """In another process: the same, with what it would have said on the error stream."""
    with redirect_stderr(io.StringIO()) as told, warnings.catch_warnings():
        warnings.simplefilter("always", HspyWarning)
        warnings.showwarning = say_warning
        text, fine = _known(facts, files)
    return text, told.getvalue(), fine


def _known(facts: Facts, files: Sequence[Place]) -> tuple[str, bool]:
    records: list[dict[str, Any]] = []
    fine = each_file(files, lambda file: records.extend(facts(file)))
    return json_text(records)[2:-2], fine


def _list(items: str) -> str:
    return f"[\n{items}\n]" if items else "[]"
