"""Lists, dicts and their kin, in one another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hspyio import Signal, save
from hspyio.errors import UnsupportedTypeError
from hspyio.testing import assert_roundtrip
from support.cases import assert_case_comes_back, rows


@pytest.mark.parametrize("name", rows("list", "dict"))
def test_rows_come_back(name: str, tmp_path: Path) -> None:
    assert_case_comes_back(name, tmp_path / "a.hspy")


def test_a_circle_is_found(tmp_path: Path) -> None:
    circle: dict[str, Any] = {"a": [1]}
    circle["a"].append(circle)
    with pytest.raises(UnsupportedTypeError, match="refers to itself"):
        save(tmp_path / "a.hspy", Signal([1.0], metadata={"x": circle}))


def test_absurd_depth_is_found(tmp_path: Path) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UnsupportedTypeError, match="deep"):
        save(tmp_path / "a.hspy", Signal([1.0], metadata={"x": deep}))


@pytest.mark.parametrize("kind", ["list", "dict", "mixed"])
def test_depth_that_is_allowed_comes_back(kind: str, tmp_path: Path) -> None:
    value: Any = {1, "a"}
    for level in range(90):
        as_list = kind == "list" or (kind == "mixed" and level % 2)
        value = [value, None] if as_list else {1: value, "b": None}
    assert_roundtrip(Signal([1.0], metadata={"x": value}), tmp_path / "a.hspy")
