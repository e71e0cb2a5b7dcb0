"""The page: only the scripts that it uses, and colours that can be told apart."""

from __future__ import annotations

from hspyio.bridges.viewer.page import _TEMPLATE, DARK, LIGHT, needed


def test_scripts_that_are_not_used_are_left_out() -> None:
    scripts = "\n".join(
        f'<script src="static/js/{name}.min.js"></script>'
        for name in ("bokeh", "bokeh-gl", "bokeh-widgets", "bokeh-tables", "bokeh-mathjax")
    )
    left = needed(scripts)
    assert left.count("<script") == 2
    assert "bokeh.min" in left and "bokeh-widgets" in left


def test_nothing_comes_from_elsewhere() -> None:
    assert "http" not in _TEMPLATE.replace("http-equiv", "")


def brightness(colour: str) -> float:
    return sum(int(colour[at : at + 2], 16) for at in (1, 3, 5)) / 765


def test_texts_and_curves_are_seen_on_their_grounds() -> None:
    for theme in (LIGHT, DARK):
        for ground in (theme.ground, theme.frame):
            for colour in (theme.text, theme.line, theme.second):
                assert abs(brightness(colour) - brightness(ground)) > 0.35
