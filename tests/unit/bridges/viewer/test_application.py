"""Every dimension in a browser: what is drawn is what the file holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hspyio
from support.browser import needs_browser
from unit.bridges.viewer.conftest import Shown, made

pytestmark = needs_browser


def test_a_spectrum(shown: Shown) -> None:
    signal = made((30,), 1)
    page = shown(signal)
    page.wait_for_values("signal-line", signal.data, "y")
    page.wait_for_values("signal-line", 1 + 0.5 * np.arange(30), "x")
    assert page.page.locator(".navigator").is_hidden()


def test_an_image(shown: Shown) -> None:
    signal = made((12, 15), 2)
    page = shown(signal)
    page.wait_for_values("signal-image", signal.data)
    assert page.get("signal-image", "data")["dw"] == [7.5]


def test_a_line_scan(shown: Shown) -> None:
    signal = made((6, 20), 1)
    page = shown(signal)
    page.wait_for_values("navigator-image", signal.data)
    page.wait_for_values("signal-line", signal.data[3], "y")
    page.click("navigator", 4.0, 1.5)
    page.wait_for_values("signal-line", signal.data[1], "y")


def test_a_stack_of_images(shown: Shown) -> None:
    signal = made((5, 8, 9), 2)
    page = shown(signal)
    page.wait_for_values("navigator-line", signal.data.sum((1, 2), dtype=float), "y")
    page.click("navigator", 3.0, signal.data[4].sum())
    page.wait_for_values("signal-image", signal.data[4])


def test_a_spectrum_image(shown: Shown) -> None:
    signal = made((6, 7, 20), 1)
    page = shown(signal)
    page.wait_for_values("navigator-image", signal.data.sum(2, dtype=float))
    page.wait_for_values("signal-line", signal.data[3, 3], "y")


def test_4d_stem(shown: Shown) -> None:
    signal = made((4, 5, 6, 7), 2)
    page = shown(signal)
    page.wait_for_values("navigator-image", signal.data.sum((2, 3), dtype=float))
    page.wait_for_values("signal-image", signal.data[2, 2])


def test_more_dimensions_have_sliders(shown: Shown) -> None:
    signal = made((3, 4, 5, 6, 7), 2)
    page = shown(signal)
    page.wait_for_values("navigator-image", signal.data[1].sum((2, 3), dtype=float))
    handle = page.page.get_by_role("slider").nth(2)  # behind the limits of the navigator's colours
    page.page.wait_for_timeout(100)
    handle.focus()
    page.page.keyboard.press("ArrowRight")
    page.wait_for_values("navigator-image", signal.data[2].sum((2, 3), dtype=float))
    page.wait_for_values("signal-image", signal.data[2, 2, 2])
    page.page.get_by_text("t: 2 nm [2]").wait_for()
    assert page.get("signal", "title")["text"] == "t = 2 nm [2]\ny = 2 nm [2], x = 2 nm [2]"


def test_colours(shown: Shown) -> None:
    data = np.zeros((6, 7), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    data["R"], data["B"] = np.arange(42).reshape(6, 7), 200
    page = shown(hspyio.Signal(data))
    wanted = 255 << 24 | 200 << 16 | data["R"].astype(np.int64)
    page.wait_for_values("signal-image", wanted)


@pytest.mark.parametrize("dimension", [1, 2])
def test_complex_values(shown: Shown, dimension: int) -> None:
    data = np.exp(1j * np.linspace(0, 9, 60)) * np.arange(60)
    data = data.reshape(6, 10) if dimension == 2 else data
    page = shown(hspyio.Signal(data, signal_dimension=dimension))
    kind, key = ("image", "image") if dimension == 2 else ("line", "y")
    page.wait_for_values(f"signal-{kind}", np.abs(data), key)
    page.wait_for_values(f"phase-{kind}", np.angle(data), key)


def test_ragged_data_have_a_note(shown: Shown) -> None:
    data = np.empty(2, object)
    data[:] = [np.arange(2), np.arange(3)]
    page = shown(hspyio.Signal(data))
    assert "ragged" in page.get("note", "text")
    assert page.page.get_by_text("of their own shapes").is_visible()


def test_several_experiments(shown: Shown) -> None:
    first, second = made((6, 7, 20), 1), made((12, 15), 2)
    second.title = "other"
    page = shown([first, second])
    page.wait_for_values("signal-line", first.data[3, 3], "y")
    page.choose("experiment", "other")
    page.wait_for_values("signal-image", second.data)
    assert page.page.locator(".navigator").is_hidden()
    page.choose("experiment", "values")
    page.wait_for_values("navigator-image", first.data.sum(2, dtype=float))


def test_texts_of_the_file_are_no_markup(shown: Shown) -> None:
    evil = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
    axes: list[dict[str, Any]] = [
        {"name": f"{evil}$$x$$", "units": evil, "size": 3, "navigate": True},
        {"name": evil, "units": "$$y$$", "size": 4, "navigate": True},
        {"name": f"</script>{evil}", "units": evil, "size": 5},
    ]
    metadata = {evil: evil, "Signal": {"quantity": evil}}
    signal = hspyio.Signal(np.arange(60.0).reshape(3, 4, 5), axes, title=evil, metadata=metadata)
    page = shown([signal, hspyio.Signal(np.ones(3), title=f"</title>{evil}")])
    page.wait_for_values("signal-line", signal.data[1, 2], "y")
    page.page.mouse.move(*page.place("navigator", 1, 1))
    page.page.get_by_text("Metadata", exact=True).click()
    page.press("Map of a window")
    page.press("Region")
    page.wait_for_values("signal-second", signal.data[0:3, 1:4].mean((0, 1)), "y")
    assert page.page.evaluate("window.hacked") is None
    assert page.page.locator("img").count() == 0
    assert evil[:60] in page.page.title()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 800])
def test_it_fits_the_window_and_the_desktop(shown: Shown, scheme: str, width: int) -> None:
    page = shown(made((4, 5, 6, 7), 2), width=width, scheme=scheme)
    page.wait_until("dark", "active", scheme == "dark")
    page.page.wait_for_function(
        "dark => document.documentElement.dataset.theme == dark", arg=scheme
    )
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    ground = {"light": "#ffffff", "dark": "#181b20"}[scheme]
    page.page.wait_for_function(
        "ground => JSON.stringify(window.model('signal').border_fill_color).includes(ground)",
        arg=ground,
    )


def test_nothing_is_wider_than_a_narrow_page(shown: Shown) -> None:
    signal = made((6, 7, 8), 1)
    signal.title = "a long title " * 20
    signal.axes[0].name = "an axis of a long name " * 3
    page = shown(signal, width=800)
    page.wait_for_values("navigator-image", signal.data.sum(2, dtype=float))
    for tab in ("Axes", "Metadata", "File"):
        page.page.get_by_text(tab, exact=True).click()
        assert page.page.evaluate("document.documentElement.scrollWidth") == 800
        listing = page.page.locator("pre").filter(visible=True)
        box = listing.bounding_box()
        assert box is not None and box["width"] > 100 and box["height"] > 12
