"""`hspyio.validate`: the report, and what cannot be read."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.api.examining import validate as validating
from hspyio.errors import DamagedFileError, MissingFileError, OptionError
from hspyio.names import CURRENT_VERSION
from hspyio.nodes.node import Group
from hspyio.reports import Finding, ValidationReport
from support import places


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "map.hspy"
    hspyio.save(path, Signal(np.zeros((3, 4)), metadata={"General": {"title": "map"}}))
    return path


def spoilt(path: Path) -> Path:
    """A file with an error, a warning and notes, some of them in many places."""
    with h5py.File(path, "r+") as file:
        group = file["/Experiments/map"]
        group["axis-0"].attrs["size"] = 5
        file.attrs["file_format"] = "other"
        for i in range(30):
            group[f"extra{i:02}"] = [1]
    return path


def test_a_good_file(path: Path) -> None:
    report = hspyio.validate(path)
    assert report == ValidationReport(str(path), CURRENT_VERSION)
    assert report.ok and not report.findings
    assert repr(report) == f"{path}: valid; nothing to find fault with"
    assert hspyio.validate(str(path), isolated=False) == report


def test_what_is_found_worst_first(path: Path) -> None:
    report = hspyio.validate(spoilt(path))
    assert not report.ok
    assert [one.rule for one in report.findings] == ["H304", "H103", *["H211"] * 20]
    assert report.counts == {"H304": 1, "H103": 1, "H211": 30}
    [error] = report.errors
    assert error.where == "/Experiments/map/axis-0"
    assert error.message == "has 5 points, the data 3"
    assert str(error) == "H304 error: /Experiments/map/axis-0: has 5 points, the data 3"
    assert (len(report.warnings), len(report.notes)) == (1, 20)
    lines = repr(report).splitlines()
    assert lines[0] == f"{path}: NOT VALID; 1 error, 1 warning, 30 notes"
    assert lines[1:4] == [f"  {error}", f"    why: {error.why}", f"    mend: {error.mend}"]
    assert "    ... and 10 more places" in lines
    assert len(lines) == 1 + 3 + 3 + 23


def test_less_can_be_asked_for(path: Path) -> None:
    spoilt(path)
    counts = {"note": 22, "warning": 2, "error": 1}
    for severity, count in counts.items():
        report = hspyio.validate(path, severity=severity)
        assert (len(report.findings), report.ok) == (count, False)
    with pytest.raises(OptionError, match="known are error, warning, note"):
        hspyio.validate(path, severity="bad")


def test_plain_values(path: Path) -> None:
    report = hspyio.validate(spoilt(path))
    plain = json.loads(json.dumps(report.as_dict()))
    assert (
        plain["path"] == str(path) and plain["ok"] is False and plain["version"] == CURRENT_VERSION
    )
    assert [Finding(**one) for one in plain["findings"]] == list(report.findings)
    assert plain["counts"] == report.counts
    assert pickle.loads(pickle.dumps(report)) == report


def test_what_is_no_hspy_file(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    cases = {
        "is an HDF5 file that cannot be opened": content[: len(content) // 2],
        "is not an HDF5 file": b"energy,counts\n1,2\n",
        "is empty": b"",
    }
    for words, stored in cases.items():
        path.write_bytes(stored)
        [finding] = hspyio.validate(path).findings
        assert finding.rule == "H101" and finding.message.startswith(words)
    with h5py.File(path, "w") as file:
        file["values"] = [1, 2]
    report = hspyio.validate(path)
    assert [one.rule for one in report.findings] == ["H102"] and not report.ok
    assert report.version == "" and "its root holds values" in report.findings[0].message
    [finding] = hspyio.validate(tmp_path).findings
    assert (finding.rule, finding.message[:29]) == ("H101", "is a folder, not an HSpy file")
    with pytest.raises(MissingFileError):
        hspyio.validate(tmp_path / "none.hspy")


def test_the_data_are_not_read(path: Path) -> None:
    """So a damaged chunk breaks no rule: `hspyio.verify` finds it."""
    with h5py.File(path) as file:
        chunk = file["/Experiments/map/data"].id.get_chunk_info(0)
    with path.open("r+b") as stream:
        stream.seek(chunk.byte_offset)
        stream.write(b"\xff" * chunk.size)
    assert hspyio.validate(path).findings == ()
    assert not hspyio.verify(path).ok


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_what_goes_wrong_half_way_is_a_finding(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def opened(path: str) -> Iterator[Group]:
        raise DamagedFileError("cannot be read any more", path=path, where="/Experiments")
        yield Group()

    monkeypatch.setattr(validating, "open_any", opened)
    [finding] = hspyio.validate(path, isolated=False).findings
    assert (finding.rule, finding.where) == ("H101", "/Experiments")


def test_every_rule_sees_files_of_its_time(tmp_path: Path) -> None:
    """What a version had is no fault in it, and is one in a later version."""
    path = tmp_path / "old.hspy"
    path.write_bytes((places.ARCHIVE / "v1.1.hdf5").read_bytes())
    assert set(hspyio.validate(path).counts) == {"H107"}
    with h5py.File(path, "r+") as file:
        file.attrs["file_format_version"] = CURRENT_VERSION
    counts = hspyio.validate(path).counts
    assert {"H203", "H204", "H208", "H313", "H410"} <= set(counts) and "H107" not in counts
