"""``hspy navigator`` and ``hspy repack --navigator``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio

DATA = np.arange(2 * 3 * 4, dtype="u2").reshape(2, 3, 4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "map.hspy"
    hspyio.save(path, hspyio.Signal(DATA, signal_dimension=1, title="map"))
    return path


def test_a_navigator_is_made(hspy: Any, path: Path) -> None:
    code, out, err = hspy("navigator", path)
    assert (code, err) == (0, "")
    assert out == f"{path}: has a navigator (sum)\n"
    assert (hspyio.load(path).metadata._HyperSpy.navigator.data == DATA.sum(2)).all()


def test_both_are_made_by_repack(hspy: Any, path: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.hspy"
    code, _, _ = hspy("repack", path, new, "--navigator", "max,sum")
    found = hspyio.load(new).metadata._HyperSpy
    assert code == 0
    assert (found.navigator.data == DATA.max(2)).all()
    assert (found.navigators["sum"].data == DATA.sum(2)).all()


def test_what_there_is_not_is_told(hspy: Any, path: Path) -> None:
    code, _, err = hspy("navigator", path, "--how", "mean")
    assert code == 1
    assert "navigator is 'mean'; use 'sum', 'max'" in err
