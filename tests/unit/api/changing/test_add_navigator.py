"""Navigators of experiments that stand in a file already."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.api.saving.navigator import navigators
from hspyio.errors import ExperimentError, OptionError
from support.places import ARCHIVE

DATA = np.random.default_rng(5).poisson(3, (6, 8, 10, 12)).astype("u2")


def test_a_navigator_in_a_file_of_several(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(
        path, [Signal(DATA, signal_dimension=2, title="map"), Signal(np.ones(3), title="line")]
    )
    before = path.read_bytes()
    with pytest.raises(ExperimentError, match="has no map"):
        hspyio.add_navigator(path, "line")
    assert path.read_bytes() == before
    hspyio.add_navigator(path, "map", navigator=["sum", "max"])
    assert list(navigators(hspyio.load(path, name="map"))) == ["sum", "max"]
    hspyio.add_navigator(path, "map", navigator="max")  # in the place of those
    assert list(navigators(hspyio.load(path, name="map"))) == ["max"]
    assert (hspyio.load(path, name="line").data == 1).all()


def test_an_old_file_is_brought_to_the_current_format(tmp_path: Path) -> None:
    path = tmp_path / "old.hspy"
    old = next(one for one in sorted(ARCHIVE.iterdir()) if one.name.endswith("1.2.hdf5"))
    path.write_bytes(old.read_bytes())
    before = hspyio.load(path)
    hspyio.add_navigator(path)
    after = hspyio.load(path)
    inner = tuple(i for i, axis in enumerate(before.axes) if not axis.navigate)
    assert (navigators(after)["sum"].data == before.data.sum(inner)).all()
    assert (after.data == before.data).all()


def test_no_navigator_is_no_wish(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(DATA, signal_dimension=2))
    with pytest.raises(OptionError, match="navigator is None"):
        hspyio.add_navigator(path, navigator=None)  # type: ignore[arg-type]
