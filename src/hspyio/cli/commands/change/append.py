"""``hspy append``: experiments of other files into one."""

from __future__ import annotations

import os
from typing import Annotated

import hspyio
from hspyio.cli.console import Console, one_line
from hspyio.cli.keys import experiment_group
from hspyio.cli.usage import Argument, Option, Place, Threads
from hspyio.errors import OptionError

__all__ = ["append"]


def append(
    file: Annotated[Place, Argument(help="The file that gets them.", metavar="FILE")],
    others: Annotated[
        list[Place], Argument(help="Files to take experiments from.", metavar="OTHER...")
    ],
    name: Annotated[
        str | None,
        Option(help="The only experiment to take of each, by its group or its title."),
    ] = None,
    threads: Threads = None,
) -> None:
    """Add all experiments of other files to a file, in place, with their models.

    One whose title is there already gets a group of its own. Data keep their chunks and are
    compressed with gzip, a few blocks at a time. Every OTHER is looked into before FILE is changed.
    The exit code is 1 if a file cannot be read or changed. Example: hspy append all.hspy day*.hspy
    """
    wanted = [_wanted(file, other, name) for other in others]
    hspyio.info(file)
    console = Console()
    for other, groups in zip(others, wanted, strict=True):
        chunks = {info.group: info.chunks for info in hspyio.info(other).experiments}
        for group in groups:
            with hspyio.load(other, name=group, lazy=True, threads=threads) as signal:
                stored = None if signal.ragged else chunks[group]
                hspyio.append(file, signal, chunks=stored, threads=threads)
            console.print(f"{file}: {one_line(group)} of {other}")


def _wanted(file: Place, other: Place, name: str | None) -> list[str]:
    """The groups to take of a file."""
    if os.path.exists(other) and os.path.exists(file) and os.path.samefile(other, file):
        raise OptionError(
            "is FILE itself; name another one, whose experiments it is to get", path=other
        )
    with hspyio.open(other) as experiments:
        return list(experiments) if name is None else [experiment_group(experiments, name)]
