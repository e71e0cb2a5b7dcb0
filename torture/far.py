"""Mutants of good files on a web server: reading them raises only errors of ours, in time."""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import hspyio
from torture.damage import mutant
from torture.originals import Original, originals
from torture.samples import fresh
from torture.scene import Case, Chance, Result, Scene

_LONGEST = 20.0
"""Seconds that one way of reading may take."""


def cases(scene: Scene) -> Iterator[Case]:
    folder = fresh(scene.memory / "far")
    files = originals(scene.folder / "far-originals")
    with _served(folder) as address:
        for number in range(scene.much(len(files), 200, 2_000)):
            original = files[number % len(files)]
            run = partial(_mutated, folder, address, original, files)
            yield Case(f"{original.name}/{number // len(files)}", run)


def _mutated(
    folder: Path,
    address: str,
    original: Original,
    files: Sequence[Original],
    chance: Chance,
    result: Result,
) -> None:
    what, content = mutant(original.content, chance.choice(files).content, chance)
    (folder / "mutant.hspy").write_bytes(content)
    for name, read in _ways(f"{address}/mutant.hspy").items():
        begun = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                read()
            result.counts["read"] += 1
        except hspyio.HspyError:
            result.counts["told"] += 1
        except Exception as error:
            result.problems.append(f"{what}: {name}: {type(error).__name__}: {error}")
        if time.monotonic() - begun > _LONGEST:
            result.problems.append(f"{what}: {name}: took {time.monotonic() - begun:.0f} s")


def _ways(url: str) -> dict[str, Callable[[], object]]:
    def each() -> None:
        with hspyio.open(url) as experiments:
            for name in experiments:
                data = experiments[name].data
                if hasattr(data, "compute"):
                    data.compute()

    return {
        "load": lambda: hspyio.load(url, errors="warn"),
        "open": each,
        "info": lambda: hspyio.info(url),
        "file_reader": lambda: hspyio.file_reader(url),
        "validate": lambda: repr(hspyio.validate(url)),
        "verify": lambda: repr(hspyio.verify(url, threads=1)),
    }


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The address of a web server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.far_server", str(folder), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()
