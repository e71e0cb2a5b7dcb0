"""What ``hspy hyperspy`` says; tests/interop/test_hyperspy_sessions.py has what it does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import _hspyio_hyperspy
from hspyio.bridges import hyperspy_sessions
from hspyio.bridges.hyperspy_sessions import TESTED, Status, status, switch_off, switch_on
from hspyio.errors import HspyError
from support.places import ROOT


def lines(**versions: str | None) -> list[str]:
    found = Status(
        on=True, installed=True, environment="/env", variable=None, versions=dict(versions)
    )
    return list(found.lines())


def test_the_versions_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    for package, first, last in TESTED.values():
        assert f"{package}>={first}" in extras["hyperspy"]
        tested = [re.sub(r"\[.*\]", "", item) for item in extras["test"]]
        assert f"{package}=={last}.*" in tested


def test_versions_that_were_not_tested() -> None:
    [_, _, hyperspy, rosettasciio] = lines(HyperSpy="2.6.0", RosettaSciIO="0.8")
    assert hyperspy.endswith("here 2.6.0, which was not tested")
    assert rosettasciio.endswith("here 0.8, which was not tested")
    [_, _, hyperspy, rosettasciio] = lines(HyperSpy="2.5.1.dev3", RosettaSciIO=None)
    assert hyperspy.endswith("here 2.5.1.dev3")
    assert rosettasciio.endswith("here not installed")


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_hspyio_hyperspy, "MARK", str(tmp_path / "mark"))
    monkeypatch.setattr(_hspyio_hyperspy, "RUNS", True)
    monkeypatch.delenv("HSPYIO_HYPERSPY", raising=False)
    return tmp_path / "mark"


def test_the_mark_comes_and_goes(mark: Path) -> None:
    assert not status().on
    assert switch_on().on and mark.exists()
    assert not switch_off().on and not mark.exists()


@pytest.mark.parametrize("switch", [switch_on, switch_off])
def test_a_folder_that_cannot_be_written(
    mark: Path, monkeypatch: pytest.MonkeyPatch, switch: object
) -> None:
    (mark.parent / "file").touch()
    monkeypatch.setattr(_hspyio_hyperspy, "MARK", str(mark.parent / "file" / "mark"))
    with pytest.raises(HspyError, match=r"mark: cannot be changed .*HSPYIO_HYPERSPY=1 or 0"):
        switch()  # type: ignore[operator]


def test_it_is_told_where_python_starts_without_it(
    mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_hspyio_hyperspy, "RUNS", False)
    with pytest.raises(HspyError, match="install it there"):
        switch_on()
    assert not mark.exists()
    assert hyperspy_sessions.status().installed is False
