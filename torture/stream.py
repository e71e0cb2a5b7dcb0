"""A file that is being measured: killed, its disk full, its power lost, and read all the while."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import hspyio
from torture.children import Child, run
from torture.disk import Disk
from torture.faults import KILL, Call, Faults, traced
from torture.full_disk import _limited, _on_filling_disk, _small_disk
from torture.measuring import CODECS, Measurement, Progress, count_in, others, read_on
from torture.recorded import Step, recorded
from torture.samples import fresh
from torture.scene import Case, Chance, Result, Scene

_LATE = 8
_BATCH = 6
_SUPERBLOCK = 28
"""Where in the file a switch writes."""


def cases(scene: Scene) -> Iterator[Case]:
    yield from _kill_points(scene)
    yield from _random_kills(scene)
    yield from _full_disk(scene)
    yield from _power_loss(scene)
    yield from _readers(scene)


def _found(path: Path, result: Result) -> int | None:
    """Frames in the file; ``None`` if it is in no state."""
    try:
        return count_in(path)
    except Exception as error:
        result.problems.append(f"{type(error).__name__}: {error}")
        return None


def _finish(path: Path, measurement: Measurement, result: Result) -> None:
    """Go on from where it is, to the end."""
    outcome = run(partial(measurement.run, path, Progress()))
    if result.expect(outcome.done, f"afterwards: {outcome}"):
        run(partial(_save_other, path.with_name("other.hspy")))  # which sweeps the folder
        found = _found(path, result)
        result.expect(found == measurement.total, f"afterwards {found} frames")
        result.expect(not others(path), f"left in the folder: {others(path)}")
        result.counts["new"] += 1


def _save_other(path: Path) -> None:
    hspyio.save(path, hspyio.Signal([1.0]), durable=False)
    path.unlink()


# a kill at every call


def _kill_points(scene: Scene) -> Iterator[Case]:
    folder = fresh(scene.memory / "stream-points")
    for codec in CODECS[: None if scene.scale else 1]:
        measurement = Measurement(codec=codec, total=scene.much(5, 9, 13))
        path = fresh(folder / "rehearsal") / "a.hspy"
        outcome = run(partial(traced, partial(measurement.run, path, Progress())))
        if not outcome.done:
            yield Case(f"kill/{codec}/0", partial(_fail, f"undisturbed: {outcome}"))
            continue
        calls: list[Call] = outcome.value  # type: ignore[assignment]
        for number, call in enumerate(calls, 1):
            if number % scene.much(7, 2, 1):
                continue
            for half in (False, True)[: 1 + call.halves]:
                label = f"kill/{codec}/{number}{'-half' if half else ''}"
                yield Case(label, partial(_killed, folder / "case", measurement, number, half))


def _fail(problem: str, chance: Chance, result: Result) -> None:
    result.problems.append(problem)


def _killed(
    folder: Path,
    measurement: Measurement,
    number: int,
    half: bool,
    chance: Chance,
    result: Result,
) -> None:
    path, progress = fresh(folder) / "a.hspy", Progress()
    progress.note(-1)

    def body() -> None:
        Faults(number, KILL, half).install()
        measurement.run(path, progress)

    outcome = run(body)
    result.expect(outcome.done or outcome.by(9), f"{outcome}")
    _check_last_or_next(path, measurement, progress, result)


def _check_last_or_next(
    path: Path, measurement: Measurement, progress: Progress, result: Result
) -> None:
    found = _found(path, result)
    if found is None:
        return
    after = min(measurement.total, max(0, progress.safe) + measurement.step)
    allowed = {progress.safe, after} if progress.safe >= 0 else {-1, 0}
    result.expect(found in allowed, f"{found} frames; {progress.safe} were safe")
    result.counts["old"] += 1
    _finish(path, measurement, result)


# at random


def _random_kills(scene: Scene) -> Iterator[Case]:
    folder = scene.folder / "stream-kills"
    folder.mkdir(exist_ok=True)
    timed = replace(Measurement(), total=4000, step=1, threads=2, durable=False, timed="15ms")
    asked = replace(Measurement(), total=120, step=2, threads=2, durable=False)
    for number in range(scene.much(4, 60, 1000)):
        measurement = replace((timed, asked)[number % 2], codec=CODECS[number // 2 % 2])
        kind = "timed" if measurement.timed else "asked"
        label = f"random/{kind}/{measurement.codec}/{number}"
        yield Case(label, partial(_killed_somewhere, folder / "case", measurement))


def _killed_somewhere(
    folder: Path, measurement: Measurement, chance: Chance, result: Result
) -> None:
    path, progress = fresh(folder) / "a.hspy", Progress()
    progress.note(-1)
    child = Child(partial(measurement.run, path, progress))
    time.sleep(chance.uniform(0, 0.5))
    child.kill(signal.SIGKILL)
    outcome = child.end()
    result.expect(outcome.done or outcome.by(signal.SIGKILL), f"{outcome}")
    found = _found(path, result)
    if found is not None:
        # What was in the middle of a checkpoint nobody has asked for may be in the file or not.
        most = max(progress.taken, 0)
        result.expect(progress.safe <= found <= most, f"{found}: {progress.safe} to {most}")
        result.counts["old"] += 1
        _finish(path, replace(measurement, total=max(found, 0) + 20, step=7), result)


# a full disk


def _full_disk(scene: Scene) -> Iterator[Case]:
    folder = fresh(scene.memory / "stream-full")
    for codec in CODECS[: None if scene.scale else 1]:
        measurement = Measurement(codec=codec, total=60, step=4, threads=2)
        path = fresh(folder / "case") / "a.hspy"
        outcome = run(partial(measurement.run, path, Progress()))
        if not outcome.done:
            yield Case(f"full/{codec}/0", partial(_fail, f"undisturbed: {outcome}"))
            continue
        size = path.stat().st_size
        for tenth in range(1, 10) if scene.scale else (2, 6, 9):
            case = partial(_filled, folder, measurement, size * tenth // 10, False)
            yield Case(f"full/limit/{codec}/{tenth}", case)
    with _small_disk(folder) as disk:
        for tenth in range(1, 10) if scene.scale else (3, 7):
            room = 4096 * (size // 4096) * tenth // 10
            yield Case(f"full/disk/{tenth}", partial(_filled, disk, measurement, room, True))


def _filled(
    folder: Path, measurement: Measurement, room: int, disk: bool, chance: Chance, result: Result
) -> None:
    """An error that says so, and the last checkpoint as it was; then, with room, it goes on."""
    path, progress = fresh(folder / "case") / "a.hspy", Progress()
    progress.note(-1)
    fill = _on_filling_disk if disk else _limited
    outcome = fill(path, room, partial(measurement.run, path, progress))
    if not result.expect("SaveError" in outcome.kinds, f"with room for {room}: {outcome}"):
        return
    text = outcome.message
    cause = "No space left" in text or "File too large" in text
    fate = "is safe" in text or "is untouched" in text
    result.expect(str(path) in text and cause and fate, f"says too little: {text}")
    found = _found(path, result)
    result.expect(found == progress.safe, f"{found} frames; {progress.safe} were safe")
    result.expect(not others(path), f"left in the folder: {others(path)}")
    result.counts["old"] += 1
    _finish(path, measurement, result)


# a power loss


def _power_loss(scene: Scene) -> Iterator[Case]:
    folder = fresh(scene.memory / "stream-power")
    for codec in CODECS[: None if scene.scale else 1]:
        measurement = Measurement(codec=codec, total=scene.much(5, 9, 13))
        path = fresh(folder / "case") / "a.hspy"
        function = partial(measurement.run, path, Progress())
        outcome = run(partial(recorded, function, path.parent))
        if not outcome.done:
            yield Case(f"power/{codec}/0", partial(_fail, f"recording: {outcome}"))
            continue
        disk = Disk({}, {}, outcome.value)  # type: ignore[arg-type]
        if disk.whole() != {path.name: path.read_bytes()}:
            yield Case(f"power/{codec}/0", partial(_fail, "the record is not what was done"))
            continue
        for number in range(scene.much(3, 12, 80)):
            case = partial(_lost, folder / "case", measurement, disk)
            yield Case(f"power/{codec}/{number}", case)


def _lost(
    folder: Path, measurement: Measurement, disk: Disk, chance: Chance, result: Result
) -> None:
    end = len(disk.steps)
    switches = [i for i, step in enumerate(disk.steps) if step.place == _SUPERBLOCK]
    near = [min(end, i + chance.randint(-3, 3)) for i in switches]
    moments = [end, *(chance.choice([chance.randint(0, end), *near]) for _ in range(_BATCH))]
    for moment in moments:
        path = fresh(folder) / "a.hspy"
        for name, content in disk.after(moment, chance).items():
            path.with_name(name).write_bytes(content)
        found = _found(path, result)
        least = _promised(disk.steps[:moment], measurement)
        good = found is not None and found >= least
        result.expect(good, f"after {moment} of {end} steps {found} frames, {least} were safe")
        result.counts["old"] += 1
    if found is not None:
        _finish(path, measurement, result)


def _promised(steps: list[Step], measurement: Measurement) -> int:
    """Frames of the last checkpoint that was waited for; -1 before there is a file."""
    safe, made, named = -1, 0, False
    for step in steps:
        if step.kind == "sync-folder":
            named = True
            safe = max(safe, 0)
        elif step.kind == "write" and step.place == _SUPERBLOCK:
            made += 1
        elif step.kind == "sync" and named and made:
            safe = max(safe, min(measurement.total, made * measurement.step))
    return safe


# readers beside


def _readers(scene: Scene) -> Iterator[Case]:
    folder = scene.folder / "stream-readers"
    folder.mkdir(exist_ok=True)
    seconds = scene.much(2, 10, 60)
    for first, second in (("hspyio", "h5py"), ("hspyio", "rosettasciio")):
        if scene.scale or second == "h5py":
            label = f"readers/{first}/{second}"
            yield Case(label, partial(_read, folder / "case", (first, second), float(seconds)))


def _read(
    folder: Path, readers: tuple[str, str], seconds: float, chance: Chance, result: Result
) -> None:
    path = fresh(folder) / "a.hspy"
    measurement = Measurement(
        total=10**6, step=5, threads=2, durable=False, timed="20ms", pause=0.005
    )
    writer = Child(partial(measurement.run, path, Progress()))
    while not path.exists():
        time.sleep(0.01)
    children = [Child(partial(read_on, path, reader, seconds)) for reader in readers]
    for reader, child in zip(readers, children, strict=True):
        outcome = child.end()
        result.expect(outcome.done, f"{reader}: {outcome}")
        seen = outcome.value if isinstance(outcome.value, int) else 0
        result.expect(seen > 1, f"{reader} has seen {seen} states")
        result.counts[f"states seen by {reader}"] += seen
    writer.kill(signal.SIGKILL)
    outcome = writer.end()
    result.expect(outcome.by(signal.SIGKILL), f"the writer has ended before: {outcome}")
    result.counts["old"] += 1
