"""RosettaSciIO's interface: what goes through its dicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import hyperspy.api as hs
import numpy as np
import pytest
from rsciio.hspy import file_writer as their_writer

import hspyio
from hspyio.errors import ArgumentError, AxesError
from support.plugged import BACK_END, BACK_ENDS, OURS, plugged


def dict_of(data: Any, axes: list[dict[str, Any]], **metadata: Any) -> dict[str, Any]:
    """What HyperSpy hands over."""
    return {
        "data": data,
        "axes": axes,
        "metadata": {"General": {"title": "t"}, "Signal": {"signal_type": ""}, **metadata},
        "original_metadata": {},
        "attributes": {"_lazy": False, "ragged": bool(data.dtype == object)},
        "package_info": {},
        "learning_results": {},
        "models": {},
        "tmp_parameters": {},
    }


# one value without axes -----------------------------------------------------------------------


def inner() -> dict[str, Any]:
    return dict_of(np.array([4.5]), [])


@pytest.mark.parametrize("writer", [their_writer, hspyio.file_writer], ids=BACK_ENDS)
@pytest.mark.parametrize("value", [4.5, 7, 1 + 2j, True])
@pytest.mark.parametrize("lazy", [False, True])
def test_one_value_without_axes(tmp_path: Path, writer: Any, value: Any, lazy: bool) -> None:
    path = tmp_path / "one.hspy"
    data = np.array([value])
    found = dict_of(data, [], A={"_sig_p": inner(), "l": [{"_sig_": inner()}]})
    writer(path, found, show_progressbar=False)
    [read] = hspyio.file_reader(path, lazy=lazy)
    assert np.asarray(read["data"]).tolist() == [value]
    assert [axis["size"] for axis in read["axes"]] == [1]
    below = [read["metadata"]["A"]["_sig_p"], read["metadata"]["A"]["l"][0]["_sig_"]]
    assert [one["data"].tolist() for one in below] == [[4.5]] * 2
    assert [len(one["axes"]) for one in below] == [1, 1]
    assert not [key for one in below for key in one["attributes"] if "axes" in key]
    signal = hspyio.load(path)
    assert (signal.data.tolist(), signal.axes.shape) == ([value], (1,))
    assert signal.metadata.A.p.data.tolist() == [4.5]
    hspyio.file_writer(path, read, show_progressbar=False)
    assert hspyio.load(path).data.tolist() == [value]


def test_a_lazy_one_and_a_ragged_one(tmp_path: Path) -> None:
    path = tmp_path / "one.hspy"
    hspyio.file_writer(path, dict_of(da.ones(1), []), show_progressbar=False)
    assert hspyio.load(path).axes.shape == (1,)
    rows = np.empty(1, object)
    rows[0] = np.arange(3)
    hspyio.file_writer(path, dict_of(rows, []), show_progressbar=False)
    [read] = hspyio.file_reader(path)
    assert (read["axes"], read["data"][0].tolist()) == ([], [0, 1, 2])


def test_more_values_without_axes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AxesError):
        hspyio.file_writer(tmp_path / "two.hspy", dict_of(np.zeros(2), []))


@BACK_END
@pytest.mark.parametrize("shape", [(20,), (3, 20)])
def test_hyperspy_exports_all_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, back_end: str, shape: tuple[int, ...]
) -> None:
    """Of a model of a single spectrum they are one value, and have no axes."""
    monkeypatch.chdir(tmp_path)
    with plugged(back_end):
        model = hs.signals.Signal1D(np.ones(shape)).create_model()
        model.extend([hs.model.components1D.Gaussian(A=2.5), hs.model.components1D.Offset()])
        model.export_results(folder="results", format="hspy")
        model[0].A.export(folder="one", name="A", format="hspy")
    exported = sorted(path.stem for path in Path("results").iterdir())
    assert exported == ["Gaussian_A", "Gaussian_centre", "Gaussian_sigma", "Offset_offset"]
    for path in ("results/Gaussian_A.hspy", "one/A.hspy"):
        with plugged(OURS):
            assert hs.load(path).data.shape == (shape[:-1] or (1,))
        assert hspyio.load(path).title == "A parameter of Gaussian component"


# titles, and data of no dimension ----------------------------------------------------------------


def test_the_title_that_stands_for_none(tmp_path: Path) -> None:
    path = tmp_path / "unnamed.hspy"
    signal = hspyio.Signal(np.zeros(2), metadata={"General": {"title": "__unnamed__"}})
    signal.metadata.set_item("Sample.part", signal.copy())
    hspyio.save(path, signal)
    [read] = hspyio.file_reader(path)
    assert read["metadata"]["General"]["title"] == ""
    assert read["metadata"]["Sample"]["_sig_part"]["metadata"]["General"]["title"] == ""
    loaded = hspyio.load(path)
    assert loaded.title == loaded.metadata.Sample.part.title == "__unnamed__"
    [exact] = hspyio.file_reader(path, exact_types=True)
    assert exact["metadata"]["General"]["title"] == "__unnamed__"


@pytest.mark.parametrize("value", [2.0, 3, True, 1j, "text", np.datetime64(3, "s")])
def test_data_of_no_dimension(tmp_path: Path, value: Any) -> None:
    one, again, many = tmp_path / "one.hspy", tmp_path / "again.hspy", tmp_path / "many.hspy"
    signal = hspyio.Signal(np.array(value), metadata={"General": {"title": "dose"}})
    signal.metadata.set_item("Sample.part", signal.copy())
    hspyio.save(one, signal)
    [read] = hspyio.file_reader(one, exact_types=True)
    assert (read["data"].shape, read["axes"]) == ((), [])
    hspyio.file_writer(again, read)
    assert not list(hspyio.diff(one, again))
    [plain] = hspyio.file_reader(one)
    assert (plain["data"].shape, len(plain["axes"])) == ((1,), 1)
    hspyio.save(many, [hspyio.Signal(np.ones((3, 3))), signal])
    hspyio.repack(many, again, compression="lzf", overwrite=True)
    assert not list(hspyio.diff(many, again))
    for lazy in (False, True):
        got = hspyio.load(again, name="dose", lazy=lazy)
        assert (got.data.shape, np.asarray(got.data)[()]) == ((), value)
        assert got.metadata.Sample.part.data.shape == ()


def test_a_scalar_dataset(tmp_path: Path) -> None:
    """RosettaSciIO reads one, though it writes none."""
    path, new = tmp_path / "scalar.hspy", tmp_path / "new.hspy"
    hspyio.save(path, hspyio.Signal(np.zeros(1), metadata={"General": {"title": "t"}}))
    with h5py.File(path, "r+") as file:
        group = file["Experiments/t"]
        del group["data"], group["axis-0"]
        group["data"] = 2.5
    hspyio.repack(path, new)
    for each in (path, new):
        [read] = hspyio.file_reader(each)
        assert (read["data"].shape, read["data"][()], read["axes"]) == ((), 2.5, [])
        assert hspyio.load(each, lazy=True).data.shape == ()
        hspyio.file_writer(tmp_path / "w.hspy", read, show_progressbar=False)


# an address of which HyperSpy makes folders ---------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "s3://bucket/day 1/x.hspy",
        "https://example.org/x.hspy",
        "memory://x.hspy",
        "file:///day 1/x.hspy",
    ],
)
@pytest.mark.parametrize("switch", [{}, {"overwrite": True}], ids=str)
def test_an_address_becomes_no_folders(
    address: str, switch: dict[str, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    signal = hs.signals.Signal1D(np.zeros((3, 4)))
    with plugged(OURS), pytest.raises(ArgumentError, match="HyperSpy saves to paths only") as told:
        signal.save(address, **switch)
    assert repr(address) in str(told.value)
    assert not list(tmp_path.iterdir())


def test_folders_with_something_in_them_stay(tmp_path: Path) -> None:
    folder = tmp_path / "s3:" / "bucket"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(ArgumentError):
        hspyio.file_writer(folder / "x.hspy", inner())
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
