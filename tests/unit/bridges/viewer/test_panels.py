"""Contrast and colours, which change in the browser, and what is drawn over a picture."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

import hspyio
from support.browser import Page, needs_browser
from unit.bridges.viewer.conftest import Shown, made

pytestmark = needs_browser


def mapper(page: Page, key: str) -> object:
    return page.page.evaluate("key => window.model('signal-bar').color_mapper[key]", key)


def wait_for(page: Page, condition: str, bar: str = "signal-bar") -> None:
    page.page.wait_for_function(
        f"() => {{ const bar = window.model('{bar}'); const mapper = bar?.color_mapper;"
        f" return bar?.visible && {condition} }}"
    )


def colour_at(page: Page, x: float, y: float) -> tuple[int, ...]:
    """What is seen at a point of the image."""
    left, top = page.place("signal", x, y)
    clip = {"x": left - 1, "y": top - 1, "width": 3, "height": 3}
    page.page.wait_for_timeout(200)
    image = imagecodecs.png_decode(page.page.screenshot(clip=clip))
    return tuple(int(part) for part in image[1, 1, :3])


def test_contrast_and_colours(shown: Shown) -> None:
    signal, image = made((3, 12, 15), 2), made((12, 15), 2).data
    signal.data[1] = image
    page = shown(signal)
    page.wait_for_values("signal-image", image)
    assert (mapper(page, "low"), mapper(page, "high")) == (0, 179)
    page.page.evaluate(
        "() => { window.images = 0;"
        " window.model('signal-image').properties.data.change.connect(() => window.images++) }"
    )
    row, column = np.argwhere(image == 45)[0]
    point = (1 + column / 2, 1 + row / 2)
    assert colour_at(page, *point) == pytest.approx((64, 64, 64), abs=2)  # 45 of 179
    page.choose("signal-scale", "log")
    wait_for(page, "mapper.type == 'LogColorMapper' && mapper.low == 1", "signal-bar-log")
    share = round(255 * np.log(45) / np.log(179))
    assert colour_at(page, *point) == pytest.approx((share, share, share), abs=3)
    page.choose("signal-colours", "Viridis")
    page.page.wait_for_timeout(300)
    assert colour_at(page, *point) != pytest.approx((share, share, share), abs=9)
    page.choose("signal-scale", "linear")
    wait_for(page, "mapper.palette.length == 256 && mapper.palette[0] != mapper.palette[128]")
    page.choose("signal-scale", "sqrt")
    wait_for(page, "mapper.type == 'LinearColorMapper' && mapper.palette.length == 1024")
    page.choose("signal-colours", "Grey")
    wait_for(page, "mapper.palette.length == 1024 && mapper.palette[1023] == '#ffffff'")
    assert colour_at(page, *point) == pytest.approx((128, 128, 128), abs=3)
    page.set("signal-percent", "value", [10, 90])
    low, high = np.percentile(image, (10, 90))
    wait_for(page, f"Math.abs(mapper.low - {low}) < 1e-9 && Math.abs(mapper.high - {high}) < 1e-9")
    page.page.get_by_label("low").last.fill("30")
    page.page.keyboard.press("Tab")
    wait_for(page, "mapper.low == 30")
    page.page.get_by_label("high").last.fill("20")
    page.page.keyboard.press("Tab")
    page.page.get_by_text("low (30) has to be below high (20)").wait_for()
    page.page.get_by_label("high").last.fill("170")
    page.page.keyboard.press("Tab")
    wait_for(page, "mapper.low == 30 && mapper.high == 170")
    assert page.page.evaluate("window.images") == 0
    page.page.locator("body").click(position={"x": 2, "y": 2})
    page.page.keyboard.press("ArrowRight")  # another signal is new data, and counts
    page.page.wait_for_function("() => window.images == 1")
    page.wait_for_values("signal-image", signal.data[2])


def test_the_value_under_the_pointer(shown: Shown) -> None:
    signal = made((12, 15), 2)
    page = shown(signal)
    page.wait_for_values("signal-image", signal.data)
    page.page.mouse.move(*page.place("signal", 3.0, 2.5))  # column 4, row 3
    tip = page.page.locator(".bk-tooltip-content, .bk-tooltip").first
    tip.wait_for()
    text = " ".join(tip.inner_text().split())
    assert f"value: {signal.data[3, 4]}" in text
    assert "x: 3" in text and "y: 2.5" in text


def test_no_tip_is_in_the_way_of_a_drag(shown: Shown) -> None:
    page = shown(made((12, 15, 6, 6), 2))
    mouse, tip = page.page.mouse, page.page.locator(".bk-tooltip-content, .bk-tooltip")
    mouse.move(*page.place("navigator", 3.0, 2.5))
    tip.first.wait_for()
    mouse.down()
    mouse.move(*page.place("navigator", 5.0, 4.0), steps=3)
    page.wait_until("pointer-x", "location", 5.0)
    page.page.wait_for_timeout(200)
    assert not tip.filter(visible=True).count()
    mouse.up()
    mouse.move(*page.place("navigator", 6.0, 4.0), steps=2)
    tip.first.wait_for()


def test_longer_numbers_get_room() -> None:
    from hspyio.bridges.viewer.panels import ImagePanel
    from hspyio.bridges.viewer.selection import Along

    rows, columns = (Along.of(axis, as_image=True) for axis in made((2, 2), 2).axes)
    panel = ImagePanel("signal", rows, columns)
    rooms = []
    for high in (9.0, 9e5, 5.0, 1e300, 1e-300):
        panel.show(np.array([[0, high], [0, 0]]))
        rooms.append(panel.plot.min_border_right)
    assert rooms[0] < rooms[1] == rooms[2] < rooms[3] == rooms[4] < 20


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_curve_without_numbers_has_axes_and_the_next_one_its_own(
    shown: Shown, scale: str
) -> None:
    signal = made((3, 20), 1, "f8")
    signal.data[1] = np.nan
    page = shown(signal)
    page.choose("signal-scale", scale)
    page.wait_until("pointer-y", "location", 1.5)
    page.wait_for_values("signal-line", signal.data[1], "y")
    left, *_ = page.place("signal", 1.0, 1.0)
    right, *_ = page.place("signal", 10.5, 1.0)
    assert right - left > 100
    page.page.keyboard.press("ArrowDown")
    page.wait_for_values("signal-line", np.where(signal.data[2] > 0, signal.data[2], np.nan), "y")
    _, top = page.place("signal", 5.0, float(signal.data[2].max()))
    _, bottom = page.place("signal", 5.0, float(signal.data[2].max()) / 2)
    assert bottom - top > 20


def test_a_level_curve_is_level(shown: Shown) -> None:
    values = 2 + np.array([0, 1, 0, 1, 0, 0, 1, 0]) * np.spacing(2.0)
    page = shown(hspyio.Signal(values))
    page.page.wait_for_function(
        "() => { const range = window.model('signal')?.y_range;"
        " return range?.end - range?.start > 0.1 }"
    )
    assert len(set(page.values("signal-line", "y"))) == 1


@pytest.mark.parametrize("scale", [0.5, -0.5])
def test_falling_axes_are_drawn_as_they_are(shown: Shown, scale: float) -> None:
    signal = made((12, 15), 2)
    signal.axes[0].scale = signal.axes[1].scale = scale
    page = shown(signal)
    step = 1 if scale > 0 else -1
    page.wait_for_values("signal-image", signal.data[::step, ::step])
    first, last = (
        page.place("signal", 1.0, 1.0),
        page.place("signal", 1 + 14 * scale, 1 + 11 * scale),
    )
    assert first[0] < last[0] and first[1] < last[1]


def test_markers_are_drawn(shown: Shown) -> None:
    signal = made((4, 5, 16, 16), 2)
    offsets = np.empty((5, 4), object)
    for x, y in np.ndindex(5, 4):
        offsets[x, y] = np.array([[x + 2.0, y + 3.0]])
    signal.metadata.set_item("Markers", {"a": {
        "class": "Points", "name": "a", "plot_on_signal": True, "offset_transform": "data",
        "kwargs": {"offsets": offsets, "color": ("red",)},
    }})  # fmt: skip
    page = shown(signal)
    for key, wanted in ((None, [4, 5]), ("ArrowRight", [5, 5])):
        if key:
            page.page.keyboard.press(key)
        page.page.wait_for_function(
            "wanted => { const found = window.model('signal-point-data')?.data;"
            " return found?.x[0] == wanted[0] && found.y[0] == wanted[1] }",
            arg=wanted,
        )


def test_a_non_uniform_axis_is_labelled(shown: Shown) -> None:
    signal = hspyio.Signal(
        np.arange(20.0).reshape(5, 4),
        [{"name": "depth", "units": "nm", "axis": np.array([0, 1, 4, 9, 16.0])}, {"size": 4}],
    )
    page = shown(signal)
    page.wait_for_values("signal-image", signal.data)
    labels = page.page.evaluate(
        "() => Object.fromEntries(window.model('signal').left[0].major_label_overrides)"
    )
    assert labels["4"] == "16"
