"""Runs in zspy's own environment: takes commands as lines of JSON, answers with lines of JSON.

It times itself, so that the pipe isn't measured.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from rsciio.zspy import file_reader, file_writer

from benchmarks.exchange import Dataset, exchange_dict


class Worker:
    """One method a command."""

    def __init__(self) -> None:
        self.dataset = Dataset(np.zeros((1, 1)), 1)

    def versions(self) -> dict[str, str]:
        return {name: version(name) for name in ("zarr", "numcodecs")}

    def take(self, data: str, signal_dimension: int) -> None:
        self.dataset = Dataset(np.load(data), signal_dimension)

    def write(self, path: str) -> float:
        shutil.rmtree(path, ignore_errors=True)
        signal = exchange_dict(self.dataset)
        return timed(lambda: file_writer(path, signal, show_progressbar=False))

    def read(self, path: str) -> float:
        return timed(lambda: file_reader(path))


def timed(run: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    result = run()
    end = time.perf_counter()
    del result
    return end - start


def main() -> None:
    """Answer on what was standard output; whatever else is printed goes to standard error."""
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        command: dict[str, Any] = json.loads(line)
        answer = getattr(worker, command.pop("do"))(**command)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
