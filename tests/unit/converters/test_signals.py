"""Signals inside trees."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.cases import assert_case_comes_back, rows


@pytest.mark.parametrize("name", rows("signal"))
def test_rows_come_back(name: str, tmp_path: Path) -> None:
    assert_case_comes_back(name, tmp_path / "a.hspy")
