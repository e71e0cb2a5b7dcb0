"""Loads or saves once and prints how many bytes that took at its peak.

``python -m benchmarks.memory_child '{"program": "hspyio", "action": "save", "layout": "C-ordered",
"array": 100000000}' FOLDER`` prints JSON: the bytes, and what of a saved file is wrong.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

import hspyio
from benchmarks.check import differences
from benchmarks.contenders import (
    our_lazy,
    our_reading,
    our_writing,
    their_lazy,
    their_reading,
    their_writing,
)
from benchmarks.exchange import Dataset, random_patterns
from benchmarks.measure import Step

SIDE, COLUMNS = 128, 32


def patterns(nbytes: int) -> NDArray[np.uint16]:
    """4D-STEM data of so many bytes, quickly: the same few patterns again and again."""
    few = random_patterns(COLUMNS, SIDE)
    rows = nbytes // few.nbytes
    return few + (np.arange(rows, dtype=np.uint16) % 3).reshape(-1, 1, 1, 1)


def laid_out(layout: str, nbytes: int, folder: Path) -> NDArray[Any]:
    """The array that is to be saved, with all its pages in memory."""
    if layout == "Fortran-ordered":
        return np.asfortranarray(patterns(nbytes))
    if layout == "strided":
        return patterns(2 * nbytes)[::2, ..., ::-1]
    if layout == "memory-mapped":
        path = folder / "memory.npy"
        np.save(path, patterns(nbytes))
        mapped: NDArray[Any] = np.load(path, mmap_mode="r")
        mapped.max()
        path.unlink()
        return mapped
    return patterns(nbytes)


def peak(run: Callable[[], object]) -> int:
    """Bytes by which the resident memory rises at most while something runs."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak is from now on
    before = _status("VmRSS")
    result = run()
    after = _status("VmHWM")
    del result
    return after - before


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.removesuffix("kB")) * 1024
    raise LookupError(name)


def step(program: str, action: str, path: Path, dataset: Dataset | None) -> Step:
    ours = program == "hspyio"
    if action == "load" or dataset is None:
        return our_reading(path) if ours else their_reading(path)
    return our_writing(dataset, path) if ours else their_writing(dataset, path)


STREAM = "memory-stream.hspy"


def save_stream(nbytes: int, path: Path) -> None:
    """Save so many bytes that are never in memory together."""
    few = random_patterns(COLUMNS, SIDE)
    count = nbytes // few.nbytes

    def block(block_info: Any = None) -> NDArray[np.uint16]:
        number = block_info[None]["chunk-location"][0]
        return (few + np.uint16(number % 3))[None]

    chunks = ((1,) * count, *((n,) for n in few.shape))
    dask_array: Any = da  # which has types in part only
    data = dask_array.map_blocks(
        block, chunks=chunks, dtype=few.dtype, meta=np.empty((0,) * 4, few.dtype)
    )
    signal = hspyio.Signal(data, signal_dimension=2)
    hspyio.save(path, signal, overwrite=True, durable=False, progress=False)


def streaming(program: str, action: str, path: Path) -> Step:
    """Work on a file as a whole, a part at a time."""
    if action == "repack":
        target = path.with_name("memory-repacked.hspy")
        return Step(lambda: hspyio.repack(path, target, overwrite=True, progress=False))
    opened = our_lazy if program == "hspyio" else their_lazy
    return Step(lambda: opened(path).mean((0, 1)).compute(scheduler="threads"))


def main() -> None:
    task: dict[str, Any] = json.loads(sys.argv[1])
    folder = Path(sys.argv[2])
    program, action = task["program"], task["action"]
    if action == "stream":
        save_stream(task["array"], folder / STREAM)
        print(json.dumps({"peak": 0, "problems": []}))
        return
    small = Dataset(random_patterns(COLUMNS, SIDE), 2)
    for first in ("save", "load"):  # imports what it needs
        step(program, first, folder / "memory-small.hspy", small).seconds()
    if action in ("mean", "repack"):
        streaming(program, action, folder / "memory-small.hspy").run()
        found = peak(streaming(program, action, folder / STREAM).run)
        print(json.dumps({"peak": found, "problems": []}))
        return
    saving = action == "save"
    dataset = Dataset(laid_out(task["layout"], task["array"], folder), 2) if saving else None
    path = folder / f"memory-{program if saving else 'hspyio'}.hspy"
    measured = step(program, action, path, dataset)
    measured.before()
    bytes_at_peak = peak(measured.run)
    problems = differences(path, dataset) if dataset is not None else []
    print(json.dumps({"peak": bytes_at_peak, "problems": problems}))


if __name__ == "__main__":
    main()
