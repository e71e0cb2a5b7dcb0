"""Errors say which file and which place in it they are about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hspyio.errors import UNREADABLE, DamagedFileError, HspyError, TooLargeError

__all__ = ["located"]


@contextmanager
def located(path: str, where: str) -> Iterator[None]:
    """Errors name the file and the array; what damaged bytes make Python raise becomes ours."""
    try:
        yield
    except HspyError as error:
        error.path = error.path or path
        error.where = error.where or where
        raise
    except MemoryError:
        raise TooLargeError(
            "does not fit into memory; lazy=True reads it in parts", path=path, where=where
        ) from None
    except UNREADABLE as error:
        raise DamagedFileError(
            f"its values cannot be read: {error}", path=path, where=where
        ) from None
