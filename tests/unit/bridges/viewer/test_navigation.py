"""The pointer by mouse and keys, and the map that is shown."""

from __future__ import annotations

import numpy as np

import hspyio
from support.browser import needs_browser
from unit.bridges.viewer.conftest import Shown, made

pytestmark = needs_browser


def test_the_pointer_is_dragged_and_moved_by_keys(shown: Shown) -> None:
    signal = made((20, 25, 8), 1)
    page = shown(signal)
    page.wait_for_values("signal-line", signal.data[10, 12], "y")
    page.click("navigator", 3.5, 2.0)  # column 5, row 2
    page.wait_for_values("signal-line", signal.data[2, 5], "y")
    page.drag("navigator", (3.5, 2.0), (5.0, 6.0), (8.0, 9.5))
    page.wait_for_values("signal-line", signal.data[17, 14], "y")
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowUp", "ArrowRight", "ArrowDown"):
        page.page.keyboard.press(key)
        page.page.wait_for_timeout(30)
    page.wait_for_values("signal-line", signal.data[7, 14], "y")
    page.wait_until("pointer-x", "location", 8.0)
    page.wait_until("pointer-y", "location", 4.5)
    assert "y = 4.5 nm [7], x = 8 nm [14]" in page.get("signal", "title")["text"]


def test_a_drag_may_begin_with_a_rest(shown: Shown) -> None:
    signal = made((20, 25, 8), 1)
    page = shown(signal)
    mouse = page.page.mouse
    mouse.move(*page.place("navigator", 3.5, 2.0))
    mouse.down()
    page.page.wait_for_timeout(700)  # longer than what Bokeh takes for a press
    mouse.move(*page.place("navigator", 6.0, 4.0), steps=4)
    mouse.move(*page.place("navigator", 8.0, 9.5), steps=4)
    mouse.up()
    page.wait_for_values("signal-line", signal.data[17, 14], "y")


def test_the_lines_follow_the_mouse_and_python_knows(shown: Shown) -> None:
    signal = made((20, 25, 6, 6), 2)
    page = shown(signal)
    page.drag("navigator", (3.5, 2.0), (5.0, 6.0), (8.1, 9.4), (99.0, 9.4))
    page.wait_until("pointer-x", "location", 13.0)  # the last column, however far the mouse goes
    page.wait_until("pointer-y", "location", 9.5)
    page.wait_for_values("signal-image", signal.data[17, 24])
    page.page.keyboard.press("ArrowLeft")
    page.wait_until("pointer-x", "location", 12.5)
    page.wait_for_values("signal-image", signal.data[17, 23])


def test_keys_are_left_to_fields(shown: Shown) -> None:
    signal = made((6, 7, 8), 1)
    page = shown(signal)
    page.wait_for_values("signal-line", signal.data[3, 3], "y")
    page.page.get_by_label("title of the map").focus()
    page.page.keyboard.press("ArrowLeft")
    page.page.wait_for_timeout(300)
    page.wait_for_values("signal-line", signal.data[3, 3], "y")


def test_the_navigator_of_the_file_comes_first(shown: Shown) -> None:
    signal = made((6, 7, 8), 1)
    stored = hspyio.Signal(np.arange(42.0).reshape(6, 7), title="virtual detector")
    signal.metadata.set_item("_HyperSpy.navigator", stored)
    page = shown(signal)
    page.wait_for_values("navigator-image", stored.data)
    assert page.get("navigator", "title")["text"] == "virtual detector"
    page.choose("map-choice", "sum of the signal")
    page.wait_for_values("navigator-image", signal.data.sum(2, dtype=float))


def test_two_windows_have_pointers_of_their_own(shown: Shown) -> None:
    signal = made((6, 7, 8), 1)
    page = shown(signal)
    other = page.beside()
    page.click("navigator", 1.0, 1.0)
    page.wait_for_values("signal-line", signal.data[0, 0], "y")
    other.wait_for_values("signal-line", signal.data[3, 3], "y")


def test_keys_move_the_line_of_the_figure_that_is_seen(shown: Shown) -> None:
    signal = made((9, 8), 1)
    page = shown(signal)
    page.wait_for_values("navigator-image", signal.data)
    page.page.keyboard.press("ArrowDown")
    page.wait_until("pointer-y", "location", 3.5)
    page.press("Map of a window")  # all spectra become a curve, whose pointer goes to the right
    page.page.wait_for_function("() => window.model('navigator-line')?.data.y.length == 9")
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowRight"):
        page.page.keyboard.press(key)
    page.wait_until("pointer-x", "location", 5.0)  # the last, however far
    page.wait_for_values("signal-line", signal.data[8], "y")
    page.page.keyboard.press("ArrowUp")
    page.wait_until("pointer-x", "location", 4.5)
