"""Facts of many files, by several processes: the same list, and the same complaints, in order."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio.cli import processes
from hspyio.errors import HspyError


def facts(path: Path) -> list[dict[str, Any]]:
    found = hspyio.info(path)
    return [{"file": path.name, "title": one.title} for one in found.experiments]


def ended(path: Path) -> list[dict[str, Any]]:
    os.kill(os.getpid(), signal.SIGKILL)
    return []


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Seven good ones, one that is cut in the middle of them, and one that is not there."""
    paths = [tmp_path / f"{i}.hspy" for i in range(8)]
    hspyio.save(paths[0], hspyio.Signal(np.arange(4.0), metadata={"General": {"title": "µ"}}))
    for path in paths[1:]:
        shutil.copyfile(paths[0], path)
    paths[3].write_bytes(paths[3].read_bytes()[:300])
    return [*paths, tmp_path / "missing.hspy"]


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few files are many."""
    monkeypatch.setattr(processes, "_WORTH_A_PROCESS", 3)
    monkeypatch.setattr(processes, "_TOGETHER", 2)
    monkeypatch.setenv("HSPYIO_NUM_THREADS", "2")


def test_it_is_the_same_as_in_one(
    many: None, files: list[Path], capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    text, fine = processes.in_processes(facts, files)
    told = capsys.readouterr().err
    monkeypatch.setenv("HSPYIO_NUM_THREADS", "1")
    assert (text, fine) == processes.in_processes(facts, files)
    assert told == capsys.readouterr().err
    assert not fine
    assert [line.split(":")[1].strip() for line in told.splitlines()] == [
        str(files[3]), str(files[8])
    ]  # fmt: skip
    assert [item["file"] for item in json.loads(text)] == [f"{i}.hspy" for i in range(8) if i != 3]


def test_nothing_is_an_empty_list(many: None, files: list[Path]) -> None:
    assert processes.in_processes(facts, []) == ("[]", True)
    text, fine = processes.in_processes(facts, [files[8]] * 6)
    assert (json.loads(text), fine) == ([], False)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal")
def test_a_process_that_is_ended_is_an_error(many: None, files: list[Path]) -> None:
    with pytest.raises(HspyError, match="ended from outside"):
        processes.in_processes(ended, files)
