"""A measurement that writes a file by `hspyio.create`, and what each state of it has to hold."""

from __future__ import annotations

import mmap
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

import hspyio

FRAME = (8, 16)
CHUNK = 3
CODECS: tuple[Any, ...] = ("gzip", None)


def frame(number: int) -> NDArray[np.uint16]:
    """The frame of a number: all of it tells which it is."""
    return frames(1, number)[0]


def frames(count: int, first: int = 0) -> NDArray[np.uint16]:
    """So many frames, from a number on."""
    plain = np.arange(FRAME[0] * FRAME[1]).reshape(FRAME) % 7
    numbers = np.arange(first, first + count)[:, None, None] % 8000
    return np.asarray(plain + 8 * numbers, np.uint16)


@dataclass(frozen=True)
class Progress:
    """What a child has done so far, in memory that its parent sees, too."""

    memory: mmap.mmap = field(default_factory=lambda: mmap.mmap(-1, 16))

    def note(self, count: int) -> None:
        self.memory[:8] = count.to_bytes(8, "little", signed=True)

    def take(self, count: int) -> None:
        self.memory[8:16] = count.to_bytes(8, "little", signed=True)

    @property
    def safe(self) -> int:
        """Frames of the last checkpoint that was made; -1 before the file was."""
        return int.from_bytes(self.memory[:8], "little", signed=True)

    @property
    def taken(self) -> int:
        """Frames that may be in the file by now."""
        return int.from_bytes(self.memory[8:16], "little", signed=True)


@dataclass(frozen=True)
class Measurement:
    """Frames that come, and checkpoints.

    Attributes
    ----------
    total : int
        Frames.
    step : int
        Frames of one call, after each of which there is a checkpoint.
    codec : str or None
        The compression.
    threads : int
        That compress.
    durable : bool
        Whether checkpoints wait for the disk.
    timed : str or None
        Checkpoints that nobody asks for, instead.
    pause : float
        Seconds between two calls.
    """

    total: int = 13
    step: int = 2
    codec: Any = "gzip"
    threads: int = 1
    durable: bool = True
    timed: str | None = None
    pause: float = 0.0

    def run(self, path: Path, progress: Progress) -> None:
        """From the beginning, or from where a file is."""
        if path.exists():
            writer = hspyio.resume(
                path, checkpoint=self.timed, threads=self.threads, durable=self.durable
            )
        else:
            writer = hspyio.create(
                path,
                shape=(None, *FRAME),
                dtype="u2",
                title="run",
                chunks=(CHUNK, *FRAME),
                compression=self.codec,
                original_metadata={"log": "x" * 3000},
                checkpoint=self.timed,
                threads=self.threads,
                durable=self.durable,
            )
            writer.metadata.set_item("count", 0)
        progress.note(len(writer))
        self._go_on(writer, progress)

    def _go_on(self, writer: hspyio.StreamWriter, progress: Progress) -> None:
        with writer:
            while (first := len(writer)) < self.total:
                last = min(self.total, first + self.step)
                progress.take(last)
                with writer.one_state():
                    writer.append(frames(last - first, first))
                    writer.metadata.set_item("count", last)
                if self.timed is None:
                    writer.checkpoint()
                progress.note(writer.status.safe)
                time.sleep(self.pause)
        progress.note(self.total)


def count_in(path: Path) -> int:
    """Frames in a file, to our reader, RosettaSciIO's and h5py, which have to agree; -1 without.

    Raises
    ------
    AssertionError
        If it is no whole state.
    """
    from rsciio.hspy import file_reader

    if not path.exists():
        return -1
    signal = hspyio.load(path)
    count = len(signal.data)
    _check(count, signal.data, signal.metadata.get_item("count", 0), "hspyio")
    assert signal.axes[0].size == count, "hspyio: the axis"
    [found] = file_reader(str(path))
    _check(count, found["data"], found["metadata"].get("count", 0), "RosettaSciIO")
    assert found["axes"][0]["size"] == count, "RosettaSciIO: the axis"
    with h5py.File(path) as file:
        group = file["Experiments/run"]
        _check(count, group["data"][()], group["metadata"].attrs.get("count", 0), "h5py")
    return count


def _check(count: int, data: Any, told: int, who: str) -> None:
    assert len(data) == count, f"{who}: {len(data)} frames, not {count}"
    assert told == count, f"{who}: the metadata tell of {told} frames, the data are {count}"
    if not np.array_equal(data, frames(count)):
        wrong = [i for i in range(count) if not np.array_equal(data[i], frame(i))]
        raise AssertionError(f"{who}: the frames {wrong} of {count} are others")


def read_on(path: Path, reader: str, seconds: float) -> int:
    """Read a file that grows, over and over; how many states were seen."""
    end, seen = time.monotonic() + seconds, set()
    while time.monotonic() < end:
        seen.add(_READERS[reader](path))
    return len(seen)


def _by_hspyio(path: Path) -> int:
    signal = hspyio.load(path, lazy=True)
    count = signal.axes[0].size
    _check(count, signal.data.compute(), signal.metadata.get_item("count", 0), "hspyio")
    signal.close()
    return int(count)


def _by_h5py(path: Path) -> int:
    with h5py.File(path) as file:
        group = file["Experiments/run"]
        count = len(group["data"])
        _check(count, group["data"][()], group["metadata"].attrs.get("count", 0), "h5py")
    return count


def _by_rosettasciio(path: Path) -> int:
    from rsciio.hspy import file_reader

    [found] = file_reader(str(path))
    count = found["axes"][0]["size"]
    _check(count, found["data"], found["metadata"].get("count", 0), "RosettaSciIO")
    return int(count)


_READERS = {"hspyio": _by_hspyio, "h5py": _by_h5py, "rosettasciio": _by_rosettasciio}


def others(path: Path) -> list[str]:
    """What else is in the folder."""
    return sorted(name for name in os.listdir(path.parent) if name != path.name)
