"""Two writers of one file: one wins and one is told, or one comes after the other."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import h5py

import hspyio
from torture.children import Child, Outcome, run
from torture.faults import STOP, Faults, traced
from torture.operations import OPERATIONS
from torture.samples import build, exchange, fresh, made
from torture.scene import Case, Chance, Result, Scene
from torture.states import Judge, copy, others, read_state, state_of

_STARTS = ("ours", "rosettasciio", "latest")

Run = Callable[[Path], object]


def _save(number: int, overwrite: bool, path: Path) -> None:
    hspyio.save(path, made(f"Saved {number}", number), overwrite=overwrite)


def _update(group: str, number: int, path: Path) -> None:
    signal = hspyio.load(path, name=group)
    signal.metadata["number"] = number
    hspyio.update(path, signal)


def _rename(title: str, path: Path) -> None:
    [name] = [name for name in hspyio.open(path) if name != "Second"]
    signal = hspyio.load(path, name=name)
    signal.title = title
    hspyio.update(path, signal, name=name)


def _append(number: int, path: Path) -> None:
    hspyio.append(path, made(f"Added {number}", number))


def _add(number: int, path: Path) -> None:
    hspyio.file_writer(path, exchange(made(f"Added {number}", number)), mode="a")


def _replace(path: Path) -> None:
    """Other data in the place of the first experiment's."""
    hspyio.file_writer(path, exchange(made("First", 6)), mode="a")


def _repack(path: Path) -> None:
    hspyio.repack(path, path, overwrite=True)


PAIRS: dict[str, tuple[bool, Run, Run]] = {
    "save-save-new": (False, partial(_save, 3, False), partial(_save, 4, False)),
    "save-save-new-over": (False, partial(_save, 3, True), partial(_save, 4, True)),
    "add-add-new": (False, partial(_add, 3), partial(_add, 4)),
    "save-save-over": (True, partial(_save, 3, True), partial(_save, 4, True)),
    "update-update": (True, partial(_update, "First", 8), partial(_update, "Second", 9)),
    "rename-rename": (True, partial(_rename, "Left"), partial(_rename, "Right")),
    "append-append": (True, partial(_append, 3), partial(_append, 4)),
    "add-add": (True, partial(_add, 3), partial(_add, 4)),
    "save-append": (True, partial(_save, 3, True), partial(_append, 4)),
    "append-save": (True, partial(_append, 4), partial(_save, 3, True)),
    "repack-replace": (True, _repack, _replace),
    "repack-update": (True, _repack, partial(_update, "First", 8)),
    "update-repack": (True, partial(_update, "First", 8), _repack),
}
"""Whether there is a file before, and what the two do."""


@dataclass(frozen=True)
class Race:
    """Two writers, and what may come of them.

    Attributes
    ----------
    start : Path or None
        The file before.
    runs : tuple
        The first writer and the second.
    judge : Judge
        Tells what is in the file: the writers, in their order.
    calls : int
        How many calls of the first change something.
    seconds : float
        How long it takes.
    """

    start: Path | None
    runs: tuple[Run, Run]
    judge: Judge
    calls: int
    seconds: float


def cases(scene: Scene) -> Iterator[Case]:
    folder = scene.folder / "writers"
    folder.mkdir()
    for pair, (exists, *runs) in PAIRS.items():
        starts = _STARTS[: scene.much(1, 1, 3)] if exists else ("new",)
        for start in starts:
            source = build(folder, start) if exists else None
            race = _race(folder, source, (runs[0], runs[1]))
            for number in _points(scene, race.calls):
                yield Case(
                    f"stopped/{pair}/{start}/{number}",
                    partial(_staggered, folder / "case", race, number),
                )
            for number in range(scene.much(0, 6, 100 // len(starts))):
                yield Case(
                    f"racing/{pair}/{start}/{number}", partial(_racing, folder / "case", race)
                )
    yield from _hdf5_cases(scene, folder)


def _points(scene: Scene, count: int) -> list[int]:
    """Before the file is locked, some calls later, and around the last one, the switch."""
    last = range(count - scene.much(1, 4, 4), count + 1)
    between = range(3, count - 4, scene.much(200, 12, 3))
    return sorted({1, 2, *between, *last})


def _race(folder: Path, start: Path | None, runs: tuple[Run, Run]) -> Race:
    """What one alone makes, and the two in both orders."""
    states, calls, seconds = [], 0, 0.0
    for order in ((), (0,), (1,), (0, 1), (1, 0)):
        path = _begun(folder / "rehearsal", start)
        wrong = False
        for which in order:
            begin = time.monotonic()
            outcome = run(partial(traced, partial(runs[which], path)))
            wrong = wrong or not outcome.done
            if order == (0,):
                calls, seconds = len(outcome.value or ()), time.monotonic() - begin  # type: ignore[arg-type]
        if not wrong:
            states.append(read_state(path, "".join("AB"[which] for which in order) or "old"))
    return Race(start, runs, Judge(states), calls, seconds)


def _begun(folder: Path, start: Path | None) -> Path:
    path = fresh(folder) / "a.hspy"
    return path if start is None else copy(start, path)


def _staggered(folder: Path, race: Race, number: int, chance: Chance, result: Result) -> None:
    """The first is stopped before a call, the second runs, the first goes on."""
    path = _begun(folder, race.start)

    def first() -> object:
        Faults(number, STOP).install()
        return race.runs[0](path)

    one = Child(first)
    stopped = one.stopped()
    other = Child(partial(race.runs[1], path))
    second = other.end()
    if stopped:
        one.resume()
    _judge(path, race, one.end(), second, result)
    if "FileLockedError" in second.kinds and not second.message.count("just been replaced"):
        result.expect(f"process {one.pid}" in second.message, f"not named: {second.message}")


def _racing(folder: Path, race: Race, chance: Chance, result: Result) -> None:
    """Both run, one begins a little later."""
    path = _begun(folder, race.start)
    runs = list(enumerate(race.runs))
    chance.shuffle(runs)
    children = {}
    for which, function in runs:
        children[which] = Child(partial(function, path))
        time.sleep(chance.uniform(0, race.seconds) * chance.choice((0, 1)))
    outcomes = {which: child.end() for which, child in children.items()}
    _judge(path, race, outcomes[0], outcomes[1], result)


_TOLD = ("FileLockedError", "TargetExistsError", "ExperimentError")
"""The last one where an experiment has got another name in the meantime."""


def _judge(path: Path, race: Race, one: Outcome, other: Outcome, result: Result) -> None:
    """What is in the file is what those have made that were not told otherwise."""
    winners = "".join(name for name, end in (("A", one), ("B", other)) if end.done)
    for outcome in (one, other):
        told = any(kind in outcome.kinds for kind in _TOLD)
        if not result.expect(outcome.done or told, f"{outcome}"):
            return
        result.counts["told"] += told
    result.expect(bool(winners), f"both were told: {one}; {other}")
    allowed = [state.name for state in race.judge.states if sorted(state.name) == sorted(winners)]
    state, problems = race.judge.state_of(path, *allowed) if allowed else ("", ["no such order"])
    result.problems.extend(f"{winners}: {problem}" for problem in problems)
    result.expect(not others(path), f"left in the folder: {others(path)}")
    result.counts["old" if state == "old" else "new" if state else "lost"] += 1
    result.counts["both won"] += len(winners) == 2


# programs that write by HDF5


def _hdf5_cases(scene: Scene, folder: Path) -> Iterator[Case]:
    for start in _STARTS[: scene.much(1, 3, 3)]:
        for operation in OPERATIONS:
            if operation.new:
                continue
            source = build(folder, start)
            held = partial(_while_held, folder / "case", source, operation.run)
            yield Case(f"held/{start}/{operation.name}", held)
        update = next(op for op in OPERATIONS if op.name == "update")
        calls = len(run(partial(traced, partial(update.run, _begun(folder / "x", source)))).value)  # type: ignore[arg-type]
        for number in range(2, calls + 1, scene.much(30, 8, 1)):
            look = partial(_opened_meanwhile, folder / "case", source, update.run, number)
            yield Case(f"opened-meanwhile/{start}/{number}", look)


def _while_held(folder: Path, source: Path, function: Run, chance: Chance, result: Result) -> None:
    """A program has the file open for writing: it is named; for reading: it is in nobody's way."""
    path = _begun(folder, source)
    holder = Child(partial(_hold, path, "r+"))
    holder.stopped()
    before = path.read_bytes()
    outcome = run(partial(function, path))
    named = "FileLockedError" in outcome.kinds and f"process {holder.pid}" in outcome.message
    result.expect(named, f"while held: {outcome}")
    result.expect(path.read_bytes() == before, "the file has changed")
    result.expect(not others(path), f"left in the folder: {others(path)}")
    holder.resume()
    result.expect(holder.end().done, "the holder has failed")
    holder = Child(partial(_hold, path, "r"))
    holder.stopped()
    outcome = run(partial(function, path))
    result.expect(outcome.done, f"while read: {outcome}")
    holder.resume()
    result.expect(holder.end().done, "the reader has failed")
    result.counts["told"] += 1


def _hold(path: Path, mode: str) -> None:
    with h5py.File(path, mode) as file:
        os.kill(os.getpid(), signal.SIGSTOP)
        file.visit(lambda name: None)


def _opened_meanwhile(
    folder: Path, source: Path, function: Run, number: int, chance: Chance, result: Result
) -> None:
    """In the middle of an update, readers get in, and programs that would write do not."""
    path = _begun(folder, source)
    old = read_state(path, "old")

    def stopping() -> object:
        Faults(number, STOP).install()
        return function(path)

    child = Child(stopping)
    if not result.expect(child.stopped(), "has not stopped"):
        return
    written = run(partial(_open, path, "r+"))
    locked = "BlockingIOError" in written.kinds or "lock" in written.message
    result.expect(not written.done and locked, f"HDF5 for writing: {written}")
    read = run(partial(_open, path, "r"))
    result.expect(read.done, f"HDF5 for reading: {read}")
    frozen = copy(path, path.with_name("frozen"))
    child.resume()
    outcome = child.end()
    result.expect(outcome.done, f"the update: {outcome}")
    new = read_state(path, "new")
    state, problems = state_of(frozen, [old, new])
    result.problems.extend(problems)
    result.counts[state or "lost"] += 1


def _open(path: Path, mode: str) -> None:
    with h5py.File(path, mode) as file:
        file.visit(lambda name: None)
