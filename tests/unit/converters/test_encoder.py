"""What has no form is refused, with every path, before a file is touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

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
