"""How values become colours: scales, limits and colour maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hspyio.bridges.plotting.scales import LARGEST

__all__ = ["COLOUR_MAPS", "PHASES", "SCALES", "colours", "limits"]

SCALES = ("linear", "log", "sqrt")
COLOUR_MAPS = ("Grey", "Viridis", "Cividis", "Magma", "Inferno", "Plasma", "Turbo")
PHASES = "Phases"
"""Colours of angles: the first is the last."""
_SHADES = 256
_FINE = 1024
_DECADES = 1e-6
"""How far below the largest value a logarithm begins at least."""
_SAMPLE = 200_000
"""Values that limits are found from."""


def limits(values: NDArray[Any], percentiles: Sequence[float], scale: str) -> tuple[float, float]:
    """What the first and the last colour stand for.

    Parameters
    ----------
    values : numpy.ndarray
        A picture; what is no number does not count.
    percentiles : (float, float)
        How many per cent of the values lie below each.
    scale : {"linear", "log", "sqrt"}
        A logarithm begins with the smallest value above 0.
    """
    flat = values.reshape(-1)
    if flat.size > _SAMPLE and tuple(percentiles) != (0, 100):
        flat = flat[:: -(-flat.size // _SAMPLE)]
    found = flat[np.isfinite(flat)] if flat.dtype.kind == "f" else flat
    if scale == "log":
        found = found[found > 0]
    if not found.size:
        return (0.1, 1.0) if scale == "log" else (0.0, 1.0)
    if tuple(percentiles) == (0, 100):
        low, high = float(found.min()), float(found.max())
    else:
        low, high = (float(value) for value in np.percentile(found, percentiles))
    low, high = max(low, -LARGEST), min(high, LARGEST)
    if scale == "log":
        low = max(low, high * _DECADES)
    if low < high:
        return low, high
    if scale == "log":
        return high / 10, high
    reach = 0.5 if low == 0 else abs(low) / 2
    return low - reach, low + reach


def colours(name: str, scale: str = "linear") -> list[str]:
    """A colour map; for square roots its colours come sooner, so that nothing is computed anew."""
    base = _base(name)
    if scale != "sqrt":
        return base
    share = np.sqrt(np.linspace(0, 1, _FINE))
    return [base[index] for index in np.rint(share * (_SHADES - 1)).astype(int)]


def _base(name: str) -> list[str]:
    if name == PHASES:
        return [_phase(2 * math.pi * shade / _SHADES - math.pi) for shade in range(_SHADES)]
    if name == "Grey":
        return [f"#{shade:02x}{shade:02x}{shade:02x}" for shade in range(_SHADES)]
    palettes: Any = import_module("bokeh.palettes")
    return list(getattr(palettes, f"{name}256"))


def _phase(angle: float) -> str:
    """A colour of the wheel, all of about the same lightness."""
    parts = (0.55 + 0.38 * math.cos(angle - shift * 2 * math.pi / 3) for shift in range(3))
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)
