"""``hspy extract``: some experiments in a file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import hspyio
from hspyio.api.arguments import path_to_save
from hspyio.cli.console import Console, one_line
from hspyio.cli.usage import Argument, Experiments, NewFile, Overwrite, Place
from hspyio.errors import byte_text

__all__ = ["extract"]


def extract(
    file: Annotated[Place, Argument(help="The file; it stays as it is.", metavar="FILE")],
    names: Experiments,
    target: NewFile,
    overwrite: Overwrite = False,
) -> None:
    """Copy experiments, with their models, into a file of their own.

    They are copied as they are stored, without decompressing data. The exit code is 1 if there is
    no such experiment, or a file cannot be read or written.
    Example: hspy extract many.hspy HAADF haadf.hspy
    """
    target = Path(path_to_save(target, argument="OUT"))
    groups = hspyio.extract(file, names, target, overwrite=overwrite)
    listed = ", ".join(map(one_line, groups))
    Console().print(f"{target}: {listed}, {byte_text(target.stat().st_size)}")
