"""``hspy verify``: read every byte, and say what is damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import hspyio
from hspyio.cli.console import complain, make_console, one_line, say_json
from hspyio.cli.usage import Argument, Exit, Option
from hspyio.errors import HspyError

__all__ = ["verify"]


def verify(
    files: Annotated[list[Path], Argument(help="HSpy files.", metavar="FILE...")],
    as_json: Annotated[bool, Option("--json", help="Print one JSON list, an item a file.")] = False,
    threads: Annotated[int | None, Option(help="How many at most.")] = None,
) -> None:
    """Read every byte of HSpy files and say what is damaged, and what is intact.

    Files saved with checksum=True are compared with what was saved. The exit code is 0 if no
    damage was found, 1 if a file is damaged or cannot be read. Example: hspy verify *.hspy
    """
    console = make_console()
    found = []
    failed = False
    for file in files:
        try:
            report = hspyio.verify(file, threads=threads)
        except (HspyError, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            complain(error)
            failed = True
            continue
        failed = failed or not report.ok
        found.append(report)
        if not as_json:
            for line in repr(report).splitlines():
                console.print(one_line(line), soft_wrap=True)
    if as_json:
        say_json(json.dumps([report.as_dict() for report in found], indent=2))
    if failed:
        raise Exit(1)
