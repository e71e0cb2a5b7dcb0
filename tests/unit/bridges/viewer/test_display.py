"""The signal at the pointer: large ones by means, and finer where one looks."""

from __future__ import annotations

import numpy as np

import hspyio
from support.browser import needs_browser
from unit.bridges.viewer.conftest import Shown, made

pytestmark = needs_browser


def test_a_large_image_is_finer_where_one_looks(shown: Shown) -> None:
    data = np.arange(1100 * 2100, dtype=np.float32).reshape(1100, 2100) % 977
    page = shown(hspyio.Signal(data))
    coarse = data.reshape(550, 2, 700, 3).mean((1, 3), dtype=float)
    assert page.page.evaluate("window.model('signal-image').data.image[0].shape") == [550, 700]
    np.testing.assert_allclose(page.values("signal-image"), coarse.reshape(-1), rtol=1e-5)
    assert "means of 2 × 3" in page.get("signal", "title")["text"]
    for _ in range(12):
        page.page.mouse.move(*page.place("signal", 250, 140))
        page.page.mouse.wheel(0, -240)
        page.page.wait_for_timeout(50)
    page.page.wait_for_function("() => window.model('signal-image').data.dw[0] < 400")
    image = page.page.evaluate(
        "() => { const d = window.model('signal-image').data;"
        " return [d.x[0], d.y[0], d.dw[0], d.dh[0], Array.from(d.image[0])] }"
    )
    x, y, width, height, values = image
    rows, columns = (
        slice(int(y + 0.5), int(y + height + 0.5)),
        slice(int(x + 0.5), int(x + width + 0.5)),
    )
    assert (np.array(values) == data[rows, columns].reshape(-1)).all()


def test_curves_are_logarithmic_where_asked(shown: Shown) -> None:
    signal = made((6, 7, 20), 1)
    page = shown(signal)
    page.wait_for_values("signal-line", signal.data[3, 3], "y")
    page.choose("signal-scale", "log")
    page.page.wait_for_function("() => window.model('signal').y_scale.type == 'LogScale'")
    page.page.keyboard.press("ArrowRight")
    page.wait_for_values("signal-line", signal.data[3, 4], "y")
