"""``hspy remove``: experiments out of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import hspyio
from hspyio.cli.console import make_console, one_line
from hspyio.cli.keys import experiment_group
from hspyio.cli.usage import Argument
from hspyio.errors import ExperimentError

__all__ = ["remove"]


def remove(
    file: Annotated[Path, Argument(help="The file.", metavar="FILE")],
    names: Annotated[
        list[str],
        Argument(help="Experiments, by their groups or their titles.", metavar="NAME..."),
    ],
) -> None:
    """Remove experiments, with their models, from a file in place.

    The space that they took stays in the file until hspy repack. If one of them is not there, none
    is removed, and the exit code is 1. Example: hspy remove many.hspy HAADF
    """
    with hspyio.open(file) as experiments:
        groups = list(dict.fromkeys(experiment_group(experiments, name) for name in names))
        if len(groups) == len(experiments):
            raise ExperimentError("no experiment would be left; delete the file", path=file)
    for group in groups:
        hspyio.remove(file, group)
        make_console().print(f"{file}: removed {one_line(group)}")
