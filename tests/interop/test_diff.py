"""A file, and what HyperSpy makes of it when it loads and saves it: nothing differs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hyperspy.api as hs
import numpy as np
import pytest

import hspyio
from unit.cli.conftest import Ran, hspy

__all__ = ["hspy"]

Hspy = Callable[..., Ran]

RANDOM = np.random.default_rng(0)


def spectra() -> Any:
    signal = hs.signals.Signal1D(RANDOM.poisson(20, (6, 5, 64)).astype("u2"))
    signal.axes_manager[0].name, signal.axes_manager[0].scale = "x", 0.25
    signal.axes_manager[-1].units, signal.axes_manager[-1].offset = "keV", -0.1
    signal.metadata.set_item("Sample.elements", ["Al", "O"])
    signal.original_metadata.add_dictionary({"a": {"b": 1.5, "list": [1, 2, 3]}, "when": "now"})
    return signal


def images() -> Any:
    return hs.signals.Signal2D(RANDOM.random((3, 20, 30)))


def uneven() -> Any:
    axis = {"axis": np.array([0.0, 1, 4, 9]), "name": "E", "units": "eV", "navigate": False}
    return hs.signals.Signal1D(np.arange(4.0), axes=[axis])


def ragged() -> Any:
    rows = np.empty(4, object)
    for i in range(4):
        rows[i] = np.arange(i + 1.0)
    return hs.signals.BaseSignal(rows, ragged=True)


def analysed() -> Any:
    signal = spectra()
    signal.change_dtype("float64")
    signal.decomposition(output_dimension=2, print_info=False)
    return signal


@pytest.mark.parametrize("make", [spectra, images, uneven, ragged, analysed])
def test_what_hyperspy_saves_again_is_the_same(
    hspy: Hspy, make: Callable[[], Any], tmp_path: Path
) -> None:
    first, second = tmp_path / "first.hspy", tmp_path / "second.hspy"
    signal = make()
    signal.metadata.General.title = "sample"
    signal.save(first)
    hs.load(first).save(second)
    assert hspy("diff", "-q", first, second) == (0, "", "")
    assert hspyio.load(second).metadata != hspyio.load(first).metadata  # the stamps of FileIO


def test_what_is_changed_in_hyperspy_is_named(hspy: Hspy, tmp_path: Path) -> None:
    first, second = tmp_path / "first.hspy", tmp_path / "second.hspy"
    signal = spectra()
    signal.save(first)
    signal.axes_manager[0].scale = 0.5
    signal.metadata.Sample.elements = ["Al", "Si"]
    signal.data[1, 2, 3] += 1
    signal.save(second)
    code, out, _ = hspy("diff", first, second)
    assert code == 1
    for told in ("axes", "scale", "metadata.Sample.elements", "data"):
        assert told in out
