"""``hspy get``: values of a file, for people and for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from hspyio.cli.console import make_console, one_line
from hspyio.cli.drawing import branches
from hspyio.cli.keys import loaded, lookup
from hspyio.cli.values import json_text, jsonable, short_text
from hspyio.errors import HspyError

__all__ = ["get"]


def get(
    file: Annotated[Path, typer.Argument(help="An HSpy file.", metavar="FILE")],
    keys: Annotated[
        list[str],
        typer.Argument(
            help="Such as General.title, original_metadata.Source, axes.0.scale or axes.x.units.",
            metavar="KEY...",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(help="The experiment, by its group or its title, where there are several."),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON, arrays whole: an object if KEYs are several."),
    ] = False,
) -> None:
    """Print values of an experiment, a line each; a node is drawn as a tree.

    A KEY leads into the metadata, unless it begins with original_metadata, attributes,
    learning_results or axes. Text is printed as it is, for scripts. The exit code is 1 if there is
    no such entry or the file cannot be read. Example: hspy get map.hspy General.title axes.0.scale
    """
    with loaded(file, name, change=False) as signal:
        try:
            found = {key: lookup(signal, key) for key in keys}
        except HspyError as error:
            error.path = error.path or str(file)
            raise
    if as_json:
        whole: Any = found if len(keys) > 1 else found[keys[0]]
        typer.echo(json_text(_computed(whole), most=2**62))
        return
    console = make_console()
    for value in found.values():
        if isinstance(value, Mapping) and value:
            for line in branches(value):
                console.print(line)
        else:
            console.print(_text(value))


def _computed(value: Any) -> Any:
    """Arrays that are still in the file, read."""
    if isinstance(value, Mapping):
        return {key: _computed(item) for key, item in value.items()}
    return np.asarray(value) if hasattr(value, "dask") else value


def _text(value: Any) -> str:
    """Text as it is, numbers and lists as Python writes them, large arrays in a few words."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, np.generic):
        return one_line(value.item())
    if isinstance(value, np.ndarray) and isinstance(jsonable(value), list):
        return one_line(value.tolist())
    if hasattr(value, "shape"):
        return short_text(value)
    return one_line(value)
