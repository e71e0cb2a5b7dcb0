"""Sealed files in RosettaSciIO and HyperSpy: they read them as ever, and may change them."""

from __future__ import annotations

import gc
from pathlib import Path

import h5py
import hyperspy.api as hs
import numpy as np
import pytest
from rsciio.hspy import file_reader

import hspyio
from hspyio import Signal, names
from hspyio.errors import DamagedFileError, HspyWarning

DATA = np.arange(24, dtype="u2").reshape(2, 3, 4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "sealed.hspy"
    tree = {"General": {"title": "map"}, "list": [1, "b", None]}
    hspyio.save(path, Signal(DATA, signal_dimension=1, metadata=tree), checksum=True)
    return path


def test_they_read_it_as_if_there_were_no_seal(path: Path) -> None:
    plain = path.with_name("plain.hspy")
    hspyio.save(plain, hspyio.load(path))
    [sealed], [other] = (file_reader(each) for each in (path, plain))
    assert (sealed.pop("data") == other.pop("data")).all()
    assert str(sealed) == str(other)
    signal = hs.load(path)
    assert (signal.data == DATA).all() and signal.metadata.General.title == "map"


def test_they_read_it_lazily(path: Path) -> None:
    [found] = file_reader(path, lazy=True)
    assert (found["data"].compute() == DATA).all()
    assert set(found["attributes"]) == {"_lazy", "ragged", "learning_results"}
    signal = hs.load(path, lazy=True)
    signal.compute(show_progressbar=False)
    assert (signal.data == DATA).all()
    del found, signal
    gc.collect()


@pytest.mark.parametrize("write_dataset", [True, False])
def test_what_they_change_in_place_is_told_apart_from_what_was_saved(
    path: Path, write_dataset: bool
) -> None:
    signal = hs.load(path)
    signal.metadata.set_item("Sample.description", "new")
    signal.save(path, mode="a", overwrite=True, write_dataset=write_dataset)
    with h5py.File(path) as file:
        assert names.SEAL in file["Experiments/map"]
    with pytest.raises(DamagedFileError, match="a program that does not know the seal"):
        hspyio.load(path)
    with pytest.warns(HspyWarning, match="/Experiments/map/metadata: is not what was sealed"):
        found = hspyio.load(path, errors="warn")
    assert found.metadata.Sample.description == "new" and (found.data == DATA).all()
    hspyio.save(path, found, overwrite=True, checksum=True)
    assert hspyio.load(path).metadata.Sample.description == "new"
