"""Windows and virtual detectors: numpy's maps, which become experiments of the file."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

import hspyio
from hspyio.bridges.viewer.selection import PRESETS, preset
from support.browser import Page, needs_browser
from unit.bridges.viewer.conftest import Shown, made

pytestmark = needs_browser


def window_of(page: Page, size: int) -> list[int]:
    ends = (page.get("window", "left"), page.get("window", "right"))
    return [i for i in range(size) if min(ends) <= 1 + i / 2 <= max(ends)]


def test_a_window_over_a_spectrum(shown: Shown) -> None:
    signal = made((6, 7, 60), 1)
    page = shown(signal)
    page.wait_for_values("signal-line", signal.data[3, 3], "y")
    page.press("Map of a window")
    page.wait_until("window", "visible", True)
    inside = window_of(page, 60)
    page.wait_for_values("navigator-image", signal.data[..., inside].sum(2, dtype=float))
    place, height = 1 + inside[len(inside) // 2] / 2, float(signal.data[3, 3].mean())
    page.drag("signal", (place, height), (16.0 if place > 18 else 20.0, height))
    assert window_of(page, 60) != inside
    wanted = signal.data[..., window_of(page, 60)].sum(2, dtype=float)
    page.wait_for_values("navigator-image", wanted)
    page.choose("signal-scale", "log")
    page.wait_until("window", "visible", True)
    page.wait_for_values("navigator-image", wanted)
    page.press("Map of a window")
    page.wait_for_values("navigator-image", signal.data.sum(2, dtype=float))


def test_a_window_over_a_line_scan(shown: Shown) -> None:
    signal = made((6, 40), 1)
    page = shown(signal)
    page.press("Map of a window")
    page.wait_until("window", "visible", True)
    wanted = signal.data[:, window_of(page, 40)].sum(1, dtype=float)
    page.wait_for_values("navigator-line", wanted, "y")
    page.press("Map of a window")
    page.wait_for_values("navigator-image", signal.data)


def patterns() -> hspyio.Signal:
    signal = made((5, 6, 32, 32), 2)
    y, x = np.mgrid[:32, :32]
    signal.data = np.random.default_rng(0).poisson(
        np.where(np.hypot(y - 15, x - 16) < 5, 40.0, 1.0), (5, 6, 32, 32)
    )
    return signal


@pytest.mark.parametrize("name", [PRESETS[0], PRESETS[3]])
def test_presets(shown: Shown, name: str) -> None:
    signal = patterns()
    page = shown(signal)
    page.wait_for_values("signal-image", signal.data[2, 3])
    page.choose("detector-choice", name)
    mask = preset(name, signal.data[2, 3]).mask((32, 32))
    page.wait_for_values("navigator-image", (signal.data * mask).sum((2, 3)))
    assert page.get("navigator", "title")["text"] == name


@pytest.mark.parametrize("form", ["Disk", "Annulus", "Rectangle"])
def test_a_detector_is_dragged(shown: Shown, form: str) -> None:
    signal = patterns()
    page = shown(signal)
    page.wait_for_values("signal-image", signal.data[2, 3])
    page.choose("detector-choice", form)
    page.page.wait_for_function("() => window.model('signal-detector').data.xs.length > 0")
    xs, ys = (page.get("signal-detector", "data")[key][0] for key in ("xs", "ys"))
    y, x = (max(v) / 2 + min(v) / 2 for v in (ys, xs))
    radius = (max(xs) - min(xs)) / 2
    page.drag("signal", (x, y), (x + 2.0, y))
    mask = np.hypot(*np.mgrid[:32, :32]) < 0
    i, j = (1 + np.arange(32) / 2)[:, None], (1 + np.arange(32) / 2)[None]
    moved = page.get("signal-detector", "data")["xs"][0]
    page.page.wait_for_timeout(300)
    moved = page.get("signal-detector", "data")["xs"][0]
    x = max(moved) / 2 + min(moved) / 2
    if form == "Rectangle":
        mask = (np.abs(i - y) <= radius + 1e-9) & (np.abs(j - x) <= radius + 1e-9)
    else:
        distance = np.hypot(i - y, j - x)
        mask = (distance <= radius) & (distance >= (radius / 2 if form == "Annulus" else 0))
    page.wait_for_values("navigator-image", (signal.data * mask).sum((2, 3)))
    page.choose("detector-choice", "no detector")
    page.wait_for_values("navigator-image", signal.data.sum((2, 3), dtype=float))


def test_a_map_is_added_to_the_file(shown: Shown, tmp_path: Path) -> None:
    signal = made((6, 7, 60), 1)
    page = shown(signal)
    page.wait_for_values("navigator-image", signal.data.sum(2, dtype=float))
    before = (tmp_path / "a.hspy").read_bytes()
    page.press("Map of a window")
    page.wait_until("window", "visible", True)
    wanted = signal.data[..., window_of(page, 60)].sum(2, dtype=float)
    page.wait_for_values("navigator-image", wanted)
    assert (tmp_path / "a.hspy").read_bytes() == before
    page.page.get_by_label("title of the map").fill("the peak")
    page.page.keyboard.press("Tab")
    page.press("Add map to the file")
    page.page.wait_for_function("() => window.model('status').text.startsWith('added')")
    assert list(hspyio.open(tmp_path / "a.hspy").titles.values()) == ["values", "the peak"]
    page.choose("experiment", "the peak")
    page.wait_for_values("signal-image", wanted)
    hs = pytest.importorskip("hyperspy.api")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = next(
            s for s in hs.load(tmp_path / "a.hspy") if s.metadata.General.title == "the peak"
        )
    assert (again.data == wanted).all()
    assert [axis.units for axis in again.axes_manager.signal_axes] == ["nm", "nm"]
