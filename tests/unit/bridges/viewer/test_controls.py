"""Widgets show texts as they are."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("bokeh")

import hspyio
from hspyio.bridges.viewer.controls import Controls
from hspyio.bridges.viewer.panels import ImagePanel
from hspyio.bridges.viewer.selection import Along


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


def test_a_contrast_that_cannot_be_is_told() -> None:
    signal = hspyio.Signal(np.zeros((2, 3)))
    axes = [Along.of(axis, as_image=True) for axis in signal.axes]
    panel = ImagePanel("signal", axes[0], axes[1])
    panel.show(np.arange(6.0).reshape(2, 3))
    told: list[str] = []
    row = Controls().contrast(panel, told.append)
    low, high = row.children[-2:]
    low.value = 3
    high.value = 3
    assert "low (3) has to be below high (3)" in told[-1]
    high.value = 4
    assert told[-1] == ""
    low.value, high.value = 9, None  # above what the image has
    assert "low (9) has to be below high (5)" in told[-1]
