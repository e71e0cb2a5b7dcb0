"""``hspy add-nexus``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

import hspyio
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]


def test_it_annotates_and_says_what(hspy: Hspy, two_in_one: Path) -> None:
    code, out, err = hspy("add-nexus", two_in_one)
    assert (code, err) == (0, "")
    assert out == f"{two_in_one}: EELS-map, \\x1b[31mline [bold]\n"
    with h5py.File(two_in_one) as file:
        assert file[file.attrs["default"]].attrs["default"] == "EELS-map"


def test_a_bad_file_does_not_stop_the_others(hspy: Hspy, two_in_one: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.hspy"
    code, out, err = hspy("add-nexus", missing, two_in_one)
    assert code == 1
    assert err.startswith(f"hspy: {missing}: ") and out.startswith(f"{two_in_one}: EELS-map")


def test_a_file_with_nothing_to_plot(hspy: Hspy, tmp_path: Path) -> None:
    items = np.empty(2, object)
    items[:] = [np.arange(2.0), np.arange(3.0)]
    hspyio.save(tmp_path / "ragged.hspy", hspyio.Signal(items))
    code, out, err = hspy("add-nexus", "ragged.hspy")
    assert code == 1
    assert out == "ragged.hspy: nothing that NeXus viewers plot\n"
    assert "the data are ragged" in err
