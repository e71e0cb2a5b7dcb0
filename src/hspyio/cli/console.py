"""What the commands share: where they print, and how they say numbers, errors and warnings."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import IO

from hspyio.cli.usage import Exit, Place
from hspyio.errors import HspyError, byte_text
from hspyio.printable import printable, printable_json, printable_line

__all__ = [
    "Console",
    "complain",
    "each_file",
    "one_line",
    "say",
    "say_json",
    "say_warning",
    "stored_text",
    "table_lines",
]

_CODES = {"red": 31, "green": 32, "cyan": 36, "bold": 1}


class Console:
    """Prints lines as they are, in colours on a terminal only.

    It is not rich's: that takes longer to import than a small file to show.
    """

    def __init__(self) -> None:
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        self.coloured = sys.stdout.isatty() and not plain

    def print(self, text: str = "", *, style: str | None = None) -> None:
        """Print a line, in a style such as ``"bold cyan"``."""
        text = printable(text)
        if style and self.coloured:
            codes = sorted((_CODES[word] for word in style.split()), reverse=True)
            text = "".join(f"\x1b[{code}m" for code in codes) + f"{text}\x1b[0m"
        _say(sys.stdout, f"{text}\n")

    def print_report(self, report: object) -> None:
        """Print what a report says of itself, which none of its lines may escape."""
        for line in repr(report).splitlines():
            self.print(one_line(line))


def table_lines(headings: Sequence[str], rows: Iterable[Sequence[str]], right: str) -> list[str]:
    """Draw a table: headings, a rule, a line a row; a 1 in `right` has its column flush right."""
    cells = [list(headings), *map(list, rows)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]

    def line(row: Sequence[str]) -> str:
        padded = [
            " " * (width - _width(cell)) + cell
            if flush == "1"
            else cell + " " * (width - _width(cell))
            for cell, width, flush in zip(row, widths, right, strict=True)
        ]
        return "   ".join(padded).rstrip()

    rule = "─" * (sum(widths) + 3 * (len(widths) - 1))
    return [line(cells[0]), rule, *map(line, cells[1:])]


def _width(text: str) -> int:
    """Columns that text takes on a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 1 + (east_asian_width(char) in "WF") for char in text)


def one_line(value: object) -> str:
    """Text that stays on its line and does nothing to the terminal."""
    return printable_line(str(value))


def stored_text(stored: int, size: int) -> str:
    """What data take in the file, and how much smaller that is than in memory."""
    ratio = f" ({size / stored:.1f} : 1)" if 0 < stored < size else ""
    return f"{byte_text(stored)} for {byte_text(size)} of data{ratio}"


def say_json(text: str) -> None:
    """Print a JSON document."""
    _say(sys.stdout, f"{printable_json(text)}\n")


def say(text: str) -> None:
    """Say on the error stream what is no result, so that a script has to read nothing of it."""
    _say(sys.stderr, printable(f"hspy: {text}") + "\n")


def complain(error: HspyError | OSError) -> None:
    """Say on the error stream what went wrong, without a traceback."""
    if not isinstance(error, HspyError) and error.filename and error.strerror:
        text = f"{error.filename}: {error.strerror}"
    else:
        text = re.sub(r"\b(overwrite|partly|stack)=True", r"--\1", str(error))  # as in a shell
        text = re.sub(r"\bname=(?=['\"])", "--name ", text).partition("; those of a pattern:")[0]
    _say(sys.stderr, printable(f"hspy: {text}") + "\n")


def each_file(files: Iterable[Place], action: Callable[[Place], bool | None]) -> bool:
    """Whether all files could be read, and an action said False of none."""
    fine = True
    for file in files:
        try:
            fine = action(file) is not False and fine
        except (HspyError, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            complain(error)
            fine = False
    return fine


def say_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: IO[str] | None = None,
    line: str | None = None,
) -> None:
    """Say a warning on the error stream; one of ours without the line of code it comes from."""
    if issubclass(category, UserWarning):
        text = f"hspy: warning: {message}\n"
    else:
        text = warnings.formatwarning(message, category, filename, lineno, line)
    _say(file or sys.stderr, printable(text))


def _say(stream: IO[str], text: str) -> None:
    """Write at once: a reader that has gone is noticed here, where it is no error."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        if stream is not sys.stdout or isinstance(error, BrokenPipeError):
            raise
        say(f"the output cannot be written: {error.strerror}")
        raise Exit(1) from None
