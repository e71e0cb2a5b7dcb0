"""``hspy plot`` through its entry point."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import hspyio
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A file with one experiment, a spectrum image."""
    path = tmp_path / "one.hspy"
    data = np.random.default_rng(0).poisson(3, (6, 7, 80)).astype("u2")
    hspyio.save(path, hspyio.Signal(data, signal_dimension=1))
    return path


def width_of(path: Path) -> int:
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    return int(struct.unpack(">I", content[16:20])[0])


def test_formats(hspy: Hspy, one: Path, tmp_path: Path) -> None:
    for name, start in (("a.png", b"\x89PNG"), ("a.PDF", b"%PDF"), ("a.svg", b"<?xml")):
        code, out, err = hspy("plot", one, "-o", name)
        assert (code, err) == (0, "")
        content = (tmp_path / name).read_bytes()
        assert content.startswith(start) and out.startswith(f"{name}: ")


def test_dpi_and_other_options(hspy: Hspy, one: Path, tmp_path: Path) -> None:
    assert hspy("plot", one, "--output", "a.png", "--dpi", 50, "--log").code == 0
    assert hspy("plot", one, "--output", "b.png", "--dpi", 100, "--linear", "--quick").code == 0
    assert width_of(tmp_path / "b.png") == 2 * width_of(tmp_path / "a.png") == 1000


def test_one_of_several(hspy: Hspy, two_in_one: Path, tmp_path: Path) -> None:
    code, _, err = hspy("plot", two_in_one, "-o", "a.png")
    assert code == 1 and "EELS-map" in err and "line" in err
    assert not (tmp_path / "a.png").exists()
    assert hspy("plot", two_in_one, "-o", "a.png", "--name", "EELS/map").code == 0
    assert hspy("plot", two_in_one, "-o", "b.png", "--name", "\x1b[31mline [bold]").code == 0
    code, _, err = hspy("plot", two_in_one, "-o", "c.png", "--name", "HAADF")
    assert code == 1 and "HAADF" in err


def test_a_picture_is_replaced_only_when_asked(hspy: Hspy, one: Path, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"old")
    code, _, err = hspy("plot", one, "-o", picture)
    assert code == 1 and "exists" in err and picture.read_bytes() == b"old"
    assert hspy("plot", one, "-o", picture, "--overwrite").code == 0
    assert width_of(picture) > 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "one.hspy"]


def test_without_a_name_the_picture_is_called_as_the_file(
    hspy: Hspy, one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    code, out, err = hspy("plot", one)
    assert (code, err) == (0, "") and out.startswith("one.png: ")
    assert width_of(tmp_path / "here" / "one.png") > 100
    code, _, err = hspy("plot", one)
    assert code == 1 and "--overwrite" in err


def test_usage(hspy: Hspy, one: Path) -> None:
    assert hspy("plot").code == 2
    code, _, err = hspy("plot", one, "-o", "a.jpg")
    assert code == 2 and ".png" in err
    assert hspy("plot", one, "-o", "a.png", "--dpi", "0").code == 2


def test_nothing_to_draw_or_nowhere_to_write(hspy: Hspy, one: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.hspy"
    hspyio.save(empty, hspyio.Signal(np.zeros((0, 3))))
    code, _, err = hspy("plot", empty, "-o", "a.png")
    assert code == 1 and "no values" in err and "Traceback" not in err
    code, _, err = hspy("plot", one, "-o", "nowhere/a.png")
    assert code == 1 and "no folder" in err


def test_without_matplotlib(hspy: Hspy, one: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr("hspyio.packages.find_spec", lambda name: None)
    code, _, err = hspy("plot", one, "-o", "a.png")
    assert code == 1 and "pip install matplotlib" in err


def test_damaged_data(hspy: Hspy, tmp_path: Path) -> None:
    path = tmp_path / "damaged.hspy"
    data = np.random.default_rng(1).poisson(9, (50, 60, 70)).astype("u2")
    hspyio.save(path, hspyio.Signal(data, signal_dimension=1), compression="gzip")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * (size // 4))
    code, _, err = hspy("plot", path, "-o", "a.png")
    assert code == 1 and err.startswith("hspy: ") and str(path) in err
    assert not (tmp_path / "a.png").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are another thing there; untested")
def test_a_pipe_that_is_closed(one: Path, tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "hspyio", "plot", str(one), "-o", str(tmp_path / "a.png")],
            stdout=write_end,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
    finally:
        os.close(write_end)
    assert done.stderr == b"" and done.returncode in (0, 1)
    assert width_of(tmp_path / "a.png") > 100
