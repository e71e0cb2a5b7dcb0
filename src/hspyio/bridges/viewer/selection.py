"""What is selected in the pictures, in numbers: positions, ranges, and detectors over a signal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hspyio.bridges.plotting.scales import Scale, number_text, plain_text
from hspyio.model.axes import Axis
from hspyio.records import record

__all__ = [
    "PRESETS",
    "Along",
    "Detector",
    "Grip",
    "around",
    "bright_disk",
    "dragged",
    "grip",
    "moved",
    "name_of",
    "preset",
    "weights",
]

Grip: TypeAlias = Literal["centre", "outer", "inner"]
"""What of a detector is held while it is dragged."""
PRESETS = (
    "Bright field",
    "Annular bright field",
    "Dark field",
    "Annular dark field",
    "High-angle annular dark field",
)
_TICKS = 6


@record
class Along:
    """How an axis is drawn: where its points lie in the picture, and which is nearest to a place.

    Attributes
    ----------
    label, units : str
        Of the axis; the label has the units with it.
    values : numpy.ndarray
        What the points are called: their calibrated values.
    centres, edges : numpy.ndarray
        Where they lie in the picture. An image's are numbered where the axis is not uniform, since
        all of its pixels have the same size.
    uniform : bool
        Whether values and places are the same.
    """

    label: str
    units: str
    values: NDArray[Any]
    centres: NDArray[Any]
    edges: NDArray[Any]
    uniform: bool

    @classmethod
    def of(cls, axis: Axis, *, as_image: bool) -> Along:
        """How an axis is drawn in an image, or below a line."""
        scale = Scale.of(axis, as_image=as_image)
        label = scale.label or f"axis {axis.index_in_array}"
        if not as_image or scale.uniform:
            shown = (scale.centres, scale.edges)
            return cls(label, scale.units, scale.centres, *shown, scale.uniform)
        numbered = np.arange(axis.size, dtype=np.float64)
        edges = np.arange(axis.size + 1) - 0.5
        return cls(label, scale.units, scale.centres, numbered, edges, False)

    @property
    def size(self) -> int:
        """Number of points."""
        return int(self.centres.size)

    def index(self, place: float) -> int:
        """The point that is nearest to a place in the picture."""
        return int(np.argmin(np.abs(self.centres - place))) if math.isfinite(place) else 0

    def between(self, one: float, other: float) -> slice:
        """The points between two places, at least one."""
        low, high = sorted((one, other))
        found = np.flatnonzero((self.centres >= low) & (self.centres <= high))
        if not found.size:
            nearest = self.index((low + high) / 2)
            return slice(nearest, nearest + 1)
        return slice(int(found.min()), int(found.max()) + 1)

    def fraction(self, place: float) -> float:
        """A place as a number of points, with what lies between them."""
        if self.size == 1:
            return (place - float(self.centres[0])) / float(self.edges[1] - self.edges[0])
        first, last = float(self.centres[0]), float(self.centres[-1])
        return (place - first) / (last - first) * (self.size - 1)

    def place(self, fraction: float) -> float:
        """The other way round: where a number of points lies."""
        if self.size == 1:
            return float(self.centres[0]) + fraction * float(self.edges[1] - self.edges[0])
        first, last = float(self.centres[0]), float(self.centres[-1])
        return first + fraction / (self.size - 1) * (last - first)

    def text(self, index: int) -> str:
        """A point by its value and its number."""
        units = f" {self.units}" if self.units else ""
        return f"{number_text(float(self.values[index]))}{units} [{index}]"

    def ticks(self) -> dict[float, str] | None:
        """Labels of some points where places are no values."""
        if self.uniform or np.array_equal(self.centres, self.values):
            return None
        chosen = np.unique(np.linspace(0, self.size - 1, _TICKS).round().astype(int))
        return {float(self.centres[i]): number_text(float(self.values[i])) for i in chosen}


def name_of(axis: Axis) -> str:
    """What an axis is called in a line of text."""
    return plain_text(axis.name, 20) or f"axis {axis.index_in_array}"


def around(along: Along, index: int, low: str, high: str) -> dict[str, float]:
    """A few points on both sides of one, as two sides of a rectangle."""
    reach = max(1, along.size // 12)
    first, last = max(0, index - reach), min(along.size - 1, index + reach)
    return {low: float(along.edges[first]), high: float(along.edges[last + 1])}


def moved(position: Sequence[int], steps: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """A position some steps further, within its bounds."""
    return tuple(
        min(max(at + step, 0), size - 1)
        for at, step, size in zip(position, steps, shape, strict=True)
    )


@record
class Detector:
    """A part of an image whose intensity is summed, in pixels and parts of them.

    Attributes
    ----------
    kind : {"disk", "annulus", "rectangle"}
        Its form.
    y, x : float
        Its centre.
    outer, inner : float
        Radii; half the height and half the width of a rectangle.
    """

    kind: Literal["disk", "annulus", "rectangle"]
    y: float
    x: float
    outer: float
    inner: float = 0.0

    def mask(self, shape: Sequence[int]) -> NDArray[np.bool_]:
        """The pixels whose centres lie in it."""
        y, x = np.ogrid[: shape[0], : shape[1]]
        if self.kind == "rectangle":
            return (np.abs(y - self.y) <= self.outer) & (np.abs(x - self.x) <= self.inner)
        squared = (y - self.y) ** 2 + (x - self.x) ** 2
        inside = squared <= self.outer**2
        return inside & (squared >= self.inner**2) if self.kind == "annulus" else inside

    def outlines(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """Closed lines around it, as rows and columns."""
        if self.kind == "rectangle":
            rows = self.y + self.outer * np.array([-1.0, -1, 1, 1, -1])
            return [(rows, self.x + self.inner * np.array([-1.0, 1, 1, -1, -1]))]
        angles = np.linspace(0, 2 * np.pi, 121)
        radii = [self.outer, self.inner] if self.kind == "annulus" else [self.outer]
        return [(self.y + r * np.sin(angles), self.x + r * np.cos(angles)) for r in radii]


def grip(detector: Detector, y: float, x: float, slack: float) -> Grip | None:
    """What of a detector is at a place: a rim, within a few pixels, or what is inside."""
    if detector.kind == "rectangle":
        off = max(abs(y - detector.y) - detector.outer, abs(x - detector.x) - detector.inner)
        return "outer" if abs(off) <= slack else "centre" if off < 0 else None
    distance = math.hypot(y - detector.y, x - detector.x)
    if abs(distance - detector.outer) <= slack and distance > slack / 2:
        return "outer"
    if detector.kind == "annulus" and abs(distance - detector.inner) <= slack < distance:
        return "inner"
    return "centre" if distance <= detector.outer else None


def dragged(
    detector: Detector, held: Grip, start: Sequence[float], to: Sequence[float]
) -> Detector:
    """A detector after what is held has been dragged from one place to another."""
    if held == "centre":
        y, x = detector.y + to[0] - start[0], detector.x + to[1] - start[1]
        return replace(detector, y=y, x=x)
    if detector.kind == "rectangle":
        height, width = abs(to[0] - detector.y), abs(to[1] - detector.x)
        return replace(detector, outer=max(0.5, height), inner=max(0.5, width))
    radius = max(0.5, math.hypot(to[0] - detector.y, to[1] - detector.x))
    if held == "inner":
        return replace(detector, inner=min(radius, detector.outer))
    return replace(detector, outer=max(radius, detector.inner))


def bright_disk(pattern: NDArray[Any]) -> Detector:
    """The brightest disk of a diffraction pattern: centre of mass and size of what is bright."""
    values = np.nan_to_num(np.abs(np.asarray(pattern, np.float64)))
    smooth = _smooth(values)
    bright = smooth > smooth.max() / 2 if smooth.max() > 0 else np.ones(values.shape, bool)
    rows, columns = np.nonzero(bright)
    radius = max(1.0, math.sqrt(rows.size / math.pi))
    return Detector("disk", float(rows.mean()), float(columns.mean()), radius)


def _smooth(values: NDArray[Any]) -> NDArray[Any]:
    """Means over a few neighbours, so that single counts are no disk."""
    reach = max(1, min(values.shape) // 32)
    for axis in (0, 1):
        sums = [np.roll(values, shift, axis) for shift in range(-reach, reach + 1)]
        values = np.mean(sums, axis=0)
    return values


def preset(name: str, pattern: NDArray[Any]) -> Detector:
    """A usual detector, by the bright disk of a pattern."""
    disk = bright_disk(pattern)
    radius = disk.outer
    edge = max(radius + 1.0, min(pattern.shape) / 2)
    match name:
        case "Annular bright field":
            return replace(disk, kind="annulus", inner=radius / 2)
        case "Dark field":
            return replace(disk, x=min(disk.x + 2.2 * radius, pattern.shape[1] - 1.0))
        case "Annular dark field":
            outer = max(1.2 * radius + 1, min(3 * radius, edge))
            return replace(disk, kind="annulus", inner=1.2 * radius, outer=outer)
        case "High-angle annular dark field":
            return replace(disk, kind="annulus", inner=min(3 * radius, edge * 0.6), outer=edge)
    return replace(disk, outer=1.1 * radius)


def weights(mask: NDArray[np.bool_]) -> tuple[tuple[slice, ...], NDArray[np.bool_]] | None:
    """The part of a signal around a mask, and the mask in it; None where it holds nothing."""
    if not mask.any():
        return None
    window = []
    for axis in range(mask.ndim):
        others = tuple(i for i in range(mask.ndim) if i != axis)
        hit = np.flatnonzero(mask.any(axis=others))
        window.append(slice(int(hit[0]), int(hit[-1]) + 1))
    return tuple(window), mask[tuple(window)]
