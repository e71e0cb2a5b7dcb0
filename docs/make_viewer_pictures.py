"""Pictures of the viewer as it runs in a browser: ``python docs/make_viewer_pictures.py [FOLDER]``.

Where no Chromium is installed, or no Playwright, a line of text stands in the place of each.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import make_pictures

import hspyio

FOLDER = Path(__file__).with_name("_generated") / "viewer"
WIDTH, HEIGHT = 1200, 700
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None
)
READY = "() => window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle"


def _choose(page: Any, title: str, value: str) -> None:
    page.get_by_label(title, exact=True).first.select_option(value)


def _window(page: Any) -> None:
    page.get_by_role("button", name="Region", exact=True).click()
    page.get_by_role("button", name="Map of a window").click()


def _detector(page: Any) -> None:
    _choose(page, "virtual detector", "Annular dark field")
    page.get_by_label("scale", exact=True).last.select_option("log")
    page.get_by_label("colours", exact=True).last.select_option("Inferno")


def _nothing(page: Any) -> None:
    """As it opens."""


# name: what is shown, the desktop's theme, what is done, and the text in its place
SCENES: dict[str, tuple[Callable[[], hspyio.Signal], str, Callable[[Any], None], str]] = {
    "spectrum_image": (
        make_pictures.spectrum_image, "light", _window,
        "A map and a spectrum; a region of the one, and a window over the other.",
    ),
    "diffraction": (
        make_pictures.diffraction, "dark", _detector,
        "A map of an annular detector beside a diffraction pattern, on a dark ground.",
    ),
    "line_scan": (
        make_pictures.line_scan, "light", _nothing,
        "All spectra of a line scan as an image, beside the spectrum at the pointer.",
    ),
}  # fmt: skip


def make(folder: Path = FOLDER) -> None:
    """Make all of them, and what the page includes."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = CHROMIUM is not None and all(map(find_spec, ("playwright", "bokeh")))
    for name, (*_, text) in SCENES.items():
        image = f"![{text}]({name}.png)" if drawn else f"*({text} No browser drew it here.)*"
        (folder / f"{name}.txt").write_text(f"{image}\n", encoding="utf-8")
    if drawn:
        _draw(folder)


def _draw(folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as files, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, (simulate, scheme, act, _) in SCENES.items():
            path = hspyio.save(Path(files) / f"{name}.hspy", simulate(), progress=False)
            size = {"width": WIDTH, "height": HEIGHT}
            page = browser.new_page(viewport=size, color_scheme=scheme)
            with hspyio.view(path) as viewer:
                page.goto(viewer.url)
                page.wait_for_function(READY)
                page.wait_for_timeout(1000)
                act(page)
                page.wait_for_timeout(2000)
                page.screenshot(path=folder / f"{name}.png")
                page.close()
        browser.close()


if __name__ == "__main__":
    make(*map(Path, sys.argv[1:2]))
