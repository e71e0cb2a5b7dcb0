"""``hspy get``: values of a file, for people and for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np

from hspyio.cli.console import Console, say_json
from hspyio.cli.drawing import branches
from hspyio.cli.keys import loaded, lookup, typed_text
from hspyio.cli.usage import Argument, Experiment, HspyFile, Option
from hspyio.cli.values import json_text, jsonable, short_text

__all__ = ["get"]


def get(
    file: HspyFile,
    keys: Annotated[
        list[str],
        Argument(
            help="Such as General.title, original_metadata.Source, axes.0.scale or axes.x.units.",
            metavar="KEY...",
        ),
    ],
    name: Experiment = None,
    as_json: Annotated[
        bool,
        Option("--json", help="Print JSON, arrays whole: an object if KEYs are several."),
    ] = False,
) -> None:
    """Print values of an experiment, a line each; a node is drawn as a tree.

    A KEY leads into the metadata, unless it begins with original_metadata, attributes,
    learning_results or axes. A value is printed as hspy set takes it: text as it is, for scripts,
    or in quotes where it would be taken for something else; all else as JSON. The exit code is 1
    if there is no such entry or the file cannot be read.
    Example: hspy get map.hspy General.title axes.0.scale
    """
    with loaded(file, name, change=False) as signal:
        found = {key: lookup(signal, key) for key in keys}
    if as_json:
        whole: Any = found if len(keys) > 1 else found[keys[0]]
        say_json(json_text(_computed(whole), most=2**62))
        return
    console = Console()
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
    """A value as hspy set takes it, large arrays in a few words."""
    if isinstance(value, np.ndarray) and isinstance(jsonable(value), list):
        return typed_text(value.tolist())
    array = hasattr(value, "shape") and not isinstance(value, np.generic)
    return short_text(value) if array else typed_text(value)
