"""Widgets show texts as they are."""

from __future__ import annotations

import pytest

pytest.importorskip("bokeh")

from hspyio.bridges.viewer.controls import Controls


def test_texts_are_no_markup_and_no_formula() -> None:
    make = Controls()
    text = make.text("<b>$$x$$</b>", "a")
    assert text.render_as_text and text.disable_math
    assert make.listing("<b>", "b").disable_math


def test_what_is_changed_is_told() -> None:
    make = Controls()
    told: list[object] = []
    choice = make.select("a", ["x", "y"], "x", told.append, name="a")
    choice.value = "y"
    make.toggle("b", told.append, name="b").active = True
    make.slider("a", list("vwxyz"), 2, told.append, name="c").value = 4
    assert told == ["y", True, 4]
    assert make.slider("a", ["v"], 0, told.append, name="d").end == 1
