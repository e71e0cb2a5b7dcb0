"""Conversion to netCDF and Zarr."""

from __future__ import annotations

import os
import signal as signals
import time
import tracemalloc
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest

import hspyio
from hspyio import DataAxis, FunctionalAxis, HspyWarning, Signal, UniformAxis
from hspyio.compare import signal_differences
from hspyio.errors import (
    ConversionError,
    ExperimentError,
    MissingFileError,
    MissingPackageError,
    OptionError,
    SaveError,
    TargetExistsError,
)

xr = pytest.importorskip("xarray")
pytest.importorskip("h5netcdf")

ZARR = find_spec("zarr") is not None and int(version("zarr").partition(".")[0]) >= 3
ZARR_ONLY = pytest.mark.skipif(
    not ZARR, reason="needs Zarr 3, which RosettaSciIO does not work with"
)
SUFFIXES = pytest.mark.parametrize("suffix", [".nc", pytest.param(".zarr", marks=ZARR_ONLY)])


def signal(data: Any = None, title: str = "EELS µ") -> Signal:
    data = np.random.default_rng(0).poisson(9, (5, 6, 7)).astype("u2") if data is None else data
    axes = [
        UniformAxis("y", "µm", size=5, scale=0.1, offset=3, navigate=True, extra={"mine": (1,)}),
        DataAxis("x/µ", "seconds", axis=np.array([0, 1, 4, 9, 16, 25], ">f4"), navigate=True),
        FunctionalAxis("Wavelength", "nm", expression="a / x", parameters={"a": 1240},
                       x=UniformAxis(size=7, offset=1, scale=0.5), is_binned=True),
    ]  # fmt: skip
    return Signal(
        data,
        axes,
        metadata={"General": {"title": title}, "a": (1, None, {2}), "nul": "a\0b", "µ": "\ud800"},
        original_metadata={"long": "abc" * 50_000, "array": np.arange(3, dtype=">i2")},
        attributes={"c": 2},
        learning_results={"loadings": np.ones((3, 4))},
        models={"m": {"components": {"a": [1, None]}}},
        package="exspy",
    )


def written(made: Signal | list[Signal], folder: Path, suffix: str, **options: Any) -> Path:
    path, target = folder / "a.hspy", folder / f"a{suffix}"
    hspyio.save(path, made, overwrite=True, durable=False)
    hspyio.export(path, target, **options)
    return target


def opened(path: Path) -> Any:
    if path.suffix == ".zarr":
        return xr.open_dataset(path, engine="zarr", consolidated=False)
    return xr.open_dataset(path, engine="h5netcdf", decode_timedelta=True)


def read(path: Path) -> Signal:
    with opened(path) as dataset:
        return hspyio.from_xarray(dataset.load())


@SUFFIXES
@pytest.mark.parametrize("compression", [True, False])
def test_everything_comes_back(suffix: str, compression: bool, tmp_path: Path) -> None:
    target = written(signal(), tmp_path, suffix, compression=compression)
    found = signal_differences(signal(), read(target))
    assert not found, "\n".join(found)


@SUFFIXES
def test_what_other_programs_see(suffix: str, tmp_path: Path) -> None:
    with opened(written(signal(), tmp_path, suffix)) as dataset:
        assert dataset.attrs["title"] == "EELS µ"
        assert dataset.data.attrs["long_name"] == "EELS µ"
        assert dict(dataset.sizes) == {"y": 5, "x_µ": 6, "Wavelength": 7}
        assert np.array_equal(dataset.data, signal().data)
        assert dataset.data.dtype == "u2"
        assert np.array_equal(dataset.y, signal().axes["y"].values)
        assert dataset.y.attrs["units"] == "µm"
        assert dataset.y.attrs["space"] == "navigation"
        assert np.array_equal(dataset.Wavelength, signal().axes["Wavelength"].values)


def test_the_c_library_reads_it_too(tmp_path: Path) -> None:
    """And writes what comes back, for those who have it in the place of h5netcdf."""
    netcdf4 = pytest.importorskip("netCDF4")
    with netcdf4.Dataset(written(signal(), tmp_path, ".nc")) as file:
        assert np.array_equal(file["data"][:], signal().data)
        assert (file["y"].units, file["data"].long_name) == ("µm", "EELS µ")
    signal().to_xarray().to_netcdf(tmp_path / "b.nc", engine="netcdf4")
    found = signal_differences(signal(), read(tmp_path / "b.nc"))
    assert not found, "\n".join(found)


@SUFFIXES
@pytest.mark.parametrize(
    ("dtype", "netcdf", "zarr"),
    [
        *[(kind, kind, kind) for kind in ("?", "i1", "u1", "<i8", "u8", "f4", "f8")],
        ("f2", "f4", "f2"),
        ("c8", "c8", "c8"),
        ("c16", "c16", "c16"),
        ("g", "f8", "f8"),
        ("G", "c16", "c16"),
        ("u2,f4", "u2,f4", "u2,f4"),
        ("M8[s]", "M8[ns]", "M8[ns]"),
    ],
)
def test_types(suffix: str, dtype: str, netcdf: str, zarr: str, tmp_path: Path) -> None:
    """What is held as another type is said; values come back."""
    data = np.arange(12).reshape(3, 4).astype(dtype)
    if data.dtype.kind in "fc":
        data[0, :3] = [np.nan, np.inf, -0.0]
    if data.dtype.kind == "c":
        data.imag = np.arange(12).reshape(3, 4)
        data[1, 0] = complex(-0.0, np.inf)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", HspyWarning)
        target = written(Signal(data), tmp_path, suffix)
    back = read(target)
    expected = np.dtype(netcdf if suffix == ".nc" else zarr)
    assert not signal_differences(Signal(data.astype(expected)), back)
    changed = (
        data.dtype != expected or data.dtype.names or (data.dtype.kind, suffix) == ("c", ".nc")
    )
    assert len(told) == bool(changed), told


@SUFFIXES
def test_what_is_too_large_is_said_once(suffix: str, tmp_path: Path) -> None:
    made = signal(np.zeros((5, 6, 7), "f2"))
    made.learning_results["factors"] = np.zeros(300_000)
    made.metadata.set_item("A.b", {"c": np.zeros(300_000), "d": 1})
    made.metadata.set_item("A.s", Signal(np.zeros(300_000)))
    with pytest.warns(HspyWarning) as told:
        target = written(made, tmp_path, suffix)
    assert len(told) == 1
    for part in ("learning_results.factors: 2,400,000 bytes", "metadata.A.b.c", "metadata.A.s"):
        assert part in str(told[0].message)
    back = read(target)
    assert back.metadata.A == {"b": {"d": 1}}
    assert list(back.learning_results) == ["loadings"]


@SUFFIXES
def test_several_experiments_are_groups(suffix: str, tmp_path: Path) -> None:
    both = [signal(), signal(title="second")]
    target = written(both, tmp_path, suffix)
    options = {"consolidated": False} if suffix == ".zarr" else {"decode_timedelta": True}
    engine = "zarr" if suffix == ".zarr" else "h5netcdf"
    with xr.open_datatree(target, engine=engine, **options) as tree:
        assert set(tree.children) == {"EELS µ", "second"}
        for made in both:
            back = hspyio.from_xarray(tree[made.title].to_dataset().load())
            assert not signal_differences(made, back)
    hspyio.export(tmp_path / "a.hspy", target, name="second", overwrite=True)
    assert read(target).title == "second"


@SUFFIXES
def test_large_data_stream_in_chunks(suffix: str, tmp_path: Path) -> None:
    """What is written at a time lies in whole chunks, and little of it is in memory."""
    shape, path = (64, 1024, 2048), tmp_path / "a.hspy"
    data = da.zeros(shape, "u1", chunks=(8, 1024, 2048))
    hspyio.save(path, Signal(data, signal_dimension=2), durable=False)
    tracemalloc.start()
    try:
        hspyio.export(path, tmp_path / f"a{suffix}", compression=suffix == ".nc", threads=2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 90 * 2**20
    with opened(tmp_path / f"a{suffix}") as dataset:
        chunks = dataset.data.encoding["chunks" if suffix == ".zarr" else "chunksizes"]
        assert int(np.prod(chunks)) <= 2**23
        assert not dataset.data[5].any()


@SUFFIXES
def test_real_files(suffix: str, shared_data: Path, tmp_path: Path) -> None:
    for file in sorted(shared_data.iterdir()):
        target = tmp_path / f"{file.stem}{suffix}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HspyWarning)  # of fields
            hspyio.export(file, target)
        found = signal_differences(hspyio.load(file), read(target))
        assert not found, "\n".join([file.name, *found])


# whole or not at all


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.hspy"
    hspyio.save(path, signal())
    return path


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@SUFFIXES
def test_a_target_that_exists(suffix: str, path: Path) -> None:
    target = path.with_name(f"b{suffix}")
    hspyio.export(path, target)
    with pytest.raises(TargetExistsError, match="overwrite=True"):
        hspyio.export(path, target)
    hspyio.save(path, signal(title="new"), overwrite=True)
    hspyio.export(path, f"{target}/" if suffix == ".zarr" else target, overwrite=True)
    assert read(target).title == "new"
    assert names_in(path.parent) == ["a.hspy", target.name]


def test_a_folder_that_is_no_store_is_not_replaced(path: Path) -> None:
    folder = path.with_name("b.zarr")
    folder.mkdir()
    (folder / "thesis.doc").touch()
    with pytest.raises(SaveError, match="no Zarr store"):
        hspyio.export(path, folder, overwrite=True)
    assert names_in(folder) == ["thesis.doc"]


@SUFFIXES
def test_a_failure_leaves_what_was_there(
    suffix: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = path.with_name(f"b{suffix}")
    hspyio.export(path, target)

    def fails(*args: Any, **options: Any) -> None:
        Path(args[1]).write_bytes(b"half")
        raise OSError("no space left")

    method = "to_netcdf" if suffix == ".nc" else "to_zarr"
    monkeypatch.setattr(xr.Dataset, method, fails)
    with pytest.raises(SaveError, match="what was there is untouched: no space left"):
        hspyio.export(path, target, overwrite=True)
    assert names_in(path.parent) == ["a.hspy", target.name]
    assert read(target).title == signal().title


@SUFFIXES
def test_data_that_no_target_holds_are_refused(suffix: str, path: Path) -> None:
    target = path.with_name(f"b{suffix}")
    nested = np.zeros(2, [("a", "f4", (2,)), ("b", "U2")])
    masked, text = np.ma.array([1, 2], mask=[0, 1]), np.array(["a", "b"])
    for data, word in ((masked, "masked"), (nested, "dtype"), (text, "no numbers")):
        hspyio.save(path, Signal(data), overwrite=True)
        with pytest.raises(ConversionError, match=f"a.hspy: (.|\n)*{word}"):
            hspyio.export(path, target)
    assert names_in(path.parent) == ["a.hspy"]


def test_what_makes_no_sense(path: Path) -> None:
    with pytest.raises(OptionError, match=r"ends with '\.png'; hspy converts to \.nc, \.zarr"):
        hspyio.export(path, path.with_name("b.png"))
    with pytest.raises(MissingFileError):
        hspyio.export(path.with_name("none.hspy"), path.with_name("b.nc"))
    with pytest.raises(ExperimentError, match="no experiment 'x'"):
        hspyio.export(path, path.with_name("b.nc"), name="x")
    assert names_in(path.parent) == ["a.hspy"]


@pytest.mark.parametrize(
    ("suffix", "missing"), [(".nc", "netcdf"), (".zarr", "zarr"), (".tif", "tifffile")]
)
def test_a_missing_library_is_named(
    suffix: str, missing: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(name: str) -> Any:
        return None if missing in name.lower() else find_spec(name)

    monkeypatch.setattr("hspyio.packages.find_spec", found)
    with pytest.raises(MissingPackageError, match=f"pip install .*{missing}"):
        hspyio.export(path, path.with_name(f"b{suffix}"))
    assert names_in(path.parent) == ["a.hspy"]


def test_either_library_for_netcdf_does(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("netCDF4")
    monkeypatch.setattr(
        "hspyio.packages.find_spec",
        lambda name: None if name == "h5netcdf" else find_spec(name),
    )
    hspyio.export(path, path.with_name("b.nc"))
    assert not signal_differences(signal(), read(path.with_name("b.nc")))


TIME_UNITS = (
    "Y",
    "M",
    "W",
    "D",
    "h",
    "m",
    "s",
    "ms",
    "us",
    "ns",
    "10s",
    "3D",
    "ps",
    "fs",
    "as",
    "",
)
NOT_HELD = {*("Mps", "Mfs", "Mas", "M"), *("mY", "mM", "mps", "mfs", "mas", "m")}


@pytest.mark.parametrize("kind", "Mm")
@pytest.mark.parametrize("unit", TIME_UNITS)
@pytest.mark.filterwarnings("ignore::hspyio.HspyWarning")
def test_times_of_any_unit(kind: str, unit: str, tmp_path: Path) -> None:
    source, target = tmp_path / "a.hspy", tmp_path / "a.nc"
    dtype = np.dtype(f"{kind}8[{unit}]" if unit else f"{kind}8")
    data = np.array([3, 5, np.iinfo(np.int64).min]).view(dtype)
    hspyio.save(source, Signal(data))
    if f"{kind}{unit}" in NOT_HELD:
        word = "datetime64" if kind == "M" else "timedelta64"
        with pytest.raises(ConversionError, match=rf"{word}.*give a {word}"):
            hspyio.export(source, target)
        assert not target.exists()
        return
    hspyio.export(source, target)
    with xr.open_dataset(target, engine="h5netcdf", decode_timedelta=True) as found:
        back = hspyio.from_xarray(found).data
    assert np.array_equal(np.asarray(back)[:2], data[:2]) and np.isnat(np.asarray(back)[2])


def test_a_time_that_is_too_far_off(tmp_path: Path) -> None:
    source, target = tmp_path / "a.hspy", tmp_path / "a.nc"
    hspyio.save(source, Signal(np.array([10**17], "M8[Y]")))
    with pytest.raises(ConversionError, match=r"datetime64\[Y\], some too far off"):
        hspyio.export(source, target)
    assert not target.exists()


@pytest.mark.parametrize("convert", [hspyio.export, hspyio.upgrade, hspyio.repack, hspyio.rescue])
def test_a_signal_is_no_source_and_the_calls_that_were_meant_are_told(
    convert: Any, tmp_path: Path
) -> None:
    with pytest.raises(hspyio.HspyError, match=r"hspyio\.save\(source, signal\) makes one") as told:
        convert(Signal(np.zeros(3)), tmp_path / "new.hspy")
    assert f"hspyio.{convert.__name__}(source, target)" in str(told.value)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_leaves_no_file_and_no_thread_that_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    ended: list[int] = []

    def struck(data: Any, workers: Any) -> Any:
        def compute(block: np.ndarray) -> np.ndarray:
            begun.append(0)
            if len(begun) == 3:
                os.kill(os.getpid(), signals.SIGINT)
            time.sleep(0.1)
            ended.append(0)
            return block

        return data.map_blocks(compute, meta=data._meta)

    monkeypatch.setattr("hspyio.bridges.exporting.export._told", struck)
    data = da.zeros((200, 8), chunks=(1, 8))
    source = hspyio.save(tmp_path / "a.hspy", Signal(data), compression=None, chunks=(1, 8))
    monkeypatch.setattr("hspyio.bridges.exporting.export._AT_ONCE", 64)
    previous = signals.signal(signals.SIGINT, signals.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            hspyio.export(source, tmp_path / "a.nc", threads=2)
        assert len(ended) == len(begun) < 20
        assert [path.name for path in tmp_path.iterdir()] == ["a.hspy"]
    finally:
        signals.signal(signals.SIGINT, previous)
