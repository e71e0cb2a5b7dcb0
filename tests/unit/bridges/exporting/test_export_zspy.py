"""Export to .zspy: what is refused, and what the store says of itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import hspyio
from hspyio.errors import OptionError, SaveError
from hspyio.names import CURRENT_VERSION


@pytest.fixture
def source(tmp_path: Path) -> Path:
    signal = hspyio.Signal(np.arange(24.0).reshape(2, 3, 4), signal_dimension=1, title="map")
    hspyio.save(tmp_path / "a.hspy", signal)
    return tmp_path / "a.hspy"


def test_it_says_what_rosettasciio_looks_for(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.zspy"
    hspyio.export(source, target)
    stated = json.loads((target / ".zattrs").read_text())
    assert (stated["file_format"], stated["file_format_version"]) == ("ZSpy", CURRENT_VERSION)
    described = json.loads((target / "Experiments" / "map" / "data" / ".zarray").read_text())
    assert described["dimension_separator"] == "/"
    assert described["compressor"] == {
        "id": "blosc", "cname": "zstd", "clevel": 1, "shuffle": 1, "blocksize": 0,
    }  # fmt: skip
    known = json.loads((target / ".zmetadata").read_text())
    assert known["zarr_consolidated_format"] == 1
    files = {path.relative_to(target).as_posix() for path in target.rglob(".z*")}
    assert set(known["metadata"]) == files - {".zmetadata"}


def test_counts_are_shuffled_by_bits(tmp_path: Path) -> None:
    hspyio.save(tmp_path / "c.hspy", hspyio.Signal(np.arange(500, dtype="u2"), title="c"))
    hspyio.export(tmp_path / "c.hspy", tmp_path / "c.zspy")
    place = tmp_path / "c.zspy" / "Experiments" / "c" / "data" / ".zarray"
    assert json.loads(place.read_text())["compressor"]["shuffle"] == 2


def test_without_compression(source: Path, tmp_path: Path) -> None:
    hspyio.export(source, tmp_path / "a.zspy", compression=False)
    place = tmp_path / "a.zspy" / "Experiments" / "map" / "data"
    assert json.loads((place / ".zarray").read_text())["compressor"] is None
    assert (place / "0" / "0" / "0").stat().st_size == 24 * 8


def test_what_is_there_is_not_lost(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "b.zspy"
    folder.mkdir()
    (folder / "mine").write_text("mine")
    with pytest.raises(SaveError, match="is a folder, but no Zarr store"):
        hspyio.export(source, folder, overwrite=True)
    assert (folder / "mine").read_text() == "mine"
    hspyio.export(source, tmp_path / "c.zspy")
    hspyio.export(tmp_path / "c.zspy", tmp_path / "d.zspy.zip")
    assert not hspyio.diff(source, tmp_path / "d.zspy.zip", strict=True)
    with pytest.raises(OptionError, match="is or holds the file that is read"):
        hspyio.export(tmp_path / "c.zspy", tmp_path / "c.zspy", overwrite=True)
