"""``hspy set``: change a value of a file in place."""

from __future__ import annotations

from typing import Annotated

import numpy as np

import hspyio
from hspyio.cli.console import Console
from hspyio.cli.keys import (
    hint_of_new,
    kind_word,
    loaded,
    mistyped,
    parse_value,
    present_value,
    put_value,
    typed_text,
)
from hspyio.cli.usage import Argument, Experiment, HspyFile, Option
from hspyio.cli.values import short_text
from hspyio.errors import warn_user

__all__ = ["set"]


def set(
    file: HspyFile,
    key: Annotated[str, Argument(help="Such as General.title or axes.0.units.", metavar="KEY")],
    value: Annotated[
        str, Argument(help="JSON, such as 200.0 or '[1, 2]'; else text.", metavar="VALUE")
    ],
    name: Experiment = None,
    text: Annotated[bool, Option("--text", help="VALUE is text, even if it is JSON.")] = False,
) -> None:
    """Set a value of an experiment's metadata or axes, in place; the data stay untouched.

    It takes milliseconds, whatever the size of the file, and leaves a little dead space behind,
    which hspy repack wins back. KEY is as for hspy get, and so is VALUE: what that prints is taken
    back. A node that is not there is made. What was stored
    is printed, with its type. The exit code is 1 if it cannot be set.
    Example: hspy set map.hspy Sample.elements '["Fe", "Pt"]'
    """
    with loaded(file, name, change=True) as signal:
        near = hint_of_new(signal, key)
        before = present_value(signal, key)
        typed = parse_value(value, before)
        put_value(signal, key, value if text else typed)
        hspyio.update(file, signal)
        stored = present_value(signal, key, typed)  # an axis may be called otherwise now
    if near:
        warn_user(f"{key} is a new entry{near}")
    if not text and (hint := mistyped(value, typed, before)):
        warn_user(f"{hint}, or --text to be sure")
    shown = short_text(stored) if isinstance(stored, np.ndarray) else typed_text(stored)
    Console().print(f"{key} = {shown} ({kind_word(stored)})")
