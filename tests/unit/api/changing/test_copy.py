"""`hspyio.extract` and `hspyio.upgrade`."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.errors import (
    ExperimentError,
    MissingFileError,
    NotHspyError,
    OptionError,
    SaveError,
    TargetExistsError,
)
from hspyio.names import CURRENT_VERSION
from support import places
from support.samples import alone, made, raw_chunks, same

ARCHIVE = sorted(places.ARCHIVE.iterdir())


def test_it_is_copied_as_it_is_stored(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "second.hspy"
    assert hspyio.extract(path, "Second", target) == ["Second"]
    assert list(hspyio.open(target)) == ["Second"]
    assert same(target, "Second", hspyio.load(path, name="Second"))
    assert list(hspyio.load(target).models) == ["fit"]
    name = "Experiments/Second/data"
    assert raw_chunks(target, name) == raw_chunks(path, name)
    with h5py.File(target) as file:
        assert file["Experiments"].attrs["operator"] == "A. N. Other"
        assert "Notes" not in file
        assert len(file["Analysis/models"]) == 1


def test_several_in_the_order_of_the_file(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "both.hspy"
    assert hspyio.extract(path, ["Second", "First"], target) == ["Second", "First"]
    assert list(hspyio.open(target)) == list(hspyio.open(path))
    assert list(hspyio.diff(path, target, stamps=True, strict=True)) == []


def test_a_seal_stays_whole(tmp_path: Path) -> None:
    source, target = tmp_path / "sealed.hspy", tmp_path / "one.hspy"
    hspyio.save(source, [made("First", 1), made("Second", 2)], checksum=True)
    hspyio.extract(source, "First", target)
    report = hspyio.verify(target)
    assert report.ok
    assert "not sealed" not in repr(report)


@pytest.mark.parametrize("source", ARCHIVE, ids=lambda path: path.name)
def test_of_every_version(source: Path, tmp_path: Path) -> None:
    with hspyio.open(source) as experiments:
        names, version = list(experiments), experiments.version
    for number, name in enumerate(names):
        target = tmp_path / f"{number}.hspy"
        hspyio.extract(source, name, target)
        assert hspyio.open(target).version == version
        assert list(hspyio.diff(source, target, name=name, strict=True)) == []


def test_what_it_refuses(path: Path, tmp_path: Path) -> None:
    before, target = path.read_bytes(), tmp_path / "new.hspy"
    with pytest.raises(ExperimentError, match="no experiment 'Third'"):
        hspyio.extract(path, ["First", "Third"], target)
    with pytest.raises(OptionError, match="is the file itself"):
        hspyio.extract(path, "First", path, overwrite=True)
    with pytest.raises(OptionError, match="no experiment to extract"):
        hspyio.extract(path, [], target)
    with pytest.raises(TargetExistsError):
        hspyio.extract(path, "First", path)
    with pytest.raises(MissingFileError):
        hspyio.extract(tmp_path / "missing", "First", target)
    with pytest.raises(MissingFileError, match="no folder"):
        hspyio.extract(path, "First", tmp_path / "none" / "new.hspy")
    assert path.read_bytes() == before
    assert alone(path)


@pytest.mark.parametrize("source", ARCHIVE, ids=lambda path: path.name)
def test_upgrade_of_every_version(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "new.hspy"
    declared = hspyio.upgrade(source, target)
    with hspyio.open(source) as before, hspyio.open(target) as after:
        assert (declared, after.version) == (before.version, CURRENT_VERSION)
        assert list(after) == list(before)
    assert list(hspyio.diff(source, target, strict=True)) == []


def test_upgrade_keeps_what_is_not_of_the_format(path: Path, tmp_path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["file_format_version"] = "3.0"
        file["Experiments/First"].attrs["beside"] = 1
        file["Experiments/First/beside"] = np.arange(4)
    target = tmp_path / "new.hspy"
    assert hspyio.upgrade(path, target) == "3.0"
    with h5py.File(target) as file:
        assert file["Notes"][:].tolist() == [0, 1, 2]
        assert file["Experiments"].attrs["operator"] == "A. N. Other"
        assert file["Experiments/First/beside"][:].tolist() == [0, 1, 2, 3]
        assert file.attrs["file_format_version"] == CURRENT_VERSION
    assert raw_chunks(target, "Experiments/First/data") == raw_chunks(
        path, "Experiments/First/data"
    )


def broken(path: Path, *experiments: str) -> None:
    """Make a value of each experiment unreadable, in a file of an older version."""
    with h5py.File(path, "r+") as file:
        file.attrs["file_format_version"] = "3.0"
        for name in experiments:
            file[f"Experiments/{name}/metadata"].attrs["broken"] = h5py.Empty("f8")


def test_upgrade_names_all_that_would_be_lost(path: Path, tmp_path: Path) -> None:
    broken(path, "First", "Second")
    target = tmp_path / "new.hspy"
    with pytest.raises(SaveError, match="2 values cannot be read, and would be lost") as caught:
        hspyio.upgrade(path, target)
    for name in ("First", "Second"):
        assert f"/Experiments/{name}/metadata" in str(caught.value)
    assert alone(path)


def test_upgrade_in_part(path: Path, tmp_path: Path) -> None:
    broken(path, "Second")
    target = tmp_path / "new.hspy"
    with pytest.warns(hspyio.HspyWarning, match="broken"):
        hspyio.upgrade(path, target, partly=True)
    assert hspyio.open(target).version == CURRENT_VERSION
    assert same(target, "First", hspyio.load(path, name="First"))
    assert "broken" not in hspyio.load(target, name="Second").metadata


def test_upgrade_in_part_without_an_experiment(path: Path, tmp_path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["file_format_version"] = "3.0"
        del file["Experiments/Second/axis-0"]
    target = tmp_path / "new.hspy"
    with pytest.raises(SaveError, match="axis-0"):
        hspyio.upgrade(path, target)
    with pytest.warns(hspyio.HspyWarning, match="axis-0"):
        hspyio.upgrade(path, target, partly=True)
    assert list(hspyio.open(target)) == ["First"]


def test_upgrade_of_no_hspy_file(tmp_path: Path) -> None:
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = 1
    with pytest.raises(NotHspyError):
        hspyio.upgrade(other, tmp_path / "new.hspy")
    assert alone(other)
