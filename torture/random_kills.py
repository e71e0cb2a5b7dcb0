"""Kills at random instants: of a save over a file, an update and an append."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import hspyio
from torture.children import Child, run
from torture.operations import Operation
from torture.samples import fresh, made
from torture.scene import Case, Chance, Result, Scene
from torture.states import Judge, copy, expected_problems, others, read_state

_SHAPE = (40, 64, 128)
_CHUNKS = (4, 64, 128)
_TRIES = 30
_LAYOUTS: dict[str, dict[str, Any]] = {
    "gzip": {"chunks": _CHUNKS},
    "many-chunks": {"chunks": (1, 2, 64)},
    "uncompressed": {"compression": None},
    "dask": {"chunks": _CHUNKS},
}


def cases(scene: Scene) -> Iterator[Case]:
    folder = scene.folder / "random-kills"
    folder.mkdir()
    targets = [_target(folder, operation, layout) for operation, layout in _operations()]
    for number in range(scene.much(9, 72, 1000)):
        target = targets[number % len(targets)]
        run_case = partial(_fail, target) if isinstance(target, list) else partial(_killed, target)
        label = f"{number}" if isinstance(target, list) else f"{target.name}/{number}"
        yield Case(label, run_case)


@dataclass(frozen=True)
class Target:
    """An operation on a file, and how long it takes.

    Attributes
    ----------
    name : str
        Of operation and layout.
    operation : Operation
        What is to be killed.
    start : Path
        The file before.
    judge : Judge
        Tells old and new.
    seconds : float
        How long it takes undisturbed.
    """

    name: str
    operation: Operation
    start: Path
    judge: Judge
    seconds: float


def _operations() -> Iterator[tuple[Operation, str]]:
    first, third = made("First", 1, _SHAPE), made("Third", 3, _SHAPE)
    for layout, options in _LAYOUTS.items():
        late = layout == "dask"
        for operation in (
            Operation(
                "save-over",
                lambda path, late=late, options=options: hspyio.save(  # type: ignore[misc]
                    path, _late(third) if late else third, overwrite=True, **options
                ),
                lambda old: {"Third": third},
            ),
            Operation(
                "update",
                lambda path, late=late: _update(path, late),  # type: ignore[misc]
                lambda old: {"First": _changed(first.copy())},
            ),
            Operation(
                "append",
                lambda path, late=late, options=options: hspyio.append(  # type: ignore[misc]
                    path, _late(third) if late else third, **options
                ),
                lambda old: {**old, "Third": third},
                repeats=False,
            ),
        ):
            yield operation, layout


def _late(signal: hspyio.Signal) -> hspyio.Signal:
    """Its data are yet to be computed, by dask's threads."""
    import dask
    import dask.array

    dask.config.set(scheduler="threads")
    result = signal.copy()
    result.data = dask.array.from_array(signal.data, chunks=_CHUNKS) + 0
    return result


def _update(path: Path, lazy: bool) -> None:
    hspyio.update(path, _changed(hspyio.load(path, lazy=lazy)))


def _changed(signal: hspyio.Signal) -> hspyio.Signal:
    signal.metadata["number"] = ["now", "a list", 3]
    signal.original_metadata["log"] = "short"
    return signal


def _target(folder: Path, operation: Operation, layout: str) -> Target | list[str]:
    start = folder / f"{layout}.hspy"
    if not start.exists():
        hspyio.save(start, made("First", 1, _SHAPE), **_LAYOUTS[layout])
    path = fresh(folder / "rehearsal") / "a.hspy"
    old, seconds = read_state(start, "old"), 60.0
    for _ in range(3):
        copy(start, path)
        begin = time.monotonic()
        outcome = run(partial(operation.run, path))
        seconds = min(seconds, time.monotonic() - begin)
        if not outcome.done:
            return [f"undisturbed: {outcome}"]
    new = read_state(path, "new")
    if problems := expected_problems(new, operation.expected(old.signals)):
        return problems
    return Target(f"{operation.name}/{layout}", operation, start, Judge([old, new]), seconds)


def _fail(problems: list[str], chance: Chance, result: Result) -> None:
    result.problems.extend(problems)


def _killed(target: Target, chance: Chance, result: Result) -> None:
    """Try until the kill comes before the end; what ends before has to be whole too."""
    path, longest = target.start.parent / "case" / "a.hspy", target.seconds
    for _ in range(_TRIES):
        copy(target.start, fresh(path.parent) / path.name)
        child = Child(partial(target.operation.run, path))
        time.sleep(chance.uniform(0, longest))
        child.kill(signal.SIGKILL)
        outcome = child.end()
        if not result.expect(outcome.done or outcome.by(signal.SIGKILL), f"{outcome}"):
            return
        state, problems = target.judge.state_of(path, *(("new",) if outcome.done else ()))
        result.problems.extend(problems)
        if not outcome.done or not state:
            break
        result.counts["ended before"] += 1
        longest *= 0.7
    else:
        result.problems.append("the kill never came before the end")
    result.counts[state or "lost"] += 1
    if state == "old" or (state and target.operation.repeats):
        _finish(target, path, result)


def _finish(target: Target, path: Path, result: Result) -> None:
    """Run it to its end."""
    outcome = run(partial(target.operation.run, path))
    result.expect(outcome.done, f"after the kill: {outcome}")
    result.problems.extend(target.judge.state_of(path, "new")[1])
    result.expect(not others(path), f"left in the folder: {others(path)}")
