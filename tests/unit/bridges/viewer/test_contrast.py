"""Limits and colours."""

from __future__ import annotations

import numpy as np
import pytest

from hspyio.bridges.viewer.contrast import COLOUR_MAPS, PHASES, SCALES, colours, limits

VALUES = np.random.default_rng(0).normal(100, 20, (300, 400))


def test_limits_are_percentiles() -> None:
    assert limits(VALUES, (0, 100), "linear") == (VALUES.min(), VALUES.max())
    assert limits(VALUES, (5, 95), "linear") == pytest.approx(np.percentile(VALUES, (5, 95)))
    large = np.tile(VALUES, (4, 3))
    assert limits(large, (5, 95), "sqrt") == pytest.approx(np.percentile(VALUES, (5, 95)), rel=0.01)


def test_limits_of_odd_values() -> None:
    assert limits(np.full((3, 3), np.nan), (0, 100), "linear") == (0, 1)
    low, high = limits(np.full((3, 3), 5.0), (1, 99), "linear")
    assert low < 5 < high
    assert limits(np.array([np.inf, 1.0, 2.0]), (0, 100), "linear") == (1, 2)


def test_logarithms_begin_above_zero() -> None:
    assert limits(np.array([-3.0, 0, 2, 8]), (0, 100), "log") == (2, 8)
    low, high = limits(np.array([0, 1e-30, 1.0]), (0, 100), "log")
    assert low == pytest.approx(1e-6) and high == 1
    assert limits(np.zeros(4), (0, 100), "log") == (0.1, 1.0)
    assert limits(np.full(4, 7.0), (0, 100), "log") == (0.7, 7)


def test_roots_come_sooner() -> None:
    plain, rooted = colours("Grey"), colours("Grey", "sqrt")
    assert (plain[0], plain[-1]) == (rooted[0], rooted[-1]) == ("#000000", "#ffffff")
    assert int(rooted[len(rooted) // 4][1:3], 16) == pytest.approx(127, abs=2)


@pytest.mark.parametrize("name", [*COLOUR_MAPS, PHASES])
def test_every_colour_map(name: str) -> None:
    if name not in ("Grey", PHASES):
        pytest.importorskip("bokeh")
    for scale in SCALES:
        made = colours(name, scale)
        assert len(made) >= 256
        assert all(len(colour) == 7 and int(colour[1:], 16) >= 0 for colour in made)


def test_the_first_phase_is_the_last() -> None:
    made = colours(PHASES)
    first, last = (
        np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in made[:: len(made) - 1]
    )
    assert np.abs(first - last).max() < 8
