"""One file of each format version; each holds the same signal, `make_archive.EXPECTED`."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.compare import signal_differences
from support.make_archive import CONSUMED, EXPECTED, PACKAGES, VERSIONS, file_name, plain, write
from support.places import ARCHIVE

PATHS = {version: ARCHIVE / file_name(version) for version in VERSIONS}
MADE_WITH = "2.0.0"
"""The release of HDF5."""
EACH = pytest.mark.parametrize("version", VERSIONS)
LAZY = pytest.mark.parametrize("lazy", [False, True])

# What `file_reader` leaves in the metadata, as RosettaSciIO does, and up to which version it is.
LEFT_BEFORE = {"Signal.record_by": ("3.2", "spectrum"), "Signal.binned": ("3.1", True)}


@LAZY
@EACH
def test_load(version: str, lazy: bool) -> None:
    signal = hspyio.load(PATHS[version], lazy=lazy)
    assert hasattr(signal.data, "compute") == lazy
    data = np.asarray(signal.data)
    assert (data.dtype.name, data.tolist()) == (EXPECTED["dtype"], EXPECTED["data"])
    axes = tuple(
        (axis.name, axis.units, axis.size, axis.offset, axis.scale, axis.navigate, axis.is_binned)
        for axis in signal.axes
    )
    assert axes == EXPECTED["axes"]
    assert [axis.index_in_array for axis in signal.axes] == [0, 1, 2]
    for part in ("metadata", "original_metadata", "learning_results"):
        assert plain(getattr(signal, part)) == EXPECTED[part], part
    assert (signal.package, signal.package_version) == PACKAGES.get(version, ("", ""))
    peak = {"peak_learning_results": {}} if version < "1.2" else {}
    assert signal.attributes == peak
    assert signal.models == {}


@LAZY
@EACH
def test_file_reader(version: str, lazy: bool) -> None:
    [signal] = hspyio.file_reader(PATHS[version], lazy=lazy)
    assert hasattr(signal["data"], "compute") == lazy
    data = np.asarray(signal["data"])
    assert (data.dtype.name, data.tolist()) == (EXPECTED["dtype"], EXPECTED["data"])
    assert [tuple(map(axis.get, AXIS_KEYS)) for axis in signal["axes"]] == [
        axis[:5] for axis in EXPECTED["axes"]
    ]
    for index, axis in enumerate(signal["axes"]):
        assert axis["index_in_array"] == index
        assert axis.get("navigate") == (EXPECTED["axes"][index][5] if version >= "2.1" else None)
        assert axis.get("is_binned") == (EXPECTED["axes"][index][6] if version >= "3.1" else None)
    assert plain(signal["metadata"]) == expected_of_reader(version)
    assert plain(signal["original_metadata"]) == EXPECTED["original_metadata"]
    attributes = dict(signal["attributes"])
    learning = {key: np.asarray(v) for key, v in attributes.pop("learning_results").items()}
    assert plain(learning) == EXPECTED["learning_results"]
    peak = {"peak_learning_results": {}} if version < "1.2" else {}
    ragged = {"ragged": False} if version >= "3.3" else {}
    assert attributes == {"_lazy": lazy, **ragged, **peak}
    assert (signal["package"], signal["package_version"]) == PACKAGES.get(version, ("", ""))


AXIS_KEYS = ("name", "units", "size", "offset", "scale")


def expected_of_reader(version: str) -> dict[str, Any]:
    metadata = copy.deepcopy(EXPECTED["metadata"])
    assert set(LEFT_BEFORE) == set(CONSUMED)
    for path, (before, value) in LEFT_BEFORE.items():
        node, key = path.split(".")
        if version < before:
            metadata[node][key] = value
    return metadata


@EACH
def test_experiments(version: str) -> None:
    with hspyio.open(PATHS[version]) as experiments:
        assert experiments.version == ("" if version == "1.0" else version)
        assert list(experiments) == ["Archive"]
        assert plain(experiments["Archive"].metadata) == EXPECTED["metadata"]


@EACH
def test_saved_again(version: str, tmp_path: Path) -> None:
    signal = hspyio.load(PATHS[version])
    hspyio.save(tmp_path / "again.hspy", signal)
    again = hspyio.load(tmp_path / "again.hspy")
    for part in ("metadata", "original_metadata", "learning_results"):
        assert plain(getattr(again, part)) == EXPECTED[part], part
    assert again.data.tolist() == EXPECTED["data"]
    assert again.axes == signal.axes
    assert again.attributes == signal.attributes


@EACH
def test_archive_is_what_the_script_makes(version: str, tmp_path: Path) -> None:
    path = tmp_path / file_name(version)
    write(version, path)
    if h5py.version.hdf5_version == MADE_WITH:  # other releases lay the same out differently
        assert path.read_bytes() == PATHS[version].read_bytes()
    assert not signal_differences(hspyio.load(path), hspyio.load(PATHS[version]))


def test_nothing_else_is_in_the_archive() -> None:
    assert sorted(ARCHIVE.iterdir()) == sorted(PATHS.values())
