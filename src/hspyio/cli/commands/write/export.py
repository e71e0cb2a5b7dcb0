"""``hspy export``: to netCDF, Zarr or TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import hspyio
from hspyio.cli.console import Console
from hspyio.cli.usage import Argument, Option, Overwrite, Source, Threads
from hspyio.errors import byte_text

__all__ = ["export"]


def export(
    source: Source,
    target: Annotated[
        Path,
        Argument(help="The new one: .nc, .zarr, .zspy, .zspy.zip, .tif or .tiff.", metavar="OUT"),
    ],
    name: Annotated[
        str | None, Option(help="The experiment; without it all of them, TIFF has one.")
    ] = None,
    compression: Annotated[bool, Option(help="Whether netCDF and Zarr compress.")] = True,
    overwrite: Overwrite = False,
    threads: Threads = None,
) -> None:
    """Export to netCDF, Zarr, TIFF or .zspy, calibration included; what OUT cannot hold is said.

    It needs little memory, whatever the size of the file. hspyio reads netCDF and Zarr back with
    all metadata (hspyio.from_xarray). Example: hspy export map.hspy map.nc
    """
    hspyio.export(
        source, target, name=name, overwrite=overwrite, compression=compression, threads=threads
    )
    Console().print(f"{target}: {byte_text(_size(target))}")


def _size(path: Path) -> int:
    """Bytes of a file, or of all files of a Zarr store."""
    if path.is_dir():
        return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
    return path.stat().st_size
