"""``hspy references``: what Zarr's readers need to read a file where it lies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import hspyio
from hspyio.bridges.exporting.references import save_references
from hspyio.cli.console import Console, say_json
from hspyio.cli.usage import Argument, Option, Overwrite, Place

__all__ = ["references"]


def references(
    file: Annotated[Place, Argument(help="An HSpy file, or its URL.", metavar="FILE")],
    output: Annotated[
        Path | None, Option("--output", "-o", help="A new .json or .parquet; else it is printed.")
    ] = None,
    name: Annotated[str | None, Option(help="The experiment; without it all of them.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Make references (kerchunk's), by which Zarr and xarray read a file where it lies.

    They hold the places of the chunks, axes as coordinates and metadata; no data are copied. The
    exit code is 1 if the file cannot be read, or Zarr has no form for what it holds.
    Example: hspy references map.hspy -o map.json
    """
    made = hspyio.to_references(file, name)
    if output is None:
        say_json(json.dumps(made))
        return
    save_references(made, output, overwrite=overwrite)
    Console().print(f"{output}: {len(made['refs'])} references")
