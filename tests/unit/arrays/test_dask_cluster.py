"""Lazy signals on the workers of a cluster."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import dask.array as da
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.compare import signal_differences
from hspyio.errors import StaleFileError
from support.compare import rosettasciio

distributed = pytest.importorskip("distributed")

VALUES = np.random.default_rng(0).poisson(4, (30, 20, 64)).astype("u2")

pytestmark = pytest.mark.filterwarnings("ignore:Sending large graph", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two processes with two threads each."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, dashboard_address=":0", silence_logs=50
    ) as cluster:
        yield cluster


@pytest.fixture
def client(cluster: Any) -> Iterator[Any]:
    """dask computes there while it lasts."""
    with distributed.Client(cluster) as client:
        yield client


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.hspy"
    tree = {"large": np.arange(2.0**18), "text": "µ", "mixed": [1, None, "a"]}
    made = Signal(VALUES, signal_dimension=1, metadata=tree)
    made.learning_results["loadings"] = np.arange(2.0**18)
    hspyio.save(path, made, chunks=(7, 6, 64))
    return path


@pytest.mark.parametrize("module", [pickle, cloudpickle])
@pytest.mark.parametrize("chunks", ["auto", "storage", (10, 20, 13)])
def test_lazy_signals_pickle(path: Path, module: Any, chunks: Any) -> None:
    loaded = hspyio.load(path, lazy=True, chunks=chunks)
    text = module.dumps(loaded)
    assert len(text) < 60_000
    again = module.loads(text)
    assert np.array_equal(again.data.compute(), VALUES)
    assert again.data.chunks == loaded.data.chunks
    assert again.metadata["large"].sum().compute() == np.arange(2.0**18).sum()
    assert again.metadata["mixed"] == [1, None, "a"]


def test_all_lazy_parts_are_computed_by_the_workers(client: Any, path: Path) -> None:
    loaded = hspyio.load(path, lazy=True)
    assert np.array_equal(loaded.data.sum(2).compute(), VALUES.sum(2))
    assert loaded.metadata["large"].sum().compute() == np.arange(2.0**18).sum()
    assert loaded.learning_results["loadings"].max().compute() == 2**18 - 1


def test_what_is_saved_equals_what_threads_save(client: Any, path: Path) -> None:
    import dask

    loaded = hspyio.load(path, lazy=True, chunks=(10, 20, 64))
    loaded.data = loaded.data * 3 - 1
    targets = {name: path.with_name(f"{name}.hspy") for name in ("cluster", "threads")}
    hspyio.save(targets["cluster"], loaded)
    with dask.config.set(scheduler="threads"):
        hspyio.save(targets["threads"], loaded)
    for target in targets.values():
        assert np.array_equal(hspyio.load(target).data, VALUES * 3 - 1)
        [read] = rosettasciio(target)
        assert np.array_equal(read["data"], VALUES * 3 - 1)
    assert not signal_differences(*map(hspyio.load, targets.values()))


@pytest.mark.parametrize("change", ["replaced", "same values", "gone"])
def test_workers_refuse_a_file_that_has_changed(client: Any, path: Path, change: str) -> None:
    loaded = hspyio.load(path, lazy=True, chunks="storage")
    if change == "gone":
        path.unlink()
    else:
        values = VALUES if change == "same values" else VALUES + 1
        hspyio.save(path, Signal(values, signal_dimension=1), overwrite=True)
    with pytest.raises(hspyio.HspyError, match=r"has changed|is gone"):
        loaded.data.compute()
    # This process still has the old file.
    assert np.array_equal(loaded.data.compute(scheduler="threads"), VALUES)


def test_saving_from_a_file_that_has_changed_leaves_no_file(client: Any, path: Path) -> None:
    loaded = hspyio.load(path, lazy=True, chunks="storage")
    hspyio.save(path, Signal(VALUES, signal_dimension=1), overwrite=True)
    with pytest.raises(hspyio.HspyError, match="load it again") as caught:
        hspyio.save(path.with_name("b.hspy"), loaded)
    assert isinstance(caught.value, StaleFileError) or caught.value.__cause__ is not None
    assert [entry.name for entry in path.parent.iterdir()] == ["a.hspy"]


def test_workers_that_hold_the_file_go_on_with_it(client: Any, path: Path) -> None:
    loaded = hspyio.load(path, lazy=True, chunks="storage")
    kept = client.persist(loaded.data)
    distributed.wait(kept)
    path.unlink()
    assert np.array_equal(kept.compute(), VALUES)


@pytest.mark.parametrize("shape", [(5,), (3, 4)])
def test_ragged_arrays(client: Any, tmp_path: Path, shape: tuple[int, ...]) -> None:
    ragged = np.empty(shape, object)
    for i, index in enumerate(np.ndindex(shape)):
        ragged[index] = np.arange(i + 1.0)
    lazy = da.from_array(ragged, chunks=2)
    hspyio.save(tmp_path / "a.hspy", Signal(lazy))
    found = hspyio.load(tmp_path / "a.hspy").data
    assert found.shape == shape
    assert all(np.array_equal(found[index], ragged[index]) for index in np.ndindex(shape))
