"""Files on a web server with a latency of 30 ms, against h5py over fsspec."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import fsspec
import h5py
import numpy as np

import hspyio
from benchmarks.exchange import TITLE
from benchmarks.measure import Step, Times, race
from benchmarks.rows import FAR, Row, speed
from benchmarks.runs import Bench

LATENCY = 0.03
CHUNK = (8, 8, 56)
DATA = f"Experiments/{TITLE}/data"
CACHES: dict[str, dict[str, Any]] = {
    "default cache": {},
    "blocks of 256 KiB": {"cache_type": "blockcache", "block_size": 2**18},
    "blocks of 1 MiB": {"cache_type": "blockcache", "block_size": 2**20},
}
"""Of fsspec."""
SELECTIONS: dict[str, Any] = {
    "one spectrum": np.s_[40, 50],
    "one image, of 81 chunks": np.s_[:, :, 5000],
    "all of it": np.s_[...],
}
IMAGE_TARGET = 8


def measure_far(bench: Bench) -> Iterator[Row]:
    """Open with all metadata; from the address to a spectrum, an image and all of it."""
    shape = (72, 72, 20 * CHUNK[2] if bench.quick else 203 * CHUNK[2])
    data = np.random.default_rng(5).integers(0, 256, shape).astype("u1")
    leaves = {f"group {i}": {f"key {j}": i * j for j in range(20)} for i in range(50)}
    path = bench.folder / "far.hspy"
    signal = hspyio.Signal(data, title=TITLE, original_metadata=leaves)
    hspyio.save(path, signal, chunks=CHUNK, durable=False)
    label = f"(p) {data.size // np.prod(CHUNK):,} chunks, {path.stat().st_size / 1e6:.0f} MB"
    with served(path.parent) as address:
        url = f"{address}/{path.name}"
        for action, contenders in _contenders(url):
            times = race(contenders, 3)
            best = min((times[name] for name in CACHES), key=lambda one: one.median)
            target = IMAGE_TARGET if "image" in action else 1
            for peer, other in (("default cache", times["default cache"]), ("best cache", best)):
                yield _row(label, f"{action}; {peer}", times["hspyio"], other, target)
            for select in SELECTIONS.values():
                if not (hspyio.load(url, lazy=True).data[select].compute() == data[select]).all():
                    raise AssertionError("it does not read what was saved")


def _row(label: str, action: str, ours: Times, theirs: Times, target: float) -> Row:
    return speed(FAR, label, action, ours=ours, theirs=theirs, target=target)


def _contenders(url: str) -> Iterator[tuple[str, dict[str, Step]]]:
    yield (
        "open, with all metadata",
        {
            "hspyio": Step(partial(hspyio.load, url, lazy=True)),
            **{name: Step(_opener(url, options)) for name, options in CACHES.items()},
        },
    )
    for action, select in SELECTIONS.items():
        yield (
            action,
            {
                "hspyio": _ours(url, select),
                **{name: _theirs(url, options, select) for name, options in CACHES.items()},
            },
        )


def read_attributes(name: str, item: Any) -> None:
    """All that h5py has of an object's metadata."""
    for key in item.attrs:
        item.attrs[key]


def _opener(url: str, options: dict[str, Any]) -> Callable[[], None]:
    def run() -> None:
        with fsspec.open(url, **options) as stream, h5py.File(stream) as file:
            file.visititems(read_attributes)

    return run


def _ours(url: str, select: Any) -> Step:
    def run() -> Any:
        return hspyio.load(url, lazy=True).data[select].compute()

    return Step(run)


def _theirs(url: str, options: dict[str, Any], select: Any) -> Step:
    def run() -> Any:
        with fsspec.open(url, **options) as stream, h5py.File(stream) as file:
            return file[DATA][select]

    return Step(run)


@contextmanager
def served(folder: Any) -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.far_server", str(folder), str(LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()
