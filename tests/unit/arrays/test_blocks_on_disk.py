"""Blocks that lie across the chunks: on disk until all are there, each computed once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import hspyio
from hspyio import Signal
from hspyio.arrays import blocks as targets
from hspyio.arrays.blocks import ChunkTarget, shared_bytes


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> list[targets.ScratchTarget]:
    """Whatever chunks wait go through a scratch file; gives those that were made."""
    made: list[targets.ScratchTarget] = []

    class Noted(targets.ScratchTarget):
        def __init__(self, *arguments: Any) -> None:
            made.append(self)
            super().__init__(*arguments)

    monkeypatch.setattr(targets, "_MOST_SHARED", 0)
    monkeypatch.setattr("hspyio.hdf5.writing.dataset_writer.ScratchTarget", Noted)
    return made


@st.composite
def cuts(draw: st.DrawFn) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """Blocks of an array, and the chunks it is stored in."""
    rank = draw(st.integers(1, 3))
    blocks = [tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))) for _ in range(rank)]
    chunk = tuple(draw(st.integers(1, sum(sizes))) for sizes in blocks)
    return tuple(blocks), chunk


def made_of(blocks: Sequence[Sequence[int]]) -> tuple[np.ndarray[Any, Any], Any]:
    shape = tuple(map(sum, blocks))
    values = np.arange(np.prod(shape), dtype="i4").reshape(shape)
    return values, da.from_array(values, chunks=tuple(map(tuple, blocks)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts(), st.sampled_from([None, "gzip"]))
def test_whatever_the_cuts_the_file_holds_the_values(
    always: list[Any], tmp_path_factory: pytest.TempPathFactory, cut: Any, compression: str | None
) -> None:
    blocks, chunk = cut
    values, lazy = made_of(blocks)
    path = tmp_path_factory.mktemp("scratch") / "a.hspy"
    always.clear()
    hspyio.save(path, Signal(lazy), chunks=chunk, compression=compression)
    assert bool(always) == bool(shared_bytes(blocks, chunk, 4))
    with h5py.File(path) as file:
        stored = file["Experiments/__unnamed__/data"]
        assert stored.chunks == chunk
        assert np.array_equal(stored[()], values)
    assert [item.name for item in path.parent.iterdir()] == ["a.hspy"]


@given(cuts())
@example((((1, 4), (1, 1)), (2, 2)))  # cut along both: all of a row of blocks waits for the next
def test_what_waits_is_no_more_than_is_told(cut: Any) -> None:
    """Blocks in C order: a chunk is begun with its first one, and done with its last."""
    blocks, chunk = cut
    shape = tuple(map(sum, blocks))
    order = np.empty(shape, int)
    for number, place in enumerate(np.ndindex(*map(len, blocks))):
        region = tuple(
            slice(sum(sizes[:i]), sum(sizes[: i + 1]))
            for sizes, i in zip(blocks, place, strict=True)
        )
        order[region] = number
    grid = [range(0, n, step) for n, step in zip(shape, chunk, strict=True)]
    open_at = np.zeros(order.max() + 1, int)
    for corner in np.stack(np.meshgrid(*grid, indexing="ij"), -1).reshape(-1, len(shape)):
        part = order[tuple(slice(a, a + step) for a, step in zip(corner, chunk, strict=True))]
        open_at[part.min() : part.max()] += part.size
    told = shared_bytes(blocks, chunk, 1)
    assert open_at.max(initial=0) <= 2 * told
    assert bool(told) == bool(open_at.max(initial=0)) or told > 0


def test_each_block_is_computed_once(always: list[Any], tmp_path: Path) -> None:
    seen: list[Any] = []

    def made(block_id: Any) -> Any:
        seen.append(block_id)
        return np.full((1, 60), block_id[0], "i2")

    lazy = da.map_blocks(made, chunks=((1,) * 40, (60,)), dtype="i2", meta=np.empty((0, 0), "i2"))
    hspyio.save(tmp_path / "a.hspy", Signal(lazy), chunks=(40, 3))
    assert len(seen) == len(set(seen)) == 40
    assert len(always) == 1
    assert hspyio.load(tmp_path / "a.hspy").data[:, 7].tolist() == list(range(40))


def test_append_and_masks_use_it_too(always: list[Any], tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal([1.0]))
    values = np.ma.masked_greater(np.arange(60.0).reshape(6, 10), 40)
    lazy = da.from_array(values, chunks=(1, 10), asarray=False)
    hspyio.append(path, Signal(lazy, metadata={"General": {"title": "m"}}), chunks=(6, 2))
    assert len(always) >= 2
    found = hspyio.load(path, name="m").data
    assert np.array_equal(found.mask, values.mask)
    assert np.array_equal(found.data, values.data)


def test_blocks_that_come_as_bytes_or_twice(always: list[Any], tmp_path: Path) -> None:
    """As from the workers of a cluster, one of which has died."""
    values, lazy = made_of(((2, 2), (3, 1)))

    def store(pairs: Any, work: Any) -> None:
        for graph, target in pairs:
            for selection in da.core.slices_from_chunks(graph.chunks):
                for piece in target.encoder.pieces(selection, values[selection]):
                    target.take(piece)
                    target.take(piece)
            assert not target.missing()
            target.finish()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hspyio.transaction.changes.store_graphs", store)
        hspyio.save(tmp_path / "a.hspy", Signal(lazy), chunks=(3, 2))
    assert len(always) == 1
    assert np.array_equal(hspyio.load(tmp_path / "a.hspy").data, values)


def test_without_room_it_is_done_in_memory(
    always: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    values, lazy = made_of(((1,) * 5, (6,)))

    def nowhere(**options: Any) -> Any:
        raise OSError("no room")

    monkeypatch.setattr(targets.tempfile, "TemporaryFile", nowhere)
    hspyio.save(tmp_path / "a.hspy", Signal(lazy), chunks=(5, 2))
    assert not always
    assert np.array_equal(hspyio.load(tmp_path / "a.hspy").data, values)


def test_a_scratch_file_that_fails_is_an_error(
    always: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, lazy = made_of(((1,) * 5, (6,)))

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(targets, "write_from", full)
    with pytest.raises(hspyio.HspyError, match="No space left"):
        hspyio.save(tmp_path / "a.hspy", Signal(lazy), chunks=(5, 2))
    assert not list(tmp_path.iterdir())


def test_few_waiting_chunks_stay_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[Any] = []
    monkeypatch.setattr(
        "hspyio.hdf5.writing.dataset_writer.ChunkTarget",
        lambda *given: made.append(given) or ChunkTarget(*given),
    )
    values, lazy = made_of(((1,) * 5, (6,)))
    hspyio.save(tmp_path / "a.hspy", Signal(lazy), chunks=(5, 2))
    assert len(made) == 1
    assert np.array_equal(hspyio.load(tmp_path / "a.hspy").data, values)


# memory, in a process of its own

PROGRAM = """
import sys, threading, time
import dask.array as da, numpy as np, hspyio

def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

def block(block_info=None):
    (a, b), (c, d) = block_info[None]["array-location"]
    return (np.arange(a, b)[:, None] * 3 + np.arange(c, d)).astype("f8")

kind, folder = sys.argv[1:]
n, m = 5000, 10000
blocks = {"rows": ((25,) * 200, (m,)), "columns": ((n,), (50,) * 200)}[kind.split("-")[0]]
chunk = {"rows": (n, 100), "columns": (50, m)}[kind.split("-")[0]]
lazy = da.map_blocks(block, chunks=blocks, dtype="f8", meta=np.empty((0, 0)))
if "file" in kind:
    hspyio.save(f"{folder}/source.hspy", hspyio.Signal(lazy), compression=None, durable=False)
    lazy = hspyio.load(f"{folder}/source.hspy", lazy=True, chunks="storage").data
if "eager" in kind:
    lazy = lazy.compute()
hspyio.save(f"{folder}/warm.hspy", hspyio.Signal(da.zeros((4, 4))))
before, peak, done = rss(), [0.0], []

def watch():
    while not done:
        peak[0] = max(peak[0], rss())
        time.sleep(0.005)

thread = threading.Thread(target=watch)
thread.start()
signal = hspyio.Signal(lazy)
hspyio.save(f"{folder}/a.hspy", signal, chunks=chunk, compression=1, durable=False, threads=2)
done.append(1)
thread.join()
print(round(peak[0] - before))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", ["rows", "columns", "rows-file", "columns-eager"])
def test_memory_stays_within_a_few_blocks(kind: str, tmp_path: Path) -> None:
    """400 MB whose chunks lie across all blocks."""
    command = [sys.executable, "-c", PROGRAM, kind, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 150
    lazy = hspyio.load(tmp_path / "a.hspy", lazy=True).data
    assert np.array_equal(lazy[1234].compute(), 1234 * 3.0 + np.arange(10000))
    assert np.array_equal(lazy[:, 77].compute(), np.arange(5000) * 3.0 + 77)
