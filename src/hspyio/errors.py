"""Every error and warning of hspyio; each names the file, the place in it and the mend."""

from __future__ import annotations

import struct
import sys
import warnings
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING

from hspyio.printable import printable, printable_line
from hspyio.records import value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = [
    "IMPORTED",
    "RESCUE",
    "UNREADABLE",
    "ArgumentError",
    "AxesError",
    "ConversionError",
    "DamagedFileError",
    "ExperimentError",
    "FileLockedError",
    "FilePermissionError",
    "FilterError",
    "HspyError",
    "HspyWarning",
    "MissingFileError",
    "MissingPackageError",
    "NotHspyError",
    "OptionError",
    "Problem",
    "QueueFullError",
    "SaveError",
    "StaleFileError",
    "TargetExistsError",
    "TooLargeError",
    "UnreadableFileError",
    "UnsupportedFeatureError",
    "UnsupportedTypeError",
    "byte_text",
    "located",
    "one_or_many",
    "reason_of",
    "warn_user",
]


class HspyError(Exception):
    """Root of all errors of hspyio.

    Parameters
    ----------
    message : str
        What happened, and what to do about it.
    path : path-like, optional
        The file.
    where : str
        The path inside the file, ``""`` when the file as a whole is meant.
    """

    def __init__(self, message: str, *, path: str | Path | None = None, where: str = "") -> None:
        super().__init__(message)  # first: an ImportError has a path, too
        self.message = message
        self.path = None if path is None else str(path)
        self.where = where

    def __str__(self) -> str:
        """Place first, then what happened."""
        place = ": ".join(part for part in (self.path, self.where) if part)
        return printable(f"{place}: {self.message}" if place else self.message)


class NotHspyError(HspyError, OSError):
    """The file is no HDF5 file, or an HDF5 file that is not HSpy."""


class MissingFileError(HspyError, FileNotFoundError):
    """There is no such file."""


class MissingPackageError(HspyError, ImportError):
    """A package that is not installed is needed."""


class TargetExistsError(HspyError, FileExistsError):
    """The target of a save exists and ``overwrite`` is off."""


class UnreadableFileError(HspyError, OSError):
    """The system does not read the file: a drive or network fails, too many files are open."""


class FilePermissionError(UnreadableFileError, PermissionError):
    """The system does not let this user read the file."""


class DamagedFileError(HspyError, OSError):
    """Something in the file cannot be read."""


class UnsupportedFeatureError(HspyError, NotImplementedError):
    """Something in the file is sound, but of a rare kind that is not read; it is named."""


class TooLargeError(HspyError, MemoryError):
    """An array does not fit into the memory that is available."""

    if not TYPE_CHECKING:
        __new__ = Exception.__new__  # MemoryError's own makes nothing but MemoryErrors


class StaleFileError(HspyError, OSError):
    """The file has changed since it was opened lazily."""


class SaveError(HspyError, OSError):
    """Writing failed half-way; what was there before is untouched."""


class FileLockedError(HspyError, BlockingIOError):
    """Another program is writing the file; nothing was read or changed."""


class QueueFullError(HspyError, BlockingIOError):
    """A stream takes nothing now, and ``on_full="raise"``; nothing of the call was taken."""


class ExperimentError(HspyError, KeyError, ValueError):
    """No experiment, or more than one, answers to what was asked for."""


class FilterError(HspyError, OSError, ValueError):
    """A compression filter is not available, or its options make no sense."""


class OptionError(HspyError, ValueError):
    """An option has a value that makes no sense."""


class ArgumentError(OptionError, TypeError):
    """An argument is none of the function's, or of a wrong type; it says which call was meant."""


class AxesError(HspyError, ValueError):
    """The axes do not describe the data."""


RESCUE = (
    "hspyio.rescue(old, new), or `hspy rescue OLD NEW`, writes what can be saved into a new file"
)
"""What to do about damage."""

IMPORTED = "; of a .zspy, which is only read, `hspy import` makes an HSpy file"
"""What to do where a store of Zarr's stands in the place of a file that could be changed."""

UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
"""What damaged or hostile content makes Python and its libraries raise."""


@value
class Problem:
    """One thing that is wrong, and where.

    Attributes
    ----------
    where : str
        Path inside the signal or file, such as ``metadata.Sample.thing`` or
        ``/Experiments/EDS/metadata``.
    message : str
        What is wrong, in a few words.
    lost : bool
        Whether something that stands there cannot be read, and would be gone for good if what
        was read took the place of the file.
    """

    where: str
    message: str
    lost: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        """The place, then the message."""
        return f"{printable_line(self.where)}: {printable(self.message)}"


class UnsupportedTypeError(HspyError, TypeError):
    """Values that no HSpy file can hold; raised before any file is touched.

    Parameters
    ----------
    problems : sequence of Problem
        Every such value, not only the first.
    path : path-like, optional
        The file.
    outcome : str
        What was written all the same, of a file that is being measured.

    Attributes
    ----------
    problems : tuple of Problem
        Every such value.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        *,
        path: str | Path | None = None,
        outcome: str = "Nothing was written.",
    ) -> None:
        self.problems = tuple(problems)
        super().__init__(
            one_or_many("cannot be saved without loss", self.problems)
            + f"\n{outcome} Convert or remove what is named.",
            path=path,
        )


class ConversionError(HspyError, ValueError):
    """A signal has no form in what it is to become, or something else none as a signal.

    Attributes
    ----------
    problems : tuple of Problem
        All that is in the way, not only the first.
    """

    def __init__(
        self,
        message: str,
        problems: Sequence[Problem] = (),
        *,
        path: str | Path | None = None,
        where: str = "",
    ) -> None:
        self.problems = tuple(problems)
        text = one_or_many(message, self.problems) if self.problems else message
        super().__init__(text, path=path, where=where)


class HspyWarning(UserWarning):
    """Something was read or written differently from what one might expect."""

    def __str__(self) -> str:
        """The message, without what a terminal would obey."""
        return printable(super().__str__())


def reason_of(error: Exception) -> str:
    """What is told of an object that raised this when it was read."""
    return error.message if isinstance(error, HspyError) else f"cannot be read: {error}"


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


def byte_text(size: int) -> str:
    """A number of bytes in decimal units: ``1.3 MB``."""
    if size < 1000:
        return "1 byte" if size == 1 else f"{size} bytes"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f}".removesuffix(".0") + f" {unit}"
    return f"{value / 1000:,.1f}".removesuffix(".0") + " PB"


def one_or_many(what: str, problems: Sequence[Problem], most: int = 50) -> str:
    """One message for any number of problems, a line each."""
    count = "one value" if len(problems) == 1 else f"{len(problems)} values"
    lines = [f"  {problem}" for problem in problems[:most]]
    if len(problems) > most:
        lines.append(f"  ... and {len(problems) - most} more")
    return "\n".join([f"{count} {what}:", *lines])


def warn_user(message: str) -> None:
    """Warn, at the line of the caller's program that the package was entered from.

    Code of ours and of Python itself, which may stand between (``Mapping.get``), is passed over.
    """
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and _is_between(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, HspyWarning, stacklevel=level)


def _is_between(module: str) -> bool:
    package = module.partition(".")[0]
    return package == _PACKAGE or package in sys.stdlib_module_names


_PACKAGE = __name__.partition(".")[0]
