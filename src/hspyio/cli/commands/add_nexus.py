"""``hspy add-nexus``: let NeXus viewers plot HSpy files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import hspyio
from hspyio.cli.console import complain, make_console, one_line
from hspyio.cli.usage import Argument, Exit
from hspyio.errors import HspyError

__all__ = ["add_nexus"]


def add_nexus(
    files: Annotated[list[Path], Argument(help="HSpy files.", metavar="FILE...")],
) -> None:
    """Annotate HSpy files as NeXus: silx, h5web and NeXpy then plot them with calibrated axes.

    Attributes and a dataset for each axis are added; nothing that is in a file is changed, and
    HyperSpy reads it as ever. The exit code is 1 if one of the files cannot be annotated.
    Example: hspy add-nexus *.hspy
    """
    console = make_console()
    failed = False
    for file in files:
        try:
            groups = hspyio.add_nexus(file)
        except (HspyError, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            complain(error)
            failed = True
            continue
        failed = failed or not groups
        said = ", ".join(groups) or "nothing that NeXus viewers plot"
        console.print(one_line(f"{file}: {said}"), soft_wrap=True)
    if failed:
        raise Exit(1)
