"""What notebooks show, laid out by a browser: wide and narrow, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hspyio import Signal
from support.browser import needs_browser, open_browser

pytestmark = needs_browser
SIZES = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
PAGE = """<body style="margin:0 60px 0 0;color:{ink};background:{ground}">
<div style="overflow:auto">{html}</div></body>"""
INK = {"light": ("rgb(0, 0, 0)", "white"), "dark": ("rgb(255, 255, 255)", "black")}
"""60 px are what JupyterLab's own margins take of a narrow window."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def html() -> str:
    axes = [
        {"name": name, "units": "µm", "scale": 0.5, "navigate": navigate, "is_binned": not navigate}
        for name, navigate in (("y", True), ("x", True), ("Energy", False))
    ]
    tree = {"General": {"title": "EDS map of gabbro", "notes": "word " * 60}}
    return Signal(np.ones((64, 64, 1024), "uint16"), axes, metadata=tree)._repr_html_()


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}-{size[1]}")
def page(browser: Any, html: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    ink, ground = INK[scheme]
    page.set_content(PAGE.format(html=html, ink=ink, ground=ground))
    page.evaluate("() => document.querySelectorAll('details').forEach(one => one.open = true)")
    yield page
    context.close()


def test_nothing_lies_outside(page: Any) -> None:
    out = page.evaluate(
        "() => [...document.querySelectorAll('.hspyio *')].filter(one => one.offsetWidth &&"
        " one.getBoundingClientRect().right > window.innerWidth - 59).map(one => one.outerHTML)"
    )
    assert out == []


def test_columns_are_wider_than_a_letter(page: Any) -> None:
    widths = page.evaluate(
        "() => [...document.querySelectorAll('.hspyio th')].map(one => [one.textContent,"
        " one.getBoundingClientRect().width])"
    )
    assert [name for name, _ in widths] == [
        "axis", "name", "size", "offset", "scale", "units", "space",
    ]  # fmt: skip
    assert min(width for _, width in widths) > 20


def test_the_colour_is_that_of_the_page(page: Any) -> None:
    ink = page.evaluate("() => getComputedStyle(document.body).color")
    found = page.evaluate(
        "() => [...document.querySelectorAll('.hspyio td, .hspyio dd, .hspyio summary')]"
        ".map(one => getComputedStyle(one).color)"
    )
    assert set(found) == {ink}
