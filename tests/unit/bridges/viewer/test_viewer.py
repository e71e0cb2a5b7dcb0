"""`hspyio.view` and `Signal.view`: what they take, and what they refuse."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio.errors import ExperimentError, MissingFileError, MissingPackageError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    signals = [hspyio.Signal(np.zeros((3, n)), title=f"title {n}") for n in (4, 5)]
    hspyio.save(tmp_path / "a.hspy", signals)
    return tmp_path / "a.hspy"


def test_a_missing_package_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hspyio.packages.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"bokeh.*pip install bokeh.*\[view\]"):
        hspyio.view(path)


def test_files_that_cannot_be_shown(path: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        hspyio.view(tmp_path / "none.hspy")
    with pytest.raises(ExperimentError, match="title 4"):
        hspyio.view(path, "title 6")


@pytest.mark.skipif(importlib.util.find_spec("bokeh") is None, reason="no Bokeh")
def test_files_and_signals_that_are_shown(path: Path) -> None:
    for target, options in (
        (path, {}),
        (str(path), {"name": "title 5"}),
        (hspyio.Signal(np.zeros(3)), {}),
    ):
        chosen: dict[str, Any] = options
        with hspyio.view(target, **chosen) as viewer:
            assert viewer._name == chosen.get("name", viewer._name)
    with hspyio.load(path, "title 4", lazy=True).view() as viewer:
        assert viewer.url.startswith("http://127.0.0.1:")
    pytest.importorskip("xarray")
    with hspyio.view(hspyio.Signal(np.zeros((3, 4))).to_xarray()) as viewer:
        assert "token" in viewer.url
