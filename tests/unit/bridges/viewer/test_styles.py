"""Colours, widths and dashes as matplotlib has them, made safe for a browser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hspyio.bridges.viewer.styles import Style, colour_of, item


@pytest.mark.parametrize(
    ("given", "found"),
    [("C1", "#ff7f0e"), ("tab:red", "red"), ((1, 0, 0, 1), "#ff0000ff"), ("<script>", "#1f77b4"),
     (None, "#00000000"), ("none", "#00000000"), (np.array([0.0, 1.0, 0.0]), "#00ff00"),
     ("#12aBcd", "#12aBcd"), ("#12aBcd80", "#12aBcd80"), ("k", "#000000"), ("0.5", "#808080"),
     ("url(http://x)", "#1f77b4")],
)  # fmt: skip
def test_colours(given: Any, found: str) -> None:
    assert colour_of(given) == found


def test_each_shape_has_its_own_or_all_have_one() -> None:
    assert [item((1, 2), index) for index in range(3)] == [1, 2, 1]
    assert item("red", 5) == "red" and item(3, 5) == 3 and item(None, 1) is None
    assert item((), 1) is None
    several = Style.of({"color": ["r", "g"], "alpha": 0.5}, filled=True)
    assert [several.at(index)["fill"] for index in range(3)] == ["#ff0000", "#008000", "#ff0000"]
    assert several.at(0)["alpha"] == 0.5
    one = Style.of({"color": (0, 0, 1)}, filled=True)
    assert one.at(1)["fill"] == "#0000ff"


def test_what_is_not_said() -> None:
    bare = Style.of({}, filled=False, width=3).at(0)
    assert bare == {"colour": "#1f77b4", "fill": "#00000000", "width": 4, "dash": "solid",
                    "alpha": 1.0}  # fmt: skip
    assert Style.of({}, filled=True).at(0)["fill"] == "#1f77b4"
    assert Style.of({"facecolor": "r"}, filled=True).at(0)["colour"] == "#ff0000"
    assert Style.of({"linestyle": "odd", "linewidth": 1e9}, filled=False).at(0)["width"] < 200


@pytest.mark.parametrize("width", [np.nan, np.inf, "wide"])
def test_what_is_no_number_is_refused(width: Any) -> None:
    with pytest.raises(ValueError, match=r"number|convert"):
        Style.of({"linewidth": width}, filled=False).at(0)
