"""The axes of a signal together."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from hspyio.errors import AxesError
from hspyio.model.axes import (
    Axes,
    DataAxis,
    FunctionalAxis,
    UniformAxis,
    default_axes,
)


def three() -> Axes:
    return Axes(
        [
            UniformAxis("y", "nm", 4, navigate=True),
            UniformAxis("x", "nm", 3, navigate=True),
            DataAxis("Energy", "eV", axis=np.arange(2.0), is_binned=True),
        ]
    )


def test_axes_are_a_sequence_and_a_mapping() -> None:
    axes = three()
    assert axes[0].name == "y"
    assert axes[-1] is axes["Energy"]
    assert axes[1:] == (axes["x"], axes["Energy"])
    assert [axis.index_in_array for axis in axes] == [0, 1, 2]
    assert len(axes) == 3
    assert "x" in axes
    assert "z" not in axes
    assert axes["x"] in axes
    assert axes.names == ("y", "x", "Energy")
    assert axes.shape == (4, 3, 2)
    assert axes.navigation == (axes[0], axes[1])
    assert axes.navigation_shape == (4, 3)
    assert axes.signal_shape == (2,)
    assert axes == three()
    assert axes != Axes(axes[:2])
    assert axes != list(axes)
    with pytest.raises(IndexError):
        _ = axes[3]


def test_unknown_and_ambiguous_names() -> None:
    with pytest.raises(AxesError, match="no axis is named 'energy'; did you mean 'Energy'"):
        _ = three()["energy"]
    with pytest.raises(AxesError, match="the axes 0, 1 are all named 'x'"):
        _ = Axes([UniformAxis("x"), UniformAxis("x")])["x"]
    with pytest.raises(AxesError, match="axis 1 is a dict, not an axis"):
        Axes([UniformAxis(), {}])  # type: ignore[list-item]


def test_an_axis_of_another_position_is_copied() -> None:
    axes = three()
    other = Axes([axes["Energy"]])
    assert other[0] is not axes["Energy"]
    assert other[0] == axes["Energy"]
    assert axes["Energy"].index_in_array == 2
    twice = UniformAxis("x")
    assert [axis.index_in_array for axis in Axes([twice, twice])] == [0, 1]
    assert Axes(axes)[0] is axes[0]


def test_axes_copy_and_pickle() -> None:
    axes = three()
    assert copy.deepcopy(axes) == pickle.loads(pickle.dumps(axes)) == axes
    assert copy.deepcopy(axes)[0] is not axes[0]


def test_default_axes() -> None:
    axes = default_axes((4, 3, 2), 1)
    assert axes.navigation_shape == (4, 3)
    assert axes.signal_shape == (2,)
    assert axes[0] == UniformAxis(size=4, navigate=True)
    assert default_axes((), 0).shape == ()
    for wrong in (-1, 4):
        with pytest.raises(AxesError, match="signal_dimension"):
            default_axes((4, 3, 2), wrong)


def test_tables() -> None:
    axes = Axes([*three(), FunctionalAxis("<f>\n", expression="x**2", x=UniformAxis(size=5))])
    assert repr(axes).splitlines() == [
        "axis  name    size  offset  scale        units  space",
        "0     y       4     0       1            nm     navigation",
        "1     x       3     0       1            nm     navigation",
        "2     Energy  2     0       non-uniform  eV     signal, binned",
        "3     <f>\\n   5             x**2                signal",
    ]
    html = axes._repr_html_()
    assert "<f>" not in html
    assert html.count("<tr>") == html.count("</tr>") == 5
    assert repr(Axes()) == "<Axes, none>"
