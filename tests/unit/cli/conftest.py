"""Running ``hspy``: in this process, through the function that the entry point calls."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import hspyio
from hspyio.cli.main import main


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def hspy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Ran]:
    """Runs ``hspy`` with some arguments, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*args: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["hspy", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        code = left.value.code
        assert code is None or isinstance(code, int)
        return Ran(code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def two_in_one(tmp_path: Path) -> Path:
    """A file with two experiments: a map of spectra and a line on axes of other kinds."""
    path = tmp_path / "two.hspy"
    spectra = hspyio.Signal(
        np.zeros((4, 5, 64), "uint16"),
        [
            hspyio.UniformAxis("y", "µm", size=4, scale=0.5, navigate=True),
            hspyio.UniformAxis("x", "µm", size=5, scale=0.5, navigate=True),
            hspyio.UniformAxis("Energy", "keV", size=64, offset=-0.1, scale=0.01),
        ],
        metadata={
            "General": {"title": "EELS/map", "date": "2026-03-14"},
            "Signal": {"signal_type": "EELS"},
            "Sample": {"elements": ["O", "Ti"], "thickness": np.float64("nan")},
            "Acquisition_instrument": {"TEM": {"beam_energy": 200.0}},
            "mask": np.zeros((50, 50), bool),
        },
    )
    line = hspyio.Signal(
        np.arange(3.0),
        [hspyio.DataAxis("Wavelength", "nm", axis=np.array([400.0, 500.0, 700.0]))],
        metadata={"General": {"title": "\x1b[31mline [bold]"}},
    )
    hspyio.save(path, [spectra, line])
    return path
