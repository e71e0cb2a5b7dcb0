"""One call of the system fails, or does less than was asked: the file is whole, and no claim wrong.

Errors come from outside, by ``strace -e inject``, so that HDF5's own calls fail as well as ours.
Transfers cannot be shortened that way: what strace gives back instead of a count, the kernel has
not moved. So `os.preadv` and its like do less in the child itself, truly, where hspyio calls them;
HDF5's own reads go on until they have all, and are left alone.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from signal import SIGABRT
from typing import Any, BinaryIO

import numpy as np

import hspyio
from hspyio.compare import signal_differences, value_differences
from torture import forked
from torture.children import run
from torture.kill_points import Rehearsal, rehearse
from torture.operations import BY_NAME, OPERATIONS
from torture.samples import build, fresh
from torture.scene import Case, Chance, Result, Scene
from torture.short import Short
from torture.states import are_alike, copy, others
from torture.told import Told, listened
from torture.watched import Asked, check_strace, watched

_SHORT = (("ours", "save-new"), ("ours", "save-over"), ("rosettasciio", "update"))
_STARTS = ("ours", "rosettasciio")
_NAMES = "%file,%desc"
_AGAIN = 3
"""Of so many operations that failed one is done again."""
_WRITES = ("pwrite64", "pwritev", "pwritev2", "write", "writev", "ftruncate", "fallocate")
_SYNCS = ("fsync", "fdatasync")
_NAMING = (
    "open",
    "openat",
    "link",
    "linkat",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
)
_RIGHTS = ("chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat", "setxattr", "fsetxattr")
_CHANGING = (*_WRITES, *_SYNCS, "close", *_NAMING, *_RIGHTS)
_PIPES = ("read", "write", "close", "fcntl", "fstat", "newfstatat", "dup2")
_ALWAYS = ("EIO", "EINTR")
_ROOM = ("ENOSPC", "EDQUOT")
_LOCKING = ("ENOLCK",)
_OWN = {
    "openat": ("EMFILE", "EACCES"),
    "open": ("EMFILE", "EACCES"),
    "link": ("EPERM", "EXDEV"),
    "linkat": ("EPERM", "EXDEV"),
    "rename": ("EACCES",),
    "fcntl": ("EMFILE",),
    "flock": _LOCKING,
    "chmod": ("EPERM",),
    "fchmod": ("EPERM",),
    "fchown": ("EPERM",),
    "fsetxattr": ("ENOTSUP", "EPERM"),
    "setxattr": ("ENOTSUP", "EPERM"),
    "fsync": ("EINVAL",),
}


@dataclass(frozen=True)
class Plan:
    """Which calls fail.

    Attributes
    ----------
    name : str
        What cases call it.
    faults : tuple of str
        What strace is told.
    """

    name: str
    faults: tuple[str, ...]


def cases(scene: Scene) -> Iterator[Case]:
    folder = fresh(scene.memory / "injection")
    yield from _shortened(scene, folder)
    check_strace(folder / "log")
    for start, name in _pairs(scene.scale):
        rehearsal = rehearse(folder, start, BY_NAME[name])
        label = f"{start}/{name}"
        if isinstance(rehearsal, list):
            yield Case(f"{label}/0", partial(_fail, rehearsal))
            continue
        calls = _undisturbed(folder, rehearsal)
        for plan in _plans(calls, scene):
            yield Case(f"{label}/{plan.name}", partial(_changed, folder, rehearsal, plan))
    for start in _STARTS[: scene.much(1, 2, 2)]:
        yield from _reading(scene, folder, start)


def _fail(problems: list[str], chance: Chance, result: Result) -> None:
    result.problems.extend(problems)


def _pairs(scale: int) -> Iterator[tuple[str, str]]:
    if scale == 0:
        yield from _SHORT
        return
    yield from (("ours", operation.name) for operation in OPERATIONS if operation.new)
    for operation in OPERATIONS:
        if not operation.new:
            yield from ((start, operation.name) for start in _STARTS[:scale])


# which calls fail


def _plans(calls: Sequence[Asked], scene: Scene) -> Iterator[Plan]:
    """Every call with every error, each once; less in less time, a different error at each."""
    seen: set[tuple[str, int]] = set()
    step = scene.much(40, 8, 1)
    for place, call in enumerate(calls):
        if (call.name, call.number) in seen:  # of another thread
            continue
        seen.add((call.name, call.number))
        errors = _errors(call)
        if step > 1:
            often = call.name in _COMMON if scene.scale else call.name not in _RARE
            if often and place % step:
                continue
            errors = errors[place % len(errors) :][:1]
        for error in errors:
            fault = f"{call.name}:error={error}:when={call.number}"
            yield Plan(f"{call.name}-{call.number}-{error}", (fault,))
        if place % (2 * step) == step - 1:
            yield Plan(f"gone-{place}", _gone(calls, place))


_LOOKS = ("preadv2", "preadv", "pread64", "newfstatat", "fstat", "openat")
"""Calls without which nobody knows what stands in a file."""
_COMMON = ("preadv2", "preadv", "pread64", "pwritev2", "pwritev", "newfstatat", "fstat")
"""Those that are so many that a quick run takes some of them."""
_RARE = (*_SYNCS, "link", "rename", "unlink", "ftruncate")
"""Those that a short run takes all of."""


def _errors(call: Asked) -> list[str]:
    room = _ROOM if call.name in _CHANGING else ()
    own = _LOCKING if "_SETLK" in call.text else _OWN.get(call.name, ())
    return [*_ALWAYS, *room, *own]


def _gone(calls: Sequence[Asked], place: int) -> tuple[str, ...]:
    """From one call on every one fails, as on a drive that was unplugged."""
    first: dict[str, int] = {}
    done: dict[str, int] = {}
    for i, call in enumerate(calls):
        if i < place:
            done[call.name] = max(done.get(call.name, 0), call.number)
        else:
            first.setdefault(call.name, done.get(call.name, call.number - 1) + 1)
    names = {*first, *done}
    names.difference_update(("fcntl", "flock", "lseek", "read", "write"))  # these ask no drive
    starts = {name: first.get(name, done.get(name, 0) + 1) for name in names}
    return tuple(f"{name}:error=EIO:when={starts[name]}+" for name in sorted(names))


# operations


def _undisturbed(folder: Path, rehearsal: Rehearsal) -> list[Asked]:
    path = _begun(folder, rehearsal)
    seen = watched(partial(_alone, partial(rehearsal.operation.run, path)), folder / "log", _NAMES)
    return _concerned(seen.calls, folder)


def _concerned(calls: Sequence[Asked], folder: Path) -> list[Asked]:
    """The calls that concern files in the folder, or beside it.

    Of a process that reads for another none is meant that pipes need, too.
    """
    return [
        call
        for call in calls
        if str(folder) in call.text and (call.main or call.name not in _PIPES)
    ]


def _alone(function: Callable[[], object]) -> None:
    """In one thread, so that calls come in the same order each time."""
    os.environ["HSPYIO_NUM_THREADS"] = "1"
    function()


def _begun(folder: Path, rehearsal: Rehearsal) -> Path:
    path = fresh(folder / "case") / "a.hspy"
    return path if rehearsal.start is None else copy(rehearsal.start, path)


def _changed(
    folder: Path, rehearsal: Rehearsal, plan: Plan, chance: Chance, result: Result
) -> None:
    """An operation of which a call fails: the file is old or new, and what was told is true."""
    path = _begun(folder, rehearsal)
    function = partial(_alone, partial(rehearsal.operation.run, path))
    told, injected = _told(folder, function, plan, result)
    if told is None:
        state, problems = rehearsal.judge.state_of(path)
        result.problems.extend(problems)
        result.counts[state or "lost"] += 1
        return
    before = len(result.problems)
    state, problems = rehearsal.judge.state_of(path, *(() if told.error else ("new",)))
    result.problems.extend(problems + told.problems())
    result.counts[state or "lost"] += 1
    if told.error:
        _check_message(told, path, injected, result)
    if told.error and not are_alike(rehearsal.old, rehearsal.new):
        unread = told.knows_not and any(call.name in _LOOKS for call in injected)
        says = told.claims_new or unread
        result.expect(state != "new" or says, "does not say that the new state stands")
        result.expect(state != "new" or not told.claims_old, "says that the old state stands")
        result.expect(state != "old" or not told.claims_new, "says that the new state stands")
    _check_folder(path, told, injected, result)
    if state == "old" and chance.randrange(_AGAIN) == 0:
        outcome = run(function)
        result.expect(outcome.done, f"afterwards: {outcome}")
        result.problems.extend(rehearsal.judge.state_of(path, "new")[1])
    _explain(told, injected, before, result)


def _told(
    folder: Path, function: Callable[[], object], plan: Plan, result: Result
) -> tuple[Told | None, list[Asked]]:
    """What a function tells of which some calls fail, and those."""
    with tempfile.TemporaryFile() as noise:
        listening = partial(listened, function, noise.fileno())
        seen = watched(listening, folder / "log", _NAMES, plan.faults)
        heard = _heard(noise)
    injected = [call for call in seen.calls if call.injected]
    result.counts["not reached"] += not injected
    told = seen.outcome.value
    if plan.name.startswith("gone-") and seen.outcome.by(SIGABRT):
        # HDF5 2.0 frees memory twice when it copies the chunks of texts or rows of variable
        # length (H5D__chunk_copy) and the drive goes away meanwhile; the file is none the worse.
        result.counts["aborted by HDF5"] += 1
        return None, injected
    if not result.expect(isinstance(told, Told), f"{seen.outcome}"):
        return None, injected
    assert isinstance(told, Told)
    result.counts["with two tracebacks"] += told.double
    return replace(told, noise=told.noise + heard), injected


def _heard(noise: BinaryIO) -> str:
    noise.seek(0)
    return noise.read().decode(errors="replace")


def _explain(told: Told, injected: Sequence[Asked], before: int, result: Result) -> None:
    """What somebody who looks into a failure wants to know."""
    if len(result.problems) > before:
        result.problems.append(f"told: {told.error} {told.text}")
        result.problems.extend(f"had failed: {call}" for call in injected[:3])


def _check_message(told: Told, path: Path, injected: Sequence[Asked], result: Result) -> None:
    """It names a file and the cause."""
    named = any(str(name) in told.text for name in (path.parent, *path.parents[1].glob("*.hspy")))
    result.expect(named, "names no file")
    causes = _reasons(injected)
    result.expect(any(cause in told.text for cause in causes), f"names no cause of {causes}")


def _reasons(injected: Sequence[Asked]) -> set[str]:
    """What the system calls the errors that were injected."""
    names = {call.text.split(" = -1 ")[-1].split()[0] for call in injected}
    return {os.strerror(getattr(errno, name)) for name in names if hasattr(errno, name)}


def _check_folder(path: Path, told: Told, injected: Sequence[Asked], result: Result) -> None:
    """Nothing is left, unless it could not be removed, which is told; another save removes it."""
    left = others(path)
    if not left:
        return
    removals = [call for call in injected if call.name.startswith(("unlink", "rename", "link"))]
    result.counts["leftovers"] += len(left)
    result.expect(bool(removals), f"left in the folder: {left}")
    result.expect(all(name in told.text for name in left), f"left untold: {left}")
    other = path.with_name("other.hspy")
    outcome = run(partial(hspyio.save, other, hspyio.Signal([1.0]), durable=False))
    result.expect(outcome.done, f"another save: {outcome}")
    other.unlink(missing_ok=True)
    result.expect(not others(path), f"left by another save: {others(path)}")


# reading


@dataclass(frozen=True)
class Reading:
    """A way to read a file.

    Attributes
    ----------
    read : callable
        Reads it.
    differences : callable
        How what it gives differs from what it should give.
    """

    read: Callable[[Path], Any]
    differences: Callable[[Any, Any], list[str]]


def _loaded(path: Path) -> dict[str, hspyio.Signal]:
    return {name: hspyio.load(path, name=name) for name in hspyio.open(path)}


def _opened(path: Path) -> dict[str, hspyio.Signal]:
    """Lazily, and computed in the end."""
    with hspyio.open(path) as file:
        found = {name: file[name] for name in file}
    for signal in found.values():
        signal.data = np.asarray(signal.data)
    return found


def _verified(path: Path) -> str:
    forked.install()
    return repr(hspyio.verify(path))


def _validated(path: Path) -> str:
    forked.install()
    return repr(hspyio.validate(path))


def _signals(found: dict[str, hspyio.Signal], expected: dict[str, hspyio.Signal]) -> list[str]:
    if list(found) != list(expected):
        return [f"experiments {list(found)}, not {list(expected)}"]
    pairs = [(found[name], expected[name]) for name in expected]
    return [line for one, other in pairs for line in signal_differences(one, other)]


def _dicts(found: object, expected: object) -> list[str]:
    return value_differences(found, expected, "")


def _texts(found: str, expected: str) -> list[str]:
    return [] if found == expected else [f"{found}, not {expected}"]


READINGS = {
    "load": Reading(_loaded, _signals),
    "open": Reading(_opened, _signals),
    "file_reader": Reading(lambda path: list(hspyio.file_reader(path)), _dicts),
    "info": Reading(lambda path: repr(hspyio.info(path).experiments), _texts),
    "validate": Reading(_validated, _texts),
    "verify": Reading(_verified, _texts),
}


def _readings(scene: Scene) -> list[tuple[str, Reading]]:
    return list(READINGS.items())[: scene.much(2, len(READINGS), len(READINGS))]


def _reading(scene: Scene, folder: Path, start: str) -> Iterator[Case]:
    """Every way to read, with every call failing in turn: the right values, or an error."""
    for name, reading in _readings(scene):
        path = copy(build(folder, start), fresh(folder / "case") / "a.hspy")
        expected = reading.read(path)
        label = f"read/{start}/{name}"
        seen = watched(partial(_alone, partial(reading.read, path)), folder / "log", _NAMES)
        calls = _concerned(seen.calls, folder)
        if not seen.outcome.done or not calls:
            yield Case(f"{label}/0", partial(_fail, [f"undisturbed: {seen.outcome}"]))
        for plan in _plans(calls, scene):
            case = partial(_read, folder, start, reading, expected, plan)
            yield Case(f"{label}/{plan.name}", case)


def _compared(reading: Reading, path: Path, expected: Any) -> list[str]:
    os.environ["HSPYIO_NUM_THREADS"] = "1"
    return reading.differences(reading.read(path), expected)


def _read(
    folder: Path,
    start: str,
    reading: Reading,
    expected: Any,
    plan: Plan,
    chance: Chance,
    result: Result,
) -> None:
    path = copy(build(folder, start), fresh(folder / "case") / "a.hspy")
    function = partial(_compared, reading, path, expected)
    told, injected = _told(folder, function, plan, result)
    if told is None:
        return
    before = len(result.problems)
    result.problems.extend(told.problems())
    wrong = [f"wrong: {line}" for line in told.value or ()]
    causes = _reasons(injected)
    in_part = bool(told.warned) or any(cause in line for cause in causes for line in wrong)
    result.counts["refused" if told.error else "told in part" if in_part else "read"] += 1
    if not in_part:
        result.problems.extend(wrong)
    if told.error:
        _check_message(told, path, injected, result)
    result.expect(not others(path), f"left in the folder: {others(path)}")
    _explain(told, injected, before, result)


# transfers that move less


def _shortened(scene: Scene, folder: Path) -> Iterator[Case]:
    """Every read and write in turn, and all of them."""
    step = scene.much(100, 20, 1)
    for start, name in _pairs(scene.scale):
        rehearsal = rehearse(folder, start, BY_NAME[name])
        label = f"short/{start}/{name}"
        if isinstance(rehearsal, list):
            yield Case(f"{label}/0", partial(_fail, rehearsal))
            continue
        function = partial(rehearsal.operation.run, _begun(folder, rehearsal))
        for number in range(0, _transfers(folder, function) + 1, step):
            for least in (False, True):
                case = partial(_changed_in_pieces, folder, rehearsal, number, least)
                yield Case(f"{label}/{number}{'-least' if least else ''}", case)
    for start in _STARTS[: scene.much(1, 2, 2)]:
        for name, reading in _readings(scene):
            path = copy(build(folder, start), fresh(folder / "case") / "a.hspy")
            expected = reading.read(path)
            for number in range(0, _transfers(folder, partial(reading.read, path)) + 1, step):
                for least in (False, True):
                    case = partial(_read_in_pieces, folder, start, reading, expected, number, least)
                    yield Case(f"short/{start}/{name}/{number}{'-least' if least else ''}", case)


def _transfers(folder: Path, function: Callable[[], object]) -> int:
    """How many reads and writes there are that could move less."""

    def body() -> int:
        short = Short(str(folder), -1, False).install()
        _alone(function)
        return short.calls

    return int(run(body).value)  # type: ignore[call-overload]


def _in_pieces(
    folder: Path, number: int, least: bool, function: Callable[[], object], result: Result
) -> Told | None:
    def body() -> Told:
        Short(str(folder), number, least).install()
        return listened(function, noise.fileno())

    with tempfile.TemporaryFile() as noise:
        outcome = run(body)
        heard = _heard(noise)
    told = outcome.value
    if not result.expect(isinstance(told, Told) and not told.error, f"{told or outcome}"):
        return None
    assert isinstance(told, Told)
    told = replace(told, noise=told.noise + heard)
    result.problems.extend(told.problems())
    return told


def _changed_in_pieces(
    folder: Path, rehearsal: Rehearsal, number: int, least: bool, chance: Chance, result: Result
) -> None:
    """It is none of the user's business."""
    path = _begun(folder, rehearsal)
    function = partial(_alone, partial(rehearsal.operation.run, path))
    _in_pieces(folder, number, least, function, result)
    state, problems = rehearsal.judge.state_of(path, "new")
    result.problems.extend(problems)
    result.counts[state or "lost"] += 1
    result.expect(not others(path), f"left in the folder: {others(path)}")


def _read_in_pieces(
    folder: Path,
    start: str,
    reading: Reading,
    expected: Any,
    number: int,
    least: bool,
    chance: Chance,
    result: Result,
) -> None:
    path = copy(build(folder, start), fresh(folder / "case") / "a.hspy")
    told = _in_pieces(folder, number, least, partial(_compared, reading, path, expected), result)
    if told is not None:
        result.problems.extend(f"wrong: {line}" for line in told.value or ())
    result.counts["read"] += told is not None
