"""What files hold as people are told it; a terminal obeys some characters and shows them not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ["dtype_text", "printable", "printable_json", "printable_line", "printable_name"]

_LONGEST = 80  # characters of a name

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, all but tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ufff9-\ufffb"  # order of writing
    "\u2028\u2029\ud800-\udfff]"  # line separators; halves of characters, which no encoding has
)


def printable(text: str) -> str:
    """Text of several lines as it is, but with escapes for what a terminal would obey."""
    if text.isascii() and text.isprintable():
        return text
    return _OBEYED.sub(lambda found: repr(found[0])[1:-1], text)


def printable_line(text: str) -> str:
    """Text that stays on its line, with escapes for all that does not show."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def printable_name(text: str) -> str:
    """A title, or another name, as a part of a line: its beginning, if it is long."""
    line = printable_line(text[: _LONGEST + 1])
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def printable_json(text: str) -> str:
    """JSON with escapes of its own for what a terminal would obey."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def dtype_text(dtype: np.dtype[Any]) -> str:
    """A dtype as people are told it: colours by HyperSpy's words."""
    names = "".join(dtype.names or ())
    if names in ("RGB", "RGBA"):
        return f"{names.lower()}{8 * dtype['R'].itemsize}"
    return str(dtype)
