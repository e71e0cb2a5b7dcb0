"""An axis and its dict."""

from __future__ import annotations

from typing import Any

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
    axis_from_dict,
    axis_to_dict,
)
from support.axes import any_axis


@given(any_axis)
def test_an_axis_comes_back_from_its_dict(axis: Axis) -> None:
    stored = axis_to_dict(axis)
    assert stored["_type"] == axis.kind
    again = axis_from_dict(stored, size=None, where="axis-0")
    assert again == axis
    assert again.size == axis.size


def test_defaults_of_the_format() -> None:
    assert axis_from_dict({}, size=7) == UniformAxis(size=7)
    assert axis_from_dict({"size": np.int64(5), "index_in_array": 3}, size=7) == UniformAxis(size=5)
    with pytest.raises(AxesError, match=r"^/Experiments/a/axis-0: axis 'E': its size is not given"):
        axis_from_dict({"name": "E"}, size=None, where="/Experiments/a/axis-0")


def test_the_class_goes_by_content() -> None:
    assert isinstance(axis_from_dict({"axis": [1, 2], "_type": "UniformDataAxis"}), DataAxis)
    functional = axis_from_dict({"expression": "2*x", "_type": "DataAxis"}, size=3)
    assert isinstance(functional, FunctionalAxis)
    assert functional.values.tolist() == [0.0, 2.0, 4.0]
    uniform = axis_from_dict({"axis": None, "expression": None, "_type": "DataAxis"}, size=3)
    assert uniform == UniformAxis(size=3)


def test_numbers_of_a_functional_axis_are_parameters_and_the_rest_is_kept() -> None:
    stored = {"expression": "a*x", "a": np.array([2]), "flag": True, "note": "n", "x": {"size": 2}}
    axis = axis_from_dict(stored)
    assert isinstance(axis, FunctionalAxis)
    assert axis.parameters == {"a": 2}
    assert axis.extra == {"flag": True, "note": "n"}
    assert axis.values.tolist() == [0.0, 2.0]
    uniform = axis_from_dict({"size": 2, "a": 2})
    assert axis_to_dict(uniform)["a"] == 2


@pytest.mark.parametrize("x", [3, {"expression": "x"}])
def test_an_axis_is_a_formula_of_a_plain_one(x: Any) -> None:
    with pytest.raises(AxesError, match="its x is not"):
        axis_from_dict({"expression": "x", "x": x}, size=3)


def test_text_as_old_files_and_hyperspy_have_it() -> None:
    undefined = type("_Undefined", (), {})()
    axis = axis_from_dict({"size": 1, "name": np.bytes_(b"E"), "units": b"\xb5m"})
    assert (axis.name, axis.units) == ("E", "µm")
    axis = axis_from_dict({"size": 1, "name": undefined, "units": 5})
    assert (axis.name, axis.units) == (None, "5")


def test_index_in_array_is_written_when_it_is_known() -> None:
    axis = UniformAxis()
    assert "index_in_array" not in axis_to_dict(axis)
    Axes([UniformAxis(), axis])
    assert axis_to_dict(axis)["index_in_array"] == 1
