"""Mutants of good files: whatever becomes of a file, reading it is safe, and what is sealed is
never read wrong."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from pathlib import Path

from torture import forked, readings
from torture.damage import mutant
from torture.originals import Original, originals
from torture.readings import End, Read, Reading, read_in_child
from torture.samples import fresh
from torture.scene import Case, Chance, Result, Scene

_LONG_EVERY = 8
"""Every so many mutants are read in the ways that take longer."""
_STARTED_EVERY = 20
"""So many mutants are read by a process that is started as a user's would be, not forked."""


def cases(scene: Scene) -> Iterator[Case]:
    folder = fresh(scene.memory / "mutants")
    files = originals(scene.folder / "originals")
    for original in files:
        path = folder / "original.hspy"
        path.write_bytes(original.content)
        if problems := readings.rehearse(path, original.signals, apart=original is files[0]):
            yield Case(f"{original.name}/undamaged", partial(_fail, problems))
    gc.collect()
    gc.freeze()  # else every child's first collection copies all of this process' memory
    path.write_bytes(files[0].content)
    if problems := _rehearsed_forked(path, files[0], folder / "log"):
        yield Case(f"{files[0].name}/undamaged, forked", partial(_fail, problems))
    for number in range(scene.much(len(files), 200, 10_000)):
        original = files[number % len(files)]
        run = partial(_mutated, folder, original, files, number // len(files))
        yield Case(f"{original.name}/{number // len(files)}", run)


def _rehearsed_forked(path: Path, original: Original, log: Path) -> list[str]:
    """What is wrong with reading a good file as the mutants are read."""
    found = read_in_child(_forked(readings.isolated(path, original.signals, long=True)), log)
    if isinstance(found, End):
        return [f"undamaged: {found}"]
    return [
        f"undamaged: {reading.way}: {reading.verdict} {reading.detail}"
        for reading in found
        if reading.verdict not in ("same", "warned")
    ]


def _fail(problems: list[str], chance: Chance, result: Result) -> None:
    result.problems.extend(problems)


def _mutated(
    folder: Path,
    original: Original,
    files: Sequence[Original],
    number: int,
    chance: Chance,
    result: Result,
) -> None:
    path = fresh(folder / "case") / "mutant.hspy"
    what, content = mutant(original.content, chance.choice(files).content, chance)
    path.write_bytes(content)
    long = chance.randrange(_LONG_EVERY) == 0
    started = chance.randrange(_STARTED_EVERY) == 0
    apart = readings.isolated(path, original.signals, long=long)
    here = readings.everything(path, original.signals, long=long)
    log = folder / "log"
    before = len(result.problems)
    if long or started:
        ways = apart if started else _forked(apart)
        judge(read_in_child(ways, log), original, number, True, result)
    here_found = _read_here(here, log, f"{original.name}/{number}", result)
    judge(here_found, original, number, False, result)
    if len(result.problems) > before:
        result.problems.append(what)


def _read_here(ways: dict[str, Read], log: Path, case: str, result: Result) -> list[Reading] | End:
    """Much memory may be HDF5's, too: it believes what a file says of its own structures."""
    found = read_in_child(ways, log)
    if isinstance(found, End) or all(item.memory <= readings.MEMORY for item in found):
        return found
    traced = read_in_child(ways, log, traced=True)
    if isinstance(traced, list) and all(item.memory <= readings.MEMORY for item in traced):
        result.counts["over 1 GiB by HDF5 here"] += 1
        most = max(found, key=attrgetter("memory"))
        print(f"HDF5: {case}: {most.memory / 2**20:.0f} MiB in {most.way}", flush=True)
        return [replace(one, memory=two.memory) for one, two in zip(found, traced, strict=True)]
    return found


def _forked(ways: dict[str, Read]) -> dict[str, Read]:
    return {name: partial(_with_fork, read) for name, read in ways.items()}


def _with_fork(read: Callable[[], object]) -> object:
    forked.install()
    return read()


def judge(
    found: list[Reading] | End, original: Original, number: int, apart: bool, result: Result
) -> None:
    """Note what is wrong with what reading a mutant has come to."""
    where = "isolated" if apart else "here"
    if isinstance(found, End):
        result.problems.append(f"{where}: {found}")
        return
    for reading in found:
        _judge_reading(reading, original, result)
    verdicts = {reading.verdict for reading in found if reading.way.startswith("load")}
    worst = next((v for v in ("changed", "refused", "warned") if v in verdicts), "same")
    result.counts[f"{worst} {where}"] += 1


def _judge_reading(reading: Reading, original: Original, result: Result) -> None:
    told = f"{reading.way}: {reading.detail}"
    result.expect(reading.verdict != "foreign", f"no error of ours: {told}")
    result.expect(reading.verdict != "changed" or not original.sealed, f"changed silently: {told}")
    seconds = reading.seconds
    result.expect(seconds <= readings.SECONDS, f"{seconds:.1f} s of processor time: {told}")
    size = reading.memory
    result.expect(size <= readings.MEMORY, f"{size / 2**20:.0f} MiB of memory: {told}")
