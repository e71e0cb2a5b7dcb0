"""``hspy demo``."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.cli.commands.write import demo as demo_module
from support.places import ARCHIVE
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]


def test_without_a_file_it_makes_one(hspy: Hspy, tmp_path: Path) -> None:
    code, out, err = hspy("demo")
    assert (code, err) == (0, "")
    assert "Nothing was lost" in out
    signal = hspyio.load(tmp_path / "demo.hspy")
    assert signal.data.shape == (64, 64, 1024)
    assert [line.title for line in signal.metadata.Sample.intensities][4].endswith("1.74 keV")


def test_it_can_be_repeated(hspy: Hspy) -> None:
    assert hspy("demo").code == 0
    assert hspy("demo").code == 0


def test_a_difference_is_an_exit_code(hspy: Hspy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_module, "signal_differences", lambda one, other: ["data: other"])
    code, out, _ = hspy("demo")
    assert code == 1
    assert "differs: data: other" in out
    assert "Nothing was lost" not in out


def test_with_a_file_all_experiments_are_saved_again(
    hspy: Hspy, two_in_one: Path, tmp_path: Path
) -> None:
    before = two_in_one.read_bytes()
    code, out, err = hspy("demo", two_in_one)
    assert (code, err) == (0, "")
    assert "EELS/map   [group EELS-map]" in out
    assert "Nothing was lost" in out
    assert two_in_one.read_bytes() == before
    with hspyio.open(tmp_path / "two-resaved.hspy") as experiments:
        assert sorted(experiments.titles.values()) == ["\x1b[31mline [bold]", "EELS/map"]


def test_groups_that_other_programs_named_are_matched_by_title(hspy: Hspy, tmp_path: Path) -> None:
    path = tmp_path / "named.hspy"
    signals = [
        hspyio.Signal(np.full(3, value), metadata={"General": {"title": title}})
        for title, value in (("a", 1), ("a", 2), ("b", 3))
    ]
    hspyio.save(path, signals)
    with h5py.File(path, "r+") as file:
        file["Experiments"].move("a", "zzz")
        file["Experiments"].move("b", "0")
    code, out, _ = hspy("demo", path)
    assert code == 0, out


def test_what_belongs_to_no_experiment_is_told(hspy: Hspy, two_in_one: Path) -> None:
    with h5py.File(two_in_one, "r+") as file:
        file["Experiments"].attrs["laboratory"] = "Oslo"
    code, out, _ = hspy("demo", two_in_one)
    assert code == 1
    assert "differs: attribute laboratory of /Experiments: not saved" in out


@pytest.mark.parametrize("content", [None, b"not HDF5"])
def test_a_file_that_is_none(hspy: Hspy, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "none.hspy"
    if content:
        path.write_bytes(content)
    code, _, err = hspy("demo", path)
    assert code == 1
    assert err.startswith(f"hspy: {path}: ")
    assert err.count("\n") == 1


def test_a_folder_that_cannot_be_written(hspy: Hspy, two_in_one: Path, tmp_path: Path) -> None:
    (tmp_path / "two-resaved.hspy").mkdir()
    code, _, err = hspy("demo", two_in_one)
    assert code == 1
    assert "two-resaved.hspy" in err
    assert "Traceback" not in err


def test_real_files(hspy: Hspy, shared_data: Path, tmp_path: Path) -> None:
    failed = {}
    for file in sorted(shared_data.iterdir()):
        code, out, err = hspy("demo", file)
        if code:
            failed[file.name] = out + err
    assert not failed
    assert len(list(tmp_path.glob("*-resaved.hspy"))) == len(list(shared_data.iterdir()))


def test_archive(hspy: Hspy, tmp_path: Path) -> None:
    files = sorted(path for path in ARCHIVE.iterdir() if path.suffix in (".hspy", ".hdf5"))
    assert files
    for file in files:
        shutil.copy(file, tmp_path)
        code, out, err = hspy("demo", file.name)
        assert code == 0, out + err


def test_what_is_the_users_is_not_replaced(hspy: Hspy, tmp_path: Path) -> None:
    assert hspy("demo").code == 0
    assert hspy("demo").code == 0  # its own
    hspyio.append(tmp_path / "demo.hspy", hspyio.Signal(np.arange(3.0), title="mine"))
    before = (tmp_path / "demo.hspy").read_bytes()
    ran = hspy("demo")
    assert ran.code != 0
    assert "demo.hspy: exists; --overwrite replaces it" in ran.err
    assert (tmp_path / "demo.hspy").read_bytes() == before
    assert hspy("demo", "--overwrite").code == 0
    assert hspy("demo", "demo.hspy").code == 0
    assert "demo-resaved.hspy: exists" in hspy("demo", "demo.hspy").err
