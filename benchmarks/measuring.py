"""Frames that come one after the other: `hspyio.create` against h5py's resizing and writing.

``python -m benchmarks.measuring --gigabytes 10 FOLDER`` writes so much, without compression, and
tells how long checkpoints take then, with and without waiting for the disk.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

import hspyio
from benchmarks.exchange import random_patterns
from benchmarks.measure import Step, race
from benchmarks.memory_child import peak
from benchmarks.rows import H5PY, MIB, Row, check, memory, speed
from benchmarks.runs import Bench

SIDE = 256
TARGETS = {"gzip": 6.0, None: 1.5}
CHUNK = 7
QUEUE = 64 * MIB
EXTRA = 32 * MIB
"""What else than the queue a stream may take: buffers of threads, the index."""


def measure_measuring(bench: Bench) -> Iterator[Row]:
    """The sustained rate, one frame a call, and the memory that it takes."""
    frames = random_patterns(64, SIDE).reshape(64, SIDE, SIDE).astype("u2")
    count = 1500 if bench.quick else 8000
    for compression, target in TARGETS.items():
        name = compression or "uncompressed"
        label = f"(o) {count:,} frames of {SIDE} x {SIDE} uint16, {name}"
        ours, theirs = bench.folder / "ours.hspy", bench.folder / "theirs.h5"
        steps = {
            "hspyio": Step(partial(our_frames, ours, frames, count, compression)),
            "h5py": Step(partial(their_frames, theirs, frames, count, compression)),
        }
        times = race(steps, bench.rounds, writes=True)
        yield speed(
            H5PY, label, "append", ours=times["hspyio"], theirs=times["h5py"], target=target
        )
        yield check(label, 1, count * SIDE * SIDE, _differences(ours, frames, count))
        yield memory(
            label,
            "append",
            ours=_peak_of_child(ours, name, count),
            theirs="none",
            array=QUEUE,
            extra=EXTRA,
        )


def _peak_of_child(path: Path, name: str, count: int) -> int:
    """Bytes at the peak, in a process of its own: what this one has freed would be no rise."""
    command = (sys.executable, "-m", "benchmarks.measuring", str(path.parent))
    done = subprocess.run(
        (*command, "--memory", name, str(count)), capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[-1])


def our_frames(
    path: Path, frames: NDArray[Any], count: int, compression: Any, queue: int = 256 * MIB
) -> None:
    """Append one frame after the other, with a checkpoint each second."""
    with hspyio.create(
        path,
        shape=(None, SIDE, SIDE),
        dtype="u2",
        compression=compression,
        overwrite=True,
        durable=False,
        checkpoint="1s",
        queue_bytes=queue,
    ) as w:
        for number in range(count):
            w.append(frames[number % len(frames)])


def their_frames(path: Path, frames: NDArray[Any], count: int, compression: Any) -> None:
    """The same with h5py, in the same chunks and through the same filters."""
    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            "data",
            (0, SIDE, SIDE),
            "u2",
            maxshape=(None, SIDE, SIDE),
            chunks=(CHUNK, SIDE, SIDE),
            compression=compression,
            shuffle=compression is not None,
        )
        for number in range(count):
            data.resize(number + 1, axis=0)
            data[number] = frames[number % len(frames)]


def _differences(path: Path, frames: NDArray[Any], count: int) -> list[str]:
    with h5py.File(path) as file:
        data = file["Experiments/__unnamed__/data"]
        wrong = [i for i in range(count) if not np.array_equal(data[i], frames[i % len(frames)])]
        assert len(data) == count
    return [f"frames {wrong[:3]}"] if wrong else []


def checkpoints(path: Path, gigabytes: float, *, durable: bool) -> list[float]:
    """Seconds that checkpoints of a long file take, some frames after each other."""
    frames = random_patterns(64, SIDE).reshape(64, SIDE, SIDE).astype("u2")
    count = int(gigabytes * 1e9 / frames[0].nbytes)
    seconds = []
    with hspyio.create(
        path,
        shape=(None, SIDE, SIDE),
        dtype="u2",
        compression=None,
        overwrite=True,
        durable=durable,
        checkpoint=None,
    ) as w:
        for number in range(0, count, len(frames)):
            w.append(frames)
            if number and not number % (1000 * len(frames)):
                print(w.status, flush=True)
        w.checkpoint()
        for number in range(20):
            w.append(frames[number])
            while w.status.queued:
                time.sleep(0.01)
            begin = time.perf_counter()
            w.checkpoint()
            seconds.append(time.perf_counter() - begin)
        print(w.status)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.measuring", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gigabytes", type=float, default=10.0)
    parser.add_argument("--memory", nargs=2, metavar=("CODEC", "COUNT"), help="tell the peak")
    options = parser.parse_args()
    path = options.folder / "long.hspy"
    if options.memory:
        codec = None if options.memory[0] == "uncompressed" else options.memory[0]
        frames = random_patterns(64, SIDE).reshape(64, SIDE, SIDE).astype("u2")
        our_frames(path, frames, 64, codec, QUEUE)  # imports what it needs
        print(peak(partial(our_frames, path, frames, int(options.memory[1]), codec, QUEUE)))
        return
    for durable in (False, True):
        seconds = checkpoints(path, options.gigabytes, durable=durable)
        most = max(seconds)
        print(
            f"{options.gigabytes:g} GB, durable={durable}: a checkpoint takes "
            f"{1000 * median(seconds):.1f} ms, {1000 * most:.1f} ms at most"
        )
    path.unlink()


if __name__ == "__main__":
    main()
