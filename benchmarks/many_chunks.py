"""100,000 chunks of 2 KB: what Python costs a chunk, against h5py, whose loop is in C."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import h5py
import numpy as np

import hspyio
from benchmarks import rows
from benchmarks.contenders import our_lazy, our_reading, our_signal
from benchmarks.exchange import TITLE, Dataset, random_patterns
from benchmarks.measure import Step, race
from benchmarks.rows import H5PY, OPENING, Row, speed
from benchmarks.runs import Bench, checked

CHUNK = (1, 1, 32, 32)
H5PY_NAME, OURS, ONE = "h5py", "hspyio", "hspyio, one thread"
H5PY_TARGET = 1.3
OPENING_TARGET = 1.5
"""Times as long as with a thousandth of the chunks, at most."""


def patterns(count: int) -> Dataset:
    """So many patterns, each a chunk."""
    return Dataset(random_patterns(count, 32).reshape(-1, 100, *CHUNK[2:]), 2)


def measure_many_chunks(bench: Bench) -> Iterator[Row]:
    """Written and read as a whole."""
    count = 10_000 if bench.quick else 100_000
    dataset = patterns(count)
    for compression, name in (("gzip", "gzip"), (None, "uncompressed")):
        label = f"(l) {count:,} chunks of 2 KB, {name}"
        yield from _against_h5py(bench, label, dataset, compression)


def _against_h5py(
    bench: Bench, label: str, dataset: Dataset, compression: str | None
) -> Iterator[Row]:
    mine, one, other = (bench.folder / f"{name}.hspy" for name in ("ours", "one", "h5py"))
    write = partial(our_chunks, dataset, compression=compression)
    writers = {
        H5PY_NAME: their_chunks(dataset, other, compression=compression),
        OURS: write(mine),
        ONE: write(one, threads=1),
    }
    readers = {
        H5PY_NAME: Step(lambda: _data(mine)),
        OURS: our_reading(mine),
        ONE: our_reading(mine, threads=1),
    }
    for action, contenders in (("write", writers), ("read", readers)):
        times = race(contenders, bench.rounds, writes=action == "write")
        for ours, more in ((OURS, ""), (ONE, ", one thread")):
            yield speed(
                H5PY,
                label,
                action + more,
                ours=times[ours],
                theirs=times[H5PY_NAME],
                target=H5PY_TARGET,
            )
    yield checked(label, dataset, mine, one)


def our_chunks(
    dataset: Dataset, path: Path, *, compression: str | None, threads: int | None = None
) -> Step:
    """Save, in chunks of a pattern each."""
    signal = our_signal(dataset)
    save = partial(hspyio.save, overwrite=True, durable=False, progress=False)
    return Step(
        lambda: save(path, signal, chunks=CHUNK, compression=compression, threads=threads),
        before=lambda: path.unlink(missing_ok=True),
    )


def their_chunks(dataset: Dataset, path: Path, *, compression: str | None) -> Step:
    """The same chunks with h5py alone, and nothing else in the file."""

    def run() -> None:
        with h5py.File(path, "w") as file:
            file.create_dataset(
                "data",
                data=dataset.data,
                chunks=CHUNK,
                compression=compression,
                shuffle=compression is not None,
            )

    return Step(run, before=lambda: path.unlink(missing_ok=True))


def _data(path: Path) -> np.ndarray:
    with h5py.File(path) as file:
        values: np.ndarray = file[f"Experiments/{TITLE}/data"][...]
        return values


def measure_lazy_opening(bench: Bench) -> Iterator[Row]:
    """A file with many chunks is opened lazily as fast as one with few."""
    few, many = 100, 10_000 if bench.quick else 100_000
    paths = {count: bench.folder / f"{count}.hspy" for count in (few, many)}
    dataset = patterns(few)
    for count, path in paths.items():
        our_chunks(patterns(count), path, compression="gzip").run()
    steps = {str(n): Step(lambda path=path: our_lazy(path)) for n, path in paths.items()}
    times = race(steps, 3 * bench.rounds)
    yield rows.longer(
        OPENING,
        f"(m) {many:,} chunks of 2 KB",
        "load lazily",
        ours=times[str(many)],
        theirs=times[str(few)],
        target=OPENING_TARGET,
    )
    yield checked("(m) chunks of 2 KB", dataset, paths[few])
