"""Array sources as dask arrays."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask
import h5py
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.arrays.lazy import as_dask, from_source
from hspyio.compare import signal_differences, value_differences
from hspyio.errors import DamagedFileError, OptionError, StaleFileError
from hspyio.nodes.node import Selection
from support import places

VALUES = np.arange(24 * 10.0).reshape(24, 10)


class Counting:
    """A source that notes what is read of it."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self.shape = values.shape
        self.read_so_far: list[Selection] = []

    def read(self, selection: Selection = ()) -> Any:
        self.read_so_far.append(selection)
        return np.asarray(self.values[selection])


def made(source: Any, stored: Any = (6, 5), chunks: Any = "storage") -> Any:
    return from_source(source, source.values.dtype, stored, chunks)


@pytest.mark.parametrize(
    ("stored", "chunks", "expected"),
    [
        ((6, 5), "storage", ((6,) * 4, (5, 5))),
        ((7, 4), "storage", ((7, 7, 7, 3), (4, 4, 2))),
        (None, "storage", ((24,), (10,))),
        ((6, 5), "auto", ((24,), (10,))),
        ((6, 5), (8, 10), ((8, 8, 8), (10,))),
        ((6, 5), (-1, 3), ((24,), (3, 3, 3, 1))),
        ((6, 5), ((4, 20), (10,)), ((4, 20), (10,))),
    ],
)
def test_chunks_are_as_asked_for(stored: Any, chunks: Any, expected: Any) -> None:
    array = made(Counting(VALUES), stored, chunks)
    assert array.chunks == expected
    assert np.array_equal(array.compute(), VALUES)


def test_automatic_chunks_are_whole_storage_chunks() -> None:
    with dask.config.set({"array.chunk-size": "500B"}):
        array = made(Counting(VALUES), (6, 5), "auto")
    assert all(n % 6 == 0 for n in array.chunks[0][:-1])
    assert all(n % 5 == 0 for n in array.chunks[1][:-1])
    assert array.npartitions > 1


@pytest.mark.parametrize(("chunks", "most"), [("auto", 20_000), ("storage", 100_000)])
@pytest.mark.parametrize("shape", [(2**50,), (2**10,) * 5])
def test_chunks_are_never_so_many_that_dask_takes_seconds_to_put_them_in_order(
    shape: tuple[int, ...], chunks: str, most: int
) -> None:
    declared = np.broadcast_to(np.uint8(0), shape)
    array = made(Counting(declared), (1,) * len(shape), chunks)
    assert most / 4 < array.npartitions <= most


@pytest.mark.parametrize("chunks", [(1, 2, 3), (-5, 1), ("x", 1), ((1, 2), (3,)), "x", (None, "y")])
def test_chunks_that_do_not_fit_are_an_option_error(chunks: Any) -> None:
    with pytest.raises(OptionError, match=r"do not fit shape \(24, 10\)"):
        made(Counting(VALUES), (6, 5), chunks)


def test_only_what_is_needed_is_read() -> None:
    source = Counting(VALUES)
    array = made(source)
    assert (array.shape, array.dtype) == (VALUES.shape, VALUES.dtype)
    assert repr(array)
    assert source.read_so_far == []
    part = array[7:9, 2:4].compute()
    assert np.array_equal(part, VALUES[7:9, 2:4])
    assert len(source.read_so_far) == 1
    read = sum(VALUES[selection].size for selection in source.read_so_far)
    assert read <= 30
    source.read_so_far.clear()
    assert array[0].compute().shape == (10,)
    assert sum(VALUES[selection].size for selection in source.read_so_far) <= 60


@pytest.mark.parametrize(
    "index",
    [
        (3,), (slice(None), 4), (slice(2, 20, 3),), (slice(None, None, -1),), (Ellipsis, 0),
        ([5, 1, 5],), (slice(None), [1, 0]), (np.arange(24) % 2 == 0,), (None, 3), (-1, -1),
        (slice(5, 5),), (slice(20, 4, -2), slice(None, None, -3)),
    ],
)  # fmt: skip
def test_indexing_is_numpys(index: Any) -> None:
    assert np.array_equal(made(Counting(VALUES))[index].compute(), VALUES[index])


@pytest.mark.parametrize(
    "values",
    [np.arange(6, dtype=">i2"), np.ones((2, 3), "c8"), np.array([True, False]), np.zeros((0, 3)),
     np.zeros(3, "i4,f8"), np.array(["2020"], "M8[D]"), np.array([b"a"]), np.zeros((1,) * 12)],
)  # fmt: skip
def test_any_dtype_and_shape(values: np.ndarray) -> None:
    source = Counting(values)
    array = from_source(source, values.dtype, None, "storage")
    assert array.dtype == values.dtype
    assert not value_differences(array.compute(), values)
    assert not source.read_so_far[:0]


def test_two_arrays_are_two() -> None:
    one, other = made(Counting(VALUES)), made(Counting(VALUES + 1))
    assert one.name != other.name
    assert np.array_equal((other - one).compute(), np.ones_like(VALUES))


def test_values_in_memory_can_be_wrapped() -> None:
    ragged = np.empty(2, object)
    ragged[:] = [np.arange(2), np.arange(3)]
    for values in (VALUES, ragged, np.array(5.0), np.array(["a"])):
        array = as_dask(values)
        assert array.npartitions == 1
        assert not value_differences(array.compute(), values)


# on files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(VALUES, metadata={"General": {"title": "x"}}), chunks=(6, 5))
    return path


def test_a_lazy_array_goes_on_after_the_file_is_replaced_or_gone(path: Path) -> None:
    loaded = hspyio.load(path, lazy=True, chunks="storage")
    hspyio.save(path, Signal(np.zeros(3)), overwrite=True)
    assert np.array_equal(loaded.data.compute(), VALUES)
    path.unlink()
    assert np.array_equal(loaded.data.compute(), VALUES)


def test_a_file_can_be_saved_over_itself(path: Path) -> None:
    loaded = hspyio.load(path, lazy=True)
    loaded.data = loaded.data + 1
    hspyio.save(path, loaded, overwrite=True)
    assert np.array_equal(hspyio.load(path).data, VALUES + 1)
    assert np.array_equal(loaded.data.compute(), VALUES + 1)


def test_no_handle_keeps_the_file_from_being_changed(path: Path) -> None:
    loaded = hspyio.load(path, lazy=True, chunks="storage")
    loaded.data[0].compute()
    with h5py.File(path, "r+") as file:
        file.attrs["x"] = 1


def test_pickled_it_reads_the_same_file_or_none(path: Path) -> None:
    text = pickle.dumps(hspyio.load(path, lazy=True, chunks="storage").data)
    assert len(text) < 20_000
    assert np.array_equal(pickle.loads(text).compute(), VALUES)
    hspyio.save(path, Signal(VALUES * 2, metadata={"General": {"title": "x"}}), overwrite=True)
    with pytest.raises(StaleFileError, match="load it again"):
        pickle.loads(text).compute()


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes"])
def test_every_scheduler_reads_it(path: Path, scheduler: str) -> None:
    data = hspyio.load(path, lazy=True, chunks="storage").data
    assert np.array_equal(data.compute(scheduler=scheduler), VALUES)


def test_damage_shows_when_it_is_read(path: Path) -> None:
    with h5py.File(path) as file:
        offset = file["/Experiments/x/data"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[offset : offset + 4] = b"\xff" * 4
    path.write_bytes(bytes(content))
    data = hspyio.load(path, lazy=True, chunks="storage").data
    assert np.array_equal(data[6:].compute(), VALUES[6:])
    with pytest.raises(DamagedFileError, match="/Experiments/x/data"):
        data.compute()


def test_metadata_arrays_are_lazy_where_they_are_large(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    tree = {"large": np.zeros(2**18), "small": np.arange(3), "dates": np.zeros(2**18, "M8[s]")}
    hspyio.save(path, Signal(VALUES, metadata=tree))
    loaded = hspyio.load(path, lazy=True).metadata
    assert hasattr(loaded["large"], "compute")
    assert type(loaded["small"]) is np.ndarray
    assert loaded["dates"].dtype == np.dtype("M8[s]")
    assert not loaded["large"].any().compute()
    [read] = hspyio.file_reader(path, lazy=True)
    assert hasattr(read["metadata"]["small"], "compute")


FILES = sorted(places.ARCHIVE.iterdir()) + sorted(places.SHARED.glob("*.h*"))


@pytest.mark.parametrize("chunks", ["auto", "storage"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_lazy_is_eager(path: Path, chunks: str) -> None:
    with hspyio.open(path) as experiments:
        names = list(experiments)
    for name in names:
        eager = hspyio.load(path, name=name)
        lazy = hspyio.load(path, name=name, lazy=True, chunks=chunks)
        assert hasattr(lazy.data, "compute")
        assert not signal_differences(lazy, eager)
        assert not value_differences(lazy.data.compute(), eager.data)


def test_a_ragged_metadata_array_is_no_obstacle(tmp_path: Path) -> None:
    # RosettaSciIO fails at such a file (defect R1)
    path = tmp_path / "a.hspy"
    ragged = np.empty((2, 3), object)
    for i, index in enumerate(np.ndindex(ragged.shape)):
        ragged[index] = np.arange(2.0 * i).reshape(-1, 2)
    made = Signal(VALUES, metadata={"positions": ragged, "texts": np.array(["a", "µ"])})
    hspyio.save(path, made)
    assert not signal_differences(hspyio.load(path, lazy=True), hspyio.load(path))


_SAVER = """
import sys, numpy as np, hspyio
path, rounds = sys.argv[1], int(sys.argv[2])
for n in range(1, rounds + 1):
    data = np.full((40 + n % 5, 30, 50), n, "u4")
    made = hspyio.Signal(data, signal_dimension=1, metadata={"n": n})
    hspyio.save(path, made, overwrite=True, chunks=(7, 7, 50), durable=False, progress=False)
"""


def test_no_wrong_value_is_read_while_another_process_saves(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    start = Signal(np.zeros((40, 30, 50), "u4"), signal_dimension=1, metadata={"n": 0})
    hspyio.save(path, start, chunks=(7, 7, 50))
    rounds, seen = 200, set()
    with subprocess.Popen((sys.executable, "-c", _SAVER, path, str(rounds))) as saver:
        running = True
        while running:
            running = saver.poll() is None  # once more when it is done
            loaded = hspyio.load(path, lazy=True, chunks="storage")
            n = loaded.metadata.n
            assert loaded.data.shape == (40 + n % 5 if n else 40, 30, 50)
            values = loaded.data.compute()
            assert (values == n).all()
            seen.add(n)
    assert saver.returncode == 0
    assert max(seen) == rounds
    assert len(seen) > 10


def test_nested_signals_are_lazy_where_they_are_large(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    inner = Signal(np.arange(2.0**18), metadata={"mask": np.ones(2**18)})
    tree = {"large": inner, "listed": [inner], "small": Signal(np.arange(3))}
    hspyio.save(path, Signal(VALUES, metadata=tree))
    loaded = hspyio.load(path, lazy=True).metadata
    assert loaded["large"].lazy and loaded["listed"][0].lazy and not loaded["small"].lazy
    assert hasattr(loaded["large"].metadata["mask"], "compute")
    assert np.array_equal(loaded["large"].data.compute(), inner.data)
    assert len(pickle.dumps(loaded["large"].data)) < 20_000
    [read] = hspyio.file_reader(path, lazy=True)
    assert type(read["metadata"]["_sig_large"]["data"]) is np.ndarray
    hspyio.save(path, hspyio.load(path, lazy=True), overwrite=True)
    assert np.array_equal(hspyio.load(path).metadata["large"].data, inner.data)


def test_a_relative_path_is_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    hspyio.save("a.hspy", Signal(VALUES, metadata={"large": np.ones(2**18)}))
    loaded = hspyio.load("a.hspy", lazy=True)
    read_early = pickle.dumps(loaded)
    monkeypatch.chdir(elsewhere)
    hspyio.save("a.hspy", Signal(VALUES * 0))
    for signal in (loaded, pickle.loads(read_early), pickle.loads(pickle.dumps(loaded))):
        assert np.array_equal(signal.data.compute(), VALUES)
        assert signal.metadata["large"].all().compute()
        signal.close()
    assert np.array_equal(loaded.data.compute(), VALUES)
    assert np.array_equal(loaded.data.compute(scheduler="processes", num_workers=1), VALUES)
