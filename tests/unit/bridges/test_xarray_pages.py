"""Notebook pages of xarray's objects stay small, whatever the metadata; nothing else is cut."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio import DataAxis, Signal
from hspyio.compare import signal_differences

xr = pytest.importorskip("xarray")

MOST = 50_000
"""Characters of a page, of which xarray's own styles and pictures are 17,000."""


def with_leaves(count: int) -> Signal:
    tree = {f"g{i}": {f"leaf{j}": "<&'\">" * 10 for j in range(10)} for i in range(count // 10)}
    axes = [DataAxis("y", "n" * 3000, axis=np.arange(3.0) ** 2), hspyio.UniformAxis("x", size=5)]
    return Signal(
        np.zeros((3, 5)),
        axes,
        metadata={"General": {"title": "t" * 5000}, **tree},
        original_metadata={str(i): list(range(50)) for i in range(count // 10)},
        models={"m": {"components": tree}},
    )


@pytest.mark.parametrize("count", [10, 1000, 10_000])
def test_the_page_of_an_array_has_a_ceiling(count: int) -> None:
    signal = with_leaves(count)
    array = signal.to_xarray()
    before = dict(array.attrs)
    assert len(array._repr_html_()) < MOST
    assert len((array + 1).isel(x=0)._repr_html_()) < MOST
    assert len(repr(array)) < 10_000
    assert array.attrs == before
    assert not signal_differences(hspyio.from_xarray(array), signal)


def test_a_page_says_how_much_there_is() -> None:
    array = with_leaves(1000).to_xarray()
    total = len(array.attrs["hspy_metadata"])
    assert f"({total:,} characters in all)" in array._repr_html_()


def test_the_page_of_a_dataset_has_a_ceiling(tmp_path: Path) -> None:
    signal = with_leaves(1000)
    signal.save(tmp_path / "a.hspy")
    for chunks in (None, {}):
        with xr.open_dataset(tmp_path / "a.hspy", engine="hspyio", chunks=chunks) as opened:
            assert len(opened._repr_html_()) < MOST
            assert "hspy_original_metadata" in opened._repr_html_()
            assert opened.data.encoding["preferred_chunks"] == {"y": 3, "x": 5}
            assert not opened.data._in_memory, "looking at it reads nothing"
            assert len(opened.data._repr_html_()) < MOST
            assert opened.data.identical(xr.Dataset.__getitem__(opened, "data"))
            assert len(opened.data.attrs["hspy_metadata"]) > MOST
            assert len(opened.isel(x=0)._repr_html_()) < MOST


def test_short_pages_are_xarrays_own() -> None:
    """But for the identifiers that xarray makes anew each time."""
    array = Signal(np.zeros((3, 5)), metadata={"a": "ä <b>"}).to_xarray()
    plain = xr.DataArray(array)
    assert type(plain) is xr.DataArray and plain.identical(array) and array.identical(plain)
    assert len(array._repr_html_()) == len(plain._repr_html_())
    assert repr(array) == repr(plain)


@pytest.mark.parametrize("engine", ["netcdf4", "h5netcdf", "zarr"])
def test_nothing_is_cut_of_what_is_written(engine: str, tmp_path: Path) -> None:
    pytest.importorskip({"netcdf4": "netCDF4"}.get(engine, engine))
    signal = Signal(np.zeros((3, 5)), metadata={"a": {str(i): "b" * 50 for i in range(100)}})
    array = signal.to_xarray()
    options: dict[str, Any] = {} if engine == "zarr" else {"engine": engine}
    path = tmp_path / "a"
    (array.to_zarr if engine == "zarr" else array.to_netcdf)(path, **options)
    with xr.open_dataarray(path, engine=engine) as again:
        assert not signal_differences(hspyio.from_xarray(again.load()), signal)


def test_arrays_and_datasets_can_be_pickled() -> None:
    array = with_leaves(1000).to_xarray()
    again = pickle.loads(pickle.dumps(array))
    assert again.identical(array) and len(again._repr_html_()) < MOST
