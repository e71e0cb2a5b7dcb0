"""``hspy navigator``: the picture of a map in its file, so that it is shown at once."""

from __future__ import annotations

from typing import Annotated

import hspyio
from hspyio.cli.console import Console, one_line
from hspyio.cli.usage import Experiment, File, Option, Threads

__all__ = ["navigator"]


def navigator(
    file: File,
    name: Experiment = None,
    how: Annotated[
        str, Option(help="Over the signal axes: sum, max, or sum,max; the first is shown.")
    ] = "sum",
    threads: Threads = None,
) -> None:
    """Make the picture of a map, which HyperSpy and hspy plot then show without reading the data.

    The data are read once, in little memory, and stay as they are. Example: hspy navigator map.hspy
    """
    hspyio.add_navigator(file, name, navigator=how.split(","), threads=threads)
    Console().print(one_line(f"{file}: has a navigator ({how})"))
