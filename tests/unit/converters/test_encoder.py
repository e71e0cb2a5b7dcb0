"""What has no form is refused, with every path, before a file is touched."""

from __future__ import annotations

import dataclasses
import enum
import re
from collections import defaultdict, deque
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from hspyio import HspyWarning, Signal, file_writer, load, save
from hspyio.errors import UnsupportedTypeError
from support.cases import REFUSED


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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dask's delayed", "Delayed"),
        ("what answers everything", "MagicMock"),
        ("formula", "sympy"),
        ("sparse", "it is sparse: Signal(array.toarray())"),
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


class Level(enum.Enum):
    HIGH = 1


@dataclasses.dataclass
class Settings:
    gain: float = 1.5


class Pair(NamedTuple):
    x: int
    y: int


class OnACard:
    __cuda_array_interface__: ClassVar[dict[str, object]] = {}


class LikeATensor:
    def __array__(self) -> np.ndarray:
        return np.arange(3)


@pytest.mark.parametrize(
    ("value", "mend"),
    [
        (Level.HIGH, "its .value"),
        (Settings(), "dataclasses.asdict(value)"),
        (Pair(1, 2), "tuple(value)"),
        (np.rec.array([(1, 2.0)]), "np.asarray(value)"),
        (type("Own", (np.ma.MaskedArray,), {})([1], [True]), "np.ma.array(value, subok=False)"),
        (defaultdict(int, a=1), "dict(value)"),
        (MappingProxyType({"a": 1}), "dict(value)"),
        ({"a": 1}.keys(), "set(value)"),
        (deque([1]), "list(value)"),
        (memoryview(b"a"), "bytes(value)"),
        ((i for i in (1, 2)), "list(value)"),
        (map(int, "12"), "list(value)"),
        (type("Name", (str,), {})("a"), "str(value)"),
        (type("Row", (list,), {})([1]), "list(value)"),
        (pd.Index([1]), "give its values: Signal(index.to_numpy())"),
        (pd.array([1, 2]), "np.asarray(value)"),
        (LikeATensor(), "np.asarray(value)"),
        (OnACard(), "its copy in the memory of numpy"),
        (xr.Dataset(), "hspyio.from_xarray(dataset['name']) makes a Signal of a variable"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else None,
)
def test_a_refusal_names_the_mend(value: Any, mend: str, tmp_path: Path) -> None:
    """And what it names has a form."""
    with pytest.raises(UnsupportedTypeError, match=f"; {re.escape(mend)}"):
        save(tmp_path / "a.hspy", Signal([1.0], metadata={"x": value}))
    assert not list(tmp_path.iterdir())
    if "value)" in mend or mend == "its .value":
        scope = {"value": value, "np": np, "dataclasses": dataclasses}
        made = value.value if mend == "its .value" else eval(mend, scope)
        save(tmp_path / "b.hspy", Signal([1.0], metadata={"x": made}))
