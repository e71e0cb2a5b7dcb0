"""HyperSpy's lazy signals on our reader and through our writer, on threads and on a cluster."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hyperspy.api as hs
import numpy as np
import pytest

import hspyio
from hspyio.errors import StaleFileError

distributed = pytest.importorskip("distributed")

DATA = np.random.default_rng(0).poisson(5, (8, 9, 30)).astype("u2")

pytestmark = pytest.mark.filterwarnings("ignore:Sending large graph", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    ) as cluster:
        yield cluster


@pytest.fixture(params=["threads", "cluster"])
def scheduler(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where dask computes while it lasts."""
    if request.param == "threads":
        yield "threads"
        return
    with distributed.Client(request.getfixturevalue("cluster")):
        yield "cluster"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.hspy"
    signal = hs.signals.Signal1D(DATA)
    signal.metadata.General.title = "a map"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signal.save(path, chunks=(3, 3, 30))
    return path


def loaded(path: Path, **kwds: Any) -> Any:
    return hs.load(path, file_format=hspyio, **kwds)


def write(path: Path, signal: Any) -> None:
    """Write as `signal.save` would if it took our module."""
    handed_over = signal._to_dictionary(add_models=True)
    info = {"package": "hyperspy", "package_version": hs.__version__}
    hspyio.file_writer(path, {**handed_over, "tmp_parameters": {}, "package_info": info})


def read_by_hyperspy(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hs.load(path, file_format="HSPY")


def test_a_computation(path: Path, scheduler: str) -> None:
    signal = loaded(path, lazy=True)
    assert signal._lazy
    assert signal.data.chunksize == (3, 3, 30)
    total = signal.sum(axis=signal.axes_manager.signal_axes)
    total.compute(show_progressbar=False)
    assert np.array_equal(total.data, DATA.sum(2))
    part = signal.inav[2:5, 1].isig[3:10]
    part.compute(show_progressbar=False)
    assert np.array_equal(part.data, DATA[1, 2:5, 3:10])


def test_map(path: Path, scheduler: str) -> None:
    signal = loaded(path, lazy=True)
    mapped = signal.map(_centred, inplace=False, lazy_output=True, show_progressbar=False)
    mapped.compute(show_progressbar=False)
    assert np.allclose(mapped.data, DATA - DATA.mean(2, keepdims=True))


def _centred(values: Any) -> Any:
    return values - values.mean()


@pytest.mark.parametrize("name", ["a.hspy", "b.hspy"])
def test_saving(path: Path, scheduler: str, name: str) -> None:
    signal = loaded(path, lazy=True) * 2
    write(path.with_name(name), signal)
    for again in (read_by_hyperspy(path.with_name(name)), loaded(path.with_name(name))):
        assert np.array_equal(again.data, DATA * 2)
        assert again.metadata.General.title == "a map"
    if (scheduler, name) == ("cluster", "a.hspy"):
        with pytest.raises(StaleFileError):
            signal.compute(close_file=False, show_progressbar=False)
        return
    # What was loaded goes on, also where its file has been overwritten.
    signal.compute(close_file=False, show_progressbar=False)
    assert np.array_equal(signal.data, DATA * 2)
