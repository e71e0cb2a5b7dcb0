"""How it scales: with threads, and with the chunks, leaves, experiments and files there are.

Up to as many threads as there are processors are measured. More are simulated from measured parts:
what the codec takes for each chunk runs at once on all threads, and all the rest of one thread's
time, whatever it is, is taken by one thread at a time, the same for each chunk. Two threads are
both measured and simulated, which tells how far to believe the others. How fast the memory is, is
no part of the model.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

import hspyio
from benchmarks import bound, rows
from benchmarks.contenders import our_reading, our_writing
from benchmarks.exchange import Dataset
from benchmarks.many_chunks import our_chunks, patterns
from benchmarks.measure import Contender, Step, Times, race
from benchmarks.rows import THREADS, Row
from benchmarks.runs import Bench, checked
from benchmarks.workloads import stem
from hspyio.filters.shuffle import merge, split

SIMULATED = (2, 4, 8, 16)
TWO_THREADS = 1.4
"""Times as fast as one, on two processors."""
EACH = 1.3
"""Times as long for each of many as for each of few."""


def measure_threads(bench: Bench) -> Iterator[Row]:
    """4D-STEM with gzip, written and read by one thread, by all there are, and by more."""
    dataset, path = stem(bench.quick), bench.folder / "map.hspy"
    our_writing(dataset, path).run()
    stored = bound.stored_chunks(path)
    other = bench.folder / "written.hspy"
    for action, contender, alone in (
        ("write", partial(our_writing, dataset, other), _encoding(dataset.data, stored)),
        ("read", partial(our_reading, path), _decoding(stored)),
    ):
        yield from _with_threads(bench, action, contender, alone)
    yield checked("(q) 4D-STEM uint16", dataset, path, other)


def _with_threads(
    bench: Bench,
    action: str,
    contender: Callable[..., Contender],
    alone: Callable[[], list[float]],
) -> Iterator[Row]:
    what = "(q) 4D-STEM uint16"
    counts = [n for n in (2, 4, 8, 16) if n <= bound.default_threads()]
    times = race({str(n): contender(threads=n) for n in (1, *counts)}, bench.rounds)
    one = times["1"]
    for count in counts:
        target = TWO_THREADS if count == 2 else None
        yield rows.speed(
            THREADS, what, f"{action}, {count} threads", ours=times[str(count)], theirs=one,
            target=target,
        )  # fmt: skip
    codec = [median(laps) for laps in zip(*(alone() for _ in range(bench.rounds)), strict=True)]
    for count in SIMULATED:
        made = Times(tuple(simulated(codec, seconds, count) for seconds in one.seconds))
        yield rows.speed(
            THREADS, what, f"{action}, {count} threads, simulated", ours=made, theirs=one,
            target=None,
        )  # fmt: skip


def simulated(parallel: Sequence[float], whole: float, threads: int) -> float:
    """Seconds that so many threads take.

    Parameters
    ----------
    parallel : sequence of float
        Seconds of the codec for each chunk.
    whole : float
        Seconds that one thread takes for all.
    threads : int
        How many take the chunks in turn.
    """
    serial = max(0.0, whole - sum(parallel)) / len(parallel)
    free = [0.0] * threads
    door = 0.0
    for seconds in parallel:
        done = heapq.heappop(free) + seconds
        door = max(door, done) + serial
        heapq.heappush(free, door)
    return max(free)


def _encoding(data: NDArray[Any], stored: bound.Stored) -> Callable[[], list[float]]:
    """Seconds to shuffle and compress each chunk, on one thread."""
    chunk = np.zeros(stored.chunk, data.dtype)
    planes = np.empty((data.dtype.itemsize, chunk.size), np.uint8)

    def lap() -> list[float]:
        found = []
        for offset, _ in stored.pieces:
            bound.cut(data, offset, chunk)
            start = time.perf_counter()
            split(chunk.reshape(-1), planes)
            bound.compress(planes.reshape(-1))
            found.append(time.perf_counter() - start)
        return found

    return lap


def _decoding(stored: bound.Stored) -> Callable[[], list[float]]:
    """Seconds to inflate and unshuffle each chunk, on one thread."""
    itemsize = stored.dtype.itemsize
    size = int(np.prod(stored.chunk)) * itemsize
    inflated, values = bytearray(size), np.empty(size // itemsize, stored.dtype)
    planes = np.frombuffer(inflated, np.uint8).reshape(itemsize, -1)

    def lap() -> list[float]:
        found = []
        for _, piece in stored.pieces:
            start = time.perf_counter()
            imagecodecs.deflate_decode(piece, out=inflated)
            merge(planes, values)
            found.append(time.perf_counter() - start)
        return found

    return lap


@dataclass(frozen=True)
class Growth:
    """What there may be few or many of.

    Attributes
    ----------
    name : str
        For a person, in the plural.
    counts : tuple of int
        From few to many.
    steps : callable
        ``count, folder -> {action: contender}``.
    """

    name: str
    counts: tuple[int, ...]
    steps: Callable[[int, Path], Mapping[str, Contender]]


def measure_growth(bench: Bench) -> Iterator[Row]:
    """What each of many costs, against each of few."""
    for growth in GROWTHS:
        counts = growth.counts[:-1] if bench.quick else growth.counts
        steps = {}
        for count in counts:
            folder = bench.folder / f"{growth.name} {count}"
            folder.mkdir()
            steps[count] = growth.steps(count, folder)
        for action in steps[counts[0]]:
            times = race({str(n): steps[n][action] for n in counts}, bench.rounds)
            for count in counts[1:]:
                yield rows.growth(
                    f"(q) {counts[0]:,} and {count:,} {growth.name}",
                    action,
                    few=times[str(counts[0])],
                    many=times[str(count)],
                    factor=count / counts[0],
                    target=EACH,
                )


def _chunks(count: int, folder: Path) -> Mapping[str, Contender]:
    dataset, path = patterns(count), folder / "map.hspy"
    write = our_chunks(dataset, path, compression="gzip")
    write.run()
    return {"read": our_reading(path), "write": write}


def _leaves(count: int, folder: Path) -> Mapping[str, Contender]:
    tree = {
        f"group {i}": {f"leaf {j}": (j, j / 7, f"value {j}")[j % 3] for j in range(100)}
        for i in range(count // 100)
    }
    path = folder / "leaves.hspy"
    write = our_writing(Dataset(np.arange(64.0).reshape(8, 8), 2, tree), path)
    write.run()
    return {"read": our_reading(path), "write": write}


def _experiments(count: int, folder: Path) -> Mapping[str, Contender]:
    path, more = folder / "all.hspy", folder / "more.hspy"
    signals = [_small(number) for number in range(count)]
    save = partial(hspyio.save, overwrite=True, durable=False, progress=False)
    save(path, signals)
    save(more, signals)
    last, numbers = f"result {count - 1}", itertools.count(count)

    def append() -> None:
        hspyio.append(more, _small(next(numbers)), durable=False)

    return {
        "open and see all": Step(lambda: _titles(path)),
        "read one": Step(lambda: hspyio.load(path, name=last)),
        "append one": Step(append),
        "write": Step(lambda: save(path, signals)),
    }


def _titles(path: Path) -> list[str]:
    with hspyio.open(path) as file:
        return [file[name].title for name in file]


def _small(number: int) -> hspyio.Signal:
    return hspyio.Signal(np.arange(64.0) + number, title=f"result {number}", signal_dimension=1)


def _files(count: int, folder: Path) -> Mapping[str, Contender]:
    paths = [folder / f"{number}.hspy" for number in range(count)]
    for number, path in enumerate(paths):
        hspyio.save(path, _small(number), durable=False, progress=False)
    return {
        "info": Step(lambda: [hspyio.info(path) for path in paths]),
        "read": Step(lambda: [hspyio.load(path) for path in paths]),
    }


GROWTHS = (
    Growth("chunks of 2 KB", (1_000, 10_000, 100_000), _chunks),
    Growth("leaves of metadata", (1_000, 10_000, 100_000), _leaves),
    Growth("experiments", (10, 100, 1_000), _experiments),
    Growth("files", (10, 100, 1_000), _files),
)
