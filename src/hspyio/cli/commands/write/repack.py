"""``hspy repack``: other chunks, another compression, no dead space."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import hspyio
from hspyio.api.arguments import path_of_file, path_to_save
from hspyio.cli.console import Console
from hspyio.cli.usage import NewFile, Option, Overwrite, Source, Threads, shape_of
from hspyio.errors import byte_text

__all__ = ["repack"]


def repack(
    source: Source,
    target: NewFile,
    chunks: Annotated[
        str | None,
        Option(help="Chunk shape of the data, such as 20,20,256; else whole signals."),
    ] = None,
    compression: Annotated[str, Option(help="gzip, lzf, zstd, blosc, szip, or none.")] = "gzip",
    level: Annotated[int | None, Option(help="Level of the compression.")] = None,
    navigator: Annotated[
        str | None, Option(help="Make the picture of every map: sum, max, or sum,max.")
    ] = None,
    checksum: Annotated[
        bool, Option("--checksum", help="Seal the new file; verify finds any change.")
    ] = False,
    overwrite: Overwrite = False,
    threads: Threads = None,
) -> None:
    """Write a file anew with other chunks or another compression; all else is copied.

    It needs little memory, whatever the size of the file, and leaves dead space behind. IN and OUT
    may be the same with --overwrite; --checksum seals a file that has no seal. Example: hspy repack
    map.hspy small.hspy --level 9
    """
    old = Path(path_of_file(source, argument="IN"))
    target = Path(path_to_save(target, argument="OUT"))
    before = old.stat().st_size if old.exists() else 0
    hspyio.repack(
        old,
        target,
        overwrite=overwrite,
        chunks=shape_of(chunks),
        compression=None if compression == "none" else compression,
        compression_opts=level,
        navigator=None if navigator is None else navigator.split(","),
        checksum=checksum,
        threads=threads,
    )
    after = target.stat().st_size
    Console().print(f"{target}: {byte_text(after)}, {source} had {byte_text(before)}")
