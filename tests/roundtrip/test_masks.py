"""Masked data on every way through the public API: mask, fill value and dtype come along."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import dask.array as da
import h5py
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hspyio
from hspyio import HspyError, Signal
from hspyio.cli.main import main
from hspyio.compare import value_differences

Way = Callable[[Path, Signal], Any]
"""Saves a signal below a folder, by some way, and gives the data that come out of it."""

GROUP = "Experiments/m"


def mend(signal: Signal) -> Signal:
    signal.metadata.set_item("A.b", 1)
    return signal


def saved(folder: Path, signal: Signal, **options: Any) -> Path:
    path = folder / "m.hspy"
    hspyio.save(path, signal, overwrite=True, **options)
    return path


def exchanged(signal: Signal) -> dict[str, Any]:
    return {
        "data": signal.data,
        "axes": [{"size": n, "navigate": False} for n in signal.data.shape],
        "metadata": {"General": {"title": "m"}},
        "original_metadata": {},
    }


def loading(**options: Any) -> Way:
    return lambda folder, signal: hspyio.load(saved(folder, signal), **options).data


def saving(**options: Any) -> Way:
    return lambda folder, signal: hspyio.load(saved(folder, signal, **options)).data


def reading(**options: Any) -> Way:
    return lambda folder, signal: hspyio.file_reader(saved(folder, signal), **options)[0]["data"]


def opened(folder: Path, signal: Signal) -> Any:
    return hspyio.open(saved(folder, signal))["m"].data


def updated(**options: Any) -> Way:
    def way(folder: Path, signal: Signal) -> Any:
        path = saved(folder, signal)
        hspyio.update(path, mend(hspyio.load(path, **options)))
        assert hspyio.load(path).metadata.A.b == 1
        return hspyio.load(path).data

    return way


def updated_anew(folder: Path, signal: Signal) -> Any:
    """With a signal that has another mask, or none: the data in the file stay."""
    path = saved(folder, signal)
    other = hspyio.load(path)
    other.data = np.zeros(other.data.shape)
    hspyio.update(path, mend(other))
    return hspyio.load(path).data


def told(*arguments: str) -> Way:
    def way(folder: Path, signal: Signal) -> Any:
        signal.metadata.set_item("A.gone", 1)
        path = saved(folder, signal)
        words = ["hspy", arguments[0], str(path), *arguments[1:]]
        with mock.patch.object(sys, "argv", words), pytest.raises(SystemExit) as left:
            main()
        assert not left.value.code
        return hspyio.load(path).data

    return way


def not_written(folder: Path, signal: Signal) -> Any:
    path = saved(folder, signal)
    hspyio.file_writer(path, hspyio.file_reader(path)[0], write_dataset=False)
    return hspyio.load(path).data


def written(folder: Path, signal: Signal) -> Any:
    hspyio.file_writer(folder / "m.hspy", exchanged(signal))
    return hspyio.load(folder / "m.hspy").data


def read_and_written(folder: Path, signal: Signal) -> Any:
    [found] = hspyio.file_reader(saved(folder, signal), lazy=True)
    hspyio.file_writer(folder / "n.hspy", found)
    return hspyio.load(folder / "n.hspy").data


def added(folder: Path, signal: Signal) -> Any:
    path = saved(folder, Signal([1], metadata={"General": {"title": "other"}}))
    hspyio.file_writer(path, exchanged(signal), mode="a")
    return hspyio.load(path, name="m").data


def replaced(folder: Path, signal: Signal) -> Any:
    path = saved(folder, Signal([1], metadata={"General": {"title": "m"}}))
    hspyio.file_writer(path, exchanged(signal), mode="a")
    return hspyio.load(path).data


def appended(folder: Path, signal: Signal) -> Any:
    path = saved(folder, Signal([1]))
    hspyio.append(path, signal)
    return hspyio.load(path, name="m").data


def beside_another(folder: Path, signal: Signal) -> Any:
    path = saved(folder, signal)
    hspyio.append(path, Signal([1]))
    hspyio.remove(path, "__unnamed__")
    return hspyio.load(path).data


def repacked(**options: Any) -> Way:
    def way(folder: Path, signal: Signal) -> Any:
        hspyio.repack(saved(folder, signal), folder / "n.hspy", **options)
        return hspyio.load(folder / "n.hspy").data

    return way


def extracted(folder: Path, signal: Signal) -> Any:
    hspyio.extract(saved(folder, signal), "m", folder / "n.hspy")
    return hspyio.load(folder / "n.hspy").data


def upgraded(folder: Path, signal: Signal) -> Any:
    path = saved(folder, signal)
    with h5py.File(path, "r+") as file:
        file.attrs["file_format_version"] = "3.1"
    hspyio.upgrade(path, folder / "n.hspy")
    return hspyio.load(folder / "n.hspy").data


def annotated(folder: Path, signal: Signal) -> Any:
    path = saved(folder, signal)
    hspyio.add_nexus(path)
    hspyio.update(path, mend(hspyio.load(path)))
    return hspyio.load(path).data


def rescued(folder: Path, signal: Signal) -> Any:
    hspyio.rescue(saved(folder, signal), folder / "n.hspy")
    return hspyio.load(folder / "n.hspy").data


def converted(ending: str) -> Way:
    def way(folder: Path, signal: Signal) -> Any:
        with pytest.raises(HspyError, match=r"masked|has no|ends with|cannot be"):
            hspyio.export(saved(folder, signal), folder / f"m{ending}")
        assert not (folder / f"m{ending}").exists()
        return signal.data

    return way


def in_xarray(folder: Path, signal: Signal) -> Any:
    with pytest.raises(HspyError, match=r"masked|shape|cannot"):
        signal.to_xarray()
    return signal.data


def in_metadata(folder: Path, signal: Signal) -> Any:
    tree = {"a": signal.data, "list": [signal.data, "x"], "s": Signal(signal.data)}
    outer = Signal([1.0], metadata=tree, learning_results={"a": signal.data})
    path = saved(folder, outer)
    hspyio.update(path, mend(hspyio.load(path, lazy=True)))
    found = hspyio.load(path)
    values = (found.metadata["list"][0], found.metadata["s"].data, found.learning_results["a"])
    for value in values:
        check(value, found.metadata["a"])
    return found.metadata["a"]


def in_hyperspy(folder: Path, signal: Signal) -> Any:
    pytest.importorskip("hyperspy.api")
    return hspyio.from_hyperspy(signal.to_hyperspy()).data


def by_hyperspy(**options: Any) -> Way:
    def way(folder: Path, signal: Signal) -> Any:
        hs = pytest.importorskip("hyperspy.api")
        hspyio.enable_hyperspy()
        try:
            signal.to_hyperspy().save(folder / "m.hspy")
            again = hs.load(folder / "m.hspy", **options)
            again.save(folder / "n.hspy")
        finally:
            hspyio.disable_hyperspy()
        return hspyio.load(folder / "n.hspy").data

    return way


WAYS: dict[str, Way] = {
    "the signal itself": lambda folder, signal: signal.data,
    "copy": lambda folder, signal: signal.copy().data,
    "deepcopy": lambda folder, signal: signal.deepcopy().data,
    "copy.copy": lambda folder, signal: copy.copy(signal).data,
    "pickle": lambda folder, signal: pickle.loads(pickle.dumps(signal)).data,
    "load": loading(),
    "load lazily": loading(lazy=True),
    "load lazily, storage chunks": loading(lazy=True, chunks="storage"),
    "load with errors='warn'": loading(errors="warn"),
    "load in another process": loading(isolated=True),
    "open": opened,
    "sealed": saving(checksum=True),
    "own chunks": saving(chunks=True),
    "no compression": saving(compression=None),
    "lzf": saving(compression="lzf"),
    "annotated": saving(nexus=True),
    "file_reader": reading(),
    "file_reader, lazily": reading(lazy=True),
    "file_reader, exactly": reading(exact_types=True),
    "file_writer": written,
    "file_reader and file_writer": read_and_written,
    "file_writer beside another": added,
    "file_writer in the place of another": replaced,
    "file_writer without the dataset": not_written,
    "update": updated(),
    "update, lazily": updated(lazy=True),
    "update by another signal": updated_anew,
    "hspy set": told("set", "A.x", "5"),
    "hspy set of an axis": told("set", "axes.0.units", "nm"),
    "hspy unset": told("unset", "A.gone"),
    "append": appended,
    "append and remove another": beside_another,
    "repack": repacked(),
    "repack, one chunk": repacked(chunks=True, compression=None),
    "repack by HDF5's filters": repacked(compression="lzf"),
    "extract": extracted,
    "upgrade": upgraded,
    "add_nexus": annotated,
    "rescue": rescued,
    "export to netCDF": converted(".nc"),
    "export to TIFF": converted(".tif"),
    "xarray": in_xarray,
    "metadata": in_metadata,
    "HyperSpy and back": in_hyperspy,
    "hs.load and s.save": by_hyperspy(),
    "hs.load and s.save, lazily": by_hyperspy(lazy=True),
}


def of_blocks(data: Any) -> Any:
    """The same as a dask array of masked blocks."""
    return da.from_array(data, chunks=tuple(max(1, -(-n // 2)) for n in data.shape), asarray=False)


def signal_of(data: Any) -> Signal:
    return Signal(data, metadata={"General": {"title": "m"}})


def check(found: Any, data: Any) -> None:
    found = found.compute() if hasattr(found, "compute") else found
    assert type(found) is np.ma.MaskedArray
    assert found.dtype == data.dtype
    assert np.array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(data))
    fills = [np.asarray(array.fill_value, data.dtype).tobytes() for array in (found, data)]
    assert fills[0] == fills[1]
    assert np.ma.getdata(found).tobytes() == np.ma.getdata(data).tobytes()


DATA = np.ma.MaskedArray(
    np.arange(24.0).reshape(4, 6), np.arange(24).reshape(4, 6) % 5 == 1, fill_value=7
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("lazy", [False, True], ids=["eager", "lazy"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_mask_comes_along(way: Way, lazy: bool, tmp_path: Path) -> None:
    check(way(tmp_path, signal_of(of_blocks(DATA) if lazy else DATA)), DATA)


@st.composite
def masked_arrays(draw: st.DrawFn) -> Any:
    kinds = st.sampled_from(["f8", "<f4", ">f4", "i2", "u1", "?", "c8"])
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
    values = draw(hnp.arrays(draw(kinds), shape))
    mask = draw(st.one_of(st.just(np.ma.nomask), hnp.arrays(bool, shape)))
    fill = draw(st.one_of(st.none(), st.integers(0, 1)))
    return np.ma.MaskedArray(values, mask, fill_value=fill)


QUICK = [name for name in WAYS if "process" not in name and "hs." not in name]


@pytest.mark.filterwarnings("ignore")
@given(masked_arrays(), st.sampled_from(QUICK), st.booleans())
def test_any_mask_comes_along_on_any_way(
    tmp_path_factory: pytest.TempPathFactory, data: Any, way: str, lazy: bool
) -> None:
    folder = tmp_path_factory.mktemp("way")
    if lazy or way == "pickle":  # numpy joins and pickles masked arrays in the machine's byte order
        data = data.astype(data.dtype.newbyteorder("="))
    check(WAYS[way](folder, signal_of(of_blocks(data) if lazy else data)), data)


ODD = [
    np.ma.MaskedArray(["2020", "2021"], [True, False], "M8[D]"),
    np.ma.MaskedArray(["a", "µm"], [True, False], fill_value="x"),
    np.ma.MaskedArray([(1, 2.0), (3, 4.0)], [(True, False), (False, True)], "i4,f8"),
    np.ma.MaskedArray([1, 2], [True, False], hard_mask=True),
    np.ma.MaskedArray(np.zeros((0, 3)), np.zeros((0, 3), bool)),
    np.ma.MaskedArray(2.5, True),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["load lazily", "update", "file_reader", "append", "repack"])
@pytest.mark.parametrize("data", ODD, ids=lambda data: str(data.dtype))
def test_odd_masks_come_along(name: str, data: Any, tmp_path: Path) -> None:
    found = WAYS[name](tmp_path, signal_of(data))
    found = found.compute() if hasattr(found, "compute") else found
    if name == "file_reader":
        found = found.reshape(data.shape)
    assert not value_differences(found, data)


def test_blocks_with_fill_values_of_their_own_get_numpys(tmp_path: Path) -> None:
    parts = [np.ma.MaskedArray([1, 2], [0, 1], fill_value=fill) for fill in (3, 4)]
    lazy = da.concatenate([da.from_array(part, asarray=False) for part in parts])
    found = hspyio.load(saved(tmp_path, signal_of(lazy))).data
    assert found.fill_value == lazy.compute().fill_value
    assert found.mask.tolist() == [False, True, False, True]


def test_a_masked_block_is_computed_once(tmp_path: Path) -> None:
    seen: list[Any] = []

    def made(block: Any) -> Any:
        seen.append(block)
        return np.ma.masked_less(block, 5)

    meta = np.ma.MaskedArray(np.empty((0, 0)))
    lazy = da.from_array(np.arange(36.0).reshape(6, 6), chunks=3).map_blocks(made, meta=meta)
    seen.clear()
    path = saved(tmp_path, signal_of(lazy))
    assert len(seen) == 4
    assert hspyio.load(path).data.mask.sum() == 5


def test_a_lazy_mask_is_read_with_what_is_asked_for(tmp_path: Path) -> None:
    path = saved(tmp_path, signal_of(DATA), chunks=(1, 6))
    lazy = hspyio.load(path, lazy=True, chunks=(2, 6)).data
    assert type(lazy._meta) is np.ma.MaskedArray
    assert lazy.numblocks == (2, 1)
    for part in (np.s_[1], np.s_[::-1, 2], np.s_[[0, 3], 1:4], np.s_[3, 5]):
        found, wanted = lazy[part].compute(), DATA[part]
        assert np.ma.getmaskarray(found).tolist() == np.ma.getmaskarray(wanted).tolist()
        assert np.ma.getdata(found).tolist() == np.ma.getdata(wanted).tolist()


def test_lists_of_masked_arrays_are_masked() -> None:
    row = DATA[0]
    for given_list in ([row, row], (row, row), [[row], [row]], [row, [1.0] * 6]):
        made = Signal(given_list).data
        assert type(made) is np.ma.MaskedArray
        assert made.fill_value == 7
        assert np.array_equal(made.mask.reshape(2, 6)[0], row.mask)
    assert Signal([np.ma.masked, 1.0]).data.mask.tolist() == [True, False]


def test_what_no_file_can_hold_is_refused(tmp_path: Path) -> None:
    objects = np.ma.MaskedArray([None, 1], [True, False], object)
    rows = np.empty(2, object)
    rows[:] = [np.ma.MaskedArray([1, 2], [0, 1]), np.ma.MaskedArray([1], [1])]
    for data in (objects, rows):
        with pytest.raises(HspyError):
            hspyio.save(tmp_path / "m.hspy", Signal(data))
        assert not (tmp_path / "m.hspy").exists()


# seals ----------------------------------------------------------------------------------------


def remove_mask(file: h5py.File) -> None:
    del file[f"{GROUP}/_hspyio_masks"]


def remove_one(file: h5py.File) -> None:
    del file[f"{GROUP}/_hspyio_masks/0"]


def change_mask(file: h5py.File) -> None:
    file[f"{GROUP}/_hspyio_masks/0"][0, 0] = True


def remove_hint(file: h5py.File) -> None:
    del file[GROUP].attrs["_hspyio_types"]


@pytest.mark.parametrize("lazy", [False, True], ids=["eager", "lazy"])
@pytest.mark.parametrize("change", [remove_mask, remove_one, change_mask, remove_hint])
@pytest.mark.parametrize("anew", [False, True], ids=["saved", "updated"])
def test_a_seal_covers_the_mask(
    change: Callable[[h5py.File], None], lazy: bool, anew: bool, tmp_path: Path
) -> None:
    path = saved(tmp_path, signal_of(of_blocks(DATA) if lazy else DATA), checksum=True)
    if anew:
        hspyio.update(path, mend(hspyio.load(path)))
    assert hspyio.verify(path).ok
    with h5py.File(path, "r+") as file:
        change(file)
    assert not hspyio.verify(path).ok
    for options in ({}, {"lazy": True}):
        with pytest.raises(HspyError, match="saved with checksum=True"):
            hspyio.load(path, **options)


# what else stands beside the data ----------------------------------------------------------------

BESIDE: dict[str, Any] = {
    "text": np.array(["a", "µm"]),
    "dates": np.array(["2020-01-01", "NaT"], "M8[D]"),
    "big-endian": np.arange(3, dtype=">i2"),
    "bytes": np.array([b"a", b"bc"], "S4"),
    "structured": np.array([(1, 2.0)], [("a", "<i4"), ("b", ">f8")]),
    "ragged": np.array([np.arange(3, dtype=">i2"), np.ones((2, 2))], object),
    "ragged text": np.array([np.array(["a"]), np.array(["b", "µ"])], object),
    "one value": np.array(2.5),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [n for n in WAYS if n.startswith(("update", "hspy", "append"))])
@pytest.mark.parametrize("data", BESIDE.values(), ids=BESIDE)
def test_data_stay_what_they_were(name: str, data: Any, tmp_path: Path) -> None:
    if name == "hspy set of an axis" and not data.ndim:
        pytest.skip("has no axis")
    found = WAYS[name](tmp_path, signal_of(data))
    assert not value_differences(found, data)


# what other programs put beside the data ----------------------------------------------------------


def put_beside(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        group = file[GROUP]
        group.attrs["note"] = "text"
        group.attrs["fixed"] = np.bytes_(b"abc")
        group.attrs["numbers"] = np.arange(3, dtype=">i2")
        group.attrs["empty"] = h5py.Empty("f8")
        group["scale"] = np.arange(6.0)
        group["data"].attrs["unit"] = "counts"
        group["data"].attrs["nothing"] = h5py.Empty("i4")
        group["data"].dims[1].label = "x"
        group["scale"].make_scale("x")
        group["data"].dims[1].attach_scale(group["scale"])


def check_beside(path: Path) -> None:
    with h5py.File(path) as file:
        group = file[GROUP]
        assert group.attrs["note"] == "text"
        assert group.attrs["fixed"] == b"abc"
        assert group.attrs["numbers"].dtype == ">i2"
        assert group.attrs["numbers"].tolist() == [0, 1, 2]
        assert group.attrs["empty"].dtype == "f8"
        assert group["scale"][5] == 5.0
        assert group["data"].attrs["unit"] == "counts"
        assert group["data"].attrs["nothing"].dtype == "i4"
        assert group["data"].dims[1].label == "x"
        assert group["data"].dims[1][0].name == f"/{GROUP}/scale"
        assert "note" not in group["attributes"].attrs


CHANGES: dict[str, Callable[[Path], object]] = {
    "update": lambda path: hspyio.update(path, mend(hspyio.load(path))),
    "update by another": lambda path: hspyio.update(path, signal_of(DATA), name="m"),
    "write_dataset=False": lambda path: hspyio.file_writer(
        path, exchanged(signal_of(DATA)), write_dataset=False
    ),
    "append": lambda path: hspyio.append(path, Signal([1.0])),
    "add_nexus": hspyio.add_nexus,
    "repack": lambda path: hspyio.repack(path, path, overwrite=True, chunks=(1, 3)),
    "repack by HDF5's filters": lambda path: hspyio.repack(
        path, path, overwrite=True, compression="lzf"
    ),
    "update twice": lambda path: [hspyio.update(path, hspyio.load(path)) for _ in range(2)],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("data", [DATA, DATA.data, np.arange(24.0).reshape(4, 6)])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_others_put_there_stays(
    change: Callable[[Path], object], data: Any, tmp_path: Path
) -> None:
    path = saved(tmp_path, signal_of(data))
    put_beside(path)
    loaded = hspyio.load(path)
    assert loaded.attributes["note"] == "text"
    change(path)
    check_beside(path)
    again = hspyio.load(path, name="m")
    assert again.attributes["note"] == "text"
    assert again.attributes["numbers"].tolist() == [0, 1, 2]


@pytest.mark.filterwarnings("ignore")
def test_what_a_user_changes_of_it_counts(tmp_path: Path) -> None:
    path = saved(tmp_path, signal_of(DATA))
    put_beside(path)
    loaded = hspyio.load(path)
    loaded.attributes["note"] = "new"
    del loaded.attributes["fixed"]
    hspyio.update(path, loaded)
    again = hspyio.load(path).attributes
    assert again["note"] == "new"
    assert "fixed" not in again
    with h5py.File(path) as file:
        assert "note" not in file[GROUP].attrs
        assert "empty" in file[GROUP].attrs
