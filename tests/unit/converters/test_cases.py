"""Every row of the table comes back exactly, alone and in every container."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hspyio import HspyWarning, Signal, file_writer, load, save
from hspyio.errors import UnsupportedTypeError
from hspyio.testing import assert_roundtrip
from support.cases import CASES, REFUSED


@pytest.mark.parametrize("name", CASES)
def test_comes_back_exactly(name: str, tmp_path: Path) -> None:
    value = CASES[name]
    tree = {"x": value, "list": [None, value], "tuple": (value,), "dict": {"y": {1: value}}}
    assert_roundtrip(Signal([1.0], metadata=tree, original_metadata=tree), tmp_path / "a.hspy")


@pytest.mark.parametrize(
    "name", [name for name in CASES if name.startswith(("array", "signal", "quantity"))]
)
def test_stands_in_an_object_array(name: str, tmp_path: Path) -> None:
    array = np.empty(2, object)
    array[0] = CASES[name]
    assert_roundtrip(Signal([1.0], metadata={"x": array}), tmp_path / "a.hspy")


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_with_every_path(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    path.write_bytes(b"old")
    tree = {"x": REFUSED[name], "deep": [1, {"y": REFUSED[name]}]}
    with pytest.raises(UnsupportedTypeError) as caught:
        save(path, Signal([1.0], metadata=tree), overwrite=True)
    places = [problem.where for problem in caught.value.problems]
    assert any(place.startswith("metadata.x") for place in places)
    assert any(place.startswith("metadata.deep[1].y") for place in places)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dask's delayed", "Delayed"),
        ("what answers everything", "MagicMock"),
        ("formula", "sympy"),
        ("sparse", "use its .todense()"),
        ("no time", "pandas.NaT"),
        ("no value", "pandas.<NA>"),
    ],
)
@pytest.mark.parametrize("by", ["save", "file_writer"])
def test_a_refusal_names_the_type(tmp_path: Path, name: str, said: str, by: str) -> None:
    path, tree = tmp_path / "a.hspy", {"x": REFUSED[name], "y": [1, {"z": REFUSED[name]}]}
    if by == "save":
        with pytest.raises(UnsupportedTypeError) as caught:
            save(path, Signal([1.0], metadata=tree))
        text = str(caught.value)
    else:
        axes = [{"size": 1, "navigate": False}]
        with pytest.warns(HspyWarning) as heard:
            file_writer(path, {"data": np.ones(1), "axes": axes, "metadata": tree})
        text = str(heard[0].message)
        assert load(path).metadata.as_dictionary()["y"] == [1, {}]
    assert text.count(said) == 2 and "deep" not in text
