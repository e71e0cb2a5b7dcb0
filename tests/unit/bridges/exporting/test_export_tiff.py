"""Conversion to TIFF, as tifffile and HyperSpy read it back."""

from __future__ import annotations

import json
import tracemalloc
import warnings
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import dask.array as da
import numpy as np
import pytest

import hspyio
from hspyio import DataAxis, HspyWarning, Signal, UniformAxis
from hspyio.bridges.tree_text import tree_of
from hspyio.errors import ConversionError, ExperimentError

pytest.importorskip("xarray")
tifffile = pytest.importorskip("tifffile")

RNG = np.random.default_rng(0)


def axis(name: str, size: int, units: str | None = "nm", **options: Any) -> UniformAxis:
    return UniformAxis(name, units, size=size, **{"scale": 0.5, "offset": 2, **options})


def written(signal: Signal, folder: Path) -> Any:
    """The file, and all that was said."""
    path = folder / "a.hspy"
    hspyio.save(path, signal, overwrite=True, durable=False)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", HspyWarning)
        hspyio.export(path, folder / "a.tif", overwrite=True)
    assert len(told) <= 1
    return folder / "a.tif", str(told[0].message) if told else ""


def spectra(dtype: str) -> Signal:
    """A map of spectra: 4 × 5 points of 6 energies."""
    axes = [
        axis("y", 4, "µm", navigate=True),
        axis("x", 5, "µm", scale=0.25, navigate=True),
        axis("Energy", 6, "keV", scale=0.01, offset=-0.1),
    ]
    data = RNG.integers(0, 200, (4, 5, 6)).astype(dtype)
    return Signal(data, axes, metadata={"General": {"title": "EDS µ"}, "a": (1, None)})


def test_imagej(tmp_path: Path) -> None:
    made = spectra("u2")
    path, told = written(made, tmp_path)
    assert told == ""
    with tifffile.TiffFile(path) as file:
        assert file.is_imagej
        assert file.series[0].axes == "ZYX"
        assert np.array_equal(file.asarray(), made.data.transpose(2, 0, 1))
        words = file.imagej_metadata
        assert file.pages[0].resolution == (4, 2)
    assert (words["unit"], words["yunit"], words["zunit"]) == (r"\u00B5m", r"\u00B5m", "keV")
    assert (words["xorigin"], words["yorigin"]) == (-8, -4)
    assert words["zorigin"] == pytest.approx(10)
    assert words["spacing"] == 0.01
    about = json.loads(words["Info"])["metadata"]
    assert tree_of(json.dumps(about), "x") == {"General": {"title": "EDS µ"}, "a": (1, None)}


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "i2", "i4", "f8"])
def test_hyperspy_reads_values_and_calibration(dtype: str, tmp_path: Path) -> None:
    hs = pytest.importorskip("hyperspy.api")
    made = spectra(dtype)
    path, _ = written(made, tmp_path)
    loaded = hs.load(path)
    assert np.array_equal(loaded.data, made.data.transpose(2, 0, 1))
    for theirs, name in zip(loaded.axes_manager._axes, ("Energy", "y", "x"), strict=True):
        ours = made.axes[name]
        assert isinstance(ours, UniformAxis)
        assert (theirs.scale, theirs.units) == (pytest.approx(ours.scale), ours.units)
        assert theirs.offset == pytest.approx(ours.offset)


def test_ome(tmp_path: Path) -> None:
    axes = [
        axis("t", 3, "ms", offset=0, navigate=True),
        axis("y", 4, offset=0),
        axis("x", 5, offset=0),
    ]
    made = Signal(RNG.random((3, 4, 5)), axes, metadata={"General": {"title": "<µ> & \x02"}})
    path, told = written(made, tmp_path)
    assert told == ""
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        assert file.series[0].axes == "TYX"
        assert np.array_equal(file.asarray(), made.data)
        pixels = next(
            part for part in ET.fromstring(file.ome_metadata).iter() if "Pixels" in part.tag
        )
    assert pixels.attrib["PhysicalSizeX"] == pixels.attrib["TimeIncrement"] == "0.5"
    assert pixels.attrib["PhysicalSizeYUnit"] == "nm"
    assert pixels.attrib["TimeIncrementUnit"] == "ms"


@pytest.mark.parametrize(
    ("data", "dtype", "told"),
    [
        (np.array([[0, 1]], "?"), "u1", "are bool: held as uint8"),
        (np.array([[0, 255]], "i8"), "u1", "are int64: held as uint8"),
        (np.array([[-1, 300]], "i8"), "i2", "held as int16"),
        (np.array([[0, 2**32 - 1]], "u8"), "u4", "held as uint32"),
        (np.array([[0, 2**53]], "u8"), "f8", "are uint64: held as float64"),
        (np.array([[1, 2.5]], "f2"), "f4", "are float16: held as float32"),
        (np.array([[1, 2.5]], "g"), "f8", "held as float64, rounded"),
        (np.array([[1, 2j]], "c8"), "c8", ""),
        (np.array([[1, 2j]], "G"), "c16", "held as complex128, rounded"),
        (np.array([[1, -2]], ">i4"), "i4", ""),
    ],
)
def test_types(data: np.ndarray, dtype: str, told: str, tmp_path: Path) -> None:
    path, message = written(Signal(data), tmp_path)
    read = tifffile.imread(path)
    assert read.dtype == np.dtype(dtype)
    assert np.array_equal(read, data)
    assert (told in message) if told else message == ""


def test_colours(tmp_path: Path) -> None:
    data = np.zeros((3, 4, 5), [(name, "u2") for name in "RGBA"])
    for name in "RGBA":
        data[name] = RNG.integers(0, 2**16, data.shape)
    path, _ = written(Signal(data, signal_dimension=2), tmp_path)
    read = tifffile.imread(path)
    assert all(np.array_equal(read[..., i], data[name]) for i, name in enumerate("RGBA"))
    with tifffile.TiffFile(path) as file:
        assert file.pages[0].photometric == tifffile.PHOTOMETRIC.RGB


@pytest.mark.parametrize(
    ("shape", "signals", "letters", "order"),
    [
        ((7,), 1, "YX", None),
        ((3, 7), 1, "YX", (0, 1)),
        ((4, 5, 6), 2, "ZYX", (0, 1, 2)),
        ((4, 5, 6), 1, "ZYX", (2, 0, 1)),
        ((2, 4, 5, 6), 1, "TZYX", (0, 3, 1, 2)),
        ((2, 3, 4, 5), 2, "TZYX", (0, 1, 2, 3)),
        ((2, 3, 4), 3, "ZYX", (0, 1, 2)),
        ((2, 3, 4, 5, 6), 2, "TZCYX", (0, 1, 2, 3, 4)),
    ],
)
def test_which_dimensions_are_the_image(
    shape: Any, signals: int, letters: str, order: Any, tmp_path: Path
) -> None:
    data = RNG.integers(0, 200, shape).astype("u1")
    path, _ = written(Signal(data, signal_dimension=signals), tmp_path)
    expected = data[None] if order is None else data.transpose(order)
    with tifffile.TiffFile(path) as file:
        assert np.array_equal(file.asarray().reshape(expected.shape), expected)
        assert file.series[0].axes == letters


def test_what_tiff_cannot_hold_is_all_said_at_once(tmp_path: Path) -> None:
    axes = [
        DataAxis("focus", "nm", axis=np.array([0.0, 1.0, 4.0]), navigate=True),
        axis("y", 4, "1/nm"),
        axis("x", 5, "nm", scale=-1),
    ]
    made = Signal(
        RNG.random((3, 4, 5)), axes, original_metadata={"a": 1}, learning_results={"b": 1}
    )
    _, told = written(made, tmp_path)
    for part in (
        "'focus': is not evenly spaced: in pixels",
        "'y': its units '1/nm' and offset 2 have a place that HyperSpy reads, no place in OME",
        "'x': runs backwards",
        "original_metadata: has no place",
        "learning_results: has no place",
    ):
        assert part in told


def test_metres_are_written_as_microscopes_show_them(tmp_path: Path) -> None:
    axes = [axis("y", 2, "m", scale=2e-10, offset=0), axis("x", 2, "m", scale=5e-6, offset=1e-5)]
    path, told = written(Signal(np.zeros((2, 2), "u1"), axes), tmp_path)
    assert told == ""
    with tifffile.TiffFile(path) as file:
        words = file.imagej_metadata
        assert (words["yunit"], words["unit"]) == ("nm", r"\u00B5m")
        assert file.pages[0].resolution == pytest.approx((0.2, 5))
        assert words["xorigin"] == -2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.array(1.0), "0 dimensions"),
        (np.zeros((1,) * 6), "6 dimensions"),
        (np.zeros((0, 3)), "empty"),
        (np.array(["a"]), "no numbers"),
        (np.zeros((2, 2), "i4,f8"), "fields f0, f1"),
        (np.array([[0, 2**60]]), "no integers of 64 bits"),
        (np.ma.array([[1, 2]], mask=[[0, 1]]), "masked"),
        (np.array([np.ones(2), np.ones(3)], object), "ragged"),
    ],
)
def test_data_that_tiff_cannot_hold(data: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=message):
        written(Signal(data), tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.hspy"]


def test_several_experiments_have_to_be_named(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    both = [Signal(np.full((2, 2), n), metadata={"General": {"title": str(n)}}) for n in (1, 2)]
    hspyio.save(path, both)
    with pytest.raises(ExperimentError, match="2 experiments; name one of: '1', '2'"):
        hspyio.export(path, tmp_path / "a.tif")
    with pytest.warns(HspyWarning, match="int64"):
        hspyio.export(path, tmp_path / "a.tiff", name="2")
    assert (tifffile.imread(tmp_path / "a.tiff") == 2).all()


def test_what_is_written_in_slabs_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = RNG.integers(0, 200, (3, 4, 5, 6)).astype("u1")
    for most in (7, 70, 400):
        monkeypatch.setattr("hspyio.bridges.exporting.export_tiff._MAPPED", most)
        path, _ = written(Signal(data, signal_dimension=1), tmp_path)
        assert np.array_equal(tifffile.imread(path), data.transpose(0, 3, 1, 2))


def test_large_data_stream(tmp_path: Path) -> None:
    """Spectra turned into images, without the whole of them in memory."""
    path = tmp_path / "a.hspy"
    ramp = da.arange(2**27, chunks=2**21, dtype="u4").astype("u1").reshape((256, 512, 1024))
    hspyio.save(path, Signal(ramp, signal_dimension=1), durable=False, compression=None)
    tracemalloc.start()
    try:
        hspyio.export(path, tmp_path / "a.tif", threads=2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 80 * 2**20
    image = tifffile.imread(tmp_path / "a.tif", key=[0, 77, 1023])
    assert [set(np.unique(page)) for page in image] == [{0}, {77}, {255}]
