"""States of a stream: each is what was taken at one instant, and costs little."""

from __future__ import annotations

import os
import pickle
import signal as signals
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.streaming import encoders, open_chunks
from hspyio.streaming import stream as stream_file
from hspyio.streaming.stream import Stream, stopped
from support.interrupts import interrupted

FRAMES = np.random.default_rng(0).poisson(0.5, (200, 16, 16)).astype("u2")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.hspy"


@pytest.fixture
def writer(path: Path) -> Iterator[hspyio.StreamWriter]:
    made = hspyio.create(
        path, shape=(None, 16, 16), dtype="u2", chunks=(7, 16, 16), checkpoint=None, durable=False
    )
    yield made
    made.close()


def inside(writer: hspyio.StreamWriter) -> Stream:
    return writer._stream


def test_what_was_opened_stays_as_it_was(writer: hspyio.StreamWriter, path: Path) -> None:
    """Of h5py a process opens one state only: HDF5 takes the file that it has for the same."""
    held, whole = [], []
    for turn in range(6):
        writer.append(FRAMES[turn * 5 : turn * 5 + 5])
        writer.checkpoint()
        held.append(hspyio.load(path, lazy=True))
        whole.append(path.read_bytes()[96 : inside(writer)._file.end])
        if turn == 1:
            file = h5py.File(path)
    with file:
        assert np.array_equal(file["Experiments/__unnamed__/data"][:], FRAMES[:10])
    for turn, signal in enumerate(held):
        assert np.array_equal(signal.data.compute(), FRAMES[: turn * 5 + 5])
        assert path.read_bytes()[96 : 96 + len(whole[turn])] == whole[turn]


def test_a_lazy_array_is_read_in_another_place_while_it_grows(
    writer: hspyio.StreamWriter, path: Path
) -> None:
    """As in a process of a cluster, which opens the file anew."""
    writer.append(FRAMES[:20])
    writer.checkpoint()
    content = pickle.dumps(hspyio.load(path, lazy=True).data)
    for turn in range(3):
        writer.append(FRAMES[20 + turn :][:30])
        writer.checkpoint()
        assert np.array_equal(pickle.loads(content).compute(), FRAMES[:20])


def test_full_chunks_are_written_once(writer: hspyio.StreamWriter) -> None:
    for turn in range(20):
        writer.append(FRAMES[turn * 7 : turn * 7 + 7])
        writer.checkpoint()
    manifest = inside(writer)._tree
    assert len(manifest) == 20
    stored = inside(writer)._encoders.stored
    assert stored == manifest.chunk_bytes


def test_dead_space_is_what_the_last_state_has_no_use_for(
    writer: hspyio.StreamWriter, path: Path
) -> None:
    writer.append(FRAMES[:3])
    writer.checkpoint()
    first = writer.status
    writer.append(FRAMES[3:6])
    writer.checkpoint()
    second = writer.status
    assert second.dead_bytes > first.dead_bytes
    assert second.file_bytes <= path.stat().st_size
    writer.close(compact=True)
    assert path.stat().st_size < second.file_bytes
    assert np.array_equal(hspyio.load(path).data, FRAMES[:6])


def test_a_checkpoint_that_nobody_asked_for_leaves_out_what_would_be_dead(
    writer: hspyio.StreamWriter, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_file, "_DEAD_BYTES", 0)
    writer.append(FRAMES[:17])
    inside(writer).checkpoint(asked=False)
    assert hspyio.load(path).data.shape[0] == 14
    inside(writer).checkpoint()
    assert hspyio.load(path).data.shape[0] == 17
    writer.append(FRAMES[17:19])
    inside(writer).checkpoint(asked=False)
    assert hspyio.load(path).data.shape[0] == 17  # never shorter than it was
    writer.append(FRAMES[19:])
    inside(writer).checkpoint(asked=False)
    assert np.array_equal(hspyio.load(path).data, FRAMES[:196])


def test_regions_that_are_left_out_are_not_said_to_be_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_file, "_DEAD_BYTES", 0)
    with hspyio.create(
        path, shape=(4, 3, 16, 16), dtype="u2", chunks=(2, 3, 16, 16), checkpoint=None
    ) as w:
        w[0] = FRAMES[:3]
        inside(w).checkpoint(asked=False)
        signal = hspyio.load(path)
        assert not signal.metadata._hspyio.written.any() and not signal.data.any()
        w.checkpoint()
        assert hspyio.load(path).metadata._hspyio.written.sum() == 3
        w[1, 0] = FRAMES[9]
        assert w.written.sum() == 4
        inside(w).checkpoint(asked=False)
        signal = hspyio.load(path)
        assert signal.metadata._hspyio.written.sum() == 3
        assert not signal.data[1].any()


def test_a_state_holds_all_of_a_call_or_nothing(path: Path) -> None:
    """And metadata that are changed with it."""
    ends = threading.Event()
    with hspyio.create(
        path, shape=(None, 4, 4), dtype="u2", chunks=(3, 4, 4), checkpoint=None, durable=False
    ) as w:

        def measure() -> None:
            for turn in range(150):
                with w.one_state():
                    w.append(np.full((2, 4, 4), turn, "u2"))
                    w.append(np.full((1, 4, 4), turn, "u2"))
                    w.metadata.set_item("turns", turn + 1)
            ends.set()

        thread = threading.Thread(target=measure)
        thread.start()
        while not ends.is_set():
            w.checkpoint()
            signal = hspyio.load(path)
            turns = signal.metadata.get_item("turns", 0)
            assert len(signal.data) == 3 * turns
            assert np.array_equal(signal.data[:, 0, 0], np.repeat(np.arange(turns), 3))
        thread.join()


def test_a_long_call_lets_checkpoints_in(path: Path) -> None:
    """Of a call that is longer than the queue a state may have a part, in order."""
    with hspyio.create(
        path,
        shape=(None, 16, 16),
        dtype="u2",
        chunks=(2, 16, 16),
        checkpoint=None,
        queue_bytes=8192,
        durable=False,
    ) as w:
        many = np.broadcast_to(np.arange(3000, dtype="u2")[:, None, None], (3000, 16, 16))
        thread = threading.Thread(target=w.append, args=(many,))
        thread.start()
        lengths = []
        while thread.is_alive():
            w.checkpoint()
            data = hspyio.load(path).data
            lengths.append(len(data))
            assert np.array_equal(data[:, 3, 3], np.arange(len(data)))
        thread.join()
        assert w.status.queue_bytes == 8192
    assert np.array_equal(hspyio.load(path).data, many)


def test_a_failed_switch_ends_it_and_the_last_state_is_safe(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = hspyio.create(path, shape=(None, 16, 16), dtype="u2", checkpoint=None)
    w.append(FRAMES[:5])
    w.checkpoint()
    size = inside(w)._file.end
    w.append(FRAMES[5:9])

    def fsync(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(hspyio.errors.SaveError, match="of 5 frames, is safe"):
        w.checkpoint()
    monkeypatch.undo()
    with pytest.raises(hspyio.errors.SaveError, match="Input/output error"):
        w.append(FRAMES[:1])
    assert w.status.failure
    w.close()
    assert path.stat().st_size == size
    assert np.array_equal(hspyio.load(path).data, FRAMES[:5])
    with hspyio.resume(path) as again:
        again.append(FRAMES[5:9])
    assert np.array_equal(hspyio.load(path).data, FRAMES[:9])


def test_a_call_that_comes_after_the_last_state_is_told(path: Path) -> None:
    """Of a thread that is at work while another closes the file: nothing is lost unsaid."""
    w = hspyio.create(path, shape=(None, 16, 16), dtype="u2", checkpoint=None, durable=False)
    taken = 0
    told = []

    def measure() -> None:
        nonlocal taken
        try:
            while True:
                inside(w).append(FRAMES[:1], wait=True)
                taken += 1
        except hspyio.errors.OptionError as error:
            told.append(str(error))

    thread = threading.Thread(target=measure)
    thread.start()
    while not taken:
        pass
    w.close()
    thread.join(10)
    assert not thread.is_alive() and "has just been closed" in told[0]
    assert len(hspyio.load(path).data) == taken
    with pytest.raises(hspyio.errors.OptionError, match="closed"):
        inside(w).put((0,), FRAMES[0], wait=True)


def test_what_became_of_it_is_said() -> None:
    error = stopped(ValueError(), "a.hspy", 12, "frames")
    assert str(error) == (
        "a.hspy: nothing more is written: ValueError. The last checkpoint, of 12 frames, is safe; "
        "hspyio.resume(path) goes on from there"
    )


def test_what_comes_during_a_checkpoint_is_not_dead(path: Path, monkeypatch: Any) -> None:
    with hspyio.create(
        path, shape=(None, 16, 16), dtype="u2", chunks=(7, 16, 16), compression=None,
        checkpoint=None, durable=False,
    ) as w:  # fmt: skip
        stream = inside(w)

        def sync() -> None:
            w.append(FRAMES[:70])
            with stream._encoders.lock:
                stream._encoders.wait_for(stream._encoders.turn)

        w.append(FRAMES[:14])
        monkeypatch.setattr(stream._file, "sync", sync)
        w.checkpoint()
        assert (w.status.safe, w.status.length) == (14, 84)
        assert w.status.dead_bytes < 70 * 512  # that of the state before
        monkeypatch.undo()
        w.checkpoint()
        assert w.status.dead_bytes < 70 * 512


@pytest.mark.parametrize(
    ("seconds", "count"),
    [
        ([0.01], 1),
        ([6.0, 0.0], 1),  # slower than what comes
        ([2.0, 0.8, 0.3, 0.05, 0.0], 4),
        ([2.0, 1.5, 0.0], 2),
    ],
)
def test_the_disk_is_waited_for_while_that_helps(
    writer: hspyio.StreamWriter, monkeypatch: Any, seconds: list[float], count: int
) -> None:
    clock, left = [inside(writer)._last + 10.0], list(seconds)

    def sync() -> None:
        clock[0] += left.pop(0)

    monkeypatch.setattr(stream_file, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(inside(writer)._file, "sync", sync)
    writer.append(FRAMES[:3])
    writer.checkpoint()
    assert len(seconds) - len(left) == count


@pytest.mark.parametrize("where", ["_sync", "_switch"])
def test_ctrl_c_in_a_checkpoint_loses_nothing(
    writer: hspyio.StreamWriter, path: Path, monkeypatch: Any, where: str
) -> None:
    """It is how a measurement is ended."""
    stream = inside(writer)
    original = getattr(stream, where)

    def struck(*args: Any, **options: Any) -> None:
        signals.raise_signal(signals.SIGINT)
        original(*args, **options)

    monkeypatch.setattr(stream, where, struck)
    before = signals.signal(signals.SIGINT, signals.default_int_handler)
    try:
        writer.append(FRAMES[:10])
        with pytest.raises(KeyboardInterrupt):
            writer.checkpoint()
    finally:
        signals.signal(signals.SIGINT, before)
    monkeypatch.undo()
    assert writer.status.safe == (10 if where == "_switch" else 0)
    writer.append(FRAMES[10:25])
    writer.close()
    assert np.array_equal(hspyio.load(path).data, FRAMES[:25])


def _take_some(w: hspyio.StreamWriter) -> None:
    w.append(FRAMES[1:2])
    w.append(FRAMES[2:5])
    w.checkpoint()


@pytest.mark.parametrize("begin", range(1, 6))
def test_ctrl_c_anywhere_takes_a_frame_or_not(path: Path, begin: int) -> None:
    """At each fifth line: whatever was taken before is in the file, and the stream goes on."""
    files = [stream_file.__file__, encoders.__file__, open_chunks.__file__]
    number, struck = begin, True
    while struck:
        w = hspyio.create(
            path, shape=(None, 16, 16), dtype="u2", chunks=(2, 16, 16), compression="lzf",
            checkpoint=None, durable=False, threads=1, overwrite=True,
        )  # fmt: skip
        w.append(FRAMES[:1])

        struck = interrupted(partial(_take_some, w), number, files)
        count = len(w)
        other = threading.Thread(target=w.append, args=[FRAMES[count : count + 4]], daemon=True)
        other.start()
        other.join(20)
        assert not other.is_alive(), number
        w.close()
        assert np.array_equal(hspyio.load(path).data, FRAMES[: count + 4]), number
        number += 5
    assert number > 200
