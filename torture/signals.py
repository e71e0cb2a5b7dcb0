"""Ctrl-C and a request to end: nothing is left. What a kill leaves: the next save removes it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import hspyio
from torture.children import Child, Outcome, run
from torture.faults import STOP, Faults, send
from torture.kill_points import Rehearsal, kill_at, pairs, rehearse
from torture.operations import BY_NAME
from torture.samples import fresh
from torture.scene import Case, Chance, Result, Scene
from torture.states import copy, others

_SIGNALS = {"term": signal.SIGTERM, "int": signal.SIGINT}


def cases(scene: Scene) -> Iterator[Case]:
    folder = scene.memory / "signals"
    folder.mkdir()
    for start, name in pairs(scene.scale):
        rehearsal = rehearse(folder, start, BY_NAME[name])
        if isinstance(rehearsal, list):
            yield Case(f"{start}/{name}/0", partial(_fail, rehearsal))
            continue
        yield from _signalled(scene, folder, rehearsal, f"{start}/{name}")
        if any(call.name == "create" for call in rehearsal.calls):
            yield from _leftovers(scene, folder, rehearsal, f"{start}/{name}")


def _fail(problems: list[str], chance: Chance, result: Result) -> None:
    result.problems.extend(problems)


def _signalled(scene: Scene, folder: Path, rehearsal: Rehearsal, label: str) -> Iterator[Case]:
    count = len(rehearsal.calls)
    step = scene.much(40, 12, 6)
    numbers = sorted({1, *range(2, count, step), *range(max(1, count - 3), count + 1)})
    for what, number in _SIGNALS.items():
        for point in numbers:
            case = partial(_ended_at, folder / "case", rehearsal, number, point)
            yield Case(f"{what}/{label}/{point}", case)
        for i in range(scene.much(0, 1, 4)):
            case = partial(_ended_sometime, folder / "case", rehearsal, number)
            yield Case(f"{what}-sometime/{label}/{i}", case)


def _begun(folder: Path, rehearsal: Rehearsal) -> Path:
    path = fresh(folder) / "a.hspy"
    return path if rehearsal.start is None else copy(rehearsal.start, path)


def _ended_at(
    folder: Path, rehearsal: Rehearsal, number: int, point: int, chance: Chance, result: Result
) -> None:
    path = _begun(folder, rehearsal)

    def body() -> object:
        Faults(point, send(number)).install()
        return rehearsal.operation.run(path)

    _judge(path, rehearsal, number, run(body), result)


def _ended_sometime(
    folder: Path, rehearsal: Rehearsal, number: int, chance: Chance, result: Result
) -> None:
    path = _begun(folder, rehearsal)
    child = Child(partial(rehearsal.operation.run, path))
    time.sleep(chance.uniform(0.005, 0.05))
    child.kill(number)
    _judge(path, rehearsal, number, child.end(), result)


def _judge(path: Path, rehearsal: Rehearsal, number: int, outcome: Outcome, result: Result) -> None:
    """Whatever came of it, there is one file, whole; and the operation works afterwards."""
    interrupted = "KeyboardInterrupt" in outcome.kinds or outcome.by(number)
    result.expect(outcome.done or interrupted, f"{outcome}")
    state, problems = rehearsal.judge.state_of(path, *(("new",) if outcome.done else ()))
    result.problems.extend(problems)
    result.counts[state or "lost"] += 1
    result.expect(not others(path), f"left in the folder: {others(path)}")
    if number == signal.SIGINT and state == "old" and _in_one_step(rehearsal):
        size = path.stat().st_size
        result.expect(size == rehearsal.sizes[0], f"a tail of {size - rehearsal.sizes[0]} bytes")
    if state == "old":
        outcome = run(partial(rehearsal.operation.run, path))
        result.expect(outcome.done, f"afterwards: {outcome}")
        result.problems.extend(rehearsal.judge.state_of(path, "new")[1])


def _in_one_step(rehearsal: Rehearsal) -> bool:
    """Whether the file is changed in place, and its superblock by one write."""
    beside = any(call.name == "create" for call in rehearsal.calls)
    return not beside and rehearsal.start is not None and rehearsal.start.read_bytes()[8] != 0


# leftovers


def _leftovers(scene: Scene, folder: Path, rehearsal: Rehearsal, label: str) -> Iterator[Case]:
    made = next(i for i, call in enumerate(rehearsal.calls, 1) if call.name == "create")
    points = range(made + 1, len(rehearsal.calls), scene.much(60, 15, 3))
    for point in points:
        swept = partial(_swept, folder / "case", rehearsal, point)
        yield Case(f"swept/{label}/{point}", swept)
        spared = partial(_spared, folder / "case", rehearsal, point)
        yield Case(f"spared/{label}/{point}", spared)


def _swept(folder: Path, rehearsal: Rehearsal, point: int, chance: Chance, result: Result) -> None:
    """What a kill leaves is removed by a save of something else there."""
    path = _begun(folder, rehearsal)
    outcome = kill_at(rehearsal.operation, path, point, False)
    result.expect(outcome.by(signal.SIGKILL), f"{outcome}")
    left = [name for name in others(path) if name.endswith("-tmp")]
    result.counts["leftovers"] += len(left)
    other = path.with_name("other.hspy")
    outcome = run(partial(_save_other, other))
    result.expect(outcome.done, f"{outcome}")
    other.unlink(missing_ok=True)
    result.expect(not others(path), f"left in the folder: {others(path)}")
    state, problems = rehearsal.judge.state_of(path)
    result.problems.extend(problems)
    result.counts[state or "lost"] += 1


def _spared(folder: Path, rehearsal: Rehearsal, point: int, chance: Chance, result: Result) -> None:
    """A save that is under way keeps its file while others are saved there."""
    path = _begun(folder, rehearsal)

    def body() -> object:
        Faults(point, STOP).install()
        return rehearsal.operation.run(path)

    child = Child(body)
    if not result.expect(child.stopped(), "has not stopped"):
        return
    before = others(path)
    other = path.with_name("other.hspy")
    outcome = run(partial(_save_other, other))
    result.expect(outcome.done, f"{outcome}")
    other.unlink(missing_ok=True)
    result.expect(others(path) == before, f"{before} became {others(path)}")
    child.resume()
    outcome = child.end()
    result.expect(outcome.done, f"went on: {outcome}")
    result.problems.extend(rehearsal.judge.state_of(path, "new")[1])
    result.expect(not others(path), f"left in the folder: {others(path)}")
    result.counts["new"] += 1


def _save_other(path: Path) -> None:
    hspyio.save(path, hspyio.Signal([1.0]), durable=False)
