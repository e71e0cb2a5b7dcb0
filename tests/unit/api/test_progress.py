"""A bar for what takes over a second, with all bytes on it; Ctrl-C ends the work at once."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import warnings
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import dask.array as da
import h5py
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.api import progress
from hspyio.api.progress import working
from hspyio.arrays import writing

DATA = (np.arange(48 * 50 * 30, dtype="<u4") % 1000).reshape(48, 50, 30)
CHUNKS = (3, 50, 30)


class Bar:
    """Stands in for tqdm's; all of them are in `made`."""

    made: ClassVar[list[Bar]] = []
    disable = False

    def __init__(self, **options: Any) -> None:
        self.desc, self.total, self.done = options["desc"], options["total"], options["initial"]
        self.options = options
        self.start_t = 100.0
        self.closed = False
        Bar.made.append(self)

    def update(self, count: int) -> None:
        assert not self.closed
        self.done += count

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def bars(monkeypatch: Any) -> list[Bar]:
    """The bars that are made, from the first bytes on."""
    module = ModuleType("tqdm.std")
    module.tqdm = Bar  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tqdm.std", module)
    monkeypatch.setattr(progress, "_PATIENCE", -1)
    Bar.made = []
    return Bar.made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.hspy"


def save(path: Path, data: Any = DATA, **options: Any) -> None:
    options = {"chunks": CHUNKS, "overwrite": True, "progress": True, "durable": False} | options
    hspyio.save(path, Signal(data), **options)


def finished(bar: Bar) -> bool:
    return bar.closed and bar.done == bar.total


# what is counted


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "options",
    [{}, {"compression": None, "shuffle": False}, {"compression": "lzf"}, {"compression": "szip"}],
    ids=str,
)
@pytest.mark.parametrize("lazy", [False, True])
def test_all_bytes_of_a_save_and_of_a_load(
    path: Path, bars: list[Bar], options: dict[str, Any], threads: int, lazy: bool
) -> None:
    data = da.from_array(DATA, chunks=(7, 50, 30)) if lazy else DATA
    save(path, data, threads=threads, **options)
    [bar] = bars
    assert bar.desc == "saving a.hspy"
    assert finished(bar)
    assert bar.total == DATA.nbytes
    assert np.array_equal(hspyio.load(path, threads=threads, progress=True).data, DATA)
    bar = bars[-1]
    assert bar.desc == "reading a.hspy"
    assert finished(bar)
    assert bar.total == DATA.nbytes
    assert len(bars) == 2


def test_several_arrays_make_one_total(path: Path, bars: list[Bar]) -> None:
    metadata = {"array": np.arange(5000), "list": [1, 2, 3], "text": np.array(["a"] * 100)}
    signals = [Signal(DATA, metadata=metadata), Signal(DATA[:7])]
    hspyio.save(path, signals, chunks=CHUNKS, progress=True)
    [bar] = bars
    assert finished(bar)
    assert bar.total >= DATA.nbytes + DATA[:7].nbytes + 40000


def ragged() -> Signal:
    rows = np.empty((20, 30), object)
    for i in np.ndindex(*rows.shape):
        rows[i] = np.arange(sum(i) % 7, dtype="f8")
    return Signal(rows)


def test_ragged_arrays_count_too(path: Path, bars: list[Bar]) -> None:
    hspyio.save(path, [ragged(), Signal(DATA)], progress=True)
    assert all(map(finished, bars))
    assert bars[0].total >= DATA.nbytes


def test_append(path: Path, bars: list[Bar]) -> None:
    """What is kept is copied raw, and not counted."""
    save(path, progress=False)
    hspyio.append(path, Signal(DATA[:9]), chunks=CHUNKS, progress=True)
    assert [bar for bar in bars if bar.total] == [bars[-1]]
    assert finished(bars[-1])
    assert bars[-1].total == DATA[:9].nbytes


def with_hole(path: Path, chunks: Any) -> None:
    save(path, progress=False)
    with h5py.File(path, "r+") as file:
        [name] = file["Experiments"]
        group = file["Experiments"][name]
        del group["data"]
        data = group.create_dataset("data", DATA.shape, "<u4", chunks=chunks)
        if chunks:
            data[:3] = 1


def test_what_was_never_written_counts_as_read(path: Path, bars: list[Bar]) -> None:
    with_hole(path, None)
    assert not hspyio.load(path, progress=True).data.any()
    assert all(map(finished, bars))


def test_chunks_that_were_never_written_count_as_read(path: Path, bars: list[Bar]) -> None:
    with_hole(path, CHUNKS)
    assert hspyio.load(path, progress=True).data.sum() == 3 * 50 * 30
    assert len(bars) == 1
    assert all(map(finished, bars))


def test_the_bar_begins_with_the_work(monkeypatch: Any, bars: list[Bar]) -> None:
    """Its rate is that of the whole work, though it appears late."""
    now = [50.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "_PATIENCE", 1)
    with working(2, True, "doing") as workers:
        workers.progress.expect(1000)
        now[0] = 51.0
        workers.progress.advance(100)
        assert not bars
        now[0] = 53.5
        workers.progress.advance(100)
        [bar] = bars
        assert (bar.total, bar.done, bar.start_t) == (1000, 200, 96.5)
        assert bar.options["unit"] == "B"
        workers.progress.expect(50)
        assert bar.total == 1050
        workers.progress.advance(850)
    assert finished(bar)


def test_no_bar_for_the_last_bytes(bars: list[Bar]) -> None:
    with working(1, True, "doing") as workers:
        workers.progress.expect(10)
        workers.progress.advance(10)
    assert not bars


def test_many_threads_tell_of_their_bytes(bars: list[Bar]) -> None:
    with working(1, True, "doing") as workers:

        def tell() -> None:
            for _ in range(1000):
                workers.progress.expect(3)
                workers.progress.advance(3)

        workers.progress.expect(1)
        threads = [threading.Thread(target=tell) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    [bar] = bars
    assert (bar.total, bar.done) == (12001, 12000)


def test_the_bar_goes_with_an_error(bars: list[Bar]) -> None:
    def fail() -> None:
        with working(1, True, "doing") as workers:
            workers.progress.expect(10)
            workers.progress.advance(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert bars[0].closed


@pytest.mark.parametrize("fails", ["__init__", "update", "close"])
def test_a_bar_that_cannot_be_shown_is_left_out(
    path: Path, bars: list[Bar], monkeypatch: Any, fails: str
) -> None:
    calls = []

    def fail(self: Bar, *others: Any, **options: Any) -> None:
        calls.append(fails)
        raise OSError("no terminal")

    monkeypatch.setattr(Bar, fails, fail)
    save(path)
    np.testing.assert_array_equal(hspyio.load(path, progress=True).data, DATA)
    assert len(calls) == 2  # once in each: it is not tried again


def test_in_a_notebook_it_is_an_output_that_is_empty_at_last(
    path: Path, monkeypatch: Any, capsys: Any
) -> None:
    """Not on stderr: there it stands on red, and leaves a strip when it is gone."""
    shown: list[dict[str, str]] = []

    class Output:
        def update(self, data: dict[str, str], *, raw: bool) -> None:
            assert raw
            shown.append(data)

    def display(data: dict[str, str], *, raw: bool, display_id: bool) -> Output:
        assert raw and display_id
        shown.append(data)
        return Output()

    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setattr(progress, "_PATIENCE", -1)
    hspyio.save(path, Signal(DATA), chunks=CHUNKS, durable=False)
    assert any("saving" in data["text/plain"] and "%" in data["text/html"] for data in shown)
    assert not shown[-1]["text/html"].strip() and not shown[-1]["text/plain"].strip()
    assert capsys.readouterr() == ("", "")


# when there is none


def test_quick_work_imports_no_tqdm(path: Path) -> None:
    code = f"""
        import sys
        import numpy as np
        import hspyio
        hspyio.save({str(path)!r}, hspyio.Signal(np.arange(90000.)), progress=True, threads=2)
        hspyio.load({str(path)!r}, progress=True)
        assert not [name for name in sys.modules if name.partition('.')[0] == 'tqdm']
    """
    done = run(code)
    assert (done.returncode, done.stderr) == (0, "")


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | variables
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=environment, timeout=60, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_none_unless_asked_for_where_nobody_looks(path: Path, bars: list[Bar]) -> None:
    for asked in (None, False):
        save(path, progress=asked)
        hspyio.load(path, progress=asked)
        hspyio.append(path, Signal(DATA), progress=asked)
    assert not bars


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_one_in_a_terminal_unless_refused(path: Path, bars: list[Bar], monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    save(path, progress=False)
    assert not bars
    save(path, progress=None)
    assert len(bars) == 1


def test_one_in_a_notebook(path: Path, bars: list[Bar], monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    save(path, progress=None)
    assert len(bars) == 1


@pytest.mark.parametrize("kind", ["none", "closed", "not a file"])
def test_no_console_is_no_terminal(
    path: Path, kind: str, bars: list[Bar], monkeypatch: Any
) -> None:
    """As in a program without a window, where Python has no stderr."""
    closed = Terminal()
    closed.close()
    streams = {"none": None, "closed": closed, "not a file": object()}
    monkeypatch.setattr(sys, "stderr", streams[kind])
    save(path, progress=None)
    monkeypatch.undo()
    assert not bars


@pytest.mark.parametrize(("shown", "count"), [(True, 1), (False, 0)])
def test_show_progressbar_of_file_writer(
    path: Path, shown: bool, count: int, bars: list[Bar]
) -> None:
    axes = [{"size": n, "navigate": i == 0} for i, n in enumerate(DATA.shape)]
    made = {"data": DATA, "axes": axes, "metadata": {}, "attributes": {"_lazy": False}}
    hspyio.file_writer(path, made, chunks=CHUNKS, show_progressbar=shown)
    assert len(bars) == count
    hspyio.file_reader(path)
    assert len(bars) == count


# tqdm's own


def test_tqdm_shows_it(path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tqdm's, on what it thinks of the notebook
        save(path)
    assert "saving a.hspy" in capsys.readouterr().err
    assert np.array_equal(hspyio.load(path).data, DATA)


def test_tqdm_may_be_switched_off(path: Path) -> None:
    code = f"""
        import numpy as np
        import hspyio, hspyio.api.progress
        hspyio.api.progress._PATIENCE = -1
        signal = hspyio.Signal(np.arange(90000.).reshape(90, 1000))
        hspyio.save({str(path)!r}, signal, progress=True, chunks=(9, 1000))
    """
    done = run(code, TQDM_DISABLE="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert hspyio.load(path).data.shape == (90, 1000)


# Ctrl-C


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("number", [1, 5, 14])
@pytest.mark.parametrize("kind", ["memory", "plain", "dask", "HDF5"])
def test_an_advance_that_raises_leaves_the_old_file(
    path: Path, kind: str, number: int, threads: int, monkeypatch: Any
) -> None:
    path.write_bytes(b"old")
    told: list[int] = []

    def advance(bar: Any, count: int) -> None:
        told.append(count)
        if len(told) == number:
            raise KeyboardInterrupt

    monkeypatch.setattr(progress._Bar, "advance", advance)
    monkeypatch.setattr(writing, "_BATCH", 1)  # it is told of each chunk
    before = set(threading.enumerate())
    data = da.from_array(DATA, chunks=CHUNKS) if kind == "dask" else DATA
    options: dict[str, Any] = {
        "plain": {"compression": None, "shuffle": False},
        "HDF5": {"compression": "szip"},
    }.get(kind, {})
    with pytest.raises(KeyboardInterrupt):
        save(path, data, threads=threads, **options)
    assert set(threading.enumerate()) == before
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]
    monkeypatch.undo()
    save(path, data, progress=False)
    assert np.array_equal(hspyio.load(path).data, DATA)


def test_a_load_is_stopped_too(path: Path, monkeypatch: Any) -> None:
    save(path, progress=False)
    told: list[int] = []

    def advance(bar: Any, count: int) -> None:
        told.append(count)
        raise KeyboardInterrupt

    monkeypatch.setattr(progress._Bar, "advance", advance)
    with pytest.raises(KeyboardInterrupt):
        hspyio.load(path, progress=True, threads=3)
    assert len(told) <= 3


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("kind", ["memory", "dask"])
def test_ctrl_c_in_the_middle_of_a_save(path: Path, kind: str, threads: int) -> None:
    """The signal comes when the first chunk is there; the whole would take minutes."""
    path.write_bytes(b"old")
    code = f"""
        import os, threading, time
        import dask.array as da
        import numpy as np
        import hspyio, hspyio.api.progress
        from hspyio.arrays import writing
        from hspyio.filters.pipeline import Pipeline

        writing._BATCH = 1  # chunks that take long are large
        encode = Pipeline.encode
        def slow(pipeline, values, scratch):
            time.sleep(0.2)
            return encode(pipeline, values, scratch)
        Pipeline.encode = slow

        class Bar(hspyio.api.progress._Bar):
            def advance(self, count):
                os.write(1, b"going\\n")
        hspyio.api.progress._Bar = Bar

        data = np.zeros((2000, 100))
        if {kind!r} == "dask":
            data = da.from_array(data, chunks=(1, 100))
        try:
            hspyio.save({str(path)!r}, hspyio.Signal(data), overwrite=True, progress=True,
                        chunks=(1, 100), threads={threads})
        except KeyboardInterrupt:
            print("stopped", threading.active_count())
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "going\n"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert output.endswith("stopped 1\n"), errors
    assert output.count("going") < 100
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]
