"""A power loss at any moment of an operation: what the disk then holds is the old state or the new.

The operation is recorded, and disks are made of the record: see `torture.disk`. Once the operation
is done, the new state has to be there, as `durable=True` promises.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import hspyio
from torture.children import run
from torture.disk import Disk
from torture.kill_points import Rehearsal, rehearse
from torture.operations import BY_NAME, OPERATIONS
from torture.recorded import Step, recorded
from torture.samples import fresh
from torture.scene import Case, Chance, Result, Scene
from torture.states import copy, others

_SHORT = (
    ("ours", "save-new"),
    ("ours", "save-over"),
    ("ours", "update"),
    ("rosettasciio", "append"),
)
_STARTS = ("ours", "rosettasciio", "latest", "user-block")
_BATCH = 10
_LATE = 6


@dataclass(frozen=True)
class Record:
    """An operation on a file.

    Attributes
    ----------
    rehearsal : Rehearsal
        The states it may leave.
    disk : Disk
        The folder, and what was done to it.
    """

    rehearsal: Rehearsal
    disk: Disk


def cases(scene: Scene) -> Iterator[Case]:
    folder = fresh(scene.memory / "power-loss")
    for start, name in _pairs(scene.scale):
        label = f"{start}/{name}"
        found = _recorded(folder, start, name)
        if isinstance(found, list):
            yield Case(f"{label}/0", partial(_fail, found))
            continue
        for number in range(scene.much(2, 6, 50)):
            yield Case(f"{label}/{number}", partial(_lost, folder / "case", found))


def _fail(problems: list[str], chance: Chance, result: Result) -> None:
    result.problems.extend(problems)


def _pairs(scale: int) -> Iterator[tuple[str, str]]:
    if scale == 0:
        yield from _SHORT
        return
    yield from (("ours", operation.name) for operation in OPERATIONS if operation.new)
    for start in _STARTS[: 2 * scale]:
        yield from ((start, operation.name) for operation in OPERATIONS if not operation.new)


def _recorded(folder: Path, start: str, name: str) -> Record | list[str]:
    rehearsal = rehearse(folder, start, BY_NAME[name])
    if isinstance(rehearsal, list):
        return rehearsal
    path = fresh(folder / "case") / "a.hspy"
    if rehearsal.start is not None:
        copy(rehearsal.start, path)
    before = {entry.stat().st_ino: (entry.name, entry.read_bytes()) for entry in _files(path)}
    function = partial(_alone, partial(rehearsal.operation.run, path))
    outcome = run(partial(recorded, function, path.parent))
    if not outcome.done:
        return [f"recording: {outcome}"]
    steps: list[Step] = outcome.value  # type: ignore[assignment]
    names = {name: number for number, (name, _) in before.items()}
    contents = {number: content for number, (_, content) in before.items()}
    disk = Disk(names, contents, steps)
    if disk.whole() != {entry.name: entry.read_bytes() for entry in _files(path)}:
        return ["the record is not what was done"]
    return Record(rehearsal, disk)


def _files(path: Path) -> list[Path]:
    return list(path.parent.iterdir())


def _alone(function: Callable[[], object]) -> None:
    """In one thread, so that calls come in the same order each time."""
    os.environ["HSPYIO_NUM_THREADS"] = "1"
    function()


def _lost(folder: Path, record: Record, chance: Chance, result: Result) -> None:
    """Some power losses, one of them after the end, and half of the others near it: the switch."""
    end = len(record.disk.steps)
    late = max(0, end - _LATE)
    moments = [chance.randint(chance.choice((0, late)), end) for _ in range(_BATCH - 1)]
    for moment in (end, *moments):
        path = fresh(folder) / "a.hspy"
        for name, content in record.disk.after(moment, chance).items():
            path.with_name(name).write_bytes(content)
        allowed = ("new",) if moment == end else ("old", "new")
        state, problems = record.rehearsal.judge.state_of(path, *allowed)
        result.counts[state or "lost"] += 1
        result.problems.extend(f"after {moment} of {end} steps: {problem}" for problem in problems)
    _afterwards(path, record, state, result)


def _afterwards(path: Path, record: Record, state: str, result: Result) -> None:
    """The operation, or another save if it is done, works, and leaves nothing of what was lost."""
    operation, other = record.rehearsal.operation, path.with_name("other.hspy")
    again = partial(operation.run, path) if state == "old" else partial(_save_other, other)
    outcome = run(again)
    other.unlink(missing_ok=True)
    result.expect(outcome.done, f"afterwards: {outcome}")
    if state:
        result.problems.extend(record.rehearsal.judge.state_of(path, "new")[1])
    result.expect(not others(path), f"left in the folder: {others(path)}")


def _save_other(path: Path) -> None:
    hspyio.save(path, hspyio.Signal([1.0]), durable=False)
