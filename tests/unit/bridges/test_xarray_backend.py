"""The engine ``hspyio`` of xarray."""

from __future__ import annotations

import asyncio
import os
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import hspyio
from hspyio import Signal, UniformAxis
from hspyio.compare import signal_differences
from hspyio.errors import ConversionError, ExperimentError, HspyError, OptionError
from hspyio.filters.pipeline import Pipeline
from hspyio.nodes.node import MemorySource
from support.places import ARCHIVE

xr = pytest.importorskip("xarray")
if "hspyio" not in xr.backends.list_engines():
    pytest.skip("hspyio is not installed with its entry point", allow_module_level=True)

from hspyio.bridges.xarray_backend import HspyBackend, SourceArray  # noqa: E402

VALUES = np.random.default_rng(0).poisson(9, (40, 60, 200)).astype("u2")


def opened(path: Path, **options: Any) -> Any:
    return xr.open_dataset(path, engine="hspyio", **options)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one experiment in chunks of 4 × 6 × 50: 10 × 10 × 4 of them."""
    path = tmp_path / "a.hspy"
    hspyio.save(path, made("EDS"), chunks=(4, 6, 50))
    return path


def made(title: str) -> Signal:
    axes = [
        UniformAxis("y", "µm", size=40, scale=0.5, navigate=True),
        UniformAxis("x", "µm", size=60, scale=0.5, offset=3, navigate=True),
        UniformAxis("Energy", "keV", size=200, scale=0.01, offset=-0.1),
    ]
    tree = {"General": {"title": title}, "Sample": {"elements": ["Al", None]}}
    signal = Signal(VALUES, axes, metadata=tree, original_metadata={"a": 1})
    signal.learning_results["loadings"] = np.ones(300_000)
    return signal


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one for each chunk that is decoded."""
    seen: list[int] = []
    decode: Callable[..., Any] = Pipeline.decode
    decode_batch: Callable[..., Any] = Pipeline.decode_batch

    def counted(self: Pipeline, *args: Any) -> Any:
        seen.append(1)
        return decode(self, *args)

    def counted_batch(self: Pipeline, stored: Any, *args: Any) -> Any:
        seen.extend(1 for _ in stored)
        return decode_batch(self, stored, *args)

    monkeypatch.setattr(Pipeline, "decode", counted)
    monkeypatch.setattr(Pipeline, "decode_batch", counted_batch)
    return seen


# files


def assert_opens(path: Path) -> None:
    with hspyio.open(path) as experiments:
        groups = list(experiments)
    assert groups
    for group in groups:
        expected = hspyio.load(path, name=group)
        with opened(path, name=group, results=True) as dataset:
            found = signal_differences(expected, hspyio.from_xarray(dataset))
        assert not found, "\n".join(found)
    with xr.open_datatree(path, engine="hspyio") as tree:
        assert len(tree.children) == len(groups)


@pytest.mark.parametrize("file", sorted(ARCHIVE.glob("v*")), ids=lambda path: path.name)
def test_every_version(file: Path) -> None:
    assert_opens(file)


def test_real_files(shared_data: Path) -> None:
    files = sorted(shared_data.iterdir())
    assert files
    for file in files:
        assert_opens(file)


def test_what_a_dataset_shows(path: Path) -> None:
    dataset = opened(path)
    assert dict(dataset.sizes) == {"y": 40, "x": 60, "Energy": 200}
    assert dataset.attrs == {"title": "EDS"}
    assert dataset.data.attrs["long_name"] == "EDS"
    assert dataset.Energy.attrs["units"] == "keV"
    assert np.allclose(dataset.Energy[:2], [-0.1, -0.09])
    assert dataset.data.sel(Energy=0.5, method="nearest").shape == (40, 60)


def test_results_are_attributes_when_asked_for(path: Path) -> None:
    assert hspyio.from_xarray(opened(path)).learning_results == {}
    whole = hspyio.from_xarray(opened(path, results=True))
    assert not signal_differences(made("EDS"), whole)
    assert hspyio.from_xarray(opened(path, original_metadata=False)).original_metadata == {}


def test_variables_can_be_dropped(path: Path) -> None:
    assert "y" not in opened(path, drop_variables="y").coords
    dropped = opened(path, drop_variables=["x", "data"])
    assert list(dropped.variables) == ["y", "Energy"]


def test_several_experiments(tmp_path: Path) -> None:
    path = tmp_path / "two.hspy"
    other = Signal(np.arange(3.0), metadata={"General": {"title": "a/b"}})
    hspyio.save(path, [made("EDS"), other])
    with pytest.raises(ExperimentError, match="holds 2 experiments: 'EDS', 'a-b'; name one"):
        opened(path)
    assert opened(path, name="a/b").sizes == {"axis_0": 3}
    assert list(xr.open_groups(path, engine="hspyio")) == ["/", "/EDS", "/a-b"]
    with xr.open_datatree(path, engine="hspyio", drop_variables="y") as tree:
        assert set(tree.children) == {"EDS", "a-b"}
        assert tree["EDS/data"].shape == VALUES.shape
        assert "y" not in tree["EDS"].coords
        back = hspyio.from_xarray(tree["a-b"].to_dataset())
    assert not signal_differences(other, back)


def test_ragged_and_masked_data_are_refused(tmp_path: Path) -> None:
    ragged = np.empty(2, object)
    ragged[:] = [np.ones(2), np.ones(3)]
    for data, word in ((ragged, "ragged"), (np.ma.array([1, 2], mask=[0, 1]), "masked")):
        path = tmp_path / f"{word}.hspy"
        hspyio.save(path, Signal(data))
        with pytest.raises(ConversionError, match=f"{word}.hspy: (.|\n)*{word}"):
            opened(path)


@pytest.mark.parametrize(
    "data",
    [np.array(5.0), np.zeros((0, 3)), np.array(["a", "µ"]), np.array([b"a"]),
     np.array([1 + 2j], "c8"), np.array([True]), np.array([(1, 2.0)], "i4,f8"),
     np.array(["2020"], "M8[s]"), np.arange(3, dtype=">i4")],
)  # fmt: skip
def test_any_type(data: np.ndarray, tmp_path: Path) -> None:
    signal = Signal(data)
    hspyio.save(tmp_path / "a.hspy", signal)
    assert not signal_differences(signal, hspyio.from_xarray(opened(tmp_path / "a.hspy")))


def test_what_is_no_hspy_file(tmp_path: Path) -> None:
    (tmp_path / "a.hspy").write_bytes(b"nothing")
    for name in ("a.hspy", "none.hspy"):
        with pytest.raises(HspyError, match=name):
            opened(tmp_path / name)
    with pytest.raises(OptionError, match="is a int, not a path"):
        HspyBackend().open_dataset(5)


def test_it_takes_files_by_their_ending() -> None:
    backend = HspyBackend()
    assert [backend.guess_can_open(name) for name in ("a.hspy", Path("b.HSPY"), "a.hdf5", 5)] == [
        *(True, True, False, False),
    ]


def test_without_an_engine_others_come_first(path: Path) -> None:
    """Where one for netCDF is installed it claims any HDF5 file; it finds nothing in this one."""
    others = {"netcdf4", "h5netcdf"} & set(xr.backends.list_engines())
    with xr.open_dataset(path) as dataset:
        assert list(dataset.data_vars) == ([] if others else ["data"])


# what is read


def test_opening_reads_no_data(path: Path, decoded: list[int]) -> None:
    opened(path).data.isel(y=3)  # chosen, but not asked for
    assert decoded == []


@pytest.mark.parametrize(
    ("index", "chunks"),
    [
        ({"y": 0, "x": 0}, 4),
        ({"y": slice(0, 4), "x": slice(0, 6), "Energy": slice(0, 50)}, 1),
        ({"y": -1, "x": -1, "Energy": -1}, 1),
        ({"y": [0, 39], "x": 0, "Energy": 0}, 2),
        ({"y": [39, 0, 0], "x": [59, 0], "Energy": slice(None, None, -1)}, 16),
        ({"y": slice(None, None, 20), "x": 0, "Energy": 0}, 2),
        ({"y": slice(30, 2, -7), "x": 0, "Energy": 0}, 4),
        ({"y": slice(5, 5)}, 0),
        ({}, 400),
    ],
)
def test_only_the_chunks_that_are_needed_are_read(
    path: Path, decoded: list[int], index: Any, chunks: int
) -> None:
    part = opened(path).data.isel(index).values
    assert len(decoded) == chunks
    assert np.array_equal(part, xr.DataArray(VALUES, dims=("y", "x", "Energy")).isel(index))


def test_points_read_no_more_than_the_grid_of_their_chunks(path: Path, decoded: list[int]) -> None:
    points = {name: xr.DataArray([0, 39, 39], dims="p") for name in ("y", "x", "Energy")}
    values = opened(path).data.isel(points).values
    assert np.array_equal(values, VALUES[[0, 39, 39], [0, 39, 39], [0, 39, 39]])
    assert len(decoded) <= 4


def test_chunks_when_asked_for(path: Path, decoded: list[int]) -> None:
    assert opened(path).data.chunks is None
    data = opened(path, chunks={}).data
    assert all(n % 4 == 0 for n in data.chunks[0])
    assert decoded == []
    assert np.array_equal(data[:8].compute(), VALUES[:8])
    assert opened(path, chunks={"y": -1}).data.chunks[0] == (40,)


DIMENSION = st.one_of(
    st.integers(-11, 10),
    st.slices(11).filter(lambda part: len(range(11)[part])),  # xarray has an error of its own there
    hnp.arrays(np.int64, st.integers(0, 5), elements=st.integers(-11, 10)),
)


@given(st.tuples(DIMENSION, DIMENSION), st.sampled_from([None, (3, 4), (1, 11)]))
def test_indexing_is_that_of_numpy(parts: Any, chunks: Any) -> None:
    values = np.arange(121).reshape(11, 11)
    lazy = xr.core.indexing.LazilyIndexedArray(
        SourceArray(MemorySource(values), values.dtype, chunks)
    )
    array = xr.DataArray(xr.Variable(("a", "b"), lazy))
    expected = xr.DataArray(values, dims=("a", "b"))[parts]
    assert np.array_equal(array[parts].values, expected.values)


# between processes


def test_pickling_takes_the_place_and_not_the_values(path: Path) -> None:
    dataset = opened(path, original_metadata=False)
    text = pickle.dumps(dataset)
    assert len(text) < 20_000
    assert pickle.loads(text).identical(dataset)


def test_workers_read_themselves(path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with (
        warnings.catch_warnings(),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster),
    ):
        warnings.simplefilter("ignore")  # of sockets, and of large graphs
        total = opened(path, chunks={}).data.sum(("y", "x")).compute()
    assert np.array_equal(total, VALUES.sum((0, 1)))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
def test_closing_lets_go_of_the_file(path: Path) -> None:
    def descriptors() -> int:
        entries = Path("/proc/self/fd").iterdir()
        return sum(os.path.realpath(entry) == str(path) for entry in entries)

    with opened(path) as dataset:
        assert descriptors() == 1
        assert dataset.data[0, 0, 0] == VALUES[0, 0, 0]
    assert descriptors() == 0


# what xarray hands to every engine ------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A file with two experiments, the first in chunks of 1 × 2 × 5."""
    path = tmp_path / "small.hspy"
    axes = [UniformAxis(name, size=n) for name, n in zip("abc", (3, 4, 5), strict=True)]
    signal = Signal(np.arange(60.0).reshape(3, 4, 5), axes)
    signal.title = "one"
    other = Signal(np.arange(3.0))
    other.title = "a/b"
    hspyio.save(path, [signal, other], chunks=(1, 2, 5))
    return path


def test_preferred_chunks_are_those_of_the_file(small: Path) -> None:
    found = opened(small, name="one").data.encoding["preferred_chunks"]
    assert found == {"a": 1, "b": 2, "c": 5}
    assert opened(small, name="one", chunks={}).data.chunks == ((1,) * 3, (2, 2), (5,))
    for chunks in ({"a": 2}, {"b": 2}, {"a": 3, "b": 4}, "auto"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of chunks that do not fit
            opened(small, name="one", chunks=chunks)
    with pytest.warns(UserWarning, match="separate"):
        opened(small, name="one", chunks={"b": 3})


DECODERS = {
    "decode_cf": False,
    "mask_and_scale": False,
    "decode_times": False,
    "decode_timedelta": True,
    "concat_characters": False,
    "decode_coords": "all",
    "use_cftime": None,
}


@pytest.mark.parametrize("word", DECODERS)
def test_what_every_engine_takes_is_taken(small: Path, word: str) -> None:
    options = {word: DECODERS[word]}
    assert opened(small, name="one", **options).identical(opened(small, name="one"))
    tree = xr.open_datatree(small, engine="hspyio", **options)
    assert (
        tree["one"]
        .to_dataset()
        .identical(xr.open_datatree(small, engine="hspyio")["one"].to_dataset())
    )
    assert list(xr.open_groups(small, engine="hspyio", **options)) == ["/", "/one", "/a-b"]
    with pytest.raises(TypeError, match="decode_colours"):
        opened(small, decode_colours=True)


@pytest.mark.parametrize("group", ["one", "/one", "/one/", "/Experiments/one", "Experiments/one"])
def test_a_group_is_an_experiment(small: Path, group: str) -> None:
    assert opened(small, group=group).data.shape == (3, 4, 5)
    assert opened(small, group=group, name="one").data.shape == (3, 4, 5)
    tree = xr.open_datatree(small, engine="hspyio", group=group)
    assert tree["data"].shape == (3, 4, 5)
    assert list(xr.open_groups(small, engine="hspyio", group=group)) == ["/"]


def test_groups_that_are_not_there_or_two(small: Path) -> None:
    assert opened(small, group="a-b").data.shape == (3,)
    assert list(xr.open_groups(small, engine="hspyio", group="/")) == ["/", "/one", "/a-b"]
    with pytest.raises(ExperimentError, match="two"):
        opened(small, group="/two")
    with pytest.raises(OptionError, match="two experiments"):
        opened(small, group="/one", name="a/b")


def test_load_async_reads_in_a_thread(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import get_ident

    whole = opened(small, name="one").load()
    seen: list[int] = []

    async def loaded(dataset: Any) -> Any:
        return await dataset.load_async()

    read = SourceArray._read

    def noted(self: SourceArray, key: Any) -> Any:
        seen.append(get_ident())
        return read(self, key)

    monkeypatch.setattr(SourceArray, "_read", noted)
    for part in ({}, {"a": 1}, {"b": slice(1, None, 2)}, {"c": [0, 3]}):
        found = asyncio.run(loaded(opened(small, name="one").isel(part)))
        assert found.identical(whole.isel(part))
    assert len(seen) == 4
    points = xr.DataArray([0, 2], dims="p")
    found = asyncio.run(loaded(opened(small, name="one").isel(a=points, b=points)))
    assert found.identical(whole.isel(a=points, b=points))
    assert get_ident() not in seen


def test_refused_data_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.empty(3, object)
    rows[:] = [np.ones(200_000)] * 3
    masked = np.ma.masked_less(np.arange(300_000.0), 7)
    for number, data in enumerate((rows, masked)):
        hspyio.save(tmp_path / f"{number}.hspy", Signal(data))
    monkeypatch.setattr("dask.base.compute", None)
    for number in range(2):
        with pytest.raises(ConversionError):
            opened(tmp_path / f"{number}.hspy")
