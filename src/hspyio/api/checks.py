"""Checks of arguments that several functions share."""

from __future__ import annotations

import numpy as np

from hspyio.errors import OptionError

__all__ = ["check_threads", "not_yet"]


def check_threads(threads: int | None) -> None:
    """Refuse a number of threads that is none.

    Raises
    ------
    OptionError
        If it is not a whole number above 0.
    """
    whole = isinstance(threads, (int, np.integer)) and not isinstance(threads, bool)
    if threads is not None and not (whole and threads > 0):
        raise OptionError(f"threads is {threads!r}; use a whole number above 0, or None")


def not_yet(option: str, value: bool) -> None:
    """Refuse what a later version brings, rather than ignore it.

    Raises
    ------
    OptionError
        If the option is on.
    """
    if value:
        raise OptionError(f"{option}=True is not available in this version of hspyio")
