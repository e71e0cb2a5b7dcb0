"""Ctrl-C at a line of a program."""

from __future__ import annotations

import linecache
import signal
import sys
from collections.abc import Callable, Container
from types import FrameType
from typing import Any

_UNSEEN = ("with ", "try:", "finally:")
"""At the begin of these, and on the way out of a block, Python looks at no signal."""


def interrupted(block: Callable[[], object], number: int, files: Container[str]) -> bool:
    """Run a block; Ctrl-C strikes at the nth line of some files, if there are so many.

    Returns
    -------
    bool
        Whether it did.
    """
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        file = frame.f_code.co_filename
        text = linecache.getline(file, frame.f_lineno).strip() if file in files else ""
        if event == "line" and text and not text.startswith(_UNSEEN):
            count += 1
            if count == number:
                signal.raise_signal(signal.SIGINT)
        return trace

    before, handler = sys.gettrace(), signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.settrace(trace)
    try:
        block()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
        signal.signal(signal.SIGINT, handler)
    return False
