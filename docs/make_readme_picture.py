"""The picture of README: the viewer on a 4D-STEM map. ``python docs/make_readme_picture.py``.

It is kept in the repository, so that README has it wherever it is shown; it needs Playwright and a
Chromium.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from make_viewer_pictures import CHROMIUM, READY

import hspyio
from hspyio import Signal, UniformAxis

PICTURE = Path(__file__).with_name("_static") / "viewer.png"
WIDTH, HEIGHT, SHOWN = 1080, 650, 624
SCAN, DETECTOR = 96, 128


def two_phases() -> Signal:
    """4D-STEM: round grains in a matrix, with lattices that differ in spacing and in turn."""
    plane = np.arange(DETECTOR) - DETECTOR / 2
    y, x = np.mgrid[:SCAN, :SCAN]
    rng = np.random.default_rng(7)
    grain = np.zeros((SCAN, SCAN), np.intp)
    for centre in rng.uniform(8, SCAN - 8, (14, 2)):
        inside = np.hypot(y - centre[0], x - centre[1]) < rng.uniform(5, 14)
        grain[inside] = 1 + rng.integers(3)
    patterns = [
        _pattern(plane, spacing, turn)
        for spacing, turn in ((19, 0.12), (15, 0.5), (15, 0.9), (15, 1.3))
    ]
    thickness = 1 + 0.25 * np.sin(x / 31) * np.cos(y / 23)
    mean = np.stack(patterns)[grain] * thickness[..., None, None]
    axes = [UniformAxis(name, "nm", size=SCAN, scale=0.8, navigate=True) for name in "yx"]
    axes += [
        UniformAxis(f"k{name}", "1/nm", size=DETECTOR, offset=-8.0, scale=0.125) for name in "yx"
    ]
    counts = rng.poisson(mean).astype(np.uint16)
    return Signal(counts, axes, metadata={"General": {"title": "4D-STEM of precipitates"}})


def _pattern(plane: np.ndarray, spacing: float, turn: float) -> np.ndarray:
    """Discs on a square lattice, weaker further out, on an amorphous background."""
    radius = np.hypot(plane[:, None], plane)
    pattern = 0.4 * np.exp(-radius / 22)
    for index in np.ndindex(9, 9):
        h, k = np.array(index) - 4
        at = spacing * np.array(
            [h * np.cos(turn) - k * np.sin(turn), h * np.sin(turn) + k * np.cos(turn)]
        )
        distance = np.hypot(plane[:, None] - at[0], plane - at[1])
        height = 150.0 if h == k == 0 else 18 * np.exp(-(h * h + k * k) / 7)
        pattern += height / (1 + np.exp((distance - 5) / 0.6))
    return pattern


def draw(page: Any) -> None:
    """A ring over the matrix' nearest spots, and counts on a scale where all spots show."""
    page.get_by_label("virtual detector", exact=True).first.select_option("Annular dark field")
    page.get_by_label("scale", exact=True).last.select_option("log")
    page.get_by_label("colours", exact=True).last.select_option("Inferno")


def make(picture: Path = PICTURE) -> None:
    """Draw it anew."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = hspyio.save(Path(folder) / "4D-STEM.hspy", two_phases(), progress=False)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        size = {"width": WIDTH, "height": HEIGHT}
        page = browser.new_page(viewport=size, color_scheme="dark")
        with hspyio.view(path) as viewer:
            page.goto(viewer.url)
            page.wait_for_function(READY)
            page.wait_for_timeout(1000)
            draw(page)
            page.wait_for_timeout(3000)
            page.screenshot(path=picture, clip={"x": 0, "y": 0, "width": WIDTH, "height": SHOWN})
        browser.close()


if __name__ == "__main__":
    make(*map(Path, sys.argv[1:2]))
