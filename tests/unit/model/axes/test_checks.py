"""What an axis cannot be, and what makes no sense."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hspyio.errors import AxesError, HspyWarning
from hspyio.model.axes import (
    DataAxis,
    FunctionalAxis,
    UniformAxis,
)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UniformAxis("E", size=-1), "axis 'E': size must be a whole number from 0 on"),
        (lambda: UniformAxis("E", size=True), "size must"),
        (lambda: UniformAxis("E", size=2.5), "size must"),
        (lambda: UniformAxis("E", offset="0"), "offset must be a real number, got '0'"),
        (lambda: UniformAxis("E", offset=1j), "offset must"),
        (lambda: UniformAxis("E", offset=10**400), "offset int too large"),
        (lambda: UniformAxis("E", scale=None), "scale must be a real number, got None"),
        (lambda: UniformAxis("E", size=-1, scale=None), "size must .*; scale must"),
        (lambda: UniformAxis("E", navigate="yes"), "navigate must be True or False, got 'yes'"),
        (lambda: UniformAxis("E", navigate=2), "navigate must"),
        (lambda: UniformAxis(b"E"), "name must be text or None"),
        (lambda: UniformAxis("E", units=3), "units must be text or None"),
        (lambda: DataAxis("E", axis=np.ones((2, 2))), r"axis must have one dimension.*\(2, 2\)"),
        (lambda: DataAxis("E", axis=[[1], [1, 2]]), "axis must be one row of numbers"),
        (lambda: DataAxis("E", axis=["a"]), "axis must hold real numbers"),
        (lambda: FunctionalAxis("E", expression=3), "expression must be text"),
        (lambda: FunctionalAxis("E", x=FunctionalAxis()), "x must be a uniform axis"),
        (lambda: FunctionalAxis("E", parameters={"a": "1"}), "parameters must be numbers: a"),
        (lambda: FunctionalAxis("E", parameters={"x": 1}), "parameters cannot be named x"),
        (lambda: FunctionalAxis("E", parameters=[1]), "parameters "),
    ],
)
def test_wrong_values_are_named(make: Any, message: str) -> None:
    with pytest.raises(AxesError, match=message):
        make()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("scale", "0.01", "scale must be a real number, got '0.01'"),
        ("scale", None, "scale must be a real number"),
        ("scale", True, "scale must be a real number"),
        ("scale", 1j, "scale must be a real number"),
        ("scale", [1.0, 2.0], "scale must be a real number"),
        ("offset", None, "offset must be a real number"),
        ("offset", b"1", "offset must be a real number"),
        ("size", 2.5, "size must be a whole number"),
        ("size", "4", "size must be a whole number"),
        ("units", 5, "units must be text or None"),
        ("name", 3, "name must be text or None"),
        ("name", ["x"], "name must be text or None"),
        ("navigate", "no", "navigate must be True or False"),
        ("navigate", None, "navigate must be True or False"),
        ("is_binned", 2, "is_binned must be True or False"),
        ("extra", 5, "extra must be a dict"),
    ],
)
def test_what_an_axis_cannot_be_is_refused_when_it_is_set(
    name: str, value: Any, message: str
) -> None:
    axis = UniformAxis("E", "eV", size=4)
    with pytest.raises(AxesError, match=message):
        setattr(axis, name, value)
    assert axis == UniformAxis("E", "eV", size=4)


def test_points_and_formulas_are_checked_when_they_are_set() -> None:
    data = DataAxis("E", axis=[1.0, 2.0])
    for points in ([[1]], ["a"], [1j], [None], 3):
        with pytest.raises(AxesError, match="axis must"):
            data.axis = points  # type: ignore[assignment]
    data.axis = [3, 4]  # type: ignore[assignment]
    assert data.axis.tolist() == [3, 4]
    formula = FunctionalAxis("E", expression="a*x", parameters={"a": 1})
    for name, value in (("expression", 5), ("x", formula), ("parameters", {"a": "1"})):
        with pytest.raises(AxesError, match=name):
            setattr(formula, name, value)


def test_numpy_scalars_and_undefined_can_be_set() -> None:
    undefined = type("_Undefined", (), {})()
    axis = UniformAxis("E", "eV", size=4)
    axis.scale, axis.offset = np.float32(0.5), np.int64(3)
    axis.navigate, axis.units, axis.name = np.bool_(True), undefined, np.str_("x")
    kept = (axis.scale, axis.offset, axis.navigate, axis.units, axis.name)
    assert kept == (0.5, 3.0, True, None, "x")
    assert [type(value) for value in kept] == [float, float, bool, type(None), str]


@pytest.mark.parametrize(
    ("axis", "name", "value", "message"),
    [
        (UniformAxis(size=2), "scale", 0, "scale is 0"),
        (UniformAxis(size=2), "scale", float("nan"), "scale is nan"),
        (UniformAxis(size=2), "offset", float("inf"), "offset is inf"),
        (DataAxis(axis=[1, 2]), "axis", [1, float("nan")], "no finite numbers"),
        (DataAxis(axis=[1, 2]), "axis", [1, 3, 2], "neither rises nor falls"),
    ],
)
def test_what_makes_no_sense_is_warned_of(axis: Any, name: str, value: Any, message: str) -> None:
    with pytest.warns(HspyWarning, match=message):
        setattr(axis, name, value)
