"""A browser that drives the viewer, where Playwright and a Chromium are installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio

__all__ = ["CHROMIUM", "Page", "needs_browser", "open_browser", "open_page"]

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None
)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None or find_spec("playwright") is None or find_spec("bokeh") is None,
    reason="no Chromium, Playwright or Bokeh",
)
_WAIT = 20_000
_HELPERS = """
// The newest: for a while Bokeh knows those, too, in whose place others have come.
window.model = (name) =>
  [...Bokeh.documents[0]._all_models.values()].filter((model) => model.name == name).at(-1);
window.place = (name, x, y) => {
  const view = Bokeh.index.find_one(window.model(name));
  const box = view.canvas_view.el.getBoundingClientRect();
  return [box.left + view.frame.x_scale.compute(x), box.top + view.frame.y_scale.compute(y)];
};
// Where it stays: a figure that has just come has no ranges yet, and moves while it is laid out.
window.placed = async (name, x, y) => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  let before = null;
  for (let looks = 0; looks < 1000; looks++) {
    let found = null;
    try { found = window.place(name, x, y); } catch (error) { }
    if (found?.every(Number.isFinite) && found.join() == before?.join()) return found;
    before = found;
    await frame();
  }
  throw new Error(`${name} is not drawn`);
};
window.widget = (name) => Bokeh.index.find_one(window.model(name)).input_el;
window.column = (name, key) => {
  const found = window.model(name)?.data[key];
  const one = key == "image" ? found?.[0] : found;
  return one == null ? null : Array.from(one).flat(3);
};
"""


@contextmanager
def open_browser() -> Iterator[Any]:
    """A Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def open_page(
    browser: Any, path: Path, *, width: int = 1280, scheme: str = "light", follow: bool = False
) -> Iterator[Page]:
    """A viewer of a file, and a page that shows it."""
    with hspyio.view(path, follow=follow) as viewer:
        size = {"width": width, "height": 1000}
        context = browser.new_context(viewport=size, color_scheme=scheme)
        page = Page(context.new_page(), viewer)
        page.go(viewer.url)
        yield page
        context.close()
        assert page.errors == []


class Page:
    """A page of the viewer, by the names of its models."""

    def __init__(self, page: Any, viewer: Any) -> None:
        self.page, self.viewer = page, viewer
        self.errors: list[str] = []
        page.set_default_timeout(_WAIT)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def go(self, url: str) -> None:
        """Open an address and wait for the pictures."""
        self.page.goto(url)
        self.page.wait_for_function(
            "() => window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle"
        )
        self.page.evaluate(f"() => {{ {_HELPERS} }}")

    def beside(self) -> Page:
        """The same viewer in one more window."""
        other = Page(self.page.context.new_page(), self.viewer)
        other.go(self.viewer.url)
        return other

    def get(self, name: str, key: str) -> Any:
        """A property of a model, as plain values."""
        return self.page.evaluate(
            "([name, key]) => { const found = window.model(name)[key];"
            " return found?.type == 'Title' ? {text: found.text} : found }",
            [name, key],
        )

    def set(self, name: str, key: str, value: Any) -> None:
        """Set a property of a model, as its widget does."""
        self.page.evaluate(
            "([name, key, value]) => { window.model(name)[key] = value }", [name, key, value]
        )

    def choose(self, name: str, value: str) -> None:
        """Choose from a list by hand."""
        found = self.page.evaluate_handle("name => window.widget(name)", name)
        found.as_element().select_option(value)

    def press(self, text: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=text, exact=True).click()

    def place(self, name: str, x: float, y: float) -> list[float]:
        """Where a point of a figure is on the screen."""
        return list(
            self.page.evaluate("args => window.placed(...args)", [name, float(x), float(y)])
        )

    def drag(self, name: str, *points: tuple[float, float]) -> None:
        """Press the mouse at the first point, and release it at the last."""
        mouse = self.page.mouse
        first, *others = (self.place(name, x, y) for x, y in points)
        mouse.move(*first)
        mouse.down()
        for point in others:
            mouse.move(*point, steps=4)
        mouse.up()

    def click(self, name: str, x: float, y: float) -> None:
        """Click on a point of a figure."""
        self.page.mouse.click(*self.place(name, x, y))

    def values(self, source: str, key: str = "image") -> np.ndarray:
        """What is drawn, as one row."""
        found = self.page.evaluate("args => window.column(...args)", [source, key])
        return np.array([] if found is None else found, dtype=np.float64)

    def wait_for_values(self, source: str, wanted: Any, key: str = "image") -> None:
        """Wait until a figure shows what is wanted, to the last bit or as near as floats are."""
        expected = np.asarray(wanted, np.float64).reshape(-1)
        found = np.empty(0)
        for _ in range(_WAIT // 50):
            found = self.values(source, key)
            if found.shape == expected.shape and np.allclose(found, expected, equal_nan=True):
                return
            self.page.wait_for_timeout(50)
        np.testing.assert_allclose(found, expected)

    def wait_until(self, name: str, key: str, wanted: Any) -> None:
        """Wait for a property of a model."""
        self.page.wait_for_function(
            "([name, key, wanted]) => {"
            " const found = window.model(name)?.[key];"
            " return JSON.stringify(found) == JSON.stringify(wanted) }",
            arg=[name, key, wanted],
        )
