"""What markers of a file look like: colours, widths and dashes as every browser knows them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hspyio.records import record

__all__ = ["POINT", "Style", "colour_of", "item"]

POINT = 4 / 3
"""Pixels of a screen in a point, the unit of widths and sizes."""
_DEFAULT, _NOTHING = "#1f77b4", "#00000000"
_LETTERS = {
    "r": "#ff0000",
    "g": "#008000",
    "b": "#0000ff",
    "k": "#000000",
    "w": "#ffffff",
    "c": "#00bfbf",
    "m": "#bf00bf",
    "y": "#bfbf00",
}
_CYCLE = (
    "#1f77b4",
    "#ff7f0e",
    "#2ca02c",
    "#d62728",
    "#9467bd",
    "#8c564b",
    "#e377c2",
    "#7f7f7f",
    "#bcbd22",
    "#17becf",
)
_NAMED = re.compile(r"[a-z]{3,20}|#[0-9a-fA-F]{6}(?:[0-9a-fA-F]{2})?")
_DASHES = {
    "-": "solid",
    "--": "dashed",
    "-.": "dashdot",
    ":": "dotted",
    **{name: name for name in ("solid", "dashed", "dashdot", "dotted")},
}
_MOST_WIDTH = 100.0


@record
class Style:
    """How the shapes of a marker are drawn; each property has a value for all, or one a shape.

    Attributes
    ----------
    lines, fills : object
        Colours as matplotlib takes them; None where there is none.
    widths, dashes, alphas : object
        Of lines in points, their dashes, and how much is seen.
    """

    lines: Any
    fills: Any
    widths: Any
    dashes: Any
    alphas: Any

    @classmethod
    def of(cls, values: Mapping[str, Any], *, filled: bool, width: float = 1.0) -> Style:
        """From the arguments of a marker, by which HyperSpy draws it.

        Parameters
        ----------
        values : mapping
            Names may have an s at their end.
        filled : bool
            Whether its shapes are filled where nothing is said of that.
        width : float
            Of its lines, where nothing is said of that.
        """
        both = _first(values, "color", "colors")
        lines = _first(values, "edgecolor", "edgecolors", "ec")
        fills = _first(values, "facecolor", "facecolors", "fc")
        if fills is None and filled:
            fills = both if both is not None else _DEFAULT
        if lines is None:
            lines = both if both is not None else fills if fills is not None else _DEFAULT
        given = _first(values, "linewidth", "linewidths", "lw")
        return cls(
            lines,
            fills,
            width if given is None else given,
            _first(values, "linestyle", "linestyles", "ls"),
            values.get("alpha"),
        )

    def at(self, index: int) -> dict[str, Any]:
        """The columns of one shape."""
        alpha = item(self.alphas, index)
        return {
            "colour": colour_of(_one_colour(self.lines, index)),
            "fill": colour_of(_one_colour(self.fills, index)),
            "width": POINT * min(_number(item(self.widths, index)), _MOST_WIDTH),
            "dash": _DASHES.get(str(item(self.dashes, index)), "solid"),
            "alpha": 1.0 if alpha is None else min(max(_number(alpha), 0.0), 1.0),
        }


def item(values: Any, index: int) -> Any:
    """The value of one shape: there are as many, or one for all, or they repeat."""
    if values is None or isinstance(values, str) or np.ndim(values) == 0:
        return values
    listed = list(values)
    return listed[index % len(listed)] if listed else None


def colour_of(given: Any) -> str:
    """A colour that every browser knows; of what is not understood, the first one."""
    if given is None:
        return _NOTHING
    if isinstance(given, np.ndarray | tuple | list):
        shades = [min(255, max(0, round(255 * _number(part)))) for part in given]
        return "#" + "".join(f"{shade:02x}" for shade in shades)
    text = str(given)
    if text == "none":
        return _NOTHING
    if text in _LETTERS:
        return _LETTERS[text]
    if re.fullmatch(r"C\d", text):
        return _CYCLE[int(text[1])]
    if re.fullmatch(r"0?\.\d+", text):  # a shade of grey
        return colour_of([float(text)] * 3)
    text = text.removeprefix("tab:")
    return text if _NAMED.fullmatch(text) else _DEFAULT


def _one_colour(given: Any, index: int) -> Any:
    """The colour of one shape: a name, or three or four numbers, are one for all."""
    if given is None or isinstance(given, str) or np.ndim(given) == 0 or _is_colour(given):
        return given
    return item(given, index)


def _is_colour(given: Sequence[Any]) -> bool:
    return len(given) in (3, 4) and all(
        isinstance(part, int | float | np.number) and not isinstance(part, bool) for part in given
    )


def _first(values: Mapping[str, Any], *names: str) -> Any:
    """The first property that is there."""
    return next((values[name] for name in names if values.get(name) is not None), None)


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("no number")
    return number
