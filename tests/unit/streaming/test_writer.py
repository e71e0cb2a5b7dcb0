"""What a user may give a stream, from which threads, and what is said of anything else."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest

import hspyio
from hspyio.errors import (
    ArgumentError,
    HspyWarning,
    OptionError,
    QueueFullError,
    SaveError,
    UnsupportedTypeError,
)
from support.places import ROOT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.hspy"


def opened(path: Path, shape: tuple[int | None, ...] = (None, 4, 4), **options: Any) -> Any:
    given: dict[str, Any] = {"dtype": "u2", "checkpoint": None, "durable": False, **options}
    return hspyio.create(path, shape=shape, **given)


def many(w: Any, count: int) -> None:
    for _ in range(count):
        w.append(np.ones((4, 4), "u2"))


def failing(path: Path) -> None:
    with opened(path) as w:
        w.append(np.ones((4, 4), "u2"))
        raise ZeroDivisionError


def test_one_frame_and_several(path: Path) -> None:
    with opened(path) as w:
        w.append(np.ones((4, 4), "u2"))
        w.append(np.ones((3, 4, 4), "u1"))
        w.append([[[5] * 4] * 4])
        w.append(np.ones((0, 4, 4), "u2"))
        assert (w.shape, w.ndim, len(w), w.dtype) == ((5, 4, 4), 3, 5, np.dtype("u2"))
        assert w.path == str(path)
        assert "(5, 4, 4) uint16" in repr(w)
    assert "closed" in repr(w)
    assert hspyio.load(path).data[:, 0, 0].tolist() == [1, 1, 1, 1, 5]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.ones((4, 5), "u2"), r"shape \(4, 5\); one has \(4, 4\), several have \(n, 4, 4\)"),
        (np.ones((1, 1, 4, 4), "u2"), "several have"),
        (np.ones((4, 4), "f4"), r"values are float32, and uint16 is written.*astype"),
        (np.ones((4, 4), "i2"), "values are int16"),
        ([[70000] * 4] * 4, "values are int64"),
        (np.ones((4, 4), object), "no array of numbers"),
        (np.ma.ones((4, 4), "u2"), "masked"),
        (hspyio.Signal(np.ones((4, 4), "u2")), "its array is signal.data"),
        (3, r"shape \(\)"),
    ],
)
def test_bad_frames_are_refused_before_anything_is_taken(
    path: Path, frames: Any, message: str
) -> None:
    with opened(path) as w:
        with pytest.raises(OptionError, match=message):
            w.append(frames)
        assert len(w) == 0 and w.status.queued == 0
        w.append(np.ones((4, 4), "u2"))
    assert len(hspyio.load(path).data) == 1


@pytest.mark.parametrize(
    ("region", "shape", "message"),
    [
        (5, (3, 4, 4), "dimension 0 has a length of 5, the index is 5"),
        ((0, 3), (4, 4), "dimension 1 has a length of 3"),
        (slice(3, 6), (3, 3, 4, 4), "the region goes to 6"),
        (slice(None, None, -1), (5, 3, 4, 4), "goes forward"),
        ((0, [1, 2]), (2, 4, 4), "not of a list"),
        ((0, None), (4, 4), "not of a NoneType"),
        ((0, True), (4, 4), "not of a bool"),
        ((0, 0, 0, 0, 0), (), "5 indices"),
        ((0, 0), (4, 5), r"shape \(4, 5\), the region \(4, 4\)"),
    ],
)
def test_bad_regions_are_refused(
    path: Path, region: Any, shape: tuple[int, ...], message: str
) -> None:
    with opened(path, (5, 3, 4, 4)) as w:
        with pytest.raises(OptionError, match=message):
            w[region] = np.ones(shape, "u2")
        with pytest.raises(OptionError, match="is fixed"):
            w.append(np.ones((3, 4, 4), "u2"))
        assert not w.written.any()


def test_regions_as_numpy_has_them(path: Path) -> None:
    expected = np.zeros((5, 3, 4, 4), "u2")
    regions: list[Any] = [
        0,
        (-1, 2),
        (slice(1, 3), 0, ...),
        (..., 1),
        np.int64(2),
        (slice(0, 5, 2), 1),
        ...,
        slice(2, 2),
    ]
    with opened(path, (5, 3, 4, 4), chunks=(2, 2, 3, 4)) as w:
        for turn, region in enumerate(regions, 1):
            values = np.full(expected[region].shape, turn, "u2")
            expected[region] = values
            w[region] = values
            w.checkpoint()
            assert np.array_equal(hspyio.load(path).data, expected)


def test_beyond_the_end_of_an_open_dimension(path: Path) -> None:
    with opened(path) as w:
        w.append(np.ones((2, 4, 4), "u2"))
        w[1] = np.full((4, 4), 7, "u2")
        with pytest.raises(OptionError, match=r"append\(frames\) makes it longer"):
            w[2] = np.ones((4, 4), "u2")
    assert hspyio.load(path).data[:, 0, 0].tolist() == [1, 7]


def test_many_threads(path: Path) -> None:
    shape = (40, 3, 8, 8)
    expected = np.random.default_rng(0).integers(0, 9, shape, "u2")
    with opened(path, shape, chunks=(4, 2, 8, 8), checkpoint=0.05, queue_bytes=4096) as w:

        def write(first: int) -> None:
            for i in range(first, 40, 4):
                for j in range(3):
                    w[i, j] = expected[i, j]

        threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert w.written.all()
    assert np.array_equal(hspyio.load(path).data, expected)


def test_appends_of_many_threads_stay_together(path: Path) -> None:
    with opened(path, chunks=(3, 4, 4), queue_bytes=1) as w:

        def write(value: int) -> None:
            for _ in range(20):
                w.append(np.full((5, 4, 4), value, "u2"))

        threads = [threading.Thread(target=write, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    data = hspyio.load(path).data[:, 0, 0].reshape(-1, 5)
    assert (data == data[:, :1]).all() and len(data) == 60


def test_a_target_of_dask(path: Path) -> None:
    values = np.arange(10 * 8 * 6, dtype="u2").reshape(10, 8, 6)
    with opened(path, (10, 8, 6), chunks=(4, 8, 6)) as w:
        da.store(da.from_array(values, chunks=(3, 5, 6)), w, lock=False, scheduler="threads")
        assert w.written.all()
    assert np.array_equal(hspyio.load(path).data, values)


def test_other_processes_are_refused(path: Path) -> None:
    with opened(path) as w:
        w.append(np.ones((4, 4), "u2"))
        with pytest.raises(ArgumentError, match="scheduler='threads'"):
            pickle.dumps(w)
        with pytest.raises(ArgumentError, match="threads"):
            dask.compute(dask.delayed(len)(w), scheduler="processes")
        child = os.fork()
        if not child:
            code = 1
            try:
                assert "closed" in repr(w)
                told = 0
                for call in (lambda: w.append(1), lambda: w.status, lambda: w.written):
                    try:
                        call()
                    except SaveError as error:
                        told += "forked" in str(error)
                code = 0 if told == 3 else 2
            finally:
                w.close()
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        w.append(np.ones((4, 4), "u2"))
    assert len(hspyio.load(path).data) == 2


def test_a_full_queue_is_told_where_that_is_asked_for(path: Path) -> None:
    with opened(path, chunks=(1, 4, 4), queue_bytes=1, threads=1, on_full="raise") as w:
        with pytest.raises(QueueFullError, match="on_full='wait'"):
            w.append(np.ones((50, 4, 4), "u2"))
        assert len(w) == 0
        with w._stream._encoders.frozen():
            with pytest.raises(QueueFullError):
                many(w, 50)
            taken = len(w)
            assert 0 < taken < 50
            assert w.status.queued
    assert len(hspyio.load(path).data) == taken


def test_a_full_disk_is_told_at_the_next_call(path: Path, monkeypatch: Any) -> None:
    w = opened(path, chunks=(1, 4, 4))
    w.append(np.ones((3, 4, 4), "u2"))
    w.checkpoint()
    size = w._stream._file.end

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(w._stream._encoders, "_write", full)
    with pytest.raises(SaveError, match=r"No space left.*of 3 frames, is safe"):
        many(w, 10_000)
    with pytest.raises(SaveError, match="No space left"):
        w.checkpoint()
    w.close()  # it was told
    w.close()
    assert path.stat().st_size == size
    assert len(hspyio.load(path).data) == 3
    with pytest.raises(OptionError, match="is closed"):
        w.append(np.ones((4, 4), "u2"))


def test_a_failure_that_nobody_was_told_of_is_told_at_the_end(path: Path, monkeypatch: Any) -> None:
    w = opened(path, chunks=(1, 4, 4))
    monkeypatch.setattr(w._stream._encoders, "_write", lambda *_: 1 / 0)
    w.append(np.ones((4, 4), "u2"))
    with pytest.raises(SaveError, match="division by zero"):
        w.close()


def test_bad_metadata_cost_no_data(path: Path) -> None:
    with opened(path) as w:
        w.append(np.ones((4, 4), "u2"))
        w.metadata.set_item("bad", object())
        with pytest.raises(hspyio.errors.UnsupportedTypeError, match=r"metadata\.bad"):
            w.checkpoint()
        assert len(hspyio.load(path).data) == 1
        w.metadata.remove_item("bad")
        w.metadata.set_item("good", 1)
        w.original_metadata.set_item("log", "x")
        w.axes[0].units = "s"
        w.append(np.ones((4, 4), "u2"))
        w.metadata.set_item("bad", object())
        with pytest.raises(hspyio.errors.UnsupportedTypeError):
            w.close()
    signal = hspyio.load(path)
    assert len(signal.data) == 2 and not signal.metadata.has_item("_hspyio")


def test_bad_metadata_of_a_checkpoint_nobody_asked_for(path: Path) -> None:
    with opened(path, checkpoint=0.05) as w:
        w.metadata.set_item("bad", object())
        w.append(np.ones((4, 4), "u2"))
        while not w._notes:
            pass
        with pytest.raises(hspyio.errors.UnsupportedTypeError):
            w.append(np.ones((4, 4), "u2"))
        w.metadata.remove_item("bad")
        w.append(np.ones((4, 4), "u2"))
    assert len(hspyio.load(path).data) == 2


def test_an_error_of_the_caller_keeps_what_was_taken(path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        failing(path)
    assert len(hspyio.load(path).data) == 1


def test_a_checkpoint_in_a_state_is_refused(path: Path) -> None:
    with opened(path) as w, w.one_state(), pytest.raises(OptionError, match="one_state"):
        w.checkpoint()


def test_what_a_program_leaves_open_is_closed_at_its_end(path: Path) -> None:
    program = (
        "import hspyio, numpy\n"
        f"w = hspyio.create({str(path)!r}, shape=(None, 4, 4), dtype='u2', checkpoint='1h')\n"
        "w.append(numpy.ones((5, 4, 4), 'u2'))\n"
    )
    paths = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": paths}
    )
    signal = hspyio.load(path)
    assert len(signal.data) == 5 and not signal.metadata.has_item("_hspyio")


def test_closing_within_one_state_is_refused_before_anything_is_lost(path: Path) -> None:
    w = opened(path)
    many(w, 3)
    with w.one_state(), pytest.raises(OptionError, match="call it behind it"):
        w.close()
    many(w, 2)
    w.close()
    assert len(hspyio.load(path).data) == 5


def test_a_file_that_was_moved_is_not_compacted_over_another(path: Path) -> None:
    w = opened(path)
    many(w, 3)
    path.rename(path.with_name("moved.hspy"))
    hspyio.save(path, hspyio.Signal(np.arange(4.0)))
    with pytest.raises(SaveError, match="was moved while it was written"):
        w.close(compact=True)
    assert hspyio.load(path).data.tolist() == [0, 1, 2, 3]
    assert len(hspyio.load(path.with_name("moved.hspy")).data) == 3


def test_an_open_axis_that_says_nothing_is_cut_into_small_chunks(path: Path) -> None:
    axes = [{"name": "time"}, {"name": "y"}, {"name": "x"}]
    with opened(path, (None, 64, 64), axes=axes) as w:
        assert np.prod(w.chunks) * 2 <= 2**21
        w.append(np.ones((3, 64, 64), "u2"))
    assert hspyio.load(path).data.shape == (3, 64, 64)


def test_large_frames_may_be_looked_at_before_the_first(path: Path) -> None:
    with opened(path, (None, 6000, 6000)) as w:
        w.checkpoint()
        assert hspyio.load(path).data.shape == (0, 6000, 6000)


def test_values_that_do_not_fit_are_not_told_to_be_converted(path: Path) -> None:
    with opened(path) as w:
        with pytest.raises(OptionError, match="which not all of them fit"):
            w.append(np.full((4, 4), 70_000))
        with pytest.raises(OptionError, match=r"give .astype\('uint16'\)"):
            w.append(np.full((4, 4), 7))


def test_axes_that_do_not_fit_cost_no_frames(path: Path) -> None:
    axes = [{"name": "time", "navigate": True}, {"name": "energy"}]
    w = opened(path, (None, 4), axes=axes)
    w.append(np.ones((5, 4), "u2"))
    w.checkpoint()
    w.axes[1].size = 99
    w.append(np.ones((5, 4), "u2"))
    with pytest.raises(hspyio.HspyError):
        w.close()
    assert hspyio.load(path).data.shape == (10, 4)


def test_a_full_queue_of_chunks_that_nobody_fills_gets_room(path: Path) -> None:
    """One frame of each chunk, with room for few of them: trying again is enough."""
    options = {"queue_bytes": 1, "chunks": (8, 8, 4, 4), "on_full": "raise", "threads": 1}
    with opened(path, (32, 32, 4, 4), **options) as w:
        for place in [(y, x) for y in range(0, 32, 8) for x in range(0, 32, 8)]:
            for _ in range(500):
                try:
                    w[place] = np.ones((4, 4), "u2")
                    break
                except QueueFullError:
                    time.sleep(0.01)
            else:
                pytest.fail("it never had room")
    assert hspyio.load(path).data.sum() == 16 * 16


# what was meant


@pytest.mark.parametrize(
    ("name", "meant"),
    [("flush", r"w\.checkpoint\(\)"), ("write", r"w\.append"), ("appendd", "'append'")],
)
def test_a_name_of_another_library(path: Path, name: str, meant: str) -> None:
    with opened(path) as w:
        assert not hasattr(w, name)
        with pytest.raises(AttributeError, match=meant):
            getattr(w, name)


@pytest.mark.parametrize(
    ("name", "meant"), [("title", "w.metadata"), ("metadata", "set_item"), ("other", "in place")]
)
def test_nothing_is_set_that_would_be_lost(path: Path, name: str, meant: str) -> None:
    with opened(path) as w, pytest.raises(AttributeError, match=meant):
        setattr(w, name, "x")


@pytest.mark.parametrize("given", [None, "x", (n for n in range(3)), [object()], b"x", {1}])
def test_what_is_no_frame(path: Path, given: Any) -> None:
    with opened(path) as w, pytest.raises(ArgumentError, match="no array of numbers"):
        w.append(given)


def test_it_is_not_read(path: Path) -> None:
    with opened(path) as w, pytest.raises(ArgumentError, match=r"hspyio\.load"):
        w[0]


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (slice("a", "b"), "whole number"),
        (slice(0, 1.5), "whole number"),
        (slice(None, None, "a"), "whole number"),
        (None, "piece by piece"),
        ([0, 1], "piece by piece"),
        (np.array([True, False]), "piece by piece"),
        ((Ellipsis, Ellipsis), "piece by piece"),
        ({}, "piece by piece"),
    ],
)
def test_what_is_no_region(path: Path, region: Any, message: str) -> None:
    with opened(path, (2, 4, 4)) as w, pytest.raises(OptionError, match=message):
        w[region] = 1


def test_a_ragged_list_is_no_frame(path: Path) -> None:
    with opened(path) as w:
        with pytest.raises(ArgumentError, match=r"differ in length.*\(4, 4\)"):
            w.append([[1, 2], [3]])
        with pytest.raises(ArgumentError, match="differ in length"):
            w[0:0] = [[1, 2], [3]]


@pytest.mark.parametrize("change", ["metadata", "axes"])
def test_metadata_that_cannot_be_stored_tell_what_was(path: Path, change: str) -> None:
    """Also in the first checkpoint after `resume`: what was measured is not lost over them."""
    with opened(path, metadata={"a": 1}) as w:
        many(w, 2)
    w = hspyio.resume(path, checkpoint=None)
    many(w, 3)
    if change == "metadata":
        w.metadata.b = object()
    else:
        w.axes[1].size = 7
    with pytest.raises(Exception, match="All data are in the checkpoint") as caught:
        w.close()
    assert "Nothing was written" not in str(caught.value)
    found = hspyio.load(path)
    assert len(found.data) == 5 and found.metadata.a == 1


def test_metadata_that_cannot_be_stored_at_the_beginning(path: Path) -> None:
    with pytest.raises(UnsupportedTypeError, match="Nothing was written"):
        opened(path, metadata={"a": object()})
    assert not path.exists()


# a file that is not there any more


def test_a_file_that_was_deleted_is_told_of(path: Path) -> None:
    w = opened(path)
    many(w, 2)
    path.unlink()
    with pytest.raises(SaveError, match="was deleted, or replaced") as caught:
        w.checkpoint()
    if Path("/proc/self/fd").exists():
        place = str(caught.value).partition("closed, ")[2].partition(" can be")[0]
        path.with_name("saved.hspy").write_bytes(Path(place).read_bytes())
        assert len(hspyio.load(path.with_name("saved.hspy")).data) == 2
    many(w, 1)
    with pytest.raises(SaveError, match="in no folder any more"):
        w.close()
    assert not path.exists()


def test_a_file_that_was_replaced_is_told_of(path: Path) -> None:
    w = opened(path)
    many(w, 2)
    other = path.with_name("other.hspy")
    hspyio.save(other, hspyio.Signal(np.arange(4.0)))
    other.replace(path)
    with pytest.raises(SaveError, match="was deleted, or replaced"):
        w.close(compact=True)
    assert hspyio.load(path).data.tolist() == [0, 1, 2, 3]


def test_a_file_that_was_moved_is_told_of_once(path: Path) -> None:
    w = opened(path)
    many(w, 2)
    path.rename(path.with_name("moved.hspy"))
    with pytest.warns(HspyWarning, match="all of it is where it was moved to"):
        w.checkpoint()
    many(w, 1)
    w.close()
    assert len(hspyio.load(path.with_name("moved.hspy")).data) == 3


# the end of the program


def test_a_thread_that_stays_inside_does_not_hold_the_end_of_the_program(path: Path) -> None:
    program = f"""
import threading, numpy as np, hspyio
from hspyio.streaming import writer
writer._PATIENCE = 0.2
w = hspyio.create({str(path)!r}, shape=(None, 4, 4), dtype="u2", checkpoint="100ms")
w.append(np.ones((4, 4), "u2"))
w.checkpoint()
def stay():
    with w.one_state():
        w.append(np.ones((4, 4), "u2"))
        inside.set()
        threading.Event().wait()
inside = threading.Event()
threading.Thread(target=stay, daemon=True).start()
inside.wait()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "a thread is inside" in done.stderr and str(path) in done.stderr
    assert len(hspyio.load(path).data) == 1
