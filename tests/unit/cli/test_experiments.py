"""``hspy extract``, ``append``, ``remove`` and ``upgrade``."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.names import CURRENT_VERSION
from support.places import ARCHIVE
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]


def same(one: Path, other: Path) -> bool:
    found = [str(difference) for difference in hspyio.diff(one, other, strict=True)]
    assert found == []
    return True


def test_extract(hspy: Hspy, two_in_one: Path, tmp_path: Path) -> None:
    target = tmp_path / "map.hspy"
    code, out, err = hspy("extract", two_in_one, "EELS/map", target)
    assert (code, err) == (0, "")
    assert out.startswith(f"{target}: EELS-map, ")
    with hspyio.open(target) as experiments:
        assert list(experiments) == ["EELS-map"]
    code, _, err = hspy("extract", two_in_one, "EELS/map", target)
    assert code == 1 and "exists" in err
    assert hspy("extract", "--overwrite", two_in_one, "EELS-map", "HAADF", target).code == 1
    names = list(hspyio.open(two_in_one))
    assert hspy("extract", "--overwrite", two_in_one, *reversed(names), target).code == 0
    assert same(two_in_one, target)
    code, _, err = hspy("extract", "--overwrite", two_in_one, "EELS-map", two_in_one)
    assert code == 1 and "is the file itself" in err


def test_append(hspy: Hspy, two_in_one: Path, tmp_path: Path) -> None:
    other, third = tmp_path / "other.hspy", tmp_path / "third.hspy"
    data = np.arange(3 * 50 * 40, dtype="u2").reshape(3, 50, 40)
    hspyio.save(
        other, hspyio.Signal(data, metadata={"General": {"title": "stack"}}), chunks=(1, 25, 40)
    )
    shutil.copy(other, third)
    code, out, err = hspy("append", two_in_one, other, third)
    assert (code, err) == (0, "")
    assert out.splitlines() == [f"{two_in_one}: stack of {path}" for path in (other, third)]
    infos = {info.group: info for info in hspyio.info(two_in_one).experiments}
    assert set(infos) >= {"stack", "stack_2"} and len(infos) == 4
    assert infos["stack"].chunks == (1, 25, 40)
    found = list(hspyio.diff(other, two_in_one, name="stack"))
    assert found == []
    assert hspy("append", "--name", "EELS/map", other, two_in_one).code == 0
    assert len(hspyio.open(other)) == 2


def test_append_to_itself_or_of_a_bad_file(hspy: Hspy, two_in_one: Path, tmp_path: Path) -> None:
    before = two_in_one.read_bytes()
    code, _, err = hspy("append", two_in_one, two_in_one)
    assert code == 1 and "is FILE itself; name another one" in err
    good = tmp_path / "good.hspy"
    hspyio.save(good, hspyio.Signal(np.zeros(3)))
    assert hspy("append", two_in_one, good, "missing.hspy").code == 1
    assert two_in_one.read_bytes() == before


def test_append_of_ragged_and_old(hspy: Hspy, two_in_one: Path, tmp_path: Path) -> None:
    ragged = np.empty(2, object)
    ragged[:] = [np.arange(3.0), np.arange(5.0)]
    other = tmp_path / "ragged.hspy"
    hspyio.save(other, hspyio.Signal(ragged, metadata={"General": {"title": "ragged"}}))
    old = next(iter(sorted(ARCHIVE.glob("*1.2*"))))
    assert hspy("append", two_in_one, other, old).code == 0
    assert list(hspyio.diff(other, two_in_one, name="ragged")) == []
    assert len(hspyio.open(two_in_one)) == 3 + len(hspyio.open(old))


def test_remove(hspy: Hspy, two_in_one: Path) -> None:
    names = list(hspyio.open(two_in_one))
    before = two_in_one.read_bytes()
    code, _, err = hspy("remove", two_in_one, *names)
    assert code == 1 and "delete the file" in err
    assert hspy("remove", two_in_one, "EELS-map", "HAADF").code == 1
    assert two_in_one.read_bytes() == before
    code, out, err = hspy("remove", two_in_one, "EELS/map", "EELS-map")
    assert (code, out, err) == (0, f"{two_in_one}: removed EELS-map\n", "")
    assert list(hspyio.open(two_in_one)) == [name for name in names if name != "EELS-map"]


def test_upgrade(hspy: Hspy, tmp_path: Path) -> None:
    files = sorted(path for path in ARCHIVE.iterdir() if path.suffix in (".hspy", ".hdf5"))
    assert len(files) >= 5
    for number, source in enumerate(files):
        target = tmp_path / f"{number}.hspy"
        code, out, err = hspy("upgrade", source, target)
        assert (code, err) == (0, ""), source
        assert out.startswith(f"{target}: format {CURRENT_VERSION}, {source} was ")
        assert hspyio.open(target).version == CURRENT_VERSION
        assert same(source, target)


def test_upgrade_loses_nothing_silently(hspy: Hspy, tmp_path: Path) -> None:
    source, target = tmp_path / "old.hspy", tmp_path / "new.hspy"
    signal = hspyio.Signal(np.arange(5), metadata={"General": {"title": "T"}, "Sample": {"a": 1}})
    hspyio.save(source, signal)
    with h5py.File(source, "r+") as file:
        file.attrs["file_format_version"] = "3.0"
        file["Experiments/T/metadata/Sample"].attrs["broken"] = h5py.Empty("f8")
    code, _, err = hspy("upgrade", source, target)
    assert code == 1 and not target.exists()
    assert "broken" in err and "would be lost" in err and "--partly" in err
    assert "warning" not in err
    code, out, err = hspy("upgrade", "--partly", source, target)
    assert code == 0 and f"format {CURRENT_VERSION}" in out
    assert "hspy: warning: " in err and "broken" in err
    assert hspyio.load(target).metadata.Sample.a == 1
    assert np.array_equal(hspyio.load(target).data, np.arange(5))


def test_upgrade_in_place(hspy: Hspy, tmp_path: Path) -> None:
    source = tmp_path / "old.hspy"
    shutil.copy(next(iter(sorted(ARCHIVE.glob("*2.1*")))), source)
    copy = tmp_path / "copy.hspy"
    shutil.copy(source, copy)
    assert hspy("upgrade", source, source).code == 1
    assert hspy("upgrade", "--overwrite", source, source).code == 0
    assert hspyio.open(source).version == CURRENT_VERSION
    assert same(copy, source)
    code, out, _ = hspy("upgrade", source, tmp_path / "again.hspy")
    assert code == 0 and f"was {CURRENT_VERSION}" in out
    assert same(source, tmp_path / "again.hspy")


@pytest.mark.parametrize("command", ["extract", "append", "remove", "upgrade"])
def test_usage(hspy: Hspy, command: str) -> None:
    assert hspy(command).code == 2
    assert hspy(command, "a.hspy").code == 2
