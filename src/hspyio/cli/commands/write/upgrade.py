"""``hspy upgrade``: an old file in the current format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import hspyio
from hspyio.api.arguments import path_to_save
from hspyio.cli.console import Console, one_line
from hspyio.cli.usage import NewFile, Option, Source
from hspyio.errors import SaveError, byte_text
from hspyio.names import CURRENT_VERSION

__all__ = ["upgrade"]


def upgrade(
    source: Source,
    target: NewFile,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace OUT, which may be IN.")] = False,
    partly: Annotated[
        bool, Option("--partly", help="Leave out what cannot be read, and name it.")
    ] = False,
) -> None:
    """Write a file of an older format (1.0 to 3.2) as one of format 3.3.

    All that can be read is in it, data as they are stored. If something cannot be read, it is
    named, and nothing is written without --partly: the exit code is 1 then.
    Example: hspy upgrade old.hdf5 new.hspy
    """
    target = Path(path_to_save(target, argument="OUT"))
    try:
        declared = hspyio.upgrade(source, target, overwrite=overwrite, partly=partly)
    except SaveError as error:
        if "would be lost" in error.message:
            error.message += "\nhspy upgrade --partly leaves that out."
        raise
    before = one_line(declared) or "without a version"
    size = byte_text(target.stat().st_size)
    Console().print(f"{target}: format {CURRENT_VERSION}, {source} was {before}; {size}")
