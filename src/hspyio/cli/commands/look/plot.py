"""``hspy plot``: a picture of an experiment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import hspyio
from hspyio.api.arguments import check_pattern, is_far
from hspyio.cli.console import Console
from hspyio.cli.usage import File, Option, Threads, WrongUsageError
from hspyio.errors import byte_text
from hspyio.transaction.replace import check_is_other, check_target

__all__ = ["plot"]

_QUICK = 10**9
_FORMATS = (".png", ".pdf", ".svg")


def _picture(path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() not in _FORMATS:
        raise WrongUsageError(f"{path} ends with none of {', '.join(_FORMATS)}")
    return path


def plot(
    file: File,
    output: Annotated[
        Path | None,
        Option(
            "--output",
            "-o",
            help="The picture: .png, .pdf or .svg; else FILE's name with .png, in this folder.",
            show_default=False,
            callback=_picture,
        ),
    ] = None,
    name: Annotated[str | None, Option(help="The experiment, by its group or its title.")] = None,
    log: Annotated[
        bool | None,
        Option(
            "--log/--linear",
            help="Whether intensities are logarithmic; else those of diffraction patterns are.",
        ),
    ] = None,
    dpi: Annotated[float, Option(help="Points an inch.", min=10, max=2400)] = 150,
    quick: Annotated[
        bool, Option("--quick", help="Read 1 GB of the data at most, spread at random.")
    ] = False,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the picture.")] = False,
    threads: Threads = None,
) -> None:
    """Draw a line, an image, or a navigator beside the mean signal, with units and a scale bar.

    Data of any size are read block by block, in little memory; the caption says what was done to
    them. Of several experiments in a file one has to be named. It needs matplotlib: pip install
    matplotlib. The exit code is 1 if a file cannot be read or written, or there is nothing to draw.
    Example: hspy plot map.hspy -o map.png
    """
    if output is None:
        output = Path(f"{file.stem}.png")
    check_is_other(str(file), str(output))
    check_target(str(output), overwrite=overwrite)
    if not is_far(file):
        check_pattern(file, "plot(p)")
    with hspyio.load(file, name=name, lazy=True, original_metadata=False) as signal:
        most_bytes = _QUICK if quick else None
        figure: Any = signal.plot(log=log, most_bytes=most_bytes, threads=threads)
    size = figure.write(output, dpi=dpi, overwrite=overwrite)
    Console().print(f"{output}: {byte_text(size)}")
