"""What an installed hspyio has to do, in an empty folder: ``python smoke.py`` of its environment.

Nothing of the repository is needed; what an optional package would do is left out without it.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import sysconfig
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import hspyio

HSPY = Path(sysconfig.get_path("scripts")) / "hspy"
AXES = [
    {"name": "y", "units": "nm", "navigate": True},
    {"name": "x", "units": "nm", "navigate": True},
    {"name": "Energy", "units": "keV", "scale": 0.01},
]
TREE = {
    "General": {"title": "EDS", "day": dt.date(2026, 3, 14)},
    "mixed": [1, 2.0, "Al_Ka", None, {"a"}],
}


def main() -> None:
    """All of it; an error ends it."""
    assert "site-packages" in hspyio.__file__, f"this is {hspyio.__file__}"
    data = np.random.default_rng(1).poisson(3, (12, 13, 200)).astype("uint16")
    for compression in ("gzip", "lzf", None):
        signal = hspyio.Signal(data, AXES, metadata=TREE)
        hspyio.save("a.hspy", signal, compression=compression, checksum=True, overwrite=True)
        check(hspyio.load("a.hspy"), data)
        check(hspyio.load("a.hspy", lazy=True), data)
    lazy = hspyio.load("a.hspy", lazy=True)
    lazy.data = lazy.data + 1
    lazy.save("a.hspy", overwrite=True)
    assert (hspyio.load("a.hspy").data == data + 1).all()
    signal = hspyio.load("a.hspy")
    signal.metadata.General.title = "changed"
    hspyio.update("a.hspy", signal)
    hspyio.append("a.hspy", hspyio.Signal(np.ones((2, 3)), title="HAADF"))
    assert hspyio.verify("a.hspy") and hspyio.validate("a.hspy")
    assert [entry["data"].shape for entry in hspyio.file_reader("a.hspy")] == [
        (12, 13, 200),
        (2, 3),
    ]
    for words in (["info", "a.hspy"], ["tree", "a.hspy"], ["verify", "a.hspy"], ["demo"]):
        run(*words)
    assert run("--version").split() == ["hspyio", hspyio.__version__]
    with_others(data)
    print(f"hspyio {hspyio.__version__} works with Python {sys.version.split()[0]}")


def check(signal: hspyio.Signal, data: np.ndarray) -> None:
    """Nothing was lost."""
    assert np.array_equal(np.asarray(signal.data), data)
    assert signal.metadata.as_dictionary()["mixed"] == TREE["mixed"]
    assert signal.metadata.General.day == dt.date(2026, 3, 14)
    assert [axis.units for axis in signal.axes] == ["nm", "nm", "keV"]


def with_others(data: np.ndarray) -> None:
    """The bridges to what is installed."""
    hspyio.save("b.hspy", hspyio.Signal(data, AXES, metadata=TREE))
    if find_spec("matplotlib"):
        run("plot", "b.hspy", "-o", "b.png")
    if find_spec("xarray"):
        import xarray

        with xarray.open_dataset("b.hspy", engine="hspyio") as opened:
            assert np.array_equal(opened.data, data)
    if find_spec("hyperspy"):
        for switch, api in (("on", "hspyio"), ("off", "rsciio.hspy")):
            run("hyperspy", switch)
            code = (
                "import hyperspy.api as hs;"
                "hs.load('b.hspy').save('c.hspy', overwrite=True);"
                "log = hs.load('c.hspy').metadata.General.FileIO.as_dictionary();"
                "print({entry['io_plugin'] for entry in log.values()})"
            )
            assert api in execute(sys.executable, "-c", code)
        assert hspyio.load("b.hspy").to_hyperspy().data.shape == data.shape


def run(*words: str) -> str:
    """The output of ``hspy``."""
    return execute(str(HSPY), *words)


def execute(*words: str) -> str:
    """The output of a program that must end well."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


if __name__ == "__main__":
    import os

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        main()
        os.chdir("/")
