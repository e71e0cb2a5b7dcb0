"""``hspy remove``: experiments out of a file."""

from __future__ import annotations

import hspyio
from hspyio.api.arguments import path_of_file
from hspyio.cli.console import Console, one_line
from hspyio.cli.keys import experiment_group
from hspyio.cli.usage import Experiments, File, Place
from hspyio.errors import ExperimentError

__all__ = ["remove"]


def remove(file: File, names: Experiments) -> None:
    """Remove experiments, with their models, from a file in place.

    The space that they took stays in the file until hspy repack. If one of them is not there, none
    is removed, and the exit code is 1. Example: hspy remove many.hspy HAADF
    """
    file = Place(path_of_file(file, "remove(path, name)"))
    with hspyio.open(file) as experiments:
        groups = list(dict.fromkeys(experiment_group(experiments, name) for name in names))
        if len(groups) == len(experiments):
            raise ExperimentError("no experiment would be left; delete the file", path=file)
    for group in groups:
        hspyio.remove(file, group)
        Console().print(f"{file}: removed {one_line(group)}")
