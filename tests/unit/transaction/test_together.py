"""Several files in one go: what they share is computed once, and all appear or none."""

from __future__ import annotations

import os
import signal as signals
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import hspyio
from hspyio.errors import (
    ArgumentError,
    FileLockedError,
    HspyError,
    OptionError,
    SaveError,
    TargetExistsError,
    UnsupportedTypeError,
)
from hspyio.transaction import replace, together
from support.places import ROOT

VALUES = np.arange(8 * 8 * 6 * 10, dtype=np.float32).reshape(8, 8, 6, 10)


class Counted:
    """An array that notes what is read of it, in a file: from any thread, process or worker."""

    shape, dtype, ndim = VALUES.shape, VALUES.dtype, VALUES.ndim

    def __init__(self, notes: Path) -> None:
        self._notes = notes

    def __getitem__(self, selection: Any) -> Any:
        descriptor = os.open(self._notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{selection}\n".encode())
        os.close(descriptor)
        return np.arange(8 * 8 * 6 * 10, dtype=np.float32).reshape(8, 8, 6, 10)[selection]

    def check_read_once(self, chunks: int = 8) -> None:
        reads = Counter(self._notes.read_text().splitlines())
        assert (len(reads), set(reads.values())) == (chunks, {1})

    def lazy(self) -> Any:
        meta = np.empty((0, 0, 0, 0), np.float32)
        return da.from_array(self, chunks=(2, 4, 6, 10), asarray=False, meta=meta)  # type: ignore[arg-type]


@pytest.fixture
def source(tmp_path_factory: pytest.TempPathFactory) -> Counted:
    return Counted(tmp_path_factory.mktemp("notes") / "reads.txt")


def results(source: Counted) -> list[hspyio.Signal]:
    array = source.lazy()
    scaled = array * 2
    made = [scaled, scaled.sum(axis=(2, 3)), np.sqrt(array[..., :5])]
    return [hspyio.Signal(one, title=f"result {n}") for n, one in enumerate(made)]


EXPECTED = [VALUES * 2, (VALUES * 2).sum(axis=(2, 3)), np.sqrt(VALUES[..., :5])]


def check(paths: list[Path]) -> None:
    for path, expected in zip(paths, EXPECTED, strict=True):
        np.testing.assert_allclose(hspyio.load(path).data, expected, rtol=1e-6)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [tmp_path / f"{n}.hspy" for n in range(3)]


@pytest.mark.parametrize("scheduler", ["threads", "sync", "processes"])
def test_each_chunk_of_the_source_is_read_once(
    source: Counted, paths: list[Path], scheduler: str
) -> None:
    with dask.config.set(scheduler=scheduler):
        written = hspyio.save_all(dict(zip(paths, results(source), strict=True)))
    assert written == [str(path) for path in paths]
    source.check_read_once()
    check(paths)


def test_of_one_file_too(source: Counted, tmp_path: Path) -> None:
    hspyio.save(tmp_path / "all.hspy", results(source))
    source.check_read_once()
    for n, expected in enumerate(EXPECTED):
        data = hspyio.load(tmp_path / "all.hspy", f"result {n}").data
        np.testing.assert_allclose(data, expected, rtol=1e-6)


def test_a_stored_source_is_read_once(
    tmp_path: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a file of ours, whose reading tasks dask could join to each that needs them."""
    from hspyio.arrays import lazy

    hspyio.save(tmp_path / "source.hspy", hspyio.Signal(VALUES, signal_dimension=2))
    reads: Counter[str] = Counter()
    real = lazy._Readable.__getitem__

    def counted(self: Any, selection: Any) -> Any:
        reads[str(selection)] += 1
        return real(self, selection)

    monkeypatch.setattr(lazy._Readable, "__getitem__", counted)
    data = hspyio.load(tmp_path / "source.hspy", lazy=True, chunks=(4, 4, 6, 10)).data
    made = [data * 2, (data * 2).sum(axis=(2, 3)), np.sqrt(data[..., :5])]
    hspyio.save_all({path: hspyio.Signal(one) for path, one in zip(paths, made, strict=True)})
    assert len(reads) == 4 and set(reads.values()) == {1}
    check(paths)


@pytest.fixture
def client() -> Iterator[Any]:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_on_a_cluster(client: Any, source: Counted, paths: list[Path]) -> None:
    hspyio.save_all(dict(zip(paths, results(source), strict=True)))
    source.check_read_once()
    check(paths)


def test_lazy_and_in_memory_sealed_with_navigators(source: Counted, paths: list[Path]) -> None:
    array = source.lazy()
    lazy = hspyio.Signal(array, signal_dimension=2, title="map")
    eager = hspyio.Signal(VALUES[0, 0], title="one")
    two = [eager, hspyio.Signal(array + 1, title="two")]
    options: Any = {"checksum": True, "navigator": "sum", "compression": "lzf"}
    hspyio.save_all({paths[0]: lazy, str(paths[1]): eager, paths[2]: two}, **options)
    source.check_read_once()
    for path in paths:
        assert hspyio.verify(path).ok and hspyio.verify(path).sealed
    assert_array_equal(hspyio.load(paths[2], "two").data, VALUES + 1)
    navigator = hspyio.load(paths[0]).metadata._HyperSpy.navigator
    np.testing.assert_allclose(navigator.data, VALUES.sum(axis=(2, 3)), rtol=1e-5)


# all or none


@pytest.fixture
def old(paths: list[Path]) -> dict[str, bytes]:
    """A file at the second path; what the folder holds."""
    hspyio.save(paths[1], hspyio.Signal([1, 2, 3], title="old"))
    return held(paths[0].parent)


def held(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_task_that_fails(paths: list[Path], old: dict[str, bytes]) -> None:
    def fail(block: Any) -> Any:
        raise ValueError("no")

    bad = da.ones((100, 100), chunks=50).map_blocks(fail, dtype=float, meta=np.empty((0, 0)))
    files = {paths[0]: hspyio.Signal(VALUES), paths[1]: hspyio.Signal(da.ones(10))}
    with pytest.raises(SaveError, match=r"0\.hspy and 2 more: .*ValueError: no"):
        hspyio.save_all({**files, paths[2]: hspyio.Signal(bad)}, overwrite=True)
    assert held(paths[0].parent) == old


@pytest.mark.parametrize("failing", [0, 1, 2])
@pytest.mark.parametrize("step", ["finish", "begin"])
def test_a_file_that_cannot_be_written(
    source: Counted, paths: list[Path], old: dict[str, bytes], failing: int, step: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    real = getattr(together._Writing, step)
    steps = iter(range(3))

    def full(self: Any, *given: Any) -> None:
        if next(steps) == failing:
            raise OSError(28, "No space left on device")
        real(self, *given)

    monkeypatch.setattr(together._Writing, step, full)
    name = rf"{failing}\.hspy: could not be written, .* untouched: .*No space left"
    with pytest.raises(SaveError, match=name):
        hspyio.save_all(dict(zip(paths, results(source), strict=True)), overwrite=True)
    assert held(paths[0].parent) == old


def test_a_disk_that_is_full_while_graphs_are_computed_is_blamed_on_its_file(
    source: Counted, paths: list[Path], old: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = together.store_graphs

    def spoil(pairs: Any, workers: Any) -> None:
        def full(self: Any, data: Any) -> int:
            self._failure = OSError(28, "No space left on device")
            return len(memoryview(data).cast("B"))

        sink = pairs[-1][1]._sink
        monkeypatch.setattr(type(sink._output), "write", full)
        real(pairs[-1:], workers)

    monkeypatch.setattr(together, "store_graphs", spoil)
    with pytest.raises(SaveError, match=r"\d\.hspy: could not be written, .*No space left"):
        hspyio.save_all(dict(zip(paths, results(source), strict=True)), overwrite=True)
    assert held(paths[0].parent) == old


def test_what_holds_when_the_third_gets_no_name(
    source: Counted, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = replace.move_to_new

    def refused(old: str, new: str) -> None:
        if new.endswith("2.hspy"):
            raise PermissionError(13, "Permission denied")
        real(old, new)

    monkeypatch.setattr(replace, "move_to_new", refused)
    with pytest.raises(SaveError, match=r"2\.hspy: could not be written"):
        hspyio.save_all(dict(zip(paths, results(source), strict=True)))
    assert sorted(path.name for path in paths[0].parent.iterdir()) == ["0.hspy", "1.hspy"]
    np.testing.assert_allclose(hspyio.load(paths[1]).data, EXPECTED[1], rtol=1e-6)


def test_all_is_checked_first(paths: list[Path], old: dict[str, bytes]) -> None:
    good = hspyio.Signal([1.0])
    bad = hspyio.Signal([1.0], metadata={"thing": object()})
    for files, error, message in (
        ({paths[0]: good, paths[2]: bad}, UnsupportedTypeError, r"(?s)2\.hspy: .*metadata\.thing"),
        ({paths[0]: good, paths[1]: good}, TargetExistsError, r"1\.hspy: exists"),
        ({paths[0]: good, str(paths[0]): good}, OptionError, r"0\.hspy: is the file that '"),
        ({paths[0]: good, paths[0].with_suffix(""): good}, OptionError, "is the file that"),
        ({paths[0]: good, paths[2]: [good, 3]}, ArgumentError, r"signals\[1\] is an array"),
        ([good], ArgumentError, r"files is a list; hspyio\.save_all\(\{path: signal"),
    ):
        with pytest.raises(error, match=message):
            hspyio.save_all(files)  # type: ignore[arg-type]
        assert held(paths[0].parent) == old
    assert hspyio.save_all({}) == []


def test_a_target_that_another_program_writes(paths: list[Path]) -> None:
    from hspyio.transaction.temporary import file_beside

    with file_beside(str(paths[1])), pytest.raises(FileLockedError, match=r"1\.hspy"):
        hspyio.save_all({path: hspyio.Signal(da.ones(9)) for path in paths})
    assert list(paths[0].parent.iterdir()) == []


def test_the_source_itself_may_be_replaced(paths: list[Path]) -> None:
    hspyio.save(paths[0], hspyio.Signal(VALUES))
    lazy = hspyio.load(paths[0], lazy=True)
    lazy.data = lazy.data + 1
    hspyio.save_all({paths[0]: lazy, paths[1]: hspyio.Signal(lazy.data * 2)}, overwrite=True)
    assert_array_equal(hspyio.load(paths[0]).data, VALUES + 1)
    assert_array_equal(hspyio.load(paths[1]).data, (VALUES + 1) * 2)


CHILD = """
import os, signal, sys
import dask.array as da, numpy as np, hspyio

def end(block):
    os.kill(os.getpid(), int(sys.argv[1]))
    import time; time.sleep(20)
    return block

array = da.ones((100, 100), chunks=(50, 100)).map_blocks(end, dtype=float, meta=np.empty((0, 0)))
hspyio.save_all({f"{n}.hspy": hspyio.Signal(array + n) for n in range(3)})
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize("number", [signals.SIGTERM, signals.SIGINT])
def test_a_signal_leaves_none_of_the_files(tmp_path: Path, number: int) -> None:
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(int(number))], cwd=tmp_path, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, timeout=60, check=False,
    )  # fmt: skip
    assert child.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_errors_are_ours(paths: list[Path]) -> None:
    with pytest.raises(HspyError, match="there is no folder"):
        hspyio.save_all({paths[0].parent / "none" / "a.hspy": hspyio.Signal([1])})
