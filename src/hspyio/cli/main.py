"""The command ``hspy``: its sub-commands, and how errors and warnings are told."""

from __future__ import annotations

import errno
import gc
import os
import sys
import warnings
from contextlib import suppress
from importlib import import_module
from typing import Any

from hspyio.cli.commands import ALIASES, COMMANDS, command
from hspyio.cli.console import complain, say_warning
from hspyio.cli.usage import Exit, WrongUsageError, values_of
from hspyio.errors import HspyError, HspyWarning

__all__ = ["COMMANDS", "main"]

_APP = "hspyio.cli.app"


def main() -> None:
    """Run the command line; what goes wrong with a file is one message and exit code 1."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")  # a title may hold what a terminal can't show
    gc.disable()  # there is nothing to collect while modules are imported; looking takes a tenth
    with warnings.catch_warnings():
        warnings.simplefilter("always", HspyWarning)
        warnings.showwarning = say_warning
        try:
            _run(sys.argv[1:])
        except (HspyError, OSError) as error:
            complain(error)
            sys.exit(1)
        except KeyboardInterrupt:
            sys.exit(130)
        finally:
            gc.enable()


def _open_closed_streams() -> None:
    """What is closed (``>&-``) leads nowhere: the next file would get its number, and its text."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115


def _run(words: list[str]) -> None:
    """Run a command; typer, which takes long to import, is for help and what is wrong."""
    name = ALIASES.get(words[0], words[0]) if words else ""
    quick = os.name != "nt" and "_HSPY_COMPLETE" not in os.environ  # typer expands patterns on nt
    if quick and any(name in listed for listed in COMMANDS.values()):
        function = command(name)
        try:
            values = values_of(function, words[1:])
            if values is not None:
                gc.enable()
                _call(function, values)
        except WrongUsageError:
            pass  # nothing was done yet: typer finds and tells the same
    import_module(_APP).app(prog_name="hspy")


def _call(function: Any, values: dict[str, Any]) -> None:
    """Run a command to its end, with the exit codes that typer gives."""
    try:
        function(**values)
    except Exit as left:
        sys.exit(left.code)
    except OSError as error:
        if error.errno != errno.EPIPE:
            raise
        for stream in (sys.stdout, sys.stderr):  # nobody listens; what is left over is no error
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        sys.exit(1)
    sys.exit(0)


if __name__ == "__main__":
    main()
