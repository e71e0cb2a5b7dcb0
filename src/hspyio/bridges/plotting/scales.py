"""Where values lie and how they are coloured: positions along axes, scale bars, limits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hspyio.errors import AxesError
from hspyio.model.axes import Axis, UniformAxis

__all__ = [
    "LARGEST",
    "Limits",
    "Scale",
    "bar_of",
    "is_reciprocal",
    "limits_of",
    "number_text",
    "plain_text",
]

_LONGEST = 100
_CLOSEST, LARGEST = 1e-250, 1e300
"""Steps and values whose arithmetic floats can hold."""
_SMALL = 1000
"""Values of an image below which none is an outlier."""
_DECADES = 100.0
"""How often the typical value the largest has to be, for colours to follow the logarithm."""
_METRES = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "µm": 1e-6, "nm": 1e-9, "pm": 1e-12, "fm": 1e-15}
_SPELLINGS = {
    "um": "µm",
    "μm": "µm",
    "micron": "µm",
    "microns": "µm",
    "micrometer": "µm",
    "nanometer": "nm",
    "angstrom": "Å",
    "Angstrom": "Å",
    "Å": "Å",
    "A": "Å",
}
_QUANTITIES = {"eV": "Energy", "keV": "Energy", "s": "Time", "K": "Temperature", "V": "Voltage"}
_RECIPROCAL = {"1/m", "1/µm", "1/um", "1/nm", "1/Å", "1/A", "1/pm", "mrad", "rad"}
_INVERSE = ("^-1", "⁻¹", "$^{-1}$", "**-1", "^{-1}", "-1")


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the values along one axis lie."""

    label: str
    units: str
    centres: NDArray[Any]
    edges: NDArray[Any]
    uniform: bool
    binned: bool = False
    note: str = ""

    @property
    def step(self) -> float:
        """Distance of neighbours along a uniform scale."""
        return float(self.edges[1] - self.edges[0])

    @classmethod
    def of(cls, axis: Axis, step: int = 1, *, as_image: bool = False) -> Scale:
        """The scale of an axis."""
        name, units = plain_text(axis.name), _units(axis.units)
        label = f"{name or _unnamed(axis, units)} ({units})" if units else name
        values, why = _values(axis, as_image)
        if values is None:
            label = f"{name or 'axis'}, numbered"
            edges = np.arange(axis.size + 1) - 0.5
            return cls(label, "", *_grouped(edges, None, step), True, axis.is_binned, why)
        uniform = isinstance(axis, UniformAxis)
        return cls(label, units, *_grouped(_edges(values, axis), values, step), uniform,
                   axis.is_binned)  # fmt: skip


def _unnamed(axis: Axis, units: str) -> str:
    """What an axis without a name is called where its units alone would stand."""
    return _QUANTITIES.get(units, f"axis {axis.index_in_array}")


def _values(axis: Axis, as_image: bool) -> tuple[NDArray[Any] | None, str]:
    """The points as float64, or None and why they cannot be drawn to."""
    try:
        values = np.asarray(axis.values, np.float64)
    except AxesError as error:
        return None, error.message
    who = f"axis {axis.index_in_array} ({plain_text(axis.name)})"
    if not np.isfinite(values).all() or (np.abs(values) > LARGEST).any():
        return None, f"{who} has positions that are no numbers: numbered instead"
    steps = np.diff(values)
    if isinstance(axis, UniformAxis) and (np.abs(steps) < _CLOSEST).any():
        return None, f"{who} has steps of 0: numbered instead"
    if as_image and not ((steps > 0).all() or (steps < 0).all()):
        return None, f"{who} neither rises nor falls: numbered instead"
    return values, ""


def _edges(values: NDArray[Any], axis: Axis) -> NDArray[Any]:
    """Where one value's place ends and the next one's begins."""
    if isinstance(axis, UniformAxis):
        scale = axis.scale or 1.0
        return np.asarray(axis.offset + scale * (np.arange(axis.size + 1) - 0.5))
    if values.size == 1:
        return np.array([values[0] - 0.5, values[0] + 0.5])
    between = (values[1:] + values[:-1]) / 2
    first, last = 2 * values[0] - between[0], 2 * values[-1] - between[-1]
    return np.concatenate([[first], between, [last]])


def _grouped(
    edges: NDArray[Any], values: NDArray[Any] | None, step: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Centres and edges of groups of neighbours."""
    if step > 1:
        edges = np.append(edges[:-1:step], edges[-1])
    elif values is not None:
        return values, edges
    return (edges[1:] + edges[:-1]) / 2, edges


# texts


def plain_text(text: Any, longest: int = _LONGEST) -> str:
    """Text on one line, not too long, that no program takes for commands."""
    line = "" if text is None else str(text)
    line = line if len(line) <= longest else f"{line[: longest - 1]}…"
    return line if line.isprintable() else repr(line)[1:-1]


def number_text(number: float) -> str:
    """A number in a few characters."""
    return f"{number:.6g}"


def _units(units: str | None) -> str:
    text = plain_text(units, 40).strip()
    text = "" if text.lower() in {"<undefined>", "undefined", "none", "unknown"} else text
    return _SPELLINGS.get(text, text)


# scale bars


def is_reciprocal(units: str) -> bool:
    """Whether an axis of these units is one of a diffraction pattern."""
    return units in _RECIPROCAL or (units.endswith(_INVERSE) and _is_length(units))


def _is_length(units: str) -> bool:
    stem = units
    for inverse in _INVERSE:
        stem = stem.removesuffix(inverse)
    return stem in {*_METRES, *_SPELLINGS}


def bar_of(vertical: Scale, horizontal: Scale) -> tuple[float, str] | None:
    """Length of a scale bar, and what stands beside it; None where axes are to be drawn."""
    units = horizontal.units
    drawn = units in _METRES or units == "Å" or is_reciprocal(units)
    same = units == vertical.units and vertical.uniform and horizontal.uniform
    one, other = abs(vertical.step), abs(horizontal.step)
    if not drawn or not same or not math.isclose(one, other, rel_tol=1e-3):
        return None
    width = abs(float(horizontal.edges[-1] - horizontal.edges[0]))
    length = _round_length(width / 4)
    return length, _length_text(length, units)


def _round_length(most: float) -> float:
    """The largest of 1, 2, 5, 10, 20 ... that is not over it."""
    power = 10.0 ** math.floor(math.log10(most))
    return max(factor for factor in (1, 2, 5) if factor * power <= most * (1 + 1e-9)) * power


def _length_text(length: float, units: str) -> str:
    """The length in the unit that needs the fewest digits."""
    if units in _METRES:
        metres = length * _METRES[units]
        fitting = [(name, factor) for name, factor in _METRES.items() if name != "cm"]
        for name, factor in fitting:
            if metres >= factor * (1 - 1e-9):
                return f"{number_text(metres / factor)} {name}"
    inverse = f"{units[2:]}⁻¹" if units.startswith("1/") else units
    return f"{number_text(length)} {inverse}"


# colours


@dataclass(frozen=True, slots=True)
class Limits:
    """What the first and the last colour stand for."""

    low: float
    high: float
    log: bool = False
    below: bool = False
    above: bool = False


def limits_of(values: NDArray[Any], log: bool | None) -> Limits:
    """Limits that show most of the values and are not ruled by a few."""
    found = values[np.isfinite(values)]
    if not found.size:
        return Limits(0.0, 1.0)
    smallest, largest = max(float(found.min()), -LARGEST), min(float(found.max()), LARGEST)
    if log is None:
        positive = found[found > 0]
        log = smallest >= 0 < largest and largest > _DECADES * float(np.median(positive))
    if log and largest > 0:
        return _logarithmic(found, largest)
    if smallest == largest:
        reach = 0.5 if smallest == 0 else abs(smallest) / 2
        return Limits(smallest - reach, largest + reach)
    low, high = smallest, largest
    if found.size >= _SMALL:
        low, high = (float(value) for value in np.percentile(found, (0.1, 99.9)))
        low, high = max(low, -LARGEST), min(high, LARGEST)
        low, high = (low, high) if low < high else (smallest, largest)
    return Limits(low, high, False, smallest < low, largest > high)


def _logarithmic(found: NDArray[Any], largest: float) -> Limits:
    positive = found[found > 0]
    low = max(float(np.percentile(positive, 1)), largest * 1e-6)
    if low >= largest:
        low = largest / 10
    return Limits(low, largest, True, bool((found < low).any()), False)
