"""``hspy validate``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

import hspyio
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]


@pytest.fixture
def bad(tmp_path: Path, two_in_one: Path) -> Path:
    """A copy with an axis that does not fit, and a file format that is another."""
    path = tmp_path / "bad.hspy"
    path.write_bytes(two_in_one.read_bytes())
    with h5py.File(path, "r+") as file:
        file["/Experiments/EELS-map/axis-0"].attrs["size"] = 9
        file.attrs["file_format"] = "\x1b[31mred"
    return path


def test_a_good_file(hspy: Hspy, two_in_one: Path) -> None:
    code, out, err = hspy("validate", two_in_one)
    assert (code, err) == (0, "")
    assert out == f"{two_in_one}: valid; nothing to find fault with\n"


def test_a_bad_file(hspy: Hspy, bad: Path) -> None:
    code, out, err = hspy("validate", bad)
    assert (code, err) == (1, "")
    assert out.startswith(f"{bad}: NOT VALID; 1 error, 1 warning\n")
    assert "  H304 error: /Experiments/EELS-map/axis-0: has 9 points, the data 4\n" in out
    assert ".values())` goes by the data." in out
    assert "H103 warning: /@file_format: is '\\x1b[31mred', not 'HyperSpy'" in out
    assert "\x1b" not in out


def test_warnings_alone_are_fine(hspy: Hspy, bad: Path) -> None:
    with h5py.File(bad, "r+") as file:
        file["/Experiments/EELS-map/axis-0"].attrs["size"] = 4
    code, out, _ = hspy("validate", bad)
    assert code == 0 and out.startswith(f"{bad}: valid; 1 warning\n")
    code, out, _ = hspy("validate", bad, "--severity", "error")
    assert (code, out) == (0, f"{bad}: valid; nothing to find fault with\n")
    assert hspy("validate", bad, "--severity", "awful").code == 2


def test_many_files_of_which_some_are_none(hspy: Hspy, two_in_one: Path, bad: Path) -> None:
    text, none = bad.with_name("text.hspy"), bad.with_name("none.hspy")
    text.write_text("energy,counts")
    foreign = bad.with_name("foreign.h5")
    with h5py.File(foreign, "w") as file:
        file["values"] = [1, 2]
    cut = bad.with_name("cut.hspy")
    cut.write_bytes(bad.read_bytes()[:5000])
    code, out, err = hspy("validate", none, text, foreign, cut, bad, two_in_one)
    assert code == 1
    assert err == f"hspy: {none}: no such file\n"
    heads = re.findall(r"^[^ \n].*$", out, re.MULTILINE)
    assert [head.partition(": ")[0] for head in heads] == [
        str(path) for path in (text, foreign, cut, bad, two_in_one)
    ]
    assert "H101 error: /: is not an HDF5 file" in out
    assert "H101 error: /: is an HDF5 file that cannot be opened: it was cut, and is 5,000" in out
    assert "H102 error: /: is an HDF5 file, but not an HSpy file" in out


def test_as_json(hspy: Hspy, two_in_one: Path, bad: Path) -> None:
    none = bad.with_name("none.hspy")
    code, out, err = hspy("validate", "--json", two_in_one, bad, none)
    assert code == 1 and "no such file" in err
    good, worse, missing = json.loads(out)
    assert good == hspyio.validate(two_in_one).as_dict()
    assert [one["rule"] for one in worse["findings"]] == ["H304", "H103"]
    assert missing == {"path": str(none), "ok": False, "error": f"{none}: no such file"}
    assert hspy("validate").code == 2


def process(*args: object, **how: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hspyio", "validate", *map(str, args)],
        env={**os.environ, "PYTHONPATH": str(Path(hspyio.__file__).resolve().parents[1])},
        encoding="utf-8",
        timeout=120,
        check=False,
        **how,  # type: ignore[call-overload]
    )


def test_as_another_process(bad: Path, two_in_one: Path) -> None:
    done = process(bad, two_in_one, capture_output=True)
    assert (done.returncode, done.stderr) == (1, "")
    assert "H304 error" in done.stdout and f"{two_in_one}: valid" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are another thing there; untested")
def test_a_pipe_that_is_closed(bad: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = process(bad, bad, stdout=write_end, stderr=subprocess.PIPE)
    finally:
        os.close(write_end)
    assert done.stderr == ""
