"""``hspy rescue``: write all that can be saved of a damaged file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import hspyio
from hspyio.cli.console import complain, make_console, one_line, say_json
from hspyio.cli.usage import Argument, Exit, Option
from hspyio.errors import HspyError, OptionError, TargetExistsError

__all__ = ["rescue"]


def rescue(
    source: Annotated[Path, Argument(help="The damaged file.", metavar="IN")],
    target: Annotated[Path, Argument(help="The new file.", metavar="OUT")],
    overwrite: Annotated[bool, Option("--overwrite", help="Replace OUT if it exists.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False,
    threads: Annotated[int | None, Option(help="How many at most.")] = None,
) -> None:
    """Write all that can be saved of a damaged or truncated HSpy file, and name the rest.

    What is lost of an array is 0 in OUT. The exit code is 0 if everything came back, 1 if
    something is lost or nothing could be read, 2 if OUT exists or is IN itself. Damage that still
    makes sense is noticed in files saved with checksum=True only.
    Example: hspy rescue broken.hspy saved.hspy
    """
    try:
        report = hspyio.rescue(source, target, overwrite=overwrite, threads=threads)
    except (HspyError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        complain(error)
        raise Exit(2 if isinstance(error, (OptionError, TargetExistsError)) else 1) from None
    if as_json:
        say_json(json.dumps(report.as_dict(), indent=2))
    else:
        console = make_console()
        for line in repr(report).splitlines():
            console.print(one_line(line), soft_wrap=True)
    if not report.ok:
        raise Exit(1)
