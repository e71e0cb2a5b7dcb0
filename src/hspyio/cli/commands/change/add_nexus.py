"""``hspy add-nexus``: let NeXus viewers plot HSpy files."""

from __future__ import annotations

import hspyio
from hspyio.cli.console import Console, each_file, one_line
from hspyio.cli.usage import Exit, Files, Place

__all__ = ["add_nexus"]


def add_nexus(files: Files) -> None:
    """Annotate HSpy files as NeXus: silx, h5web and NeXpy then plot them with calibrated axes.

    Attributes and a dataset for each axis are added; nothing that is in a file is changed, and
    HyperSpy reads it as ever. The exit code is 1 if one of the files cannot be annotated.
    Example: hspy add-nexus *.hspy
    """
    console = Console()

    def annotate(file: Place) -> bool:
        groups = hspyio.add_nexus(file)
        said = ", ".join(groups) or "nothing that NeXus viewers plot"
        console.print(one_line(f"{file}: {said}"))
        return bool(groups)

    if not each_file(files, annotate):
        raise Exit(1)
