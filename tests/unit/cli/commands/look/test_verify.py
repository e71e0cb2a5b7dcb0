"""``hspy verify``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py

import hspyio
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]


def seal_and_change(path: Path) -> Path:
    """A sealed copy with one value changed."""
    with hspyio.open(path) as experiments:
        signals = [hspyio.load(path, name=name) for name in experiments]
    target = path.with_name("changed.hspy")
    hspyio.save(target, signals, checksum=True)
    with h5py.File(target, "r+") as file:
        file["/Experiments/EELS-map/data"][0, 0, 0] = 1
    return target


def test_a_good_file(hspy: Hspy, two_in_one: Path) -> None:
    code, out, err = hspy("verify", two_in_one)
    assert (code, err) == (0, "")
    assert out.startswith(f"{two_in_one}: no damage found; ")
    assert "not sealed: EELS-map, \\x1b[31mline [bold]; a change" in out


def test_several_files_of_which_one_is_damaged(hspy: Hspy, two_in_one: Path) -> None:
    changed = seal_and_change(two_in_one)
    code, out, err = hspy("verify", changed, two_in_one, "--threads", 1)
    assert (code, err) == (1, "")
    assert f"{changed}: DAMAGED" in out and f"{two_in_one}: no damage found" in out
    assert "/Experiments/EELS-map/data: " in out and "is not what was sealed" in out
    assert "    intact: " in out or "  intact: " in out


def test_as_json(hspy: Hspy, two_in_one: Path) -> None:
    changed = seal_and_change(two_in_one)
    code, out, _ = hspy("verify", "--json", two_in_one, changed)
    assert code == 1
    good, bad = json.loads(out)
    assert (good["path"], good["ok"]) == (str(two_in_one), True)
    assert (bad["ok"], bad["damaged"][0]["where"]) == (False, "/Experiments/EELS-map/data")


def test_what_cannot_be_read(hspy: Hspy, two_in_one: Path, tmp_path: Path) -> None:
    code, out, err = hspy("verify", tmp_path / "none.hspy", two_in_one)
    assert code == 1 and "none.hspy: no such file" in err and "no damage found" in out
    text = tmp_path / "text.hspy"
    text.write_text("energy,counts")
    code, out, _ = hspy("verify", text)
    assert code == 1 and "is not an HDF5 file" in out
    assert hspy("verify").code == 2
