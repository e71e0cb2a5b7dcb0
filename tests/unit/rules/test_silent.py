"""Files that break no rule: all that hspyio writes, and valid files of others."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import hspyio
from hspyio import Signal
from hspyio.names import CURRENT_VERSION
from hspyio.testing import metadata, signals
from support import places

ARCHIVE = sorted(places.ARCHIVE.iterdir())
SHARED = sorted(places.SHARED.glob("*.h*"))
OWN_NOTES = {"H209", "H210", "H506"}
"""Text as data, numbers that are not portable, ragged arrays in metadata: what the user has put
there."""
DATA = np.random.default_rng(0).poisson(3, (6, 5, 40)).astype("u2")
SPECTRA = Signal(
    DATA,
    signal_dimension=1,
    metadata={"General": {"title": "map"}, "kinds": {1, 2}, "many": [{"n": i} for i in range(12)]},
    learning_results={"factors": np.zeros((40, 3)), "loadings": np.zeros((30, 3))},
)
LINE = Signal(np.arange(5.0), metadata={"General": {"title": "a/line"}, "inner": SPECTRA})


def found(path: Path) -> set[str]:
    return {one.rule for one in hspyio.validate(path, isolated=False).findings}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("silent")


def saved(folder: Path, signal: Signal, **how: Any) -> Path:
    path = folder / "file.hspy"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hspyio.HspyWarning)  # NeXus viewers do not show all
        hspyio.save(path, signal, overwrite=True, durable=False, **how)
    return path


@given(signals())
def test_what_is_saved_breaks_no_rule(folder: Path, signal: Signal) -> None:
    assert found(saved(folder, signal)) <= OWN_NOTES


@given(metadata())
def test_nor_does_it_with_annotations_and_seals(folder: Path, tree: Any) -> None:
    path = saved(folder, Signal(DATA, metadata=tree), nexus=True, checksum=True)
    assert found(path) <= OWN_NOTES


@pytest.mark.parametrize(
    "compression", [None, "gzip", 9, "lzf", "zstd", "lz4", "blosc", "bitshuffle", "szip"]
)
def test_compression_is_a_note_at_most(compression: Any, folder: Path) -> None:
    if compression == "szip":
        pytest.importorskip("hdf5plugin")
    path = saved(folder, SPECTRA, compression=compression)
    notes = {"H710"} if isinstance(compression, str) and compression != "gzip" else set()
    assert found(path) == notes


def ragged() -> Signal:
    items = np.empty(3, object)
    items[:] = [np.zeros(2), np.zeros((2, 2)), np.zeros(0)]
    return Signal(items)


@pytest.mark.parametrize(
    "make",
    [
        ragged,
        lambda: Signal(np.array(3.0)),
        lambda: Signal(np.zeros((0, 3))),
        lambda: Signal(np.zeros((2, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")])),
        lambda: Signal(np.zeros(3), [hspyio.DataAxis("x", axis=np.array([3.0, 2.0, -1.0]))]),
        lambda: Signal(
            np.zeros(3),
            [hspyio.FunctionalAxis("x", expression="sqrt(x)", x=hspyio.UniformAxis(size=3))],
        ),
    ],
    ids=["ragged", "one value", "nothing", "colours", "falling", "functional"],
)
def test_every_kind_of_data(make: Callable[[], Signal], folder: Path) -> None:
    assert found(saved(folder, make())) == set()


def test_after_every_change(tmp_path: Path) -> None:
    path = tmp_path / "file.hspy"
    hspyio.save(path, SPECTRA, checksum=True, nexus=True)
    hspyio.append(path, LINE)
    assert found(path) == set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hspyio.HspyWarning)
        line = hspyio.load(path, name="a-line")
    line.metadata.General.title = "another"
    del line.metadata["inner"]
    hspyio.update(path, line)
    assert found(path) == set()
    hspyio.remove(path, "map")
    assert found(path) == set()
    for make in (hspyio.repack, hspyio.upgrade):
        make(path, tmp_path / "new.hspy", overwrite=True)
        assert found(tmp_path / "new.hspy") == set()


@pytest.mark.parametrize("path", [*ARCHIVE, *SHARED], ids=lambda path: path.name)
def test_valid_files_of_others(path: Path) -> None:
    report = hspyio.validate(path)
    assert report.ok and not report.warnings, report
    assert {one.rule for one in report.notes} <= {"H107", "H602", "H609"}
    assert ("H107" in report.counts) is (report.version != CURRENT_VERSION)


@pytest.mark.parametrize("path", ARCHIVE, ids=lambda path: path.name)
def test_old_files_that_were_upgraded(path: Path, tmp_path: Path) -> None:
    hspyio.upgrade(path, tmp_path / "new.hspy")
    assert found(tmp_path / "new.hspy") <= {"H609", "H602"}
