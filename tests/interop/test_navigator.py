"""HyperSpy shows the navigators that are written here, and computes none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest

import hspyio
from hspyio import Signal

hs = pytest.importorskip("hyperspy.api")

DATA = np.random.default_rng(5).poisson(3, (6, 8, 10, 12)).astype("u2")


def test_hyperspy_computes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib").use("agg")
    path = tmp_path / "a.hspy"
    asked: dict[str | None, int] = {}
    for navigator in (None, "sum"):
        hspyio.save(path, Signal(DATA, signal_dimension=2), navigator=navigator, overwrite=True)
        signal = hs.load(path, lazy=True)
        original = type(signal).compute_navigator
        with monkeypatch.context() as patch:
            computed: list[object] = []

            def compute(self: Any, *args: Any, _original: Any = original, **options: Any) -> Any:
                computed.append(self)  # noqa: B023 # called before the next round
                return _original(self, *args, **options)

            patch.setattr(type(signal), "compute_navigator", compute)
            signal.plot()
        asked[navigator] = len(computed)
    assert asked == {None: 1, "sum": 0}
    assert (signal.navigator.data == DATA.sum((2, 3))).all()


def test_hyperspy_and_rosettasciio_read_several(tmp_path: Path) -> None:
    reader = pytest.importorskip("rsciio.hspy").file_reader
    path = tmp_path / "a.hspy"
    lazy = Signal(da.from_array(DATA, chunks=(2, 4, 10, 12)), signal_dimension=2)
    hspyio.save(path, lazy, navigator=["sum", "max"])
    [read] = reader(path)
    assert (read["metadata"]["_HyperSpy"]["_sig_navigator"]["data"] == DATA.sum((2, 3))).all()
    signal = hs.load(path)
    signal.save(path, overwrite=True)
    found = hspyio.load(path).metadata._HyperSpy
    assert (found.navigator.data == DATA.sum((2, 3))).all()


def test_what_hyperspy_computed_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    signal = hs.signals.Signal2D(DATA).as_lazy()
    signal.compute_navigator()
    signal.save(path, show_progressbar=False)
    loaded = hspyio.load(path, lazy=True)
    hspyio.save(path, loaded, overwrite=True)
    assert (hs.load(path, lazy=True).navigator.data == signal.navigator.data).all()
