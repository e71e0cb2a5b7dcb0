"""The kinds of axes."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given

from hspyio.errors import AxesError
from hspyio.model.axes import (
    Axes,
    Axis,
    DataAxis,
    FunctionalAxis,
    UniformAxis,
)
from support.axes import any_axis


@given(any_axis)
def test_copies_and_pickles_are_equal(axis: Axis) -> None:
    (axis,) = Axes([axis])
    for again in (copy.deepcopy(axis), pickle.loads(pickle.dumps(axis))):
        assert again == axis
        assert again.index_in_array == 0


def test_values() -> None:
    uniform = UniformAxis("E", "eV", 3, offset=1, scale=0.5)
    assert uniform.values.tolist() == [1.0, 1.5, 2.0]
    points = np.array([1, 2, 5])
    assert DataAxis("t", axis=points).values is points
    functional = FunctionalAxis(
        expression="a / (x + 1) + b", x=uniform, parameters={"a": 6, "b": 1}
    )
    np.testing.assert_allclose(functional.values, 6 / (uniform.values + 1) + 1)
    assert FunctionalAxis(expression="4", x=uniform).values.tolist() == [4.0, 4.0, 4.0]


def test_numpy_scalars_become_python_ones() -> None:
    axis = UniformAxis(
        np.str_("E"),
        size=np.int32(3),  # type: ignore[arg-type]
        offset=np.float32(0.5),  # type: ignore[arg-type]
        scale=np.array([2]),  # type: ignore[arg-type]
        navigate=np.bool_(True),  # type: ignore[arg-type]
        is_binned=1,  # type: ignore[arg-type]
    )
    kept = (axis.name, axis.size, axis.offset, axis.scale, axis.navigate, axis.is_binned)
    assert kept == ("E", 3, 0.5, 2.0, True, True)
    assert [type(value) for value in kept] == [str, int, float, float, bool, bool]


def test_a_formula_is_looked_at_when_it_is_used() -> None:
    (axis,) = Axes([FunctionalAxis("E", expression="__import__('os')")])
    with pytest.raises(AxesError, match="axis 0 'E': the formula"):
        _ = axis.values


def test_equality() -> None:
    nan = float("nan")
    assert UniformAxis(scale=nan) == UniformAxis(scale=nan)
    for one, other in (
        (complex(0, nan), complex(0, float("nan"))),
        (np.float32("nan"), np.float32("nan")),
        (np.datetime64("NaT", "s"), np.datetime64("NaT", "s")),
    ):
        assert UniformAxis(extra={"x": one}) == UniformAxis(extra={"x": other})
        assert UniformAxis(extra={"x": one}) != UniformAxis(extra={"x": 1.0})
    assert UniformAxis() != UniformAxis(offset=1)
    assert UniformAxis() != DataAxis(axis=[0.0])
    assert UniformAxis() != "axis"
    assert DataAxis(axis=[1, nan]) == DataAxis(axis=[1, nan])
    assert DataAxis(axis=[1, 2]) != DataAxis(axis=[1, 2, 3])
    one = UniformAxis(extra={"a": [np.arange(2)]})
    assert one == UniformAxis(extra={"a": [np.arange(2)]})
    assert one != UniformAxis(extra={"a": [np.arange(3)]})
    with pytest.raises(TypeError):
        hash(one)


@pytest.mark.parametrize(
    ("axis", "name", "message"),
    [
        (UniformAxis(), "unit", "did you mean 'units'"),
        (UniformAxis(), "Scale", "did you mean 'scale'"),
        (UniformAxis(), "step", "did you mean 'scale'"),
        (DataAxis(), "values", "did you mean 'axis'"),
        (UniformAxis(), "colour", "there are: name"),
    ],
)
def test_a_field_that_is_not_there_is_told(axis: Axis, name: str, message: str) -> None:
    with pytest.raises(AttributeError, match=message):
        setattr(axis, name, 1)


def test_what_hyperspy_has_is_pointed_to() -> None:
    axes = Axes([UniformAxis("Energy", size=2)])
    for thing, name, message in (
        (axes[0], "low_value", r"\.values"),
        (axes[0], "axis", r"\.values"),
        (axes[0], "convert_to_units", "to_hyperspy"),
        (axes, "signal_axes", "'signal'"),
        (axes, "Energy", r"axes\['Energy'\]"),
        (axes, "coordinates", "to_hyperspy"),
    ):
        with pytest.raises(AttributeError, match=message):
            getattr(thing, name)
    with pytest.raises(IndexError, match="no axis 3: there are 1"):
        _ = axes[3]
    with pytest.raises(TypeError, match="number or a name"):
        _ = axes[None]  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"signal\.axes = "):
        axes[0] = UniformAxis()
    with pytest.raises(AxesError, match="did you mean 'Energy'"):
        _ = axes["Enrgy"]
