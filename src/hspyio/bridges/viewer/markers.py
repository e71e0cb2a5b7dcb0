"""Markers that a file holds -> shapes to be drawn at a position."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hspyio.bridges.viewer.styles import POINT, Style, item

__all__ = ["COLUMNS", "STYLE", "Frame", "Shapes", "ValueAt", "shapes_at"]

Frame: TypeAlias = str
"""What places are measured in: "data", or along x, y or both as a share of the picture."""
ValueAt: TypeAlias = Callable[[float], float]
"""The value of a curve at a place."""
COLUMNS = {
    "point": ("x", "y", "size"),
    "line": ("xs", "ys"),
    "patch": ("xs", "ys"),
    "oval": ("x", "y", "w", "h", "angle"),
    "box": ("x", "y", "w", "h", "angle"),
    "text": ("x", "y", "text", "size", "align", "base"),
    "arrow": ("x", "y", "to_x", "to_y"),
    "across": ("place",),
    "down": ("place",),
}
"""Kinds of shapes. Patches are closed; ovals and boxes have sizes in pixels of the screen."""
STYLE = ("colour", "fill", "width", "dash", "alpha")
_FRAMES = {"data": "data", "relative": "data", "xaxis": "y", "yaxis": "x", "axes": "both"}
"""By HyperSpy's transforms; that of an axis leaves the other one as a share."""
_ON_SCREEN = {"points": POINT, "dots": 1.0, "inches": 96.0}
_IN_DATA = ("x", "y", "xy")
_POINTS, _LETTERS, _LINE = 6.0, 10.0, 1.5
"""How large points and letters are, and how wide lines, in points, unless a file says it."""
_MOST = 10_000
"""Shapes of a marker: a file may claim any number."""
_LARGEST = 4096.0
_BASES = {"top": "top", "bottom": "bottom", "baseline": "alphabetic"}


@dataclass(slots=True)
class Shapes:
    """What is drawn over a picture: rows of tables, one for each kind of shapes and frame."""

    rows: dict[tuple[str, Frame], list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is drawn."""
        return not self.rows

    def add(self, kind: str, frame: Frame, style: Mapping[str, Any], *columns: Any) -> None:
        """Draw one more."""
        row = dict(zip(COLUMNS[kind], columns, strict=True)) | dict(style)
        self.rows.setdefault((kind, frame), []).append(row)


def shapes_at(
    markers: object, position: Sequence[int], *, over_signal: bool, value_at: ValueAt | None = None
) -> Shapes:
    """The shapes of all markers of a file; those that are not understood are left out.

    Parameters
    ----------
    markers : object
        ``metadata.Markers``.
    position : sequence of int
        Where the pointer stands, in the order of the array.
    over_signal : bool
        Whether they are drawn over the signal, or over the navigator.
    value_at : callable, optional
        Of the curve that is shown, for markers whose height is relative to it.
    """
    shapes = Shapes()
    for marker in markers.values() if isinstance(markers, Mapping) else ():
        if not isinstance(marker, Mapping) or bool(marker.get("plot_on_signal")) != over_signal:
            continue
        made = Shapes()
        try:
            _draw(marker, tuple(position), value_at, made)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            continue  # what a file says may make no sense
        for key, rows in made.rows.items():
            shapes.rows.setdefault(key, []).extend(rows)
    return shapes


def _draw(
    marker: Mapping[Any, Any], position: tuple[int, ...], value_at: ValueAt | None, to: Shapes
) -> None:
    if "marker_type" in marker:
        _draw_old(marker, position, to)
        return
    values = {str(key): _here(value, position) for key, value in marker["kwargs"].items()}
    kind = str(marker["class"])
    open_ = kind in ("Lines", "HorizontalLines", "VerticalLines")
    if kind == "Circles":  # HyperSpy leaves them empty unless it is told a colour
        values["facecolor"] = values.get("facecolor", values.get("facecolors", "none"))
        values.setdefault("edgecolor", values.get("color", "k"))
    if kind == "Arrows":
        values.setdefault("color", "k")
    filled = not open_ and kind not in ("Circles", "Texts")
    style = Style.of(values, filled=filled, width=_LINE if open_ else 1.0)
    if kind in ("HorizontalLines", "VerticalLines"):
        target = "across" if kind == "HorizontalLines" else "down"
        for index, place in enumerate(_numbers(values["offsets"])[:_MOST].tolist()):
            to.add(target, "data", style.at(index), place)
        return
    lines = kind in ("Lines", "Polygons")
    transform = str(marker.get("transform" if lines else "offset_transform", "data"))
    frame = _FRAMES[transform]
    moved = _relative(value_at) if transform == "relative" else _as_they_are
    if lines:
        for index, points in enumerate(_some(values["segments" if kind == "Lines" else "verts"])):
            x, y = moved(np.asarray(points, np.float64).reshape(-1, 2)).T.tolist()
            to.add("line" if kind == "Lines" else "patch", frame, style.at(index), x, y)
        return
    offsets = moved(np.asarray(values["offsets"], np.float64).reshape(-1, 2)[:_MOST])
    for index, (x, y) in enumerate(offsets.tolist()):
        _draw_one(kind, (x, y), values, index, style.at(index), frame, to)


def _draw_one(
    kind: str,
    at: tuple[float, float],
    values: Mapping[str, Any],
    index: int,
    style: Mapping[str, Any],
    frame: Frame,
    to: Shapes,
) -> None:
    """One marker of those with offsets."""
    x, y = at
    if kind == "Texts":
        size = _letters(item(values.get("sizes"), index))
        align = str(values.get("horizontalalignment", "center"))
        base = _BASES.get(str(values.get("verticalalignment")), "middle")
        align = align if align in ("left", "right") else "center"
        to.add("text", frame, style, x, y, str(item(values["texts"], index)), size, align, base)
    elif kind == "Arrows":
        end = (x + float(item(values["U"], index)), y + float(item(values["V"], index)))
        to.add("arrow", frame, style, x, y, *end)
    else:
        _draw_closed(kind, at, values, index, style, frame, to)


def _draw_closed(
    kind: str,
    at: tuple[float, float],
    values: Mapping[str, Any],
    index: int,
    style: Mapping[str, Any],
    frame: Frame,
    to: Shapes,
) -> None:
    """A point, circle, ellipse, rectangle or square, of a size in the data's units or on screen."""
    x, y = at
    sized = "sizes" if kind in ("Points", "Circles") else "widths"
    width = float(item(values.get(sized, _POINTS) if kind == "Points" else values[sized], index))
    height = float(item(values.get("heights", width), index))
    angle = math.radians(float(item(values.get("angles", 0), index)))
    is_round = kind in ("Points", "Circles", "Ellipses")
    units = str(values.get("units", "points" if kind == "Points" else "x"))
    if units in _ON_SCREEN:
        width, height = (min(n * _ON_SCREEN[units], _LARGEST) for n in (width, height))
        if is_round and width == height:
            to.add("point", frame, style, x, y, width)
        else:
            to.add("oval" if is_round else "box", frame, style, x, y, width, height, angle)
    elif units in _IN_DATA and frame == "data":
        outline = (_ellipse() if is_round else _rectangle()) * [width / 2, height / 2]
        xs, ys = _turned(outline, angle)
        to.add("patch", frame, style, (x + xs).tolist(), (y + ys).tolist())


def _draw_old(marker: Mapping[Any, Any], position: tuple[int, ...], to: Shapes) -> None:
    """Markers as HyperSpy 1 stored them: one each, its coordinates beside each other."""
    data = marker["data"]
    got = {key: _number(_here(data.get(key), position)) for key in ("x1", "y1", "x2", "y2")}
    kind = str(marker["marker_type"])
    given = marker.get("marker_properties") or {}
    style = Style.of(given, filled=kind == "Point", width=_LINE).at(0)
    x, y, right, top = (got[key] for key in ("x1", "y1", "x2", "y2"))
    match kind:
        case "Point":
            to.add("point", "data", style, x, y, _POINTS * POINT)
        case "Text":
            text = str(_here(data.get("text"), position))
            to.add("text", "data", style, x, y, text, _letters(None), "left", "alphabetic")
        case "VerticalLine":
            to.add("down", "data", style, x)
        case "HorizontalLine":
            to.add("across", "data", style, y)
        case "Rectangle":
            to.add("patch", "data", style, [x, right, right, x], [y, y, top, top])
        case "LineSegment" | "HorizontalLineSegment" | "VerticalLineSegment":
            right = x if math.isnan(right) else right
            top = y if math.isnan(top) else top
            to.add("line", "data", style, [x, right], [y, top])
        case "Arrow":
            to.add("arrow", "data", style, x, y, right, top)


def _letters(size: Any) -> str:
    """Of letters; HyperSpy's sizes are areas."""
    points = _LETTERS * math.sqrt(max(0.0, float(size))) if size is not None else _LETTERS
    return f"{min(points * POINT, 200):.1f}px"


def _as_they_are(points: NDArray[Any]) -> NDArray[Any]:
    return points


def _relative(value_at: ValueAt | None) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Heights as parts of the curve's at the same place."""
    if value_at is None:
        raise ValueError("no curve")

    def moved(points: NDArray[Any]) -> NDArray[Any]:
        heights = [value_at(x) for x in points[:, 0].tolist()]
        return np.stack([points[:, 0], points[:, 1] * heights], axis=1)

    return moved


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    found = np.asarray(value).reshape(-1)
    return float(found[0]) if found.size and found[0] is not None else math.nan


def _numbers(values: Any) -> NDArray[np.float64]:
    return np.asarray(values, np.float64).reshape(-1)


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


def _ellipse() -> NDArray[Any]:
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _rectangle() -> NDArray[Any]:
    return np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])


def _turned(points: NDArray[Any], angle: float) -> tuple[NDArray[Any], NDArray[Any]]:
    x, y = points.T
    return (x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle))
