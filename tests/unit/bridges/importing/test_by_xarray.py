"""netCDF and Zarr are imported: what we exported without loss, and what others wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import hspyio
from hspyio.bridges.importing import blocks, by_xarray
from hspyio.errors import ConversionError, MissingPackageError

xr = pytest.importorskip("xarray")
pytest.importorskip("h5netcdf")
RNG = np.random.default_rng(0)
AXES = [
    {"name": "y", "units": "nm", "scale": 0.5, "navigate": True},
    {"name": "x", "units": "nm", "scale": 0.5, "offset": 3.0, "navigate": True},
    {"name": "Energy", "units": "keV", "scale": 0.01},
]


def signals() -> list[hspyio.Signal]:
    return [
        hspyio.Signal(
            RNG.integers(0, 500, (6, 7, 32)).astype("u2"), AXES, title="EDS", signal_type="EDS_TEM",
            metadata={"Sample": {"elements": ["Fe"], "pair": (1, None)}},
            original_metadata={"Header": {"gain": 4}},
        ),
        hspyio.Signal(RNG.random((6, 7)) + 1j, AXES[:2], title="wave"),
        hspyio.Signal([1.5, 2, 3], [{"name": "t", "axis": [0.0, 1, 4]}], title="points"),
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # what export says of complex data
@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_what_we_exported_comes_back(tmp_path: Path, suffix: str, number: int) -> None:
    if suffix == ".zarr":
        pytest.importorskip("zarr")
    hspyio.save(tmp_path / "a.hspy", signals()[number])
    hspyio.export(tmp_path / "a.hspy", tmp_path / f"a{suffix}")
    out = hspyio.import_file(tmp_path / f"a{suffix}", tmp_path / "b.hspy")
    assert not hspyio.diff(tmp_path / "a.hspy", out, strict=True)


@pytest.mark.filterwarnings("ignore")
def test_several_experiments_are_groups(tmp_path: Path) -> None:
    hspyio.save(tmp_path / "a.hspy", signals())
    hspyio.export(tmp_path / "a.hspy", tmp_path / "a.nc")
    out = hspyio.import_file(tmp_path / "a.nc", tmp_path / "b.hspy")
    assert sorted(hspyio.open(out)) == ["EDS", "points", "wave"]
    assert not hspyio.diff(tmp_path / "a.hspy", out, strict=True)


def test_any_other_file(tmp_path: Path) -> None:
    dataset = xr.Dataset(
        {
            "temperature": (("time", "x"), RNG.random((4, 5)), {"units": "K"}),
            "height": ("x", np.arange(5.0)),
            "name": ("x", np.array(list("abcde"))),
            "crs": ((), 3),
        },
        {"x": ("x", np.arange(5) * 0.5, {"units": "m"})},
    )
    dataset.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    out = hspyio.import_file(tmp_path / "a.nc")
    with hspyio.open(out) as found:
        assert sorted(found) == ["height", "name", "temperature"]
        assert_array_equal(found["temperature"].data.compute(), dataset.temperature)
        assert found["temperature"].axes["x"].scale == 0.5
        assert found["temperature"].axes["x"].units == "m"


def test_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_AT_ONCE", 1024)
    monkeypatch.setattr(blocks, "_BLOCK", 4096)
    monkeypatch.setattr("hspyio.arrays.chunk_shapes.TARGET", 1024)
    values = RNG.integers(0, 9, (20, 30, 64)).astype("u2")
    axes = [{**axis} for axis in AXES]
    hspyio.save(tmp_path / "a.hspy", hspyio.Signal(values, axes))
    hspyio.export(tmp_path / "a.hspy", tmp_path / "a.nc")
    (signal,) = by_xarray.signals_by_xarray(str(tmp_path / "a.nc"))
    assert signal.lazy and signal.data.npartitions > 10
    assert signal.data.chunksize[2] == 64
    assert_array_equal(signal.data.compute(), values)


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.nc").write_bytes(b"nothing of the kind")
    with pytest.raises(ConversionError, match=r"a\.nc: xarray cannot read it: "):
        hspyio.import_file(tmp_path / "a.nc")
    xr.Dataset(attrs={"a": 1}).to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    with pytest.raises(ConversionError, match=r"b\.nc: holds nothing that can be a signal"):
        hspyio.import_file(tmp_path / "b.nc")
    monkeypatch.setattr("hspyio.packages.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="pip install xarray"):
        hspyio.import_file(tmp_path / "b.nc")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nc", "b.nc"]
