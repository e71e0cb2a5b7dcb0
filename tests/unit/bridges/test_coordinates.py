"""Names of dimensions, and the points of axes; `test_xarray` and `test_from_xarray` use them."""

from __future__ import annotations

import numpy as np
import pytest

from hspyio import DataAxis, UniformAxis
from hspyio.bridges.coordinates import (
    axis_without_coordinate,
    coordinate_values,
    dimension_names,
    even_axis,
    safe_names,
)
from hspyio.errors import AxesError


def test_names_differ_and_are_taken_by_netcdf() -> None:
    found = safe_names(["x", "x", "", "a/b", "(c)", "data"], "axis", "data")
    assert found == ["x", "x_2", "axis_2", "a_b", "_(c)", "data_2"]


def test_an_axis_without_a_name_has_its_number() -> None:
    assert dimension_names([UniformAxis("y"), UniformAxis()], "data") == ["y", "axis_1"]


def test_points_are_of_the_machine_and_of_known_types() -> None:
    assert coordinate_values(DataAxis(axis=np.arange(3, dtype=">f4"))).dtype == np.dtype("=f4")
    assert coordinate_values(DataAxis(axis=np.arange(3, dtype="f2"))).dtype == np.dtype("f8")


def test_a_scale_that_rounding_has_not_touched_stays() -> None:
    axis = UniformAxis("x", "nm", size=100, scale=0.1, offset=0.3)
    assert even_axis(axis, axis.values[::3]) == UniformAxis(
        "x", "nm", size=34, scale=3 * 0.1, offset=0.3
    )


def test_a_record_is_of_an_axis_of_that_size() -> None:
    with pytest.raises(AxesError, match="describes 3 points, the dimension has 4"):
        axis_without_coordinate('{"name": "x", "size": 3, "scale": 1, "offset": 0}', 4, "x")
