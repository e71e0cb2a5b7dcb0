"""dask arrays -> files: on threads, and on the workers of a cluster."""

from __future__ import annotations

import os
import signal as signals
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
from dask.callbacks import Callback

import hspyio
from hspyio import Signal
from hspyio.errors import SaveError, UnsupportedTypeError

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


@pytest.mark.parametrize("where", ["threads", "cluster"])
def test_an_error_of_a_task_is_the_tasks(
    request: pytest.FixtureRequest, tmp_path: Path, where: str
) -> None:
    if where == "cluster":
        request.getfixturevalue("client")
    failing = lazy().map_blocks(_misses, dtype="u2", meta=np.empty((0, 0, 0), "u2"))
    with pytest.raises(
        SaveError, match=r"could not be computed: FileExistsError: .*raw\.dat"
    ) as raised:
        hspyio.save(tmp_path / "a.hspy", Signal(failing))
    assert raised.value.path == str(tmp_path / "a.hspy")
    assert isinstance(raised.value.__cause__, FileExistsError)


def _misses(block: np.ndarray) -> np.ndarray:
    raise FileExistsError(17, "there already", "raw.dat")


# blocks that are not what dask was told

WRONG: dict[str, Any] = {
    "another shape": lambda block: np.swapaxes(block, 0, 1),
    "complex": lambda block: block * 1j,
    "too large": lambda block: block.astype("i8") + 2**16,
    "fractions": lambda block: block + 0.5,
    "nan": lambda block: np.where(block > 0, np.nan, block),
    "nothing": lambda block: None,
    "empty": lambda block: block[:0],
    "masked": lambda block: np.ma.masked_less(block, 3),
}


def wrong(how: str) -> Any:
    return lazy().map_blocks(WRONG[how], dtype="u2", meta=np.empty((0, 0, 0), "u2"))


SCHEDULERS = ["threads", "synchronous", "processes", "cluster", "pool"]


@pytest.fixture(params=SCHEDULERS)
def settings(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each way of dask's to compute."""
    import dask

    if request.param == "cluster":
        request.getfixturevalue("client")
        yield request.param
    elif request.param == "pool":
        with ThreadPoolExecutor(1) as pool, dask.config.set(scheduler=pool):
            yield request.param
    else:
        with dask.config.set(scheduler=request.param):
            yield request.param


@pytest.mark.parametrize("compression", ["gzip", None, "szip"])
def test_no_scheduler_saves_a_wrong_block(settings: str, tmp_path: Path, compression: Any) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(VALUES))
    for how in WRONG if compression == "gzip" and settings != "processes" else ["another shape"]:
        message = r"a\.hspy: /Experiments/__unnamed__/data: block \(\d, \d, 0\) of the dask array"
        with pytest.raises(SaveError, match=message):
            hspyio.save(path, Signal(wrong(how)), overwrite=True, compression=compression)
    check(path, VALUES)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.hspy"]


@pytest.mark.parametrize("chunks", [(5, 7, 16), (3, 4, 16)])
@pytest.mark.parametrize("compression", ["gzip", None, "szip"])
def test_every_scheduler_saves(
    settings: str, tmp_path: Path, compression: Any, chunks: Any
) -> None:
    hspyio.save(tmp_path / "a.hspy", Signal(lazy() + 1), compression=compression, chunks=chunks)
    check(tmp_path / "a.hspy", VALUES + 1)
    other = da.from_array(VALUES.astype("i8"), chunks=(9, 9, 9))
    cast = other.map_blocks(np.asarray, dtype="u2", meta=np.empty((0, 0, 0), "u2"))
    hspyio.append(tmp_path / "a.hspy", Signal(cast, metadata={"General": {"title": "other"}}))
    check(tmp_path / "a.hspy", VALUES, name="other")


WAYS = {
    "save": lambda path, made: made.save(path, overwrite=True),
    "append": hspyio.append,
    "update": lambda path, made: hspyio.update(path, Signal(VALUES, metadata={"x": made.data})),
    "file_writer": lambda path, made: hspyio.file_writer(
        path, {**hspyio.file_reader(path)[0], "data": made.data}
    ),
}


@pytest.mark.parametrize("write", WAYS)
def test_no_way_of_writing_lets_a_wrong_block_in(tmp_path: Path, write: str) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(VALUES))
    content, made = path.read_bytes(), Signal(wrong("another shape"))
    with pytest.raises(hspyio.HspyError, match=r"block \(\d, \d, 0\) of the dask array has shape"):
        WAYS[write](path, made)
    assert path.read_bytes() == content


@pytest.mark.parametrize("part", ["metadata", "original_metadata", "learning_results"])
@pytest.mark.parametrize("how", ["another shape", "nan"])
def test_wrong_blocks_in_trees(tmp_path: Path, part: str, how: str) -> None:
    made = Signal(VALUES)
    getattr(made, part)["x"] = wrong(how)
    with pytest.raises(UnsupportedTypeError, match=rf"{part}\.x: block \(\d, \d, 0\)"):
        hspyio.save(tmp_path / "a.hspy", made)
    assert not list(tmp_path.iterdir())


# dask's settings


@pytest.mark.parametrize(
    ("settings_of", "most"),
    [({"scheduler": "synchronous"}, 1), ({"scheduler": "single-threaded"}, 1),
     ({"num_workers": 1}, 1), ({"num_workers": 3}, 3),
     ({"scheduler": "threads", "num_workers": 1}, 1), ({"pool": 1}, 1), ({"pool": 2}, 2)],
)  # fmt: skip
def test_dasks_settings_are_obeyed(tmp_path: Path, settings_of: dict[str, Any], most: int) -> None:
    import dask

    lock, now, seen, names = threading.Lock(), [0], [0], []
    barrier = threading.Barrier(most)

    def counted(block: np.ndarray) -> np.ndarray:
        with lock:
            now[0] += 1
            seen[0] = max(seen[0], now[0])
            names.append(threading.current_thread().name)
            first = len(names) <= most
        if first:  # all of them at a time, once
            barrier.wait(timeout=60)
        with lock:
            now[0] -= 1
        return block

    data = da.ones((12, 10), chunks=(1, 10)).map_blocks(counted, dtype="f8", meta=np.empty((0, 0)))
    with ThreadPoolExecutor(settings_of.get("pool", 1), thread_name_prefix="users") as pool:
        if "pool" in settings_of:
            settings_of = {"pool": pool}
        with dask.config.set(**settings_of):
            hspyio.save(tmp_path / "a.hspy", Signal(data))
    assert seen[0] == most
    if "pool" in settings_of:
        assert all(name.startswith("users") for name in names)
    if settings_of.get("scheduler") in ("synchronous", "single-threaded"):
        assert set(names) == {threading.current_thread().name}


def test_a_scheduler_of_the_users_computes(tmp_path: Path) -> None:
    import dask

    calls = []

    def get(graph: Any, keys: Any, **options: Any) -> Any:
        calls.append(1)
        return dask.local.get_sync(graph, keys, **options)

    def silent(graph: Any, keys: Any, **options: Any) -> Any:
        with dask.config.set(callbacks=()):
            taken, Callback.active = Callback.active, set()
            try:
                return get(graph, keys, **options)
            finally:
                Callback.active = taken

    for each in (get, silent):
        with dask.config.set(scheduler=each):
            hspyio.save(tmp_path / "a.hspy", Signal(lazy() + 1), overwrite=True)
        check(tmp_path / "a.hspy", VALUES + 1)
    assert len(calls) == 2


def test_memory_is_not_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pickled, hashed = [], []

    class Values(np.ndarray):
        def __reduce_ex__(self, protocol: Any) -> Any:
            pickled.append(1)
            return super().__reduce_ex__(protocol)

    import dask.tokenize

    hashing = dask.tokenize.hash_buffer_hex

    def noted(buffer: Any) -> Any:
        size = memoryview(buffer).nbytes
        if size > VALUES.nbytes // 2:
            hashed.append(size)
        return hashing(buffer)

    held = da.from_array(VALUES.view(Values), chunks=(5, 7, 16), asarray=False)
    pickled.clear()
    monkeypatch.setattr(dask.tokenize, "hash_buffer_hex", noted)
    hspyio.save(tmp_path / "a.hspy", Signal(held))
    assert (pickled, hashed) == ([], [])
    da.from_array(VALUES)
    assert hashed


# inside tasks


def _doubled(source: str, target: str) -> float:
    loaded = hspyio.load(source, lazy=True)
    loaded.data = loaded.data * 2
    loaded.metadata["sum"] = loaded.data.sum(2)
    loaded.save(target, overwrite=True)
    return float(hspyio.load(target).data.sum())


@pytest.mark.parametrize("compression", ["gzip", "szip"])
def test_tasks_of_a_cluster_save(client: Any, tmp_path: Path, compression: str) -> None:
    paths = [str(tmp_path / f"{i}.hspy") for i in range(8)]  # twice as many as there are threads
    for path in paths:
        hspyio.save(path, Signal(VALUES), compression=compression)
    futures = client.map(_doubled, paths, [f"{path}.hspy" for path in paths], pure=False)
    assert [future.result(timeout=120) for future in futures] == [VALUES.sum() * 2.0] * 8


def _fails_inside(target: str) -> str:
    try:
        hspyio.save(target, Signal(wrong("another shape")))
    except SaveError as error:
        return str(error)
    return "saved"


def test_a_task_that_cannot_save_has_its_thread_again(client: Any, tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{i}.hspy") for i in range(6)]
    for text in client.gather(client.map(_fails_inside, paths, pure=False)):
        assert "of the dask array has shape" in text
    assert client.submit(sum, [1, 2], pure=False).result(timeout=60) == 3


def test_under_an_asynchronous_client_threads_save(tmp_path: Path) -> None:
    import asyncio

    from distributed import Client

    async def save() -> str:
        options = {"asynchronous": True, "processes": False, "n_workers": 1}
        async with Client(**options, dashboard_address=None) as client:
            hspyio.save(tmp_path / "a.hspy", Signal(lazy() + 1, metadata={"x": da.arange(3)}))
            held = client.persist(lazy() + 2)
            await held
            await asyncio.to_thread(hspyio.save, tmp_path / "b.hspy", Signal(held))
            with pytest.raises(SaveError, match=r"asyncio\.to_thread") as raised:
                hspyio.save(tmp_path / "c.hspy", Signal(held))
            return str(raised.value)

    assert "asynchronous" in asyncio.run(save())
    check(tmp_path / "a.hspy", VALUES + 1)
    check(tmp_path / "b.hspy", VALUES + 2)


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


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_ends_what_dask_computes_and_no_thread_is_left_behind(tmp_path: Path) -> None:
    begun: list[int] = []

    def computed(block: np.ndarray) -> np.ndarray:
        begun.append(0)
        if len(begun) == 3:
            os.kill(os.getpid(), signals.SIGINT)
        time.sleep(0.02)
        return block

    # No block is stored before all of them are computed.
    data = da.zeros((200, 8), chunks=(1, 8)).map_blocks(computed, meta=np.empty((0, 0)))
    previous = signals.signal(signals.SIGINT, signals.default_int_handler)
    before = threading.active_count()
    try:
        with pytest.raises(KeyboardInterrupt):
            hspyio.save(tmp_path / "a.hspy", Signal(data.rechunk((200, 8))), threads=2)
        assert len(begun) < 20
        assert threading.active_count() == before
        assert not list(tmp_path.iterdir())
    finally:
        signals.signal(signals.SIGINT, previous)
