"""Markers in tables of Bokeh, one for each kind of shapes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("bokeh")

from bokeh.plotting import figure

from hspyio.bridges.viewer.markers import COLUMNS, Shapes
from hspyio.bridges.viewer.overlay import Overlay
from hspyio.bridges.viewer.styles import Style
from support.browser import needs_browser
from unit.bridges.viewer.conftest import Shown, made

STYLE = Style.of({"color": "r"}, filled=True).at(0)


def shapes(kind: str, frame: str = "data", angle: float = 0.5) -> Shapes:
    values = {"xs": [1.0, 2], "ys": [1.0, 2], "text": "a", "size": 5.0, "align": "left",
              "base": "top", "angle": angle}  # fmt: skip
    if kind == "text":
        values["size"] = "12px"
    found = Shapes()
    found.add(kind, frame, STYLE, *(values.get(name, 1.0) for name in COLUMNS[kind]))
    return found


@pytest.mark.parametrize("frame", ["data", "x", "y", "both"])
@pytest.mark.parametrize("kind", COLUMNS)
def test_each_kind_has_a_table(kind: str, frame: str) -> None:
    plot = figure(name="signal")
    overlay = Overlay(plot, flipped=False)
    overlay.show(shapes(kind, frame))
    table = next(model for model in plot.references() if model.name == f"signal-{kind}-{frame}")
    assert {len(column) for column in table.data.values()} == {1}
    assert ("share" in plot.extra_x_ranges) == (frame in ("x", "both"))
    assert ("share" in plot.extra_y_ranges) == (frame in ("y", "both"))
    overlay.show(Shapes())
    assert {len(column) for column in table.data.values()} == {0}
    overlay.show(shapes(kind, frame))
    assert {len(column) for column in table.data.values()} == {1}
    assert len([one for one in plot.references() if one.name == table.name]) == 1


@pytest.mark.parametrize(("flipped", "turn"), [(False, 1), (True, -1)])
def test_shapes_turn_with_the_picture(flipped: bool, turn: int) -> None:
    plot = figure(name="signal")
    Overlay(plot, flipped=flipped).show(shapes("box", angle=0.25))
    [table] = [model for model in plot.references() if model.name == "signal-box-data"]
    assert table.data["angle"] == [turn * 0.25]


@needs_browser
def test_all_kinds_are_drawn(shown: Shown) -> None:
    signal = made((16, 16), 2)
    kinds = {
        "Points": {"offsets": [[3.0, 3.0]]}, "Circles": {"offsets": [[4.0, 4.0]], "sizes": (1,)},
        "Rectangles": {"offsets": [[5.0, 5.0]], "widths": (9,), "heights": (5,), "units": "points"},
        "Ellipses": {"offsets": [[5.0, 3.0]], "widths": (9,), "heights": (5,), "units": "points"},
        "Texts": {"offsets": [[2.0, 5.0]], "texts": ("<b>x</b>",)},
        "Arrows": {"offsets": [[2.0, 2.0]], "U": (2,), "V": (3,)},
        "Lines": {"segments": [[[2.0, 2.0], [3.0, 3.0]]]}, "HorizontalLines": {"offsets": [3.0]},
        "VerticalLines": {"offsets": [3.0]},
    }  # fmt: skip
    markers = {
        kind: {"class": kind, "plot_on_signal": True, "offset_transform": "data",
               "transform": "data", "name": kind, "kwargs": {
                   key: np.array(value) if isinstance(value, list) else value
                   for key, value in kwargs.items()}}
        for kind, kwargs in kinds.items()
    }  # fmt: skip
    signal.metadata.set_item("Markers", markers)
    page = shown(signal)  # a mistake of the page fails when it is closed
    for kind in COLUMNS:
        page.page.wait_for_function(
            "name => window.model(name)?.data.colour.length == 1", arg=f"signal-{kind}-data"
        )
    assert page.page.locator("b").count() == 0
