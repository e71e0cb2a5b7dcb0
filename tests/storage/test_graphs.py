"""dask arrays -> files: on threads, and on the workers of a cluster."""

from __future__ import annotations

import os
import signal as signals
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
from dask.callbacks import Callback

import hspyio
from hspyio import Signal
from hspyio.errors import SaveError

pytest.importorskip("distributed")

VALUES = np.random.default_rng(0).poisson(3, (24, 20, 16)).astype("u2")

pytestmark = pytest.mark.filterwarnings("ignore:Sending large graph", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two processes with two threads each."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=2, dashboard_address=":0", silence_logs=50
    ) as cluster:
        yield cluster


@pytest.fixture
def client(cluster: Any) -> Iterator[Any]:
    """dask computes there while it lasts."""
    from distributed import Client

    with Client(cluster) as client:
        yield client


def lazy(chunks: Any = (5, 7, 16)) -> Any:
    return da.from_array(VALUES, chunks=chunks)


def check(path: Path, expected: np.ndarray, **options: Any) -> None:
    assert np.array_equal(hspyio.load(path, **options).data, expected)


ALIGNMENTS = [
    ((5, 7, 16), None), ((5, 7, 16), (3, 4, 16)), ((24, 20, 16), (5, 5, 5)),
    ((1, 1, 16), (4, 4, 4)), (((1, 10, 13), (20,), (3, 13)), (6, 20, 16)), ((5, 7, 16), True),
]  # fmt: skip
COMPRESSIONS = ["gzip", None, "zstd", "szip"]


@pytest.mark.parametrize(("blocks", "chunks"), ALIGNMENTS)
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_threads(tmp_path: Path, blocks: Any, chunks: Any, compression: str | None) -> None:
    made = Signal(lazy(blocks) + 1, signal_dimension=1)
    hspyio.save(tmp_path / "a.hspy", made, chunks=chunks, compression=compression)
    check(tmp_path / "a.hspy", VALUES + 1)


@pytest.mark.parametrize(
    ("blocks", "chunks", "compression"),
    [(*each, "gzip") for each in ALIGNMENTS] + [(*ALIGNMENTS[1], each) for each in COMPRESSIONS],
)
def test_cluster(
    client: Any, tmp_path: Path, blocks: Any, chunks: Any, compression: str | None
) -> None:
    made = Signal(lazy(blocks) + 1, signal_dimension=1)
    hspyio.save(tmp_path / "a.hspy", made, chunks=chunks, compression=compression)
    check(tmp_path / "a.hspy", VALUES + 1)


def test_a_file_is_read_computed_and_written_by_the_workers(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(VALUES, signal_dimension=1))
    loaded = hspyio.load(path, lazy=True, chunks=(6, 10, 16))
    loaded.data = loaded.data * 2
    hspyio.save(path, loaded, overwrite=True)
    check(path, VALUES * 2)


def test_the_client_is_used(client: Any, tmp_path: Path) -> None:
    here = os.getpid()
    processes = lazy().map_blocks(lambda block: np.full_like(block, os.getpid() % 2**16))
    hspyio.save(tmp_path / "a.hspy", Signal(processes, signal_dimension=1))
    assert here % 2**16 not in np.unique(hspyio.load(tmp_path / "a.hspy").data)


def test_another_scheduler_goes_before_the_client(client: Any, tmp_path: Path) -> None:
    import dask

    processes = lazy().map_blocks(lambda block: np.full_like(block, os.getpid() % 2**16))
    with dask.config.set(scheduler="threads"):
        hspyio.save(tmp_path / "a.hspy", Signal(processes, signal_dimension=1))
    assert np.unique(hspyio.load(tmp_path / "a.hspy").data).tolist() == [os.getpid() % 2**16]


def _fails(block: np.ndarray) -> np.ndarray:
    if block.any():
        raise RuntimeError("no such detector")
    return block


@pytest.mark.parametrize("where", ["threads", "cluster"])
def test_what_a_task_raises_leaves_the_old_file(
    request: pytest.FixtureRequest, tmp_path: Path, where: str
) -> None:
    if where == "cluster":
        request.getfixturevalue("client")
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(VALUES))
    failing = lazy().map_blocks(_fails, dtype="u2", meta=np.empty((0, 0, 0), "u2"))
    with pytest.raises(SaveError, match="no such detector"):
        hspyio.save(path, Signal(failing), overwrite=True)
    check(path, VALUES)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.hspy"]


def _killed_half_way(block: np.ndarray, folder: str, half: int) -> np.ndarray:
    """The worker dies when half of the blocks have been computed."""
    while True:
        done = len(os.listdir(folder))
        with suppress(FileExistsError):
            os.close(os.open(os.path.join(folder, str(done)), os.O_CREAT | os.O_EXCL))
            break
    if done == half:
        os.kill(os.getpid(), signals.SIGKILL)
    return block


def test_a_worker_that_dies_costs_a_retry(tmp_path: Path) -> None:
    from distributed import Client, LocalCluster

    marks = tmp_path / "marks"
    marks.mkdir()
    data = lazy((3, 3, 16))
    half = data.npartitions // 2
    killing = data.map_blocks(_killed_half_way, str(marks), half, meta=np.empty((0, 0, 0), "u2"))
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as cluster,
        Client(cluster) as client,
    ):
        before = set(client.run(os.getpid).values())
        hspyio.save(tmp_path / "a.hspy", Signal(killing, signal_dimension=1), chunks=(4, 4, 16))
        client.wait_for_workers(2)
        assert len(before - set(client.run(os.getpid).values())) == 1
    check(tmp_path / "a.hspy", VALUES)
    hspyio.save(tmp_path / "b.hspy", Signal(data, signal_dimension=1), chunks=(4, 4, 16))
    check(tmp_path / "b.hspy", VALUES)
    assert len(list(marks.iterdir())) > data.npartitions  # one came twice


def test_what_signals_share_is_computed_once(tmp_path: Path) -> None:
    count = [0]
    lock = threading.Lock()

    def counted(block: np.ndarray) -> np.ndarray:
        with lock:
            count[0] += 1
        return block + 1

    shared = lazy().map_blocks(counted, dtype="u2", meta=np.empty((0, 0, 0), "u2"))
    pair = [Signal(shared * 2, signal_dimension=1), Signal(shared.sum(2), signal_dimension=0)]
    hspyio.save(tmp_path / "a.hspy", pair)
    assert count[0] == shared.npartitions
    with hspyio.open(tmp_path / "a.hspy") as experiments:
        first, second = experiments.values()
        assert np.array_equal(first.data.compute(), (VALUES + 1) * 2)
        assert np.array_equal(second.data.compute(), (VALUES + 1).sum(2))


def test_blocks_are_computed_once_though_they_share_chunks(tmp_path: Path) -> None:
    count: list[Any] = []
    data = lazy((5, 7, 16)).map_blocks(lambda block: count.append(1) or block, dtype="u2",
                                       meta=np.empty((0, 0, 0), "u2"))  # fmt: skip
    hspyio.save(tmp_path / "a.hspy", Signal(data, signal_dimension=1), chunks=(8, 8, 16))
    assert len(count) == data.npartitions


def test_few_blocks_are_in_memory_at_a_time(tmp_path: Path) -> None:
    alive, most, lock = [0], [0], threading.Lock()

    class Noted(Callback):
        def _pretask(self, key: Any, graph: Any, state: Any) -> None:
            with lock:
                most[0] = max(most[0], len(state["cache"]))

    with Noted():
        data = da.random.default_rng(0).random((64, 64, 64), chunks=(4, 64, 64))
        hspyio.save(tmp_path / "a.hspy", Signal(data, signal_dimension=2), threads=2)
    assert alive == [0]
    assert most[0] <= 64  # the graph's small constants are in the cache too


def test_no_thread_is_left(tmp_path: Path) -> None:
    before = threading.active_count()
    hspyio.save(tmp_path / "a.hspy", Signal(lazy(), signal_dimension=1), threads=4)
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_sizes_that_dask_does_not_know_are_refused(tmp_path: Path) -> None:
    unknown = lazy()[lazy() > 3]
    with pytest.raises(hspyio.HspyError, match="compute_chunk_sizes"):
        hspyio.save(tmp_path / "a.hspy", Signal(unknown))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 4, 5)])
def test_dimensions_of_no_length(tmp_path: Path, shape: tuple[int, ...]) -> None:
    hspyio.save(tmp_path / "a.hspy", Signal(da.zeros(shape)))
    loaded = hspyio.load(tmp_path / "a.hspy", lazy=True)
    assert loaded.data.shape == shape
    assert loaded.data.compute().shape == shape
