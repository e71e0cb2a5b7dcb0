"""Saving with ``checksum=True``, and loading what was saved so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given

import hspyio
from hspyio import Signal, names
from hspyio.compare import signal_differences
from hspyio.errors import DamagedFileError, HspyWarning, OptionError
from hspyio.names import CURRENT_VERSION
from hspyio.testing import signals
from support import places
from support.samples import made

DATA = np.random.default_rng(0).poisson(3, (6, 5, 40)).astype("u2")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    result = tmp_path / "sealed.hspy"
    first = made("First", metadata=sample_tree())
    first.data, first.axes = DATA, Signal(DATA, signal_dimension=1).axes
    hspyio.save(result, [first, made("Second", 2)], checksum=True, chunks=(2, 5, 40))
    return result


def sample_tree() -> dict[str, Any]:
    """With arrays of every size, and what is kept beside the trees."""
    return {
        "General": {"title": "First"},
        "large": np.arange(20_000.0),
        "list": [1, "two", None],
        "nested": Signal(np.arange(3.0), metadata={"General": {"title": "inside"}}),
        "mask": np.ma.masked_equal(np.arange(5), 3),
    }


@given(signal=signals())
def test_what_is_saved_is_what_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, signal: Signal
) -> None:
    path = tmp_path_factory.getbasetemp() / "sealed.hspy"
    hspyio.save(path, signal, checksum=True, overwrite=True)
    assert signal_differences(hspyio.load(path), signal) == []
    assert hspyio.verify(path).ok
    hspyio.load(path, lazy=True)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": None},
        {"compression": "lzf"},
        {"compression": "zstd"},
        {"compression": "szip", "chunks": True},
        {"compression": "gzip", "compression_opts": 9, "shuffle": False},
        {"threads": 1},
    ],
)
def test_every_way_of_storing(tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "a.hspy"
    signal = Signal(DATA, signal_dimension=1, metadata=sample_tree())
    hspyio.save(path, signal, checksum=True, **options)
    assert signal_differences(hspyio.load(path), signal) == []
    assert signal_differences(hspyio.load(path, lazy=True), signal) == []


def test_lazy_and_ragged_signals(tmp_path: Path) -> None:
    import dask.array as da

    path = tmp_path / "a.hspy"
    rows = np.empty(100, object)
    rows[:] = [np.arange(n + 1.0) for n in range(100)]
    lazy = Signal(da.from_array(DATA, chunks=(2, 5, 40)), signal_dimension=1)
    hspyio.save(path, [lazy, Signal(rows, metadata={"General": {"title": "rows"}})], checksum=True)
    assert hspyio.verify(path).sealed == ("__unnamed__", "rows")
    assert (hspyio.load(path, name="__unnamed__").data == DATA).all()
    with h5py.File(path, "r+") as file:
        file["Experiments/rows/data"][50] = np.arange(51.0) * 2
    with pytest.raises(DamagedFileError, match=r"rows/data: .*is not what was sealed"):
        hspyio.load(path, name="rows")


def test_through_the_other_interface(tmp_path: Path, path: Path) -> None:
    [first, _] = hspyio.file_reader(path)
    target = tmp_path / "b.hspy"
    hspyio.file_writer(target, first, checksum=True, show_progressbar=False)
    assert hspyio.verify(target).sealed == ("First",)
    with h5py.File(target, "r+") as file:
        file["Experiments/First/data"][0, 0, 0] += 1
    with pytest.raises(DamagedFileError, match="its chunk at"):
        hspyio.file_reader(target)


def test_without_it_nothing_is_sealed(tmp_path: Path) -> None:
    hspyio.save(tmp_path / "a.hspy", made("First"))
    assert hspyio.verify(tmp_path / "a.hspy").unsealed == ("First",)
    with h5py.File(tmp_path / "a.hspy") as file:
        assert names.SEAL not in file["Experiments/First"]
        assert names.SEAL not in file["Experiments/First"].attrs
    with pytest.raises(OptionError, match="checksum"):
        hspyio.save(tmp_path / "b.hspy", made("First"), checksum="md5")  # type: ignore[arg-type]


def test_the_seal_is_no_part_of_the_signal(path: Path) -> None:
    first = hspyio.load(path, name="First")
    assert names.SEAL not in first.attributes
    [as_dict, _] = hspyio.file_reader(path)
    assert names.SEAL not in as_dict["attributes"]


CHANGES: dict[str, Any] = {
    "/Experiments/First/data": lambda root: change(root["data"], (3, 0, 0)),
    "/Experiments/First/metadata/large": lambda root: change(root["metadata/large"], 9),
    "/Experiments/First/metadata": lambda root: root["metadata/General"].attrs.modify("title", "Q"),
    "/Experiments/First/original_metadata": lambda root: root["original_metadata"].clear(),
    "/Experiments/First/axis-1": lambda root: root["axis-1"].attrs.modify("scale", 2.0),
    "/Experiments/First/attributes": lambda root: root["attributes"].attrs.create("x", 1),
    "/Experiments/First/learning_results": lambda root: change(
        root["learning_results/factors"], (0, 0)
    ),
    "/Experiments/First": lambda root: root.attrs.modify("package", "other"),
    "/Analysis/models/fit": lambda root: root["/Analysis/models/fit"].attrs.modify("date", "2020"),
    "/Experiments/First/_hspyio_seal": lambda root: root.pop(names.SEAL),
}


def change(data: h5py.Dataset, place: Any) -> None:
    data[place] += 1


@pytest.mark.parametrize("where", CHANGES)
def test_every_part_is_watched(path: Path, where: str) -> None:
    with h5py.File(path, "r+") as file:
        CHANGES[where](file["Experiments/First"])
    with pytest.raises(DamagedFileError) as caught:
        hspyio.load(path, name="First")
    error = caught.value
    assert error.path == str(path) and error.where == "/Experiments/First"
    assert f"\n  {where}: " in error.message
    assert "does not know the seal" in error.message and "errors='warn'" in error.message
    with pytest.warns(HspyWarning, match=f"{where}: "):
        hspyio.load(path, name="First", errors="warn")
    with pytest.warns(HspyWarning, match=f"{where}: "):  # beside one that is right
        assert len(hspyio.file_reader(path)) == 1
    hspyio.load(path, name="Second")


def test_a_model_that_changed_hands(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["Analysis/models/fit"].attrs["_signal"] = "/Experiments/Second"
    with pytest.raises(DamagedFileError, match="fit: was sealed, and is gone"):
        hspyio.load(path, name="First")
    with pytest.raises(DamagedFileError, match="fit: was added after"):
        hspyio.load(path, name="Second")


def test_experiments_that_changed_places_and_another_version(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["file_format_version"] = "3.2"
    with pytest.raises(DamagedFileError, match="name and format version"):
        hspyio.load(path, name="First")
    with h5py.File(path, "r+") as file:
        file.attrs["file_format_version"] = CURRENT_VERSION
        group = file["Experiments"]
        group.move("First", "other")
    with pytest.raises(DamagedFileError, match="name and format version"):
        hspyio.load(path, name="other")


def test_what_is_not_read_is_not_compared(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        change(file["Experiments/First/data"], (0, 0, 0))
        file["Experiments/First/original_metadata"].attrs["new"] = 1
        file["Experiments/First/foreign"] = 1
        file["Experiments"].attrs["operator"] = "somebody"
    lazy = hspyio.load(path, name="First", lazy=True, original_metadata=False)
    assert lazy.data.shape == DATA.shape
    with pytest.raises(DamagedFileError, match="original_metadata"):
        hspyio.load(path, name="First", lazy=True)
    with pytest.raises(DamagedFileError, match=r"First/data: its chunk at \(0, 0, 0\)"):
        hspyio.load(path, name="First", original_metadata=False)


def test_what_is_readable_comes_back_all_the_same(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        data = file["Experiments/First/data"]
        offset = data.id.get_chunk_info(1).byte_offset
        data.id.write_direct_chunk((4, 0, 0), data.id.read_direct_chunk((0, 0, 0))[1])
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(bytes(20))
    with pytest.warns(HspyWarning) as caught:
        found = hspyio.load(path, name="First", errors="warn")
    assert (found.data[:2] == DATA[:2]).all()
    assert not found.data[2:4].any()
    assert (found.data[4:] == DATA[:2]).all()
    [warning] = [str(item.message) for item in caught]
    assert "its chunk at (2, 0, 0) is not what was sealed" in warning
    assert "its chunk at (4, 0, 0) is not what was sealed" in warning
    assert "filled with 0, those at (2, 0, 0)" in warning


def test_many_damaged_chunks_make_no_endless_message(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(DATA, signal_dimension=1), checksum=True, chunks=(1, 1, 8))
    with h5py.File(path, "r+") as file:
        file["Experiments/__unnamed__/data"][...] += 1
    with pytest.raises(DamagedFileError, match="and 130 more of its chunks") as caught:
        hspyio.load(path)
    assert len(caught.value.message.splitlines()) < 30


def test_what_is_repacked_is_sealed_anew(path: Path) -> None:
    before = {name: hspyio.load(path, name=name) for name in ("First", "Second")}
    hspyio.repack(path, path, overwrite=True, chunks=(3, 3, 7))
    assert hspyio.verify(path).sealed == ("First", "Second")
    for name, signal in before.items():
        assert signal_differences(hspyio.load(path, name=name), signal) == []
    target = path.with_name("b.hspy")
    with h5py.File(path, "r+") as file:
        change(file["Experiments/First/data"], (0, 0, 0))
    with pytest.raises(DamagedFileError, match="its chunk at"):
        hspyio.repack(path, target)
    assert not target.exists()


def test_what_is_updated_keeps_no_seal_of_what_was(path: Path) -> None:
    first = hspyio.load(path, name="First")
    first.metadata.General.author = "new"
    hspyio.update(path, first)
    assert hspyio.load(path, name="First").metadata.General.author == "new"
    assert "Second" in hspyio.verify(path).sealed
    hspyio.remove(path, "First")
    assert hspyio.verify(path).ok and hspyio.load(path).title == "Second"


def test_no_mutant_is_silently_changed(path: Path) -> None:
    """A few hundred damaged copies; where HDF5 itself hangs or crashes, the next one follows."""
    count, first = 300, 0
    found: Counter[str] = Counter()
    environment = {**os.environ, "PYTHONPATH": str(Path(hspyio.__file__).parents[1])}
    while first < count:
        command = [
            sys.executable,
            places.TESTS / "support" / "mutants.py",
            path,
            str(first),
            str(count),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        lines = done.stdout.splitlines()
        found.update(line.partition(" ")[2] for line in lines)
        assert done.returncode <= 0, done.stderr
        first += len(lines) + (done.returncode < 0)
    unexpected = {text: n for text, n in found.items() if text not in ("noticed", "same")}
    assert unexpected == {}
    assert found["noticed"] > count / 3
