"""What is measured on, and the dict in which RosettaSciIO's writers take it.

Needs numpy only: the worker in the environment of zspy imports it too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

TITLE = "bench"


@dataclass(frozen=True)
class Dataset:
    """One signal, without any program's classes.

    Attributes
    ----------
    data : ndarray
        An object array is a ragged one.
    signal_dimension : int
        How many of the last dimensions are a signal; the others navigate.
    original_metadata : dict
        A tree of plain Python values.
    """

    data: NDArray[Any]
    signal_dimension: int
    original_metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def ragged(self) -> bool:
        return bool(self.data.dtype == object)

    @property
    def metadata(self) -> dict[str, Any]:
        return {"General": {"title": TITLE}, "Signal": {"signal_type": ""}}

    @property
    def nbytes(self) -> int:
        if self.ragged:
            return sum(item.nbytes for item in self.data.flat)
        return self.data.nbytes


def exchange_dict(dataset: Dataset) -> dict[str, Any]:
    """The dict that HyperSpy hands to a writer of RosettaSciIO."""
    navigation = dataset.data.ndim - dataset.signal_dimension
    axes = [
        {"size": n, "navigate": i < navigation, "offset": 0.0, "scale": 1.0, "name": f"axis {i}"}
        for i, n in enumerate(dataset.data.shape)
    ]
    return {
        "data": dataset.data,
        "axes": axes,
        "metadata": dataset.metadata,
        "original_metadata": dataset.original_metadata,
        "learning_results": {},
        "models": {},
        "tmp_parameters": {},
        "package_info": {"package": "", "package_version": ""},
        "attributes": {"_lazy": False, "ragged": dataset.ragged},
    }


def random_patterns(count: int, size: int) -> NDArray[np.uint16]:
    """Diffraction patterns: counts, a bright disc over a low background, a mean of a few."""
    rng = np.random.default_rng(7)
    y, x = np.ogrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    radius = np.hypot(x, y)
    expected = 0.3 + 2.0 * np.exp(-3 * radius) + 30.0 * (radius < 0.28)
    brightness = rng.uniform(0.7, 1.3, count)
    patterns = np.empty((count, size, size), np.uint16)
    for pattern, bright in zip(patterns, brightness, strict=True):
        pattern[...] = rng.poisson(expected * bright)
    return patterns
