"""A bar with bytes and rate for work of more than a second, none for what is done before."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from io import StringIO
from typing import Any

from hspyio.arrays.workers import THREADS_VARIABLE, Progress, Workers, thread_count
from hspyio.printable import printable

__all__ = ["working"]

_PATIENCE = 1.0
"""Seconds before a bar appears."""
_COLUMNS = 72
"""Letters of a bar in a notebook."""


@contextmanager
def working(threads: int | None, progress: bool | None, label: str) -> Iterator[Workers]:
    """How arrays are read or written within one call of the user's."""
    count = thread_count(threads)
    asked = threads is not None or bool(os.environ.get(THREADS_VARIABLE, "").strip())
    if not (_is_watched() if progress is None else progress):
        yield Workers(count, asked=asked)
        return
    bar = _Bar(label)
    try:
        yield Workers(count, Progress(bar.expect, bar.advance), asked)
    finally:
        bar.close()


def _is_watched() -> bool:
    gone = getattr(sys.stderr, "closed", True)  # there may be none, without a console
    return (not gone and sys.stderr.isatty()) or _in_notebook()


def _in_notebook() -> bool:
    return "ipykernel" in sys.modules


class _Bar:
    """tqdm's bar, imported and made only when the work takes long."""

    def __init__(self, label: str) -> None:
        self._label = printable(label)
        self._total = self._done = 0
        self._begin = time.monotonic()
        self._lock = threading.Lock()
        self._bar: Any = None
        self._is_left_out = False

    def expect(self, count: int) -> None:
        with self._lock:
            self._total += count
            if self._bar is not None:
                self._bar.total = self._total

    def advance(self, count: int) -> None:
        with self._lock:
            self._done += count
            try:
                self._show(count)
            except Exception:  # whatever a terminal or notebook does not take: the work goes on
                self._bar, self._is_left_out = None, True

    def _show(self, count: int) -> None:
        if self._bar is not None:
            self._bar.update(count)
        elif self._is_left_out:
            return
        elif time.monotonic() - self._begin > _PATIENCE and self._done < self._total:
            self._bar = self._made()

    def _made(self) -> Any:
        notebook = _in_notebook()
        bar = _bar_class(notebook)(
            desc=self._label,
            total=self._total,
            initial=self._done,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            leave=False,
            file=StringIO() if notebook else None,
            ncols=_COLUMNS if notebook else None,
            ascii=False if notebook else None,
        )
        if not bar.disable:  # as tqdm's own environment variable may say
            bar.start_t -= time.monotonic() - self._begin  # the rate is that of the whole work
        return bar

    def close(self) -> None:
        if self._bar is not None:
            with suppress(Exception):
                self._bar.close()


def _bar_class(notebook: bool) -> Any:
    """The bar of tqdm for terminals, and one for notebooks.

    In a notebook, what goes to stderr stands on red and leaves an empty strip when it is gone, and
    tqdm's own widget wants a package that few have. So the same line is shown as an output that is
    replaced, at last by nothing.
    """
    from tqdm.std import tqdm

    if not notebook:
        return tqdm

    class NotebookBar(tqdm):  # type: ignore[misc]
        @staticmethod
        def status_printer(file: Any) -> Callable[[str], None]:
            notebook: Any = import_module("IPython.display")
            output = notebook.display(_shown(""), raw=True, display_id=True)
            return lambda line: output.update(_shown(line), raw=True)

    return NotebookBar


def _shown(line: str) -> dict[str, str]:
    """A line as the kinds of output that a notebook can choose from."""
    from html import escape

    page = f'<pre style="margin:0">{escape(line)}</pre>' if line else ""
    return {"text/plain": line, "text/html": page}
