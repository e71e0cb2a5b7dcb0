"""A list of files, or a pattern -> the files that are meant, in the order of their numbers."""

from __future__ import annotations

import glob
import os
import re
from typing import Any

from hspyio.api.arguments import path_text
from hspyio.errors import ArgumentError, MissingFileError
from hspyio.model.given import kind_of

__all__ = ["files_meant", "in_natural_order", "is_pattern"]

_SIGNS = "*?["


def files_meant(given: Any, call: str) -> list[Any] | None:
    """The files of a list or of a pattern; ``None`` where one file is given by its name.

    Parameters
    ----------
    given : path-like, file object, list or tuple
        What the user has given; a list may hold patterns, too.
    call : str
        The function that it was given to, for errors.

    Raises
    ------
    ArgumentError
        If it has no order, as a set or a generator has none.
    MissingFileError
        If there is no file of a pattern, or the list is empty.
    """
    if isinstance(given, list | tuple):
        if not given:
            raise MissingFileError(f"the {kind_of(given)} of files for {call} is empty")
        return [file for one in given for file in (_of_pattern(one, call) or [one])]
    if isinstance(given, set | frozenset) or (
        hasattr(given, "__next__") and not hasattr(given, "read")
    ):
        raise ArgumentError(
            f"path is a {kind_of(given)}, whose order says nothing: hspyio.{call} with a list, or "
            "with a pattern such as 'scan_*.hspy', whose files come in the order of their numbers"
        )
    return _of_pattern(given, call)


def _of_pattern(given: Any, call: str) -> list[str] | None:
    if not isinstance(given, str | os.PathLike) or not is_pattern(given):
        return None
    pattern = path_text(given, call)
    found = [path for path in glob.glob(pattern, recursive=True) if _is_one(path)]
    if not found:
        raise MissingFileError("no file has a name of this pattern", path=pattern)
    return in_natural_order(found)


def _is_one(path: str) -> bool:
    """Whether it is a file, or a store of Zarr's, which is a folder."""
    return not os.path.isdir(path) or os.path.isfile(os.path.join(path, ".zgroup"))


def is_pattern(given: str | os.PathLike[str]) -> bool:
    """Whether it stands for any number of files: not where a file has that very name."""
    text: str | bytes = os.fspath(given)
    if isinstance(text, bytes) or "://" in text or not any(sign in text for sign in _SIGNS):
        return False
    path = os.path.expanduser(text)
    return not (os.path.lexists(path) or os.path.lexists(f"{path}.hspy"))


def in_natural_order(paths: list[str]) -> list[str]:
    """Paths as people count: ``scan_9`` before ``scan_10``."""
    return sorted(paths, key=_counted)


def _counted(path: str) -> tuple[list[tuple[int, str]], str]:
    # A number and a text never stand at the same place: the pieces alternate.
    pieces = re.split(r"([0-9]+)", path)
    return [(int(piece), "") if i % 2 else (0, piece) for i, piece in enumerate(pieces)], path
