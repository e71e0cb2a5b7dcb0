"""DataArrays of other origin as signals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio import DataAxis, HspyWarning, UniformAxis
from hspyio.compare import signal_differences
from hspyio.errors import ConversionError

xr = pytest.importorskip("xarray")


def test_even_coordinates_are_uniform_axes() -> None:
    x = np.linspace(-1, 3, 9, dtype="f4")
    array = xr.DataArray(np.zeros((9, 4)), {"x": x, "n": [1, 2, 4, 8]}, ("x", "n"), "counts")
    array.x.attrs["units"] = "nm"
    signal = hspyio.from_xarray(array)
    assert signal.axes[0] == UniformAxis("x", "nm", size=9, offset=-1, scale=0.5)
    assert signal.axes[1] == DataAxis("n", axis=np.array([1, 2, 4, 8]))
    assert signal.title == "counts"


@pytest.mark.parametrize(
    "points",
    [[1.0, 1.0, 1.0], [0, np.nan, 2], [0, 1, 1.01], [2**60, 2**60 + 1], [0, np.inf], []],
)
def test_other_points_are_data_axes(points: Any) -> None:
    array = xr.DataArray(np.zeros(len(points)), {"x": points}, "x")
    axis = hspyio.from_xarray(array).axes[0]
    assert axis == DataAxis("x", axis=array.x.values)


def test_descending_and_single_points() -> None:
    array = xr.DataArray(np.zeros((3, 1)), {"x": [3, 2, 1], "y": [5.5]}, ("x", "y"))
    assert hspyio.from_xarray(array).axes[0] == UniformAxis("x", size=3, offset=3, scale=-1)
    assert hspyio.from_xarray(array).axes[1] == UniformAxis("y", size=1, offset=5.5)


def test_missing_coordinates_count() -> None:
    signal = hspyio.from_xarray(xr.DataArray(np.zeros((2, 3)), dims=("a", 5)), signal_dims=[5])
    assert signal.axes[0] == UniformAxis("a", size=2, navigate=True)
    assert signal.axes[1] == UniformAxis("5", size=3)


def test_dates_are_seconds() -> None:
    times = np.array(
        ["2026-01-01T00:00:00", "2026-01-01T00:00:02", "2026-01-01T00:00:04"], "M8[ns]"
    )
    array = xr.DataArray(np.zeros((3, 3)), {"t": times, "d": times - times[0]}, ("t", "d"))
    signal = hspyio.from_xarray(array)
    assert signal.axes[0] == UniformAxis("t", "s", size=3, scale=2)
    assert signal.axes[1] == UniformAxis("d", "s", size=3, scale=2)
    kept = signal.original_metadata.xarray.coords.t
    assert np.array_equal(kept["values"], times)


def test_what_a_signal_has_no_place_for_is_kept() -> None:
    array = xr.DataArray(
        np.zeros((2, 3)),
        {
            "x": ("x", [1, 2], {"units": "nm", "comment": "stage"}),
            "lat": (("x", "y"), np.ones((2, 3)), {"units": "deg"}),
            "run": 7,
            "y": ["a", "b", "c"],
        },
        ("x", "y"),
        attrs={"long_name": "Counts", "units": "1/s", "note": [1, "two"]},
    )
    with pytest.warns(HspyWarning, match="are texts, no numbers; the axis counts from 0"):
        signal = hspyio.from_xarray(array)
    assert signal.axes[1] == UniformAxis("y", size=3)
    assert signal.title == "Counts"
    assert signal.metadata.Signal.quantity == "Counts (1/s)"
    kept = signal.original_metadata.xarray
    assert kept.attrs.note == [1, "two"]
    assert kept.coords.lat.dims == ["x", "y"]
    assert kept.coords.run["values"] == 7
    assert kept.coords.y["values"].tolist() == ["a", "b", "c"]
    assert kept.coords.x.attrs.comment == "stage"
    assert not signal_differences(signal, hspyio.from_xarray(signal.to_xarray()))


def test_what_is_in_the_way_is_all_named() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # xarray's own, of dimensions that stand twice
        twice = xr.DataArray(np.full((2, 2), None), {"k": object()}, dims=("x", "x"))
    with pytest.raises(ConversionError) as caught:
        hspyio.from_xarray(twice, signal_dims=["z"])
    places = [problem.where for problem in caught.value.problems]
    assert places == ["dims", "signal_dims", "data", "coords['k']"]


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (xr.Dataset(), "array is a Dataset without variables"),
        (xr.Dataset({"a": 1, "b": 2}), r"2 variables: 'a', 'b'; .*from_xarray\(dataset\['a'\]\)"),
        (np.zeros(3), r"array is a numpy\.ndarray; .*; Signal\(array"),
        (xr.DataTree(), "array is a xarray.DataTree; from_xarray takes a DataArray"),
    ],
)
def test_what_is_no_single_array(thing: Any, message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        hspyio.from_xarray(thing)
