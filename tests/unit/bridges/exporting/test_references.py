"""References: Zarr's readers get the values that hspyio gets, or are refused by name."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hspyio
from hspyio.bridges.exporting.references import save_references
from hspyio.compare import signal_differences
from hspyio.errors import (
    ConversionError,
    ExperimentError,
    HspyError,
    HspyWarning,
    OptionError,
    SaveError,
    TargetExistsError,
)
from support.mutants import mutant
from support.places import ARCHIVE, SHARED

try:
    import kerchunk.utils
    import xarray as xr
    import zarr

    MISSING = int(zarr.__version__.split(".")[0]) < 3
except ImportError:
    MISSING = True
reads = pytest.mark.skipif(MISSING, reason="needs kerchunk and Zarr 3")

AXES = [
    {"name": "y", "units": "nm", "scale": 2.0, "navigate": True},
    {"name": "x", "units": "µm", "scale": 0.5, "offset": -3.0, "navigate": True},
    {"name": "Energy", "units": "keV", "scale": 0.01},
]
FILES = [*sorted(ARCHIVE.iterdir()), *sorted(SHARED.glob("*"))]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Remarks of other packages about themselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", HspyWarning)
        yield


def signal_of(data: np.ndarray[Any, Any]) -> hspyio.Signal:
    return hspyio.Signal(data, AXES, metadata={"General": {"title": "EDS"}})


def counts(dtype: str = "u2", shape: tuple[int, ...] = (6, 7, 33)) -> np.ndarray[Any, Any]:
    values = np.random.default_rng(1).poisson(3, shape)
    return values.astype(dtype) if np.dtype(dtype).kind != "c" else (values * 1j).astype(dtype)


def by_kerchunk(references: dict[str, Any], **options: Any) -> Any:
    store = kerchunk.utils.refs_as_store(json.loads(json.dumps(references)))
    return xr.open_zarr(store, zarr_format=2, consolidated=False, chunks=None, **options)


def by_virtualizarr(dataset: Any) -> np.ndarray[Any, Any]:
    manifests = pytest.importorskip("virtualizarr.manifests")
    registry = pytest.importorskip("obspec_utils.registry")
    store = pytest.importorskip("obstore.store")
    array = dataset["data"].data
    group = manifests.ManifestGroup(arrays={"data": array})
    stores = registry.ObjectStoreRegistry({"file://": store.LocalStore()})
    opened = zarr.open_group(manifests.ManifestStore(group, registry=stores), mode="r")
    return np.asarray(opened["data"][...])


def same(found: Any, wanted: np.ndarray[Any, Any]) -> None:
    """The same numbers; xarray makes them of the machine's byte order."""
    found = np.asarray(found)
    assert found.dtype.newbyteorder("=") == wanted.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found, wanted)


# every codec


PLUGGED = {
    "zstd": 32015,
    "blosc": 32001,
    "bzip2": 307,
}


@reads
@pytest.mark.parametrize("compression", [None, "gzip", 9, *PLUGGED])
@pytest.mark.parametrize("dtype", ["u1", "u2", ">u4", "f4", "c8", "?"])
def test_each_codec_gives_the_same_values(tmp_path: Path, compression: Any, dtype: str) -> None:
    if compression in PLUGGED:
        pytest.importorskip("hdf5plugin")
    data = counts(dtype, (12, 15, 330))
    path = tmp_path / "a map.hspy"
    hspyio.save(path, signal_of(data), compression=compression, chunks=(8, 8, 100))
    same(by_kerchunk(hspyio.to_references(path)).data, data)
    same(by_virtualizarr(hspyio.virtual_dataset(path)), data)


@reads
@pytest.mark.parametrize("options", [{"fletcher32": True}, {"shuffle": True, "fletcher32": True}])
def test_checksums_and_files_of_h5py(tmp_path: Path, options: dict[str, Any]) -> None:
    path = saved_with(tmp_path, counts(), chunks=(4, 4, 10), compression="gzip", **options)
    same(by_kerchunk(hspyio.to_references(path)).data, counts())
    same(by_virtualizarr(hspyio.virtual_dataset(path)), counts())


def saved_with(folder: Path, data: np.ndarray[Any, Any], **options: Any) -> Path:
    """A file whose data h5py has written in a way of its own."""
    path = folder / "map.hspy"
    hspyio.save(path, signal_of(np.zeros(data.shape, data.dtype)))
    with h5py.File(path, "a") as file:
        group = file["Experiments/EDS"]
        del group["data"]
        group.create_dataset("data", data=data, **options)
    return path


@pytest.mark.parametrize("name", ["lzf", "szip", "lz4", "bitshuffle", "scaleoffset"])
def test_other_codecs_are_refused_by_name(tmp_path: Path, name: str) -> None:
    options: dict[str, Any] = {"compression": name}
    if name == "scaleoffset":
        options = {"scaleoffset": 0}
    elif name in ("lz4", "bitshuffle"):
        plugin = pytest.importorskip("hdf5plugin")
        options = dict({"lz4": plugin.LZ4, "bitshuffle": plugin.Bitshuffle}[name]())
    path = saved_with(tmp_path, counts(), chunks=(4, 4, 10), **options)
    with pytest.raises(ConversionError, match=rf"/Experiments/EDS/data.*by {name},(.|\n)*repack"):
        hspyio.to_references(path)
    with pytest.raises(ConversionError, match=name):
        hspyio.to_references(path, "EDS")


# how they stand in the file


@reads
def test_a_block_is_cut_where_it_can_be(tmp_path: Path) -> None:
    data = np.arange(6 * 700 * 1024, dtype="u4").reshape(6, 700, 1024)
    path = saved_with(tmp_path, data)
    references = hspyio.to_references(path)
    assert json.loads(references["refs"]["data/.zarray"])["chunks"] == [1, 700, 1024]
    same(by_kerchunk(references).data, data)
    same(by_virtualizarr(hspyio.virtual_dataset(path)), data)


@reads
@pytest.mark.parametrize("fill", [0, 7])
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_chunks_that_were_never_written(tmp_path: Path, fill: int, compression: Any) -> None:
    path = tmp_path / "map.hspy"
    hspyio.save(path, signal_of(counts()))
    with h5py.File(path, "a") as file:
        group = file["Experiments/EDS"]
        del group["data"]
        made = group.create_dataset(
            "data", (6, 7, 33), "u2", chunks=(4, 4, 10), fillvalue=fill, compression=compression
        )
        made[:4, :4, :10] = 5
    wanted = hspyio.load(path).data
    assert set(np.unique(wanted)) == {fill, 5}
    same(by_kerchunk(hspyio.to_references(path)).data, wanted)
    same(by_virtualizarr(hspyio.virtual_dataset(path)), wanted)


@reads
@pytest.mark.parametrize("chunks", [None, (4, 4, 10)])
def test_nothing_was_ever_written(tmp_path: Path, chunks: Any) -> None:
    path = tmp_path / "map.hspy"
    hspyio.save(path, signal_of(counts()))
    with h5py.File(path, "a") as file:
        group = file["Experiments/EDS"]
        del group["data"]
        group.create_dataset("data", (6, 7, 33), "f4", chunks=chunks, fillvalue=-1.5)
    wanted = np.full((6, 7, 33), -1.5, "f4")
    same(by_kerchunk(hspyio.to_references(path)).data, wanted)
    same(by_virtualizarr(hspyio.virtual_dataset(path)), wanted)


def test_too_many_unwritten_chunks_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "map.hspy"
    hspyio.save(path, signal_of(counts()))
    with h5py.File(path, "a") as file:
        group = file["Experiments/EDS"]
        del group["data"]
        made = group.create_dataset("data", (6, 7, 33 * 10**7), "u2", chunks=(1, 1, 10**4))
        made[0, 0, 0] = 1
        group["axis-2"].attrs["size"] = 33 * 10**7
    with pytest.raises(ConversionError, match="never written, too many"):
        hspyio.to_references(path)


@reads
def test_data_in_a_header_stand_in_the_references(tmp_path: Path) -> None:
    data = counts(shape=(2, 3, 4))
    path = tmp_path / "map.hspy"
    hspyio.save(path, signal_of(data))
    with h5py.File(path, "a") as file:
        group = file["Experiments/EDS"]
        del group["data"]
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple(data.shape)
        made = h5py.h5d.create(group.id, b"data", h5py.h5t.NATIVE_UINT16, space, plist)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, data)
    references = hspyio.to_references(path)
    assert references["refs"]["data/0.0.0"].startswith("base64:")
    same(by_kerchunk(references).data, data)
    same(hspyio.virtual_dataset(path)["data"].data, data)


@reads
def test_chunks_without_their_filters_stand_in_the_references(tmp_path: Path) -> None:
    path = saved_with(tmp_path, counts(), chunks=(4, 4, 10), compression="gzip", shuffle=True)
    with h5py.File(path, "a") as file:
        stored = file["Experiments/EDS/data"]
        plain = np.full((4, 4, 10), 9, "u2")
        stored.id.write_direct_chunk((0, 0, 0), plain.tobytes(), filter_mask=0b11)
        stored.id.write_direct_chunk((4, 4, 30), plain.tobytes(), filter_mask=0b11)
    wanted = hspyio.load(path).data
    assert (wanted[:4, :4, :10] == 9).all()
    assert "base64" in str(hspyio.to_references(path)["refs"]["data/0.0.0"])
    same(by_kerchunk(hspyio.to_references(path)).data, wanted)
    with pytest.raises(ConversionError, match="filters were left out"):
        hspyio.virtual_dataset(path)


@reads
def test_noise_is_stored_without_filters(tmp_path: Path) -> None:
    data = np.random.default_rng(1).integers(0, 2**16, (6, 7, 330)).astype("u2")
    path = tmp_path / "map.hspy"
    hspyio.save(path, signal_of(data), chunks=(3, 7, 110))
    assert hspyio.info(path).experiments[0].filters
    assert json.loads(hspyio.to_references(path)["refs"]["data/.zarray"])["compressor"] is None
    same(by_kerchunk(hspyio.to_references(path)).data, data)
    same(by_virtualizarr(hspyio.virtual_dataset(path)), data)


@reads
def test_a_file_may_begin_with_something_else(tmp_path: Path) -> None:
    path = tmp_path / "map.hspy"
    hspyio.save(path, signal_of(counts()))
    path.write_bytes(b"x" * 512 + path.read_bytes())
    wanted = hspyio.load(path).data
    same(by_kerchunk(hspyio.to_references(path)).data, wanted)


# what they mean


@reads
def test_axes_are_coordinates_and_the_signal_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "map.hspy"
    hspyio.save(path, signal_of(counts()))
    for dataset in (by_kerchunk(hspyio.to_references(path)), hspyio.virtual_dataset(path)):
        assert dataset.attrs["title"] == "EDS"
        assert dataset["data"].dims == ("y", "x", "Energy")
        assert [dataset[name].attrs["units"] for name in dataset["data"].dims] == [
            "nm",
            "µm",
            "keV",
        ]
        np.testing.assert_array_equal(dataset["x"], -3 + 0.5 * np.arange(7))
    again = hspyio.from_xarray(by_kerchunk(hspyio.to_references(path)).data)
    assert not signal_differences(hspyio.load(path), again)


@reads
def test_fields_are_a_dimension(tmp_path: Path) -> None:
    rgb = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1"), ("A", "u1")])
    data = np.arange(6 * 7 * 33 * 4, dtype="u4").astype("u1").view(rgb).reshape(6, 7, 33)
    path = tmp_path / "map.hspy"
    hspyio.save(path, signal_of(data), chunks=(4, 4, 10))
    wanted = data.view("u1").reshape(6, 7, 33, 4)
    found = by_kerchunk(hspyio.to_references(path))
    assert found["data"].dims[-1] == "field"
    same(found["data"], wanted)
    same(by_virtualizarr(hspyio.virtual_dataset(path)), wanted)
    same(hspyio.from_xarray(found).data, data)


def test_what_has_no_form_is_refused(tmp_path: Path) -> None:
    ragged = np.empty(3, object)
    ragged[:] = [np.arange(n, dtype=float) for n in (1, 2, 3)]
    axis = [{"name": "y", "navigate": True}]
    unlike = np.zeros(3, [("a", "u1"), ("b", "f8")])
    cases = {
        "ragged": hspyio.Signal(ragged, axis),
        "masked, moments": hspyio.Signal(np.ma.masked_equal(np.arange(3), 1)),
        "unlike fields": hspyio.Signal(unlike),
        "float128|moments|datetime": hspyio.Signal(np.array(["2020-01-01"] * 3, "M8[s]")),
        "float128": hspyio.Signal(np.zeros(3, np.longdouble)),
    }
    path = tmp_path / "many.hspy"
    for named, signal in cases.items():
        hspyio.save(path, signal, overwrite=True)
        with pytest.raises(ConversionError, match=f"{named}"):
            hspyio.to_references(path)


@reads
def test_experiments_are_groups_or_one_by_name(tmp_path: Path) -> None:
    path = tmp_path / "two.hspy"
    other = hspyio.Signal(counts("f4"), AXES, metadata={"General": {"title": "HAADF"}})
    hspyio.save(path, [signal_of(counts()), other])
    references = hspyio.to_references(path)
    assert {"EDS/data/.zarray", "HAADF/x/.zattrs"} <= set(references["refs"])
    store = kerchunk.utils.refs_as_store(references)
    same(xr.open_zarr(store, group="HAADF", chunks=None)["data"], other.data)
    tree = xr.open_datatree(store, engine="zarr")
    same(tree["EDS/data"], counts())
    same(by_kerchunk(hspyio.to_references(path, "EDS")).data, counts())
    same(by_virtualizarr(hspyio.virtual_dataset(path, "HAADF")), other.data)
    with pytest.raises(ExperimentError, match="'EDS', 'HAADF'"):
        hspyio.virtual_dataset(path)
    with pytest.raises(ExperimentError, match="no experiment"):
        hspyio.to_references(path, "STEM")


@reads
def test_files_become_one_cube(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.hspy" for n in range(3)]
    for n, path in enumerate(paths):
        hspyio.save(path, signal_of(counts() + n), chunks=(3, 7, 33))
    parts = [hspyio.virtual_dataset(path) for path in paths]
    options = {"coords": "minimal", "compat": "override", "combine_attrs": "drop_conflicts"}
    cube = xr.concat(parts, "time", join="override", **options)
    same(by_virtualizarr(cube), np.stack([counts() + n for n in range(3)]))


@reads
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_gives_the_same_values_or_is_refused(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in hspyio.open(path):
            wanted = hspyio.load(path, name).data
            if wanted.dtype.kind in "OMm" or isinstance(wanted, np.ma.MaskedArray):
                with pytest.raises(ConversionError, match=f"/Experiments/{re.escape(name)}/"):
                    hspyio.to_references(path, name)
                continue
            found = by_kerchunk(hspyio.to_references(path, name))["data"]
            if wanted.dtype.names:
                wanted = wanted.view(wanted.dtype[0]).reshape(found.shape)
            same(found, wanted)
            np.testing.assert_array_equal(by_virtualizarr_or_memory(path, name), wanted)


def by_virtualizarr_or_memory(path: Path, name: str | None = None) -> np.ndarray[Any, Any]:
    made = hspyio.virtual_dataset(path, name)
    data = made["data"].data
    return data if isinstance(data, np.ndarray) else by_virtualizarr(made)


@reads
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_numbers_in_any_chunks(tmp_path: Path, data: st.DataObject) -> None:
    dtypes = hnp.scalar_dtypes().filter(lambda d: d.kind in "biufc" and d.itemsize <= 8)
    values = data.draw(hnp.arrays(dtypes, hnp.array_shapes(max_dims=3, max_side=7)))
    chunks = tuple(data.draw(st.integers(1, n)) for n in values.shape)
    compression = data.draw(st.sampled_from([None, "gzip"]))
    path = tmp_path / "any.hspy"
    shuffle = data.draw(st.booleans())
    hspyio.save(
        path, hspyio.Signal(values), chunks=chunks, compression=compression, shuffle=shuffle,
        overwrite=True,
    )  # fmt: skip
    same(by_kerchunk(hspyio.to_references(path), decode_cf=False).data, values)
    if len({str(ref)[:2] for ref in chunks_of(hspyio.to_references(path))}) < 2:
        same(by_virtualizarr_or_memory(path), values)
        return
    with pytest.raises(ConversionError, match="filters were left out"):
        hspyio.virtual_dataset(path)


def chunks_of(references: dict[str, Any]) -> list[Any]:
    refs = references["refs"].items()
    return [ref for key, ref in refs if re.fullmatch(r"data/[\d.]+", key)]


# where they are written


def test_references_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path, target = tmp_path / "map.hspy", tmp_path / "map.json"
    hspyio.save(path, signal_of(counts()))
    references = hspyio.to_references(path)
    save_references(references, target)
    assert json.loads(target.read_text()) == json.loads(json.dumps(references))
    with pytest.raises(TargetExistsError):
        save_references(references, target)
    with pytest.raises(OptionError, match=r"'\.txt'; references are"):
        save_references(references, tmp_path / "map.txt")
    with pytest.raises(SaveError, match="what was there is untouched"):
        save_references({"refs": object()}, target, overwrite=True)
    assert json.loads(target.read_text())["version"] == 1


@reads
def test_references_as_parquet(tmp_path: Path) -> None:
    pytest.importorskip("fastparquet")
    path, target = tmp_path / "map.hspy", tmp_path / "map.parquet"
    hspyio.save(path, signal_of(counts()))
    save_references(hspyio.to_references(path), target)
    store = kerchunk.utils.refs_as_store(str(target))
    found = xr.open_zarr(store, zarr_format=2, consolidated=False, chunks=None)
    same(found["data"], counts())
    np.testing.assert_array_equal(found["x"], -3 + 0.5 * np.arange(7))
    save_references(hspyio.to_references(path), target, overwrite=True)
    assert (target / ".zmetadata").exists()


def test_parquet_holds_one_experiment(tmp_path: Path) -> None:
    path, target = tmp_path / "map.hspy", tmp_path / "map.parquet"
    other = hspyio.Signal(counts("f4"), AXES, metadata={"General": {"title": "HAADF"}})
    hspyio.save(path, [signal_of(counts()), other])
    with pytest.raises(OptionError, match="one experiment"):
        save_references(hspyio.to_references(path), target)


@pytest.mark.parametrize("call", [hspyio.to_references, hspyio.virtual_dataset])
def test_what_is_no_file_is_told(tmp_path: Path, call: Any) -> None:
    if call is hspyio.virtual_dataset:
        pytest.importorskip("virtualizarr")
    with pytest.raises(HspyError, match="no such file"):
        call(tmp_path / "nothing.hspy")


def test_a_package_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hspyio.packages.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install virtualizarr"):
        hspyio.virtual_dataset(tmp_path / "map.hspy")
    with pytest.raises(ImportError, match="pip install fastparquet"):
        save_references({"refs": {}}, tmp_path / "map.parquet")


def test_damaged_files_are_errors_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "map.hspy"
    hspyio.save(path, signal_of(counts()), chunks=(4, 4, 10))
    content, refused = path.read_bytes(), 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(100):
            path.write_bytes(mutant(content, seed))
            try:
                hspyio.to_references(path)
            except HspyError:
                refused += 1
    assert 0 < refused < 100
