"""A kill at every single call that changes a file, also in the middle of it, also twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import hspyio
from torture.children import Outcome, run
from torture.faults import KILL, Call, Faults, traced
from torture.operations import BY_NAME, OPERATIONS, Operation
from torture.samples import STARTS, build, fresh
from torture.scene import Case, Chance, Result, Scene
from torture.states import Judge, State, copy, expected_problems, others, read_state, state_of

_SHORT = (
    *(("ours", name) for name in ("save-new", "save-over", "update", "append")),
    ("rosettasciio", "update"),
    ("latest", "writer-metadata"),
)
_QUICK_STARTS = ("ours", "rosettasciio", "latest")
_MOST_RUNS = 4
_LAST = 5


@dataclass(frozen=True)
class Rehearsal:
    """An operation on a file, undisturbed.

    Attributes
    ----------
    start : Path or None
        The file before.
    operation : Operation
        What changes it.
    calls : list of Call
        The calls it made.
    old, new : State
        Before and after.
    sizes : list of int
        The size of the file before, and after one run, two, three and four.
    judge : Judge
        Tells old and new.
    """

    start: Path | None
    operation: Operation
    calls: list[Call]
    old: State
    new: State
    sizes: list[int]
    judge: Judge


def cases(scene: Scene) -> Iterator[Case]:
    folder = scene.memory / "kill-points"
    folder.mkdir()
    for start, name in pairs(scene.scale):
        rehearsal = rehearse(folder, start, BY_NAME[name])
        if isinstance(rehearsal, list):
            yield Case(f"{start}/{name}/0", partial(_fail, rehearsal))
            continue
        step = (24, 8, 1 if start in _QUICK_STARTS else 3)[scene.scale]
        for number, half in _points(rehearsal.calls, step):
            label = f"{start}/{name}/{number}{'-half' if half else ''}"
            yield Case(label, partial(_killed, folder / "case", rehearsal, number, half))


def pairs(scale: int) -> Iterator[tuple[str, str]]:
    """Files and operations."""
    if scale == 0:
        yield from _SHORT
        return
    yield from (("ours", operation.name) for operation in OPERATIONS if operation.new)
    for start in _QUICK_STARTS if scale == 1 else STARTS:
        for operation in OPERATIONS:
            if not operation.new:
                yield start, operation.name


def _points(calls: list[Call], step: int) -> Iterator[tuple[int, bool]]:
    """Before every call, in the middle of those that have one, and after the last.

    With a step it is some of the first calls, and all of the last ones, where the switch is.
    """
    for number, call in enumerate(calls, 1):
        taken = number % step == 0
        if taken or number > len(calls) - _LAST:
            yield number, False
        if call.halves and taken:
            yield number, True
    yield len(calls) + 1, False


def rehearse(folder: Path, start: str, operation: Operation) -> Rehearsal | list[str]:
    """Run an operation undisturbed, until the file has stood four of them."""
    built = build(folder, start)
    source = None if operation.new else built
    path = fresh(folder / "rehearsal") / "a.hspy"
    if source is not None:
        copy(source, path)
    old = read_state(path, "old")
    outcome = run(partial(_alone, partial(traced, partial(operation.run, path))))
    if not outcome.done:
        return [f"undisturbed: {outcome}"]
    calls: list[Call] = outcome.value  # type: ignore[assignment]
    new = read_state(path, "new")
    problems = expected_problems(new, operation.expected(old.signals))
    sizes = [0 if source is None else source.stat().st_size, path.stat().st_size]
    while operation.repeats and len(sizes) <= _MOST_RUNS:
        outcome = run(partial(_alone, partial(operation.run, path)))
        problems += [] if outcome.done else [f"run {len(sizes)}: {outcome}"]
        sizes.append(path.stat().st_size)
    if operation.repeats and not problems:
        problems = state_of(path, [new])[1]
    return problems or Rehearsal(source, operation, calls, old, new, sizes, Judge([old, new]))


def _fail(problems: list[str], chance: Chance, result: Result) -> None:
    result.problems.extend(problems)


def _alone(function: partial[object]) -> object:
    """In one thread, so that calls come in the same order each time."""
    os.environ["HSPYIO_NUM_THREADS"] = "1"
    return function()


def _killed(
    folder: Path, rehearsal: Rehearsal, number: int, half: bool, chance: Chance, result: Result
) -> None:
    """Kill it, and again at the same call, and at one by chance; then let it run."""
    path = fresh(folder) / "a.hspy"
    if rehearsal.start is not None:
        copy(rehearsal.start, path)
    points = [(number, half)]
    if not half:
        points += [(number, False), (chance.randint(1, len(rehearsal.calls)), False)]
    state, tail = "old", False
    for point, middle in points:
        outcome = kill_at(rehearsal.operation, path, point, middle)
        reached_end = point > len(rehearsal.calls) or state == "new"
        if not outcome.by(9) and not (reached_end and outcome.done):
            result.problems.append(f"at call {point}: {outcome}")
            return
        state = _look(path, rehearsal, state, result)
        tail = tail or (state == "old" and _end(path) > rehearsal.sizes[0])
        if not state or (state == "new" and not rehearsal.operation.repeats):
            break
    if state:
        _finish(path, rehearsal, state, result, tail=tail)


def kill_at(operation: Operation, path: Path, number: int, half: bool) -> Outcome:
    def body() -> object:
        Faults(number, KILL, half).install()
        return operation.run(path)

    return run(partial(_alone, partial(body)))


def _look(path: Path, rehearsal: Rehearsal, before: str, result: Result) -> str:
    """Which state the file is in; the new one cannot become the old one again."""
    allowed = ("old", "new") if before == "old" else ("new",)
    state, problems = rehearsal.judge.state_of(path, *allowed)
    result.problems.extend(problems)
    result.counts[state or "lost"] += 1
    return state


def _finish(path: Path, rehearsal: Rehearsal, state: str, result: Result, *, tail: bool) -> None:
    """The operation, or any save if it is done already, leaves nothing of the kills."""
    operation, sizes = rehearsal.operation, rehearsal.sizes
    repeated = state == "old" or operation.repeats
    other = path.with_name("other.hspy")
    outcome = run(partial(operation.run, path) if repeated else partial(_save_other, other))
    if not result.expect(outcome.done, f"after the kills: {outcome}"):
        return
    other.unlink(missing_ok=True)
    result.problems.extend(rehearsal.judge.state_of(path, "new")[1])
    result.expect(not others(path), f"left in the folder: {others(path)}")
    size = path.stat().st_size
    if tail:
        result.counts["kept a dead tail"] += 1
        result.expect(size <= max(sizes[1:]) + 3 * (sizes[1] - sizes[0]), f"{size} bytes: {sizes}")
    else:
        allowed = sizes[1:2] if state == "old" else sizes[1:]
        result.expect(size in allowed, f"{size} bytes; undisturbed {allowed}")
    result.counts["completed"] += 1


def _end(path: Path) -> int:
    """Where a file of superblock 0 ends, as it says itself; 0 for others.

    It has no checksum, so that its superblock changes in steps, the end of the file first. A kill
    between them leaves a tail that has become a part of the file: dead space.
    """
    start = path.read_bytes()[:96] if path.exists() else b""
    return int.from_bytes(start[40:48], "little") if start[8:9] == b"\0" else 0


def _save_other(path: Path) -> None:
    hspyio.save(path, hspyio.Signal([1.0]), durable=False)
