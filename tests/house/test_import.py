"""What importing and loading import: start-up is quick, heavy packages come when needed."""

from __future__ import annotations

import decimal
import fractions
import os
import pickle
import subprocess
import sys
import uuid
from pathlib import Path

import numpy as np
import pytest

import hspyio
from hspyio import Signal

HEAVY = (
    "h5py", "dask", "imagecodecs", "isal", "hdf5plugin", "rich", "typer", "tqdm", "matplotlib",
    "xarray", "hyperspy", "exspy", "rsciio", "hypothesis", "scipy", "pandas",
)  # fmt: skip
UNUSED_BY_LOADING = (
    "base64", "dask", "decimal", "fractions", "hashlib", "hdf5plugin", "html", "imagecodecs",
    "isal", "numpy.ma", "pathlib", "rich", "tqdm", "uuid", "zoneinfo",
    "hspyio.schema.writing", "hspyio.transaction.plan", "hspyio.hdf5.writing.dataset_writer",
    "hspyio.arrays.contiguous",
    "hspyio.arrays.reading",
    "hspyio.arrays.manifest", "hspyio.hdf5.ragged", "hspyio.hdf5.writing.writer",
)  # fmt: skip
"""What a load of a small file without odd types can do without, so that it starts quickly."""

SOURCE = str(Path(hspyio.__file__).parents[1])


def imported(code: str, of: tuple[str, ...] = HEAVY) -> set[str]:
    """Those of some modules that a fresh Python has imported after some code."""
    script = f"{code}\nimport sys\nprint(*sorted(name for name in {of} if name in sys.modules))"
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


def test_loading_a_small_file_imports_numpy_alone(path: str) -> None:
    assert imported(f"import hspyio; hspyio.load({path!r})") == set()
    # its module has the writer, too
    assert imported(f"import hspyio; hspyio.file_reader({path!r})") <= {"h5py"}


def test_a_small_file_is_loaded_with_few_modules(tmp_path: Path) -> None:
    path = str(tmp_path / "small.hspy")
    tree = {"General": {"title": "small"}, "n": 1, "x": 2.5, "items": [1, 2]}
    hspyio.save(path, Signal(np.arange(12.0).reshape(3, 4), metadata=tree))
    alone = imported("import h5py", UNUSED_BY_LOADING)
    assert imported(f"import hspyio; hspyio.load({path!r})", UNUSED_BY_LOADING) <= alone


def test_values_of_modules_that_come_late(tmp_path: Path) -> None:
    """A type whose module is imported after the package is known all the same."""
    path = str(tmp_path / "late.hspy")
    code = f"""
import hspyio
signal = hspyio.Signal([1.0])
hspyio.save({path!r}, signal)
import decimal, fractions, pathlib, uuid, numpy
signal.metadata["a"] = decimal.Decimal("1.10")
signal.metadata["b"] = fractions.Fraction(1, 3)
signal.metadata["c"] = pathlib.Path("x")
signal.metadata["d"] = uuid.UUID(int=5)
signal.metadata["e"] = numpy.ma.masked
signal.metadata["f"] = {{decimal.Decimal(2): 1}}
hspyio.save({path!r}, signal, overwrite=True)
"""
    assert imported(code, ("decimal",)) == {"decimal"}
    read = hspyio.load(path).metadata
    assert (read["a"], read["b"]) == (decimal.Decimal("1.10"), fractions.Fraction(1, 3))
    assert (read["c"], read["d"]) == (Path("x"), uuid.UUID(int=5))
    assert read["e"] is np.ma.masked
    assert read["f"] == {decimal.Decimal(2): 1}
    late = imported(f"import hspyio; print(hspyio.load({path!r}).metadata['a'])", ("decimal",))
    assert "decimal" in late


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
    assert not hasattr(hspyio, "save_as")


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


def test_asking_whether_something_is_there_searches_for_nothing() -> None:
    """Python asks a package so for each of its modules, and programs ask signals."""
    code = (
        "import sys, numpy as np, hspyio\n"
        "signal = hspyio.Signal(np.ones(2), metadata={'General': {'title': 'x'}})\n"
        "for thing in (hspyio, signal, signal.axes, signal.axes[0], signal.metadata):\n"
        "    assert not hasattr(thing, 'titel')\n"
        "assert 'difflib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_error_goes_to_other_processes_as_text() -> None:
    with pytest.raises(AttributeError) as caught:
        _ = hspyio.laod
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is AttributeError and str(again) == str(caught.value)


def test_public_functions_are_called_as_they_are_imported() -> None:
    """Python's own errors name them so: ``open() got an unexpected keyword argument``."""
    for name in hspyio.__all__:
        found = getattr(hspyio, name)
        assert getattr(found, "__qualname__", name) == name
