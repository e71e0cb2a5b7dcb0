"""What is measured of each workload, and the rows that come of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from benchmarks import bound, check, rows
from benchmarks.contenders import (
    our_lazy,
    our_lazy_writing,
    our_reading,
    our_writing,
    our_zspy_writing,
    their_lazy,
    their_lazy_writing,
    their_reading,
    their_writing,
)
from benchmarks.exchange import TITLE, Dataset
from benchmarks.measure import Contender, Step, Times, race
from benchmarks.rows import CODEC, DURABLE, PEER, START, ZSPY, Row, speed
from benchmarks.workloads import Pair, Workload, eels, small_stem, stem
from benchmarks.zspy import PROJECT, Zspy, ZspyStep

PEER_NAME, OURS = "RosettaSciIO", "hspyio"
DURABLE_TARGET = 4.0
"""Holds for the rows whose own target is no lower."""

NO_SLOWER = 1.0
LAZY_SUM, LAZY_SAVE, LAZY_FROM_MEMORY = 3.5, 8.0, 6.0
SHARE_OF_CODEC = 0.85
MANY_FILES = 5.0
START_TARGET = 2.5
"""Times as long as an import of h5py, at most."""


@dataclass(frozen=True)
class Bench:
    """What all runs need.

    Attributes
    ----------
    folder : Path
        Where files go; each run leaves it empty.
    quick : bool
        Whether small sizes do.
    rounds : int
        At least so many.
    zspy : Zspy, optional
        The process that measures it.
    """

    folder: Path
    quick: bool
    rounds: int
    zspy: Zspy | None


def measure_workload(bench: Bench, workload: Workload) -> Iterator[Row]:
    """All rows of a workload that is written and read as a whole."""
    dataset = workload.make(bench.quick)
    if workload.bounds and bench.zspy is not None:
        bench.zspy.take(dataset, bench.folder)
    yield from _default(bench, workload, dataset)
    if workload.plain is not None:
        yield from _plain(bench, workload, dataset, workload.plain)
    if workload.plugins is not None:
        yield from _plugins(bench, workload, dataset, workload.plugins)


def _default(bench: Bench, workload: Workload, dataset: Dataset) -> Iterator[Row]:
    """Default options: all threads, one thread, durable; zspy; the codecs alone."""
    folder, label = bench.folder, workload.label
    files = {OURS: folder / "ours.hspy", PEER_NAME: folder / "theirs.hspy"}
    files |= {name: folder / f"{name}.hspy" for name in ("durable", "one", "one durable")}
    writers = _writers(bench, workload, dataset, files)
    times = race(writers, bench.rounds, writes=True)
    yield from _writing_rows(workload, times)
    yield rows.size(label, ours=files[OURS], theirs=files[PEER_NAME], target=workload.size)
    times = race(_readers(bench, workload, dataset, files), bench.rounds)
    yield from _reading_rows(workload, times)
    yield checked(label, dataset, *(path for name, path in files.items() if name in writers))


def _writers(
    bench: Bench, workload: Workload, dataset: Dataset, files: dict[str, Path]
) -> dict[str, Contender]:
    writers: dict[str, Contender] = {
        PEER_NAME: their_writing(dataset, files[PEER_NAME]),
        OURS: our_writing(dataset, files[OURS]),
        "durable": our_writing(dataset, files["durable"], durable=True),
    }
    if workload.one_thread is not None:
        last = files["one durable"]
        writers["one"] = our_writing(dataset, files["one"], threads=1)
        writers["one durable"] = our_writing(dataset, last, threads=1, durable=True)
    if workload.bounds:
        our_writing(dataset, files[OURS]).run()
        stored = bound.stored_chunks(files[OURS])
        path = bench.folder / "plain.bin"
        writers["codec"] = bound.writing(dataset.data, stored, path, bound.default_threads())
        if bench.zspy is not None:
            writers["zspy"] = ZspyStep(bench.zspy, "write", bench.folder / "data.zspy")
            writers["our zspy"] = our_zspy_writing(dataset, bench.folder / "ours.zspy")
    return writers


def _readers(
    bench: Bench, workload: Workload, dataset: Dataset, files: dict[str, Path]
) -> dict[str, Contender]:
    readers: dict[str, Contender] = {
        PEER_NAME: their_reading(files[OURS]),
        OURS: our_reading(files[OURS]),
        "their file, theirs": their_reading(files[PEER_NAME]),
        "their file, ours": our_reading(files[PEER_NAME]),
    }
    if workload.one_thread is not None:
        readers["one"] = our_reading(files[OURS], threads=1)
    if workload.bounds:
        stored = bound.stored_chunks(files[OURS])
        threads = bound.default_threads()
        readers["codec"] = bound.reading(stored, threads, shape=dataset.data.shape)
        readers["codec, used again"] = bound.reading(stored, threads)
        if bench.zspy is not None:
            readers["zspy"] = ZspyStep(bench.zspy, "read", bench.folder / "data.zspy")
            readers["our zspy"] = our_reading(bench.folder / "data.zspy")
    return readers


def _writing_rows(workload: Workload, times: dict[str, Times]) -> Iterator[Row]:
    label, peer, ours = workload.label, times[PEER_NAME], times[OURS]
    targets = workload.default
    yield speed(PEER, label, "write", ours=ours, theirs=peer, target=targets.write)
    yield _durable(label, "write", times["durable"], peer, targets)
    if workload.one_thread is not None:
        action, targets = "write, one thread", workload.one_thread
        yield speed(PEER, label, action, ours=times["one"], theirs=peer, target=targets.write)
        yield _durable(label, action, times["one durable"], peer, targets)
    yield from _bounds(label, "write", times)


def _reading_rows(workload: Workload, times: dict[str, Times]) -> Iterator[Row]:
    label, peer, ours = workload.label, times[PEER_NAME], times[OURS]
    yield speed(PEER, label, "read", ours=ours, theirs=peer, target=workload.default.read)
    if workload.one_thread is not None:
        one, target = times["one"], workload.one_thread.read
        yield speed(PEER, label, "read, one thread", ours=one, theirs=peer, target=target)
    mine, other = times["their file, ours"], times["their file, theirs"]
    action = "read RosettaSciIO's file"
    yield speed(PEER, label, action, ours=mine, theirs=other, target=None)
    yield from _bounds(label, "read", times)
    if "codec, used again" in times:
        theirs, action = times["codec, used again"], "read, codec without an array"
        yield speed(CODEC, label, action, ours=ours, theirs=theirs, target=None)


def _bounds(label: str, action: str, times: dict[str, Times]) -> Iterator[Row]:
    """Rows against zspy and the codecs, where they were measured."""
    for name, section, target in (("zspy", ZSPY, NO_SLOWER), ("codec", CODEC, SHARE_OF_CODEC)):
        if name in times:
            theirs = times[name]
            yield speed(section, label, action, ours=times[OURS], theirs=theirs, target=target)
    if "our zspy" in times:
        ours, theirs = times["our zspy"], times["zspy"]
        yield speed(ZSPY, label, f"{action} .zspy", ours=ours, theirs=theirs, target=NO_SLOWER)


def _durable(label: str, action: str, ours: Times, peer: Times, targets: Pair) -> Row:
    high = targets.write is not None and targets.write >= DURABLE_TARGET
    target = DURABLE_TARGET if high else None
    return speed(DURABLE, label, action, ours=ours, theirs=peer, target=target)


def _plain(bench: Bench, workload: Workload, dataset: Dataset, targets: Pair) -> Iterator[Row]:
    """Uncompressed on both sides."""
    label = f"{workload.label}, uncompressed"
    names = ("ours", "durable", "theirs")
    mine, durable, other = (bench.folder / f"plain {name}.hspy" for name in names)
    times = race(
        {
            PEER_NAME: their_writing(dataset, other, compression=None),
            OURS: our_writing(dataset, mine, compression=None),
            "durable": our_writing(dataset, durable, compression=None, durable=True),
        },
        bench.rounds,
        writes=True,
    )
    peer = times[PEER_NAME]
    yield speed(PEER, label, "write", ours=times[OURS], theirs=peer, target=targets.write)
    yield _durable(label, "write", times["durable"], peer, targets)
    # RosettaSciIO shuffles what it doesn't compress, hspyio doesn't: so each other's files too.
    for action, path in (("read", mine), ("read RosettaSciIO's file", other)):
        times = race({PEER_NAME: their_reading(path), OURS: our_reading(path)}, bench.rounds)
        ours, theirs = times[OURS], times[PEER_NAME]
        yield speed(PEER, label, action, ours=ours, theirs=theirs, target=targets.read)
    yield checked(label, dataset, mine, durable, other)


def _plugins(bench: Bench, workload: Workload, dataset: Dataset, target: float) -> Iterator[Row]:
    """Files that hdf5plugin's filters made, through RosettaSciIO."""
    for name, compression in (("Blosc", hdf5plugin.Blosc()), ("Zstd", hdf5plugin.Zstd())):
        label = f"{workload.label}, hdf5plugin's {name}"
        path = bench.folder / f"{name}.hspy"
        their_writing(dataset, path, compression=compression).seconds()
        times = race({PEER_NAME: their_reading(path), OURS: our_reading(path)}, bench.rounds)
        ours, theirs = times[OURS], times[PEER_NAME]
        yield speed(PEER, label, "read", ours=ours, theirs=theirs, target=target)
        yield checked(label, dataset, path)


def checked(label: str, dataset: Dataset, *paths: Path) -> Row:
    problems = [
        f"{path.stem}: {place}" for path in paths for place in check.differences(path, dataset)
    ]
    return rows.check(label, len(paths), check.count(dataset), problems)


def _process(bench: Bench, *arguments: str) -> Step:
    """A whole process of Python, whose output nobody reads."""
    # All compiled once, into a place of their own, whatever the environment says.
    environment = dict(os.environ, PYTHONPYCACHEPREFIX=str(bench.folder / "pycache"))
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command, quiet = (sys.executable, *arguments), subprocess.DEVNULL
    return Step(
        lambda: subprocess.run(command, env=environment, cwd=PROJECT, check=True, stdout=quiet)
    )


def _small_file(path: Path) -> Dataset:
    """Write one of a few kilobytes; what is in it."""
    whole = eels(True)
    dataset = Dataset(whole.data[:4, :4].copy(), 1, {"instrument": {"kV": 200, "name": "TEM"}})
    our_writing(dataset, path).run()
    return dataset


def measure_many_files(bench: Bench) -> Iterator[Row]:
    """Metadata of many small files: one process each, start included."""
    count = 300 if bench.quick else 10_000
    first = bench.folder / "00000.hspy"
    dataset = _small_file(first)
    paths = [first, *(bench.folder / f"{number:05}.hspy" for number in range(1, count))]
    for path in paths[1:]:
        shutil.copyfile(first, path)
    reading = (
        "import sys; from pathlib import Path; from rsciio.hspy import file_reader\n"
        "for path in Path(sys.argv[1]).glob('*.hspy'): file_reader(path)"
    )
    times = race(
        {
            PEER_NAME: _process(bench, "-c", reading, str(bench.folder)),
            OURS: _process(bench, "-m", "hspyio", "info", "--json", *map(str, paths)),
        },
        3,
    )
    label, theirs = f"(k) metadata of {count:,} small files, whole process", times[PEER_NAME]
    yield speed(PEER, label, "read", ours=times[OURS], theirs=theirs, target=MANY_FILES)
    yield checked(label, dataset, paths[-1])


def measure_cold_start(bench: Bench) -> Iterator[Row]:
    """A whole process that loads one small file, and one that tells what is in it."""
    path = bench.folder / "small.hspy"
    dataset = _small_file(path)
    reading = f"from rsciio.hspy import file_reader; file_reader({str(path)!r})"
    times = race(
        {
            PEER_NAME: _process(bench, "-c", reading),
            OURS: _process(bench, "-c", f"import hspyio; hspyio.load({str(path)!r})"),
            START.theirs: _process(bench, "-c", "import h5py"),
            START.ours: _process(bench, "-m", "hspyio", "info", str(path)),
        },
        3 * bench.rounds,
    )
    ours, theirs = times[OURS], times[PEER_NAME]
    label = "(h) cold start, whole process"
    yield speed(PEER, label, "read", ours=ours, theirs=theirs, target=NO_SLOWER)
    ours, theirs = times[START.ours], times[START.theirs]
    yield rows.longer(START, label, "start", ours=ours, theirs=theirs, target=START_TARGET)
    yield checked(label, dataset, path)


def measure_lazy(bench: Bench) -> Iterator[Row]:
    """Parts of (a) on disk: opened lazily, computed by dask's threads."""
    path = bench.folder / "lazy.hspy"
    dataset = stem(bench.quick)
    our_writing(dataset, path).run()
    i, k = dataset.data.shape[0] // 2, dataset.data.shape[2] // 2
    y, x = np.ogrid[-1:1:128j, -1:1:128j]
    mask = (np.hypot(x, y) > 0.3) & (np.hypot(x, y) < 0.8)
    parts = {
        "one spectrum": lambda data: data[i, i],
        "one image": lambda data: data[:, :, k, k],
        "one virtual detector": lambda data: (data * mask).sum((2, 3)),
    }
    for name, part in parts.items():

        def step(opened: Any, part: Any = part) -> Step:
            return Step(lambda: part(opened(path)).compute(scheduler="threads"))

        times = race({PEER_NAME: step(their_lazy), OURS: step(our_lazy)}, bench.rounds)
        ours, theirs = times[OURS], times[PEER_NAME]
        label = f"(i) {name} out of (a), lazily"
        yield speed(PEER, label, "read", ours=ours, theirs=theirs, target=None)
    yield checked("(i) parts of (a), lazily", dataset, path)


def measure_lazy_whole(bench: Bench) -> Iterator[Row]:
    """A whole file: opened lazily and reduced, or saved again, by dask's threads."""
    path, ours, theirs = (bench.folder / f"{name}.hspy" for name in ("source", "ours", "theirs"))
    dataset = small_stem(bench.quick)
    label = "(j) 4D-STEM uint16, lazily"
    our_writing(dataset, path).run()

    def total(opened: Any) -> Step:
        return Step(lambda: opened(path).sum((2, 3)).compute(scheduler="threads"))

    times = race({PEER_NAME: total(their_lazy), OURS: total(our_lazy)}, bench.rounds)
    mine, other = times[OURS], times[PEER_NAME]
    action = "sum over the signals"
    yield speed(PEER, label, action, ours=mine, theirs=other, target=LAZY_SUM)
    times = race(
        {
            PEER_NAME: their_lazy_writing(path, theirs, dataset),
            OURS: our_lazy_writing(path, ours),
        },
        bench.rounds,
        writes=True,
    )
    mine, other = times[OURS], times[PEER_NAME]
    yield speed(PEER, label, "load and save", ours=mine, theirs=other, target=LAZY_SAVE)
    yield checked(label, dataset, ours, theirs)
    yield from _as_lazy(bench, dataset)
    yield _graph_row(bench)


def _as_lazy(bench: Bench, dataset: Dataset) -> Iterator[Row]:
    """A dask array made of an array in memory, as HyperSpy's ``as_lazy`` makes it."""
    ours, theirs = bench.folder / "ours.hspy", bench.folder / "theirs.hspy"
    label = "(j) 4D-STEM uint16, made lazy"
    times = race(
        {
            PEER_NAME: their_writing(dataset, theirs, lazy=True),
            OURS: our_writing(dataset, ours, lazy=True),
        },
        bench.rounds,
        writes=True,
    )
    mine, other = times[OURS], times[PEER_NAME]
    yield speed(PEER, label, "save", ours=mine, theirs=other, target=LAZY_FROM_MEMORY)
    yield checked(label, dataset, ours, theirs)


def _graph_row(bench: Bench) -> Row:
    """Open an array of a terabyte, of which no chunk is stored, and write down a sum."""
    path, shape = bench.folder / "sparse.hspy", (1000, 1000, 1024, 512)
    our_writing(Dataset(np.zeros((2, 2, 8, 8), np.uint16), 2), path).run()
    with h5py.File(path, "r+") as file:
        experiment = file[f"Experiments/{TITLE}"]
        attributes = dict(experiment["data"].attrs)
        del experiment["data"]
        data = experiment.create_dataset(
            "data", shape, np.uint16, chunks=(1, 1, *shape[2:]), compression="gzip"
        )
        data.attrs.update(attributes)
        for i, size in enumerate(shape):
            experiment[f"axis-{i}"].attrs["size"] = size

    def seconds(opened: Any) -> tuple[float, int]:
        start = time.perf_counter()
        data = opened(path)
        data.sum((2, 3))
        return time.perf_counter() - start, len(data.__dask_graph__())

    theirs, ours = (min(seconds(opened) for _ in range(3)) for opened in (their_lazy, our_lazy))
    return rows.graph("an array of 1 TB, opened and summed up, lazily", ours=ours, theirs=theirs)
