"""Signals as xarray's DataArrays and back, and signals of any others."""

from __future__ import annotations

import warnings
from typing import Any

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import hspyio
from hspyio import DataAxis, FunctionalAxis, HspyWarning, Signal, UniformAxis
from hspyio.compare import signal_differences
from hspyio.errors import ConversionError
from hspyio.testing.strategies import signals, texts

xr = pytest.importorskip("xarray")


KNOWN_DATES = [f"{kind}64[{unit}]" for kind in ("datetime", "timedelta")
               for unit in ("s", "ms", "us", "ns")]  # fmt: skip


def assert_equal(one: Signal, other: Signal) -> None:
    found = signal_differences(one, other)
    assert not found, "\n".join(found)


def mapped() -> Signal:
    axes = [
        UniformAxis("y", "µm", size=3, scale=0.1, offset=7, navigate=True, extra={"mine": (1, 2)}),
        DataAxis("x", "µm", axis=np.array([0.0, 1.0, 4.0]), navigate=True),
        FunctionalAxis("Wavelength", "nm", expression="a / x", parameters={"a": 1240},
                       x=UniformAxis(size=4, offset=1, scale=0.5), is_binned=True),
    ]  # fmt: skip
    tree = {
        "General": {"title": "EDS"},
        "Signal": {"quantity": "Intensity (Counts)"},
        "a": (1, None, {2}),
    }
    return Signal(
        np.arange(36).reshape(3, 3, 4),
        axes,
        metadata=tree,
        original_metadata={"b": 1},
        attributes={"c": 2},
        learning_results={"loadings": np.ones(3)},
        models={"m": {"components": {}}},
        package="exspy",
        package_version="0.3",
    )


# to xarray and back


def test_what_xarray_shows() -> None:
    array = mapped().to_xarray()
    assert (array.name, array.dims) == ("data", ("y", "x", "Wavelength"))
    assert array.attrs["long_name"] == "EDS"
    assert array.attrs["units"] == "Counts"
    assert array.y.attrs["units"] == "µm"
    assert [array[dim].attrs["space"] for dim in array.dims] == ["navigation"] * 2 + ["signal"]
    assert array.Wavelength.attrs["is_binned"] == 1
    assert np.array_equal(array.x, [0, 1, 4])
    assert np.array_equal(array.Wavelength, 1240 / np.array([1, 1.5, 2, 2.5]))
    assert array.sel(x=4, y=7).shape == (4,)


def test_the_data_are_not_copied() -> None:
    signal = mapped()
    array = signal.to_xarray()
    assert np.shares_memory(array.data, signal.data)
    assert np.shares_memory(hspyio.from_xarray(array).data, signal.data)


def test_every_part_comes_back() -> None:
    assert_equal(mapped(), hspyio.from_xarray(mapped().to_xarray()))
    assert_equal(mapped(), hspyio.from_xarray(mapped().to_xarray().to_dataset()))


@given(signals())
def test_any_signal_comes_back(signal: Signal) -> None:
    """Dates are refused where xarray would make others of them, all else comes back."""
    dtype = signal.data.dtype
    if dtype.kind in "mM" and not (dtype.name in KNOWN_DATES and dtype.isnative):
        with pytest.raises(ConversionError, match="data: "):
            signal.to_xarray()
    else:
        assert_equal(signal, hspyio.from_xarray(signal.to_xarray()))


@st.composite
def axes(draw: st.DrawFn, size: int) -> Any:
    common: dict[str, Any] = {
        "name": draw(st.one_of(st.none(), texts(), st.sampled_from(["x", "data", "a/b"]))),
        "units": draw(st.one_of(st.none(), texts(), st.sampled_from(["nm", "seconds"]))),
        "navigate": draw(st.booleans()),
        "is_binned": draw(st.booleans()),
        "extra": draw(st.sampled_from([{}, {"mine": [1, None]}])),
    }
    uniform = st.builds(UniformAxis, size=st.just(size), offset=st.floats(), scale=st.floats())
    points = hnp.arrays(st.sampled_from(["f8", ">f4", "f2", "g", "?", "u1", ">i8", "u8"]), size)
    if draw(st.booleans()):
        made = draw(uniform)
        return UniformAxis(**common, size=size, offset=made.offset, scale=made.scale)
    if draw(st.booleans()):
        return DataAxis(**common, axis=draw(points))
    return FunctionalAxis(
        **common,
        expression=draw(st.sampled_from(["a*x+b", "x**2", "sin(x)", "what(x)", "1/0*"])),
        x=draw(st.one_of(uniform, points.map(lambda array: DataAxis("x", axis=array)))),
        parameters={"a": 2.5, "b": 1},
    )


@given(st.data())
def test_any_axes_come_back(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    signal = Signal(np.zeros(shape), [data.draw(axes(size)) for size in shape])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HspyWarning)  # of formulas
        array = signal.to_xarray()
    assert_equal(signal, hspyio.from_xarray(array))


def test_a_formula_that_is_not_understood_is_kept_without_a_coordinate() -> None:
    axis = FunctionalAxis("x", expression="what(x)", x=UniformAxis(size=3))
    with pytest.warns(HspyWarning, match="no coordinate is made of axis 0 'x'"):
        array = Signal(np.zeros(3), [axis]).to_xarray()
    assert "x" not in array.coords
    assert_equal(Signal(np.zeros(3), [axis]), hspyio.from_xarray(array))


def test_lazy_data_stay_lazy() -> None:
    signal = Signal(da.arange(12, chunks=5))
    array = signal.to_xarray()
    assert array.chunks == ((5, 5, 2),)
    assert_equal(signal, hspyio.from_xarray(array))
    assert hspyio.from_xarray(array).lazy


def ragged() -> np.ndarray:
    made = np.empty(2, object)
    made[:] = [np.ones(2), np.ones(3)]
    return made


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ragged(), "ragged"),
        (np.ma.array([1, 2], mask=[0, 1]), "masked"),
        (np.zeros(2, "M8[D]"), r"would become datetime64\[s\]"),
        (np.zeros(2, "m8[25s]"), "not known to xarray"),
    ],
)
def test_what_xarray_cannot_hold_is_refused(data: Any, message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        Signal(data).to_xarray()


def test_all_that_is_refused_is_named() -> None:
    signal = Signal(ragged(), metadata={"a": object(), "b": {"c": object()}})
    signal.original_metadata["d"] = object()
    with pytest.raises(ConversionError) as caught:
        signal.to_xarray()
    places = [problem.where for problem in caught.value.problems]
    assert places == ["data", "metadata.a", "metadata.b.c", "original_metadata.d"]


# what has been done with an array in between


def test_a_part_has_the_axes_of_the_part() -> None:
    made = hspyio.from_xarray(mapped().to_xarray()[1:, ::2, 1:3])
    y, x, wavelength = made.axes
    assert y == UniformAxis("y", "µm", size=2, scale=0.1, offset=7.1, navigate=True,
                            extra={"mine": (1, 2)})  # fmt: skip
    assert x == DataAxis("x", "µm", axis=np.array([0.0, 4.0]), navigate=True)
    assert np.allclose(wavelength.values, [1240 / 1.5, 620])
    assert wavelength.is_binned
    assert made.metadata == mapped().metadata


def test_what_a_coordinate_says_now_goes_before_what_it_was() -> None:
    array = mapped().to_xarray()
    array.y.attrs["units"] = "nm"
    array.x.attrs["space"] = "signal"
    del array.Wavelength.attrs["is_binned"]
    made = hspyio.from_xarray(array.assign_coords(y=array.y * 1000))
    y, x, wavelength = hspyio.from_xarray(array).axes
    assert (y.units, x.navigate, wavelength.is_binned) == ("nm", False, False)
    assert np.allclose(made.axes[0].values, [7000, 7100, 7200])


def test_other_orders_and_names() -> None:
    made = hspyio.from_xarray(mapped().to_xarray().transpose("Wavelength", "x", "y"))
    assert made.axes.names == ("Wavelength", "x", "y")
    assert [axis.navigate for axis in made.axes] == [False, True, True]
    reduced = mapped().to_xarray().sum("x", keep_attrs=True)
    assert hspyio.from_xarray(reduced).axes["Wavelength"] == mapped().axes["Wavelength"]


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": {"_hspyio": 1}}'])
def test_attributes_that_were_changed_badly_are_all_named(text: str) -> None:
    array = mapped().to_xarray()
    array.attrs["hspy_metadata"] = text
    array.attrs["hspy_package"] = "3"
    array.x.attrs["hspy_axis"] = "[]"
    with pytest.raises(ConversionError) as caught:
        hspyio.from_xarray(array)
    assert len(caught.value.problems) == 3
