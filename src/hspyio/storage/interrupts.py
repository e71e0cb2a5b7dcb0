"""Ctrl-C, wherever it strikes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["called_back", "interrupt_behind"]


def interrupt_behind(error: BaseException) -> BaseException | None:
    """The Ctrl-C that an error came of: it may have struck while HDF5 was calling us."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, (KeyboardInterrupt, SystemExit)):
        seen = seen.__cause__ or seen.__context__
    return seen


@contextmanager
def called_back() -> Iterator[None]:
    """Within this, HDF5 calls functions of ours; Ctrl-C in one of them comes out as what it is.

    Where it strikes on the way in or out of such a function, Python makes a SystemError of it.
    """
    try:
        yield
    except SystemError as error:
        raise (interrupt_behind(error) or error) from None
