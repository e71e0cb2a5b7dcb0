"""Arrays of every dtype."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hspyio import Signal
from hspyio.testing import assert_roundtrip
from support.cases import CASES, assert_case_comes_back, rows


@pytest.mark.parametrize("name", rows("array"))
def test_rows_come_back(name: str, tmp_path: Path) -> None:
    assert_case_comes_back(name, tmp_path / "a.hspy")


@pytest.mark.parametrize("name", rows("array", "masked", "signal", "quantity"))
def test_stands_in_an_object_array(name: str, tmp_path: Path) -> None:
    array = np.empty(2, object)
    array[0] = CASES[name]
    assert_roundtrip(Signal([1.0], metadata={"x": array}), tmp_path / "a.hspy")
