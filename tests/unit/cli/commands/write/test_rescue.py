"""``hspy rescue``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import hspyio
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]


def cut(path: Path) -> Path:
    """A copy without its end."""
    target = path.with_name("cut.hspy")
    target.write_bytes(path.read_bytes()[:-3000])
    return target


def test_a_good_file(hspy: Hspy, two_in_one: Path) -> None:
    code, out, err = hspy("rescue", two_in_one, "out.hspy")
    assert (code, err) == (0, "")
    assert out.startswith(f"out.hspy: everything came back of {two_in_one.name}\n")
    assert "EELS-map: came back whole" in out
    with hspyio.open("out.hspy") as new, hspyio.open(two_in_one) as old:
        assert list(new) == list(old)


def test_a_cut_file(hspy: Hspy, two_in_one: Path) -> None:
    code, out, err = hspy("rescue", cut(two_in_one), "out.hspy", "--threads", 1)
    assert (code, err) == (1, "")
    assert "out.hspy: not everything came back of cut.hspy" in out
    assert "came back in part" in out and Path("out.hspy").exists()


def test_json(hspy: Hspy, two_in_one: Path) -> None:
    code, out, _ = hspy("rescue", "--json", cut(two_in_one), "out.hspy")
    found = json.loads(out)
    assert code == 1 and found["ok"] is False
    assert found["target"] == "out.hspy" and found["signals"]


def test_where_nothing_can_be_read(hspy: Hspy, tmp_path: Path) -> None:
    (tmp_path / "bad.hspy").write_bytes(b"no file of ours")
    code, out, err = hspy("rescue", "bad.hspy", "out.hspy")
    assert (code, out) == (1, "") and "bad.hspy" in err
    assert not (tmp_path / "out.hspy").exists()


def test_wrong_usage(hspy: Hspy, two_in_one: Path) -> None:
    assert hspy("rescue", two_in_one)[0] == 2
    assert hspy("rescue", two_in_one, two_in_one, "--overwrite")[0] == 2
    code, _, err = hspy("rescue", cut(two_in_one), two_in_one)
    assert code == 2 and "overwrite" in err
    assert hspy("rescue", cut(two_in_one), two_in_one, "--overwrite")[0] == 1
