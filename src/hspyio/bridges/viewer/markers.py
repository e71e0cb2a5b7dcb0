"""Markers that a file holds -> shapes to be drawn at a position."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Shapes", "shapes_at"]

_COLOUR = "#e8452c"
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
_CYCLE = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd")
_NAMED = re.compile(r"[a-z]{3,20}|#[0-9a-fA-F]{6}")
_MOST = 10_000
"""Shapes of a picture: a file may claim any number."""


@dataclass(slots=True)
class Shapes:
    """What is drawn over a picture, in the values of its axes: columns of tables, a row a shape.

    Attributes
    ----------
    points, texts : list of (x, y, text, colour)
        Points have no text.
    lines : list of (xs, ys, colour)
        Open or closed.
    across, down : list of (place, colour)
        Lines through the whole picture.
    """

    points: list[tuple[float, float, str, str]] = field(default_factory=list)
    texts: list[tuple[float, float, str, str]] = field(default_factory=list)
    lines: list[tuple[list[float], list[float], str]] = field(default_factory=list)
    across: list[tuple[float, str]] = field(default_factory=list)
    down: list[tuple[float, str]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is drawn."""
        return not (self.points or self.texts or self.lines or self.across or self.down)


def shapes_at(markers: object, position: Sequence[int], *, over_signal: bool) -> Shapes:
    """The shapes of all markers of a file; those that are not understood are left out.

    Parameters
    ----------
    markers : object
        ``metadata.Markers``.
    position : sequence of int
        Where the pointer stands, in the order of the array.
    over_signal : bool
        Whether they are drawn over the signal, or over the navigator.
    """
    shapes = Shapes()
    for marker in markers.values() if isinstance(markers, Mapping) else ():
        if not isinstance(marker, Mapping) or bool(marker.get("plot_on_signal")) != over_signal:
            continue
        try:
            _draw(marker, tuple(position), shapes)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            continue  # what a file says may make no sense
    return shapes


def _draw(marker: Mapping[Any, Any], position: tuple[int, ...], shapes: Shapes) -> None:
    if "marker_type" in marker:
        _draw_old(marker, position, shapes)
        return
    given = marker["kwargs"]
    values = {str(key): _here(value, position) for key, value in given.items()}
    colour = _colour(values.get("edgecolor", values.get("color", values.get("colors"))))
    kind = str(marker["class"])
    if kind in ("Lines", "Polygons"):
        for points in _some(values["segments" if kind == "Lines" else "verts"]):
            xy = np.asarray(points, np.float64).reshape(-1, 2)
            xy = xy if kind == "Lines" else np.vstack([xy, xy[:1]])
            shapes.lines.append((xy[:, 0].tolist(), xy[:, 1].tolist(), colour))
        return
    if kind in ("HorizontalLines", "VerticalLines"):
        target = shapes.across if kind == "HorizontalLines" else shapes.down
        places = np.asarray(values["offsets"], np.float64).reshape(-1)
        target.extend((place, colour) for place in places[:_MOST].tolist())
        return
    if marker.get("offset_transform", "data") != "data":
        return  # places on the screen, or relative to the signal's height
    offsets = np.asarray(values["offsets"], np.float64).reshape(-1, 2)
    for index, (x, y) in enumerate(offsets[:_MOST].tolist()):
        _draw_one(kind, x, y, values, index, colour, shapes)


def _draw_one(
    kind: str, x: float, y: float, values: Mapping[str, Any], index: int, colour: str, to: Shapes
) -> None:
    """One marker of those with offsets."""
    match kind:
        case "Texts":
            to.texts.append((x, y, str(_item(values["texts"], index)), colour))
        case "Arrows":
            end = (x + float(_item(values["U"], index)), y + float(_item(values["V"], index)))
            to.lines.append(([x, end[0]], [y, end[1]], colour))
            to.points.append((*end, "", colour))
        case "Circles" | "Ellipses" | "Rectangles" | "Squares":
            width = float(_item(values["sizes" if kind == "Circles" else "widths"], index))
            height = float(_item(values.get("heights", width), index))
            angle = math.radians(float(_item(values.get("angles", 0), index)))
            round_ = kind in ("Circles", "Ellipses")
            outline = _ellipse() if round_ else _rectangle()
            xs, ys = _turned(outline * [width / 2, height / 2], angle)
            to.lines.append(((x + xs).tolist(), (y + ys).tolist(), colour))
        case _:
            to.points.append((x, y, "", colour))


def _draw_old(marker: Mapping[Any, Any], position: tuple[int, ...], shapes: Shapes) -> None:
    """Markers as HyperSpy 1 stored them: one each, its coordinates beside each other."""
    data = marker["data"]
    got = {key: _number(_here(data.get(key), position)) for key in ("x1", "y1", "x2", "y2")}
    colour = _colour((marker.get("marker_properties") or {}).get("color"))
    x, y, right, top = (got[key] for key in ("x1", "y1", "x2", "y2"))
    match str(marker["marker_type"]):
        case "Point":
            shapes.points.append((x, y, "", colour))
        case "Text":
            shapes.texts.append((x, y, str(_here(data.get("text"), position)), colour))
        case "VerticalLine":
            shapes.down.append((x, colour))
        case "HorizontalLine":
            shapes.across.append((y, colour))
        case "Rectangle":
            shapes.lines.append(([x, right, right, x, x], [y, y, top, top, y], colour))
        case "LineSegment" | "HorizontalLineSegment" | "VerticalLineSegment" | "Arrow":
            right = x if math.isnan(right) else right
            top = y if math.isnan(top) else top
            shapes.lines.append(([x, right], [y, top], colour))


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    found = np.asarray(value).reshape(-1)
    return float(found[0]) if found.size and found[0] is not None else math.nan


def _here(value: Any, position: tuple[int, ...]) -> Any:
    """What belongs to a position, of an array with an item for each."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        if value.ndim == len(position) and position:
            # HyperSpy has the axes of its arrays of markers the other way round.
            at = position[::-1]
            fits = all(i < n for i, n in zip(at, value.shape, strict=True))
            return value[at] if fits else value[position]
        return value.item() if value.size == 1 else value
    return value


def _some(values: Any) -> Iterable[Any]:
    return list(values)[:_MOST]


def _item(values: Any, index: int) -> Any:
    """The value of one shape: there are as many, or one for all, or they repeat."""
    if isinstance(values, str) or np.ndim(values) == 0:
        return values
    listed = list(values)
    return listed[index % len(listed)]


def _ellipse() -> NDArray[Any]:
    angles = np.linspace(0, 2 * np.pi, 61)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _rectangle() -> NDArray[Any]:
    return np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])


def _turned(points: NDArray[Any], angle: float) -> tuple[NDArray[Any], NDArray[Any]]:
    x, y = points.T
    return (
        x * math.cos(angle) - y * math.sin(angle),
        x * math.sin(angle) + y * math.cos(angle),
    )


def _colour(given: Any) -> str:
    """A colour that every browser knows."""
    if isinstance(given, np.ndarray | tuple | list) and len(given):
        parts = np.asarray(given, object).reshape(-1)
        if all(isinstance(part, int | float | np.number) for part in parts) and len(parts) >= 3:
            shades = [min(255, max(0, round(255 * float(part)))) for part in parts[:3]]
            return "#{:02x}{:02x}{:02x}".format(*shades)
        given = parts[0]
    text = str(given)
    if text in _LETTERS:
        return _LETTERS[text]
    if re.fullmatch(r"C\d", text):
        return _CYCLE[int(text[1]) % len(_CYCLE)]
    text = text.removeprefix("tab:")
    return text if _NAMED.fullmatch(text) and text != "none" else _COLOUR
