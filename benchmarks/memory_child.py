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

import numpy as np
from numpy.typing import NDArray

from benchmarks.check import differences
from benchmarks.contenders import our_reading, our_writing, their_reading, their_writing
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


def main() -> None:
    task: dict[str, Any] = json.loads(sys.argv[1])
    folder = Path(sys.argv[2])
    program, action = task["program"], task["action"]
    small = Dataset(random_patterns(COLUMNS, SIDE), 2)
    for first in ("save", "load"):  # imports what it needs
        step(program, first, folder / "memory-small.hspy", small).seconds()
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
