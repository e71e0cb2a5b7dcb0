"""A region of the navigator: numpy's mean and sum."""

from __future__ import annotations

import numpy as np

from support.browser import needs_browser
from unit.bridges.viewer.conftest import Shown, made

pytestmark = needs_browser


def test_spectra_of_a_region(shown: Shown) -> None:
    signal = made((24, 24, 10), 1)
    page = shown(signal)
    page.wait_for_values("signal-line", signal.data[12, 12], "y")
    page.press("Region")
    page.wait_for_values("signal-second", signal.data[10:15, 10:15].mean((0, 1)), "y")
    page.choose("region-kind", "sum")
    page.wait_for_values("signal-second", signal.data[10:15, 10:15].sum((0, 1), dtype=float), "y")
    page.drag("navigator", (7.0, 7.0), (5.0, 6.0))  # from its middle: it moves as it is
    ranges = [(page.get("region", low), page.get("region", high)) for low, high in
              (("bottom", "top"), ("left", "right"))]  # fmt: skip
    rows, columns = (
        [i for i in range(24) if min(ends) <= 1 + i / 2 <= max(ends)] for ends in ranges
    )
    assert (rows[0], columns[0]) != (10, 10)
    wanted = signal.data[rows][:, columns].sum((0, 1), dtype=float)
    page.wait_for_values("signal-second", wanted, "y")
    page.press("Region")
    page.wait_for_values("signal-second", [], "y")


def test_the_mean_of_a_region_leaves_out_what_is_no_number(shown: Shown) -> None:
    signal = made((12, 12, 9), 1, "f8")
    signal.data[5], signal.data[6, 6, 2] = np.nan, np.inf
    page = shown(signal)
    page.press("Region")
    known = np.where(np.isfinite(signal.data), signal.data, np.nan)[5:8, 5:8]
    page.wait_for_values("signal-second", np.nanmean(known, (0, 1)), "y")


def test_images_of_a_region(shown: Shown) -> None:
    signal = made((12, 12, 6, 7), 2)
    page = shown(signal)
    page.press("Region")
    page.wait_for_values("region-signal-image", signal.data[5:8, 5:8].mean((0, 1)))
    page.press("Region")
    page.page.wait_for_function("() => window.model('right').children.length == 2")


def test_a_part_of_a_series(shown: Shown) -> None:
    signal = made((15, 6, 7), 2)
    page = shown(signal)
    page.press("Region")
    page.wait_for_values("region-signal-image", signal.data[6:9].mean(0))


def test_a_part_of_a_line_scan(shown: Shown) -> None:
    signal = made((15, 20), 1)
    page = shown(signal)
    page.press("Region")
    page.wait_for_values("signal-second", signal.data[6:9].mean(0), "y")
    page.press("Map of a window")  # another navigator; a region of its own
    page.wait_for_values("signal-second", signal.data[6:9].mean(0), "y")
