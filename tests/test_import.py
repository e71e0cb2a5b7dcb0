"""What importing and loading import: start-up is quick, heavy packages come when needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hspyio
from hspyio import Signal

HEAVY = (
    "h5py", "dask", "imagecodecs", "isal", "hdf5plugin", "rich", "typer", "tqdm", "matplotlib",
    "xarray", "hyperspy", "exspy", "rsciio", "hypothesis", "scipy", "pandas",
)  # fmt: skip
SOURCE = str(Path(hspyio.__file__).parents[1])


def imported(code: str) -> set[str]:
    """The heavy packages that a fresh Python has imported after some code."""
    script = f"{code}\nimport sys\nprint(*sorted(name for name in {HEAVY} if name in sys.modules))"
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert not done.stderr
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("import") / "a.hspy"
    tree = {"a": [1, None, "x"], "b": {1: np.arange(3)}, "s": Signal([1.0])}
    hspyio.save(path, Signal(np.arange(12.0).reshape(3, 4), metadata=tree))
    return str(path)


def test_importing_hspyio_imports_nothing_heavy() -> None:
    assert imported("import hspyio; dir(hspyio); hspyio.__version__") == set()


def test_signals_and_axes_need_no_hdf5() -> None:
    code = "import hspyio; hspyio.Signal([1.0]); hspyio.UniformAxis(size=3); hspyio.MetadataTree()"
    assert imported(code) == set()


def test_loading_imports_h5py_alone(path: str) -> None:
    assert imported(f"import hspyio; hspyio.load({path!r})") <= {"h5py"}
    assert imported(f"import hspyio; hspyio.file_reader({path!r})") <= {"h5py"}


def test_saving_imports_no_dask(path: str) -> None:
    code = f"import hspyio; hspyio.save({path + '2'!r}, hspyio.Signal([1.0]), overwrite=True)"
    assert "dask" not in imported(code)


def test_loading_lazily_imports_dask(path: str) -> None:
    assert "dask" in imported(f"import hspyio; hspyio.load({path!r}, lazy=True)")


def test_every_public_name_is_there() -> None:
    assert len(set(hspyio.__all__)) == len(hspyio.__all__)
    assert hspyio.__all__ == sorted(hspyio.__all__)
    for name in hspyio.__all__:
        assert getattr(hspyio, name) is not None
        assert name in dir(hspyio)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        hspyio.nonsense  # noqa: B018
    assert not hasattr(hspyio, "save_all")


def test_star_import_gives_the_public_names() -> None:
    code = "from hspyio import *; import builtins; assert open is not builtins.open; load; save"
    assert imported(code) <= {"h5py"}


def test_running_the_module_shows_help() -> None:
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    done = subprocess.run(
        [sys.executable, "-m", "hspyio", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert "info" in done.stdout
