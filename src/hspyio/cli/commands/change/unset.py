"""``hspy unset``: take values out of a file in place."""

from __future__ import annotations

from typing import Annotated

import hspyio
from hspyio.cli.keys import loaded, remove_value
from hspyio.cli.usage import Argument, Experiment, HspyFile

__all__ = ["unset"]


def unset(
    file: HspyFile,
    keys: Annotated[list[str], Argument(help="Such as Sample.thickness.", metavar="KEY...")],
    name: Experiment = None,
) -> None:
    """Remove values, or whole nodes, from an experiment's metadata, in place.

    KEY is as for hspy get. All of them are removed or, if one is not there, none. The exit code is
    1 then, and if the file cannot be changed. Example: hspy unset map.hspy Sample.thickness
    """
    with loaded(file, name, change=True) as signal:
        for key in keys:
            remove_value(signal, key)
        hspyio.update(file, signal)
