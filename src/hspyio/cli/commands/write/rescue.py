"""``hspy rescue``: write all that can be saved of a damaged file."""

from __future__ import annotations

import json
from typing import Annotated

import hspyio
from hspyio.cli.console import Console, complain, say_json
from hspyio.cli.usage import Argument, Exit, NewFile, Option, Place, Threads
from hspyio.errors import OptionError, TargetExistsError

__all__ = ["rescue"]


def rescue(
    source: Annotated[Place, Argument(help="The damaged file.", metavar="IN")],
    target: NewFile,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace OUT if it exists.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False,
    threads: Threads = None,
) -> None:
    """Write all that can be saved of a damaged or truncated HSpy file, and name the rest.

    What is lost of an array is 0 in OUT. The exit code is 0 if everything came back, 1 if
    something is lost or nothing could be read, 2 if OUT exists or is IN itself. Damage that still
    makes sense is noticed in files saved with checksum=True only.
    Example: hspy rescue broken.hspy saved.hspy
    """
    try:
        report = hspyio.rescue(source, target, overwrite=overwrite, threads=threads)
    except (OptionError, TargetExistsError) as error:
        complain(error)
        raise Exit(2) from None
    if as_json:
        say_json(json.dumps(report.as_dict(), indent=2))
    else:
        Console().print_report(report)
    if not report.ok:
        raise Exit(1)
