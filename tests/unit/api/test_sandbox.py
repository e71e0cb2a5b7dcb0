"""Operations in a process of their own: what kills it is an error, and nothing is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio import HspyError, Signal
from hspyio.api import sandbox
from hspyio.api.loading.load import _loaded_apart, loaded
from hspyio.arrays.workers import Progress, Workers
from hspyio.errors import DamagedFileError, FilterError, MissingFileError, NotHspyError, OptionError
from hspyio.options import ReadOptions
from support import places

UNIX = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_PROGRAM", "support.dying_child")
    monkeypatch.setenv("PYTHONPATH", str(places.TESTS))


def children() -> set[int]:
    """Processes that this one has started and not taken note of the end of."""
    return {int(p) for p in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


@UNIX
@pytest.mark.usefixtures("dying")
@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("abort", "reading it crashes"),
        ("hang", "reading it does not come to an end"),
        ("memory", "reading it takes more memory than there is"),
        ("nonsense", "the process that reads it does not answer"),
    ],
)
def test_what_kills_the_process_is_an_error(
    tmp_path: Path, temporary: Path, way: str, message: str
) -> None:
    path = tmp_path / f"{way}.hspy"
    hspyio.save(path, Signal([1.0, 2.0]))
    before = children()
    with pytest.raises(DamagedFileError, match=rf"{way}\.hspy: {message}"):
        hspyio.load(path, isolated=True)
    report = hspyio.validate(path, isolated=True)
    assert [one.rule for one in report.errors] == ["H101"] and message in str(report)
    assert not list(temporary.iterdir())
    assert children() <= before


@UNIX
@pytest.mark.usefixtures("dying")
def test_a_group_that_was_never_written_is_no_way_out_of_the_clean_file(
    tmp_path: Path, temporary: Path
) -> None:
    path = tmp_path / "lies.hspy"
    hspyio.save(path, Signal([1.0, 2.0]))
    with pytest.raises(HspyError):
        hspyio.load(path, isolated=True)
    assert not list(temporary.iterdir())


def test_errors_and_warnings_are_those_of_reading(tmp_path: Path, temporary: Path) -> None:
    with pytest.raises(MissingFileError, match="no such file"):
        hspyio.load(tmp_path / "no.hspy", isolated=True)
    (tmp_path / "text.hspy").write_text("text")
    with pytest.raises(NotHspyError, match="not an HDF5 file"):
        hspyio.load(tmp_path / "text.hspy", isolated=True)
    for kind in (FilterError, OptionError):
        about = {"kind": kind.__name__, "message": "why", "where": "/x"}
        assert type(sandbox._error(about, "a")) is kind
    for name in ("BaseException", "UnsupportedTypeError", "Problem", "no such"):
        found = sandbox._error({"kind": name, "message": "why", "where": "/x"}, "a")
        assert isinstance(found, HspyError) and found.path == "a"
    assert not list(temporary.iterdir())


def test_the_signal_knows_where_it_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(np.arange(6), metadata={"General": {"title": "one"}}))
    here, apart = hspyio.load(path), hspyio.load(path, isolated=True)
    assert apart.location == here.location
    apart.metadata.General.notes = "mine"
    hspyio.update(path, apart)
    assert hspyio.load(path).metadata.General.notes == "mine"


def test_progress_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(np.random.default_rng(0).integers(0, 9, (4000, 5000), "u1")))
    told: list[int] = []
    workers = Workers(1, Progress(told.append, told.append))
    apart = _loaded_apart(str(path), None, ReadOptions(isolated=True), workers)
    assert told[0] == 20_000_000 and 19_000_000 < sum(told[1:]) <= 20_000_000
    here = loaded(str(path), None, ReadOptions(), Workers())
    assert np.array_equal(apart.data, here.data)


def test_no_module_of_the_current_folder_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal([1.0, 2.0]))
    for name in ("json", "re", "h5py", "numpy", "hspyio"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    assert hspyio.load("a.hspy", isolated=True).data.tolist() == [1, 2]
    assert not (tmp_path / "run").exists()


PROGRAM = """
import sys
from hspyio.api import sandbox
import hspyio
sandbox._PROGRAM = "support.dying_child"
hspyio.load(sys.argv[1], isolated=True)
"""


@UNIX
@pytest.mark.usefixtures("temporary")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_who_has_asked_is_ended(
    tmp_path: Path, temporary: Path, number: int
) -> None:
    path = tmp_path / "waits.hspy"
    hspyio.save(path, Signal([1.0, 2.0]))
    source = str(places.TESTS.parent / "src")
    env: dict[str, Any] = {**os.environ, "PYTHONPATH": os.pathsep.join([source, str(places.TESTS)])}
    asking = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path)], env=env, stderr=subprocess.DEVNULL
    )
    pid = path.with_suffix(".pid")
    deadline = time.monotonic() + 60
    while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    child = int(pid.read_text())
    assert len(list(temporary.iterdir())) == 1
    asking.send_signal(number)
    assert asking.wait(30) != 0
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()
    if number == signal.SIGKILL:  # the next one sweeps it
        assert len(list(temporary.iterdir())) == 1
        good = tmp_path / "good.hspy"
        hspyio.save(good, Signal([1.0, 2.0]))
        hspyio.load(good, isolated=True)
    assert not list(temporary.iterdir())
