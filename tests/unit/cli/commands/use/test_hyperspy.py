"""``hspy hyperspy``: its words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import _hspyio_hyperspy
from hspyio.bridges import hyperspy_sessions


@pytest.fixture(autouse=True)
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_hspyio_hyperspy, "MARK", str(tmp_path / "mark"))
    monkeypatch.setattr(_hspyio_hyperspy, "RUNS", True)
    monkeypatch.delenv("HSPYIO_HYPERSPY", raising=False)
    return tmp_path / "mark"


def test_on_off_and_status(hspy: Any, mark: Path) -> None:
    assert hspy("hyperspy").out.startswith("off: HyperSpy reads and writes .hspy files itself")
    code, out, err = hspy("hyperspy", "on")
    assert (code, err) == (0, "") and mark.exists()
    assert out.startswith("on: HyperSpy reads and writes .hspy files with hspyio")
    assert "RosettaSciIO: tested with 0.12 to 0.15; here " in out
    assert hspy("hyperspy", "status").out == out
    assert hspy("hyperspy", "off").code == 0 and not mark.exists()


def test_another_word(hspy: Any) -> None:
    code, _, err = hspy("hyperspy", "maybe")
    assert code == 2
    assert "'maybe' is not on, off or status" in err


def test_what_cannot_be_written_is_told(
    hspy: Any, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_hspyio_hyperspy, "MARK", str(mark / "none" / "mark"))
    code, _, err = hspy("hyperspy", "on")
    assert code == 1
    assert "HSPYIO_HYPERSPY=1 or 0 in the environment" in " ".join(err.split())


def test_it_is_said_that_hyperspy_is_not_there(hspy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hyperspy_sessions, "_version", {"rosettasciio": "0.15.0"}.get)
    said = "HyperSpy is not in this environment; it holds as soon as it is installed here"
    assert said in hspy("hyperspy", "on").out
    assert said not in hspy("hyperspy", "off").out
