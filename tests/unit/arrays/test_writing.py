"""Arrays -> stored chunks, past HDF5: h5py reads them back, and nothing is left of a failure."""

from __future__ import annotations

import os
import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import hspyio
from hspyio import Signal
from hspyio.arrays import writing as scatter
from hspyio.arrays.workers import Progress, Workers
from hspyio.filters.codec import Bytes
from hspyio.filters.pipeline import Pipeline, Scratch
from hspyio.hdf5.writing.dataset_writer import create_array, fill_array
from hspyio.hdf5.writing.output import Output, open_by_hdf5
from hspyio.nodes.node import Array, Filter, MemorySource, StorageType, Text
from support.engine import DTYPES, assert_same, encoders, through_hdf5, values

GZIP = (Filter(2, (), "shuffle"), Filter(1, (4,), "gzip", quick=True))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scatter") / "a.h5"


def write(path: Path, data: NDArray[Any], chunks: tuple[int, ...] | None, filters: Any = GZIP,
          threads: int = 2, workers: Workers | None = None) -> NDArray[Any]:  # fmt: skip
    """Write as saving does; what h5py reads of it."""
    kind: StorageType = data.dtype
    if data.dtype.kind == "S":
        kind = Text(data.dtype.itemsize)
    array = Array(kind, MemorySource(data), chunks=chunks, filters=filters)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    with Output(descriptor, workers or Workers(threads)) as output:
        with open_by_hdf5(output, "w") as file:
            fill_array(create_array(file.id, "x", array), output)
        output.check()
    return through_hdf5(path)


def placed(path: Path, name: str = "x") -> list[Any]:
    with h5py.File(path) as file:
        data = file[name].id
        return [data.get_chunk_info(i) for i in range(data.get_num_chunks())]


# any array


@st.composite
def arrays(draw: st.DrawFn, folder: Path) -> NDArray[Any]:
    """Values in any memory order."""
    shape = tuple(draw(st.lists(st.integers(0, 9), min_size=1, max_size=4)))
    plain = [d for d in DTYPES if d.metadata is None]
    base = values(shape, draw(st.sampled_from(plain)), draw(st.integers(0, 99)))
    how = draw(st.sampled_from(["C", "F", "turned", "strided", "broadcast", "mapped", "fixed"]))
    if how == "F":
        return np.asfortranarray(base)
    if how == "turned":
        return base.transpose(draw(st.permutations(range(base.ndim))))
    if how == "strided":
        steps = [draw(st.sampled_from([1, 2, -1, -2])) for _ in shape]
        return base[tuple(slice(None, None, step) for step in steps)]
    if how == "broadcast":
        return np.broadcast_to(base[:1], (min(base.shape[0], 1) * 5, *base.shape[1:]))
    if how == "mapped" and base.size:
        mapped = np.memmap(folder / "map", base.dtype, "w+", shape=shape)
        mapped[...] = base
        return mapped
    base.flags.writeable = how != "fixed"
    return base


@given(st.data(), encoders(), st.integers(1, 4), st.sampled_from([1, 100, 2**18]))
def test_h5py_reads_any_array_back(
    path: Path, data: st.DataObject, filters: tuple[Filter, ...], threads: int, batch: int
) -> None:
    array = data.draw(arrays(path.parent))
    chunks = tuple(data.draw(st.integers(1, max(n, 1))) for n in array.shape)
    if 0 in array.shape:
        chunks = tuple(max(n, 1) for n in array.shape)
    before = array.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scatter, "_BATCH", batch)
        found = write(path, array, chunks, filters, threads)
    assert_same(found, before)
    assert_same(np.asarray(array), before)
    # Smaller ones may stand where the index of the chunks has left room.
    offsets = [info.byte_offset for info in placed(path) if info.size > 65]
    assert offsets == sorted(offsets)


@pytest.mark.parametrize("step", [1, 2, -1])
@pytest.mark.parametrize("dtype", ["S5000", "V4096", [("a", "S4100"), ("b", "<i4")]], ids=str)
@pytest.mark.parametrize("filters", [(), GZIP], ids=["plain", "gzip"])
def test_large_items(path: Path, dtype: Any, step: int, filters: Any) -> None:
    """Such an item is a row of its own."""
    array = np.zeros((7, 3), dtype)
    array.reshape(-1).view("u1").reshape(21, -1)[:, :3] = np.arange(63).reshape(21, 3) + 1
    assert_same(write(path, array[::step, ::step], (2, 2), filters), array[::step, ::step])


@pytest.mark.parametrize("chunks", [(7, 11), (1, 50), (1, 5), (2, 50)])
@pytest.mark.parametrize("filters", [(), GZIP, GZIP[:1]], ids=["plain", "gzip", "shuffle"])
def test_no_thread_and_no_batch_changes_what_is_written(
    path: Path, chunks: tuple[int, ...], filters: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = values((60, 50), np.dtype("<i4"), 0)
    contents = set()
    for threads, batch in ((1, 1), (1, 2**18), (2, 2**18), (5, 900)):
        monkeypatch.setattr(scatter, "_BATCH", batch)
        write(path, array, chunks, filters, threads)
        content, infos = path.read_bytes(), placed(path)
        parts = [content[i.byte_offset : i.byte_offset + i.size] for i in infos]
        # Not all bytes: a header has the second in which it was written.
        contents.add((len(content), *infos, *parts))
    assert len(contents) == 1


@pytest.mark.parametrize("filters", [(), GZIP], ids=["plain", "gzip"])
@pytest.mark.parametrize("how", ["C", "F", "strided", "mapped"])
def test_little_memory_is_used(path: Path, how: str, filters: Any) -> None:
    array = np.zeros((64, 64, 512), "<f8")  # 16 MiB
    array[:, ::3] = 1.5
    given_array = {
        "C": array,
        "F": np.asfortranarray(array),
        "strided": np.repeat(array, 2, axis=2)[:, ::-1, ::2],
        "mapped": np.memmap(path.parent / "large", "<f8", "w+", shape=array.shape),
    }[how]
    write(path, array[:1], (1, 64, 512), filters)  # imports
    tracemalloc.start()
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        node = Array(array.dtype, MemorySource(given_array), chunks=(2, 64, 512), filters=filters)
        with Output(descriptor, Workers(2)) as output, h5py.File(output, "w") as file:
            fill_array(create_array(file.id, "x", node), output)
        assert tracemalloc.get_traced_memory()[1] < 6 * 2**20
    finally:
        tracemalloc.stop()


# what stands in the file


OPTIONS: list[dict[str, Any]] = [
    {}, {"compression": None}, {"compression": None, "shuffle": False},
    *({"compression": "gzip", "compression_opts": level} for level in range(10)),
    {"compression": "gzip", "shuffle": False}, {"compression": "lzf"}, {"compression": "szip"},
    {"compression": "szip", "compression_opts": ("ec", 16), "shuffle": False},
    {**hdf5plugin.Blosc()}, {**hdf5plugin.Blosc(cname="zstd", clevel=3, shuffle=0)},
    {**hdf5plugin.Blosc(cname="lz4", shuffle=2), "shuffle": False}, {**hdf5plugin.Zstd()},
    {**hdf5plugin.Zstd(-2)}, {**hdf5plugin.LZ4()}, {**hdf5plugin.Bitshuffle(), "shuffle": False},
    {**hdf5plugin.BZip2()}, {"fletcher32": True}, {"compression": None, "fletcher32": True},
    {"compression": "lzf", "fletcher32": True, "shuffle": False}, {"scaleoffset": 0},
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype", ["u1", "<i2", ">i4", "<i8"])
def test_filters_are_as_h5py_writes_them(
    options: dict[str, Any], dtype: str, tmp_path: Path
) -> None:
    data = (np.arange(60 * 50).reshape(60, 50) % 77).astype(dtype)
    for lazy in (False, True):
        given_data = da.from_array(data, chunks=(25, 25)) if lazy else data
        axes = [{"size": n, "navigate": i == 0} for i, n in enumerate(data.shape)]
        signal = {"data": given_data, "axes": axes, "metadata": {"General": {"title": "T"}},
                  "attributes": {"_lazy": lazy}}  # fmt: skip
        chunks = (17, 50)
        hspyio.file_writer(
            tmp_path / "a.hspy", signal, chunks=chunks, show_progressbar=False, **options
        )
        asked = {"compression": "gzip", "shuffle": True} | options
        if asked["compression"] is None:
            asked["shuffle"] = False  # of use to a compressor only
        with h5py.File(tmp_path / "b.h5", "w") as file:
            file.create_dataset("x", data=data, chunks=chunks, **asked)
            expected = filters_of(file["x"])
        with h5py.File(tmp_path / "a.hspy") as file:
            found = file["Experiments/T/data"]
            assert filters_of(found) == expected
            assert found.chunks == chunks
            assert_same(found[()], data)


def filters_of(dataset: h5py.Dataset) -> list[Any]:
    creation = dataset.id.get_create_plist()
    return [creation.get_filter(i) for i in range(creation.get_nfilters())]


# dask arrays


SAVED: list[dict[str, Any]] = [
    {}, {"compression": None}, {"compression": None, "shuffle": False}, {"compression": "szip"},
    {"compression": "lzf"}, {"compression_opts": 9, "shuffle": False},
]  # fmt: skip


@given(st.data(), st.sampled_from(SAVED), st.integers(1, 4))
def test_dask_blocks_are_computed_once(
    path: Path, data: st.DataObject, options: dict[str, Any], threads: int
) -> None:
    shape = data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=3).map(tuple))
    blocks = tuple(data.draw(st.integers(1, n)) for n in shape)
    chunks = tuple(
        data.draw(st.sampled_from([block, n, 1])) for block, n in zip(blocks, shape, strict=True)
    )
    base = values(shape, data.draw(st.sampled_from([d for d in DTYPES if d.kind in "iufc"])), 3)
    counts: Counter[Any] = Counter()
    lock = threading.Lock()

    def counted(block: NDArray[Any], block_info: Any = None) -> NDArray[Any]:
        with lock:
            counts[tuple(block_info[0]["chunk-location"])] += 1
        return block

    lazy = da.from_array(base, chunks=blocks).map_blocks(counted, dtype=base.dtype, meta=base[:0])
    hspyio.save(
        path, Signal(lazy), overwrite=True, chunks=data.draw(st.sampled_from([None, chunks])),
        threads=threads, durable=False, **options,
    )  # fmt: skip
    with h5py.File(path) as file:
        [name] = file["Experiments"]
        assert_same(file[f"Experiments/{name}/data"][()], base)
    assert set(counts.values()) == {1}
    assert len(counts) == lazy.npartitions


def test_no_thread_is_left_by_a_dask_array(path: Path) -> None:
    before = set(threading.enumerate())
    hspyio.save(path, Signal(da.ones((20, 20), chunks=5)), overwrite=True, threads=7)
    assert set(threading.enumerate()) == before


# look-ahead


def test_a_slow_first_chunk_lets_the_queue_grow_to_its_bound_only(
    path: Path, monkeypatch: Any
) -> None:
    """The others wait for room; none of this depends on time."""
    threads, bound = 4, 3000
    monkeypatch.setattr(scatter, "_LOOK_AHEAD", bound)
    monkeypatch.setattr(scatter, "_BATCH", 1)
    full = threading.Event()
    most = [0]
    wait, encode = scatter._InOrder.wait_for_room, Pipeline.encode

    def wait_for_room(queue: Any, number: int) -> None:
        most[0] = max(most[0], queue.waiting)
        if queue.waiting > bound and number > queue.next:
            full.set()
        wait(queue, number)

    def slow(pipeline: Pipeline, part: NDArray[Any], scratch: Scratch) -> tuple[Bytes, int]:
        if part[0, 0] == 0:
            assert full.wait(30), "the others did not go on while the first is made"
        return encode(pipeline, part, scratch)

    monkeypatch.setattr(scatter._InOrder, "wait_for_room", wait_for_room)
    monkeypatch.setattr(Pipeline, "encode", slow)
    array = np.arange(100 * 256, dtype="<u4").reshape(100, 256)  # a chunk is 1 KiB
    assert_same(write(path, array, (1, 256), (Filter(2, (), "shuffle"),), threads), array)
    assert bound < most[0] <= bound + threads * 1024


# failures


def alive() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if not thread.name.startswith("Thread")}


@pytest.mark.parametrize("number", [0, 1, 7, 39])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("ahead", [100, 2**30])
def test_an_error_in_one_thread_stops_all(
    number: int, error: type[BaseException], ahead: int, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(scatter, "_LOOK_AHEAD", ahead)
    monkeypatch.setattr(scatter, "_BATCH", 1)
    target = tmp_path / "a.hspy"
    target.write_bytes(b"old")
    original, begun = Pipeline.encode, []

    def encode(pipeline: Pipeline, part: NDArray[Any], scratch: Scratch) -> tuple[Bytes, int]:
        begun.append(part[0, 0])
        if part[0, 0] == number:
            raise error("in a thread")
        return original(pipeline, part, scratch)

    monkeypatch.setattr(Pipeline, "encode", encode)
    data = np.repeat(np.arange(40), 300).reshape(40, 300)
    before = alive()
    expected = error if error is KeyboardInterrupt else hspyio.errors.SaveError
    with pytest.raises(expected, match="in a thread"):
        hspyio.save(target, Signal(data), overwrite=True, chunks=(1, 300), threads=3)
    assert alive() == before
    assert len(begun) <= number + 15 or ahead > 100
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("threads", [1, 3])
def test_a_write_that_fails_in_hdf5_stops_all(path: Path, threads: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(scatter, "_BATCH", 1)
    array = np.zeros((400, 64), "<u4")
    told: list[int] = []

    def failing(*args: Any) -> int:
        raise OSError(28, "No space left on device")

    def advance(count: int) -> None:
        told.append(count)
        if len(told) == 5:
            monkeypatch.setattr(os, "pwritev", failing)

    with pytest.raises(OSError, match="No space"):
        write(path, array, (1, 64), (), threads, Workers(threads, Progress(advance=advance)))
    assert len(told) <= 5 + threads


def full_disk(monkeypatch: Any, allowed: int, *, again: bool) -> Callable[[], int]:
    """Let some writes through, then one fail or all; the function tells how many there were."""
    original, count, lock = os.pwritev, [0], threading.Lock()

    def pwritev(descriptor: int, buffers: Any, offset: int) -> int:
        with lock:
            count[0] += 1
            mine = count[0]
        if mine > allowed and (mine == allowed + 1 or not again):
            raise OSError(28, "No space left on device")
        return original(descriptor, buffers, offset)

    monkeypatch.setattr(os, "pwritev", pwritev)
    return lambda: count[0]


SMALL = (np.arange(30 * 40, dtype="<u4") % 97).reshape(30, 40)
KINDS: dict[str, dict[str, Any]] = {
    "gzip": {"chunks": (7, 40)},
    "plain": {"chunks": (7, 40), "compression": None, "shuffle": False},
    "HDF5": {"chunks": (7, 40), "compression": "szip"},
    "dask": {"chunks": (7, 40)},
}


@pytest.mark.skipif(not hasattr(os, "pwritev"), reason="no pwritev on this platform")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("again", [False, True], ids=["full", "once"])
def test_a_full_disk_at_every_write(
    kind: str, again: bool, tmp_path: Path, monkeypatch: Any
) -> None:
    """HDF5's own writes too, up to the very last."""
    target = tmp_path / "a.hspy"
    data = da.from_array(SMALL, chunks=(5, 40)) if kind == "dask" else SMALL
    metadata = {"General": {"title": "T"}, "array": np.arange(3000), "list": [1, 2.0, "x"]}
    signal = Signal(data, metadata=metadata)

    threads = 1 if kind == "dask" else 2  # dask's order would change from time to time

    def save() -> None:
        hspyio.save(target, signal, overwrite=True, threads=threads, durable=False, **KINDS[kind])

    with monkeypatch.context() as patch:
        total = full_disk(patch, 10**9, again=again)
        save()
        count = total()
    old = target.read_bytes()
    assert count > 5
    for allowed in range(count):
        with monkeypatch.context() as patch:
            full_disk(patch, allowed, again=again)
            with pytest.raises(hspyio.errors.SaveError, match="No space left") as caught:
                save()
        assert caught.value.path == str(target)
        assert target.read_bytes() == old
        assert list(tmp_path.iterdir()) == [target]
    save()
    assert np.array_equal(hspyio.load(target).data, SMALL)


@pytest.mark.skipif(not hasattr(os, "pwritev"), reason="no pwritev on this platform")
@pytest.mark.parametrize("kind", KINDS)
def test_short_writes_are_gone_on_with(kind: str, tmp_path: Path, monkeypatch: Any) -> None:
    original = os.pwritev

    def pwritev(descriptor: int, buffers: Any, offset: int) -> int:
        return original(descriptor, [memoryview(buffers[0])[:37]], offset)

    monkeypatch.setattr(os, "pwritev", pwritev)
    data = da.from_array(SMALL, chunks=(5, 40)) if kind == "dask" else SMALL
    hspyio.save(tmp_path / "a.hspy", Signal(data), **KINDS[kind])
    assert np.array_equal(hspyio.load(tmp_path / "a.hspy").data, SMALL)
