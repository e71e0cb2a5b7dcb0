"""``hspy import``: files of other formats become HSpy files."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import Annotated, Any

import hspyio
from hspyio.api.loading.several.files import in_natural_order
from hspyio.cli.console import Console
from hspyio.cli.usage import Argument, Option, Overwrite, Threads, WrongUsageError, shape_of
from hspyio.errors import byte_text

__all__ = ["import_"]

_SUFFIXES = (".hspy", ".hdf5", ".h5")


def import_(
    files: Annotated[
        list[str],
        Argument(
            help="Files of any format; the new .hspy file, or a folder for many.",
            metavar="IN... [OUT]",
        ),
    ],
    reader: Annotated[
        str | None, Option(help="RosettaSciIO's reader; else those of the extension in turn.")
    ] = None,
    option: Annotated[
        list[str] | None,
        Option(help="An option of the reader, such as navigation_shape=256,256; once for each."),
    ] = None,
    stack: Annotated[
        str | None,
        Option(help="Make one signal of all files, along the axis of this name, new or not."),
    ] = None,
    chunks: Annotated[
        str | None,
        Option(help="Chunk shape of the data, such as 20,20,256; else whole signals."),
    ] = None,
    compression: Annotated[str, Option(help="gzip, lzf, zstd, blosc, szip, or none.")] = "gzip",
    level: Annotated[int | None, Option(help="Level of the compression.")] = None,
    navigator: Annotated[
        str | None, Option(help="Make the picture of every map: sum, max, or sum,max.")
    ] = None,
    checksum: Annotated[bool, Option(help="Seal the new file; verify finds any change.")] = False,
    overwrite: Overwrite = False,
    skip_existing: Annotated[
        bool, Option(help="Pass over files whose new ones exist, to go on with an import.")
    ] = False,
    threads: Threads = None,
) -> None:
    """Import what RosettaSciIO reads: .blo, .mib, .dm4, .emd, .bcf, .tvips, .zspy and many more.

    Data may be larger than memory where the reader is lazy. Without OUT each file gets an .hspy
    beside it. Files of --stack that a shell has listed come in the order of the numbers in their
    names. Example: hspy import scan.rpl scan.hspy --navigator sum
    """
    sources, out = _parted(files)
    many = len(sources) > 1 or stack is not None
    if stack is not None and out is None:
        raise WrongUsageError("--stack makes one file of all: the last name is its own", hint="OUT")
    if stack is not None and sources == sorted(sources):
        sources = in_natural_order(sources)
    written = hspyio.import_file(
        sources if many else sources[0],
        out,
        reader=reader,
        stack=False if stack is None else stack,
        overwrite=overwrite,
        skip_existing=skip_existing,
        chunks=shape_of(chunks),
        compression=None if compression == "none" else compression,
        compression_opts=level,
        checksum=checksum,
        navigator=None if navigator is None else navigator.split(","),
        threads=threads,
        **_options(option or ()),
    )
    console = Console()
    for path in written if isinstance(written, list) else [written]:
        console.print(f"{path}: {byte_text(os.path.getsize(path))}")


def _parted(files: list[str]) -> tuple[list[str], str | None]:
    """What is read, and what is written: the last, if it is a folder or is called so."""
    last = Path(files[-1])
    is_target = last.suffix.lower() in _SUFFIXES or (last.is_dir() and not last.suffix)
    if len(files) > 1 and is_target:
        return files[:-1], files[-1]
    if len(files) > 1 and not last.suffix and not last.exists():
        text = f"{last} is no file, and no folder that new files could go to; the name of a new"
        raise WrongUsageError(f"{text} file ends with .hspy, such as {last}.hspy", hint="OUT")
    return files, None


def _options(given: list[str] | tuple[()]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not (sign and key.isidentifier()):
            raise WrongUsageError("an option looks like key=value", hint="--option")
        found[key] = _value(value)
    return found


def _value(text: str) -> Any:
    """Numbers, shapes and words of Python as what they are; anything else is text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text
