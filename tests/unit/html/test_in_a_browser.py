"""What notebooks show, laid out by a browser: wide and narrow, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hspyio import Signal
from support.browser import needs_browser

pytestmark = needs_browser
SIZES = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
PAGE = """<body style="margin:0 60px 0 0;color:{ink};background:{ground}">
<div style="overflow:auto">{html}</div></body>"""
INK = {"light": ("rgb(0, 0, 0)", "white"), "dark": ("rgb(255, 255, 255)", "black")}
"""60 px are what JupyterLab's own margins take of a narrow window."""


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


# VS Code's outputs: its variables and classes, no JupyterLab's, and rules of its own for tables.
VS_CODE = """<style>:root{{--vscode-editor-foreground:{ink};--vscode-font-family:serif;
--vscode-editor-font-family:cursive;--vscode-textPreformat-background:#808080}}
body{{color:var(--vscode-editor-foreground);background:{ground};padding:0 20px;margin:0;
font-family:var(--vscode-font-family)}}
code{{background:var(--vscode-textPreformat-background)}}
.output{{overflow-x:auto;padding:8px}} .output table,.output th,.output tr{{text-align:right}}
.output thead{{background:rgba(130,130,130,.16);font-weight:bold}}
.output tr:nth-child(even){{background:rgba(130,130,130,.08)}} .output th{{padding:4px 8px}}
</style><body class="vscode-{scheme}"><div class="output">{html}</div></body>"""
EDITOR = {"light": ("rgb(59, 59, 59)", "#ffffff"), "dark": ("rgb(204, 204, 204)", "#1f1f1f")}
CONTRASTS = """() => {
  const share = (part) => (part /= 255) <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4;
  const light = (c) => .2126 * share(c[0]) + .7152 * share(c[1]) + .0722 * share(c[2]);
  const colour = (text) => text.match(/[\\d.]+/g).map(Number).slice(0, 3);
  const ground = colour(getComputedStyle(document.body).backgroundColor);
  return [...document.querySelectorAll(".hspyio *:not(style)")].filter((one) =>
    [...one.childNodes].some((node) => node.nodeType == 3 && node.textContent.trim())
  ).map((one) => {
    let seen = 1;
    for (let at = one; at; at = at.parentElement) seen *= getComputedStyle(at).opacity;
    const ink = colour(getComputedStyle(one).color);
    const [a, b] = [light(ink.map((c, i) => c * seen + ground[i] * (1 - seen))), light(ground)];
    return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  });
}"""


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_in_vs_code(browser: Any, html: str, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    ink, ground = EDITOR[scheme]
    page.set_content(VS_CODE.format(html=html, ink=ink, ground=ground, scheme=scheme))
    page.evaluate("() => document.querySelectorAll('details').forEach(one => one.open = true)")
    assert min(page.evaluate(CONTRASTS)) > 4.5
    banded = "one => getComputedStyle(one).backgroundColor != 'rgba(0, 0, 0, 0)'"
    found = f"() => [...document.querySelectorAll('.hspyio *')].filter({banded}).length"
    assert page.evaluate(found) == 0
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
    [fonts] = page.evaluate(
        "() => [[...document.querySelectorAll('.hspyio, .hspyio code')]"
        ".map(one => getComputedStyle(one).fontFamily)]"
    )
    assert fonts[0] == "serif" and set(fonts[1:]) == {"cursive"}
    page.close()
