"""What the commands share: where they print, and how they say numbers, errors and warnings."""

from __future__ import annotations

import os
import sys
import warnings
from typing import IO, TYPE_CHECKING

import typer

from hspyio.errors import HspyError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["complain", "make_console", "one_line", "say_warning", "size_text", "stored_text"]

PIPE_WIDTH = 160


def make_console() -> Console:
    """A console that prints what it is given: no markup is read out of titles and metadata.

    Into a pipe or a file it is wide, so that tables keep their columns.
    """
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_WIDTH
    return console


def one_line(value: object) -> str:
    """Text that stays on its line and does nothing to the terminal."""
    text = str(value)
    return text if text.isprintable() else repr(text)[1:-1]


def size_text(size: int) -> str:
    """A number of bytes in decimal units: ``1.3 MB``."""
    from rich.filesize import decimal

    return decimal(size)


def stored_text(stored: int, size: int) -> str:
    """What data take in the file, and how much smaller that is than in memory."""
    ratio = f" ({size / stored:.1f} : 1)" if 0 < stored < size else ""
    return f"{size_text(stored)} for {size_text(size)} of data{ratio}"


def complain(error: HspyError | OSError) -> None:
    """Say on the error stream what went wrong, without a traceback."""
    if not isinstance(error, HspyError) and error.filename and error.strerror:
        text = f"{error.filename}: {error.strerror}"
    else:
        text = str(error)
    typer.echo(f"hspy: {text}", err=True)


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
    typer.echo(text, nl=False, file=file or sys.stderr)
