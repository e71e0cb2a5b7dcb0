"""A disk that fills: at every tenth of what an operation needs, with every layout and codec."""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import hspyio
from torture.children import Outcome, run
from torture.faults import Call, traced
from torture.layouts import LAYOUTS
from torture.operations import BY_NAME, OPERATIONS, Operation
from torture.samples import build, exchange, fresh, made
from torture.scene import Case, Chance, NotHereError, Result, Scene
from torture.states import copy, others

_SHAPE = (40, 40, 64)
_STARTS = ("ours", "rosettasciio", "latest", "superblock-1")
_SHORT = (("ours", "save-over"), ("ours", "update"), ("rosettasciio", "append"))
_PAGE = 4096
_FIRST_BYTES = (0, 1, 96, 512, 2048)


def cases(scene: Scene) -> Iterator[Case]:
    folder = scene.memory / "full-disk"
    folder.mkdir()
    for start, name in _pairs(scene.scale):
        yield from _at_tenths(folder, start, _larger(BY_NAME[name]), _limited, "limit")
    for name, layout in LAYOUTS.items():
        if scene.scale or name in ("gzip", "contiguous", "scaleoffset", "blosc"):
            yield from _codec_cases(folder, name, layout, scene.scale)
    with _small_disk(folder) as disk:
        for start, name in _pairs(scene.scale):
            operation = _larger(BY_NAME[name])
            yield from _at_tenths(disk, start, operation, _on_full_disk, "disk")
            yield from _at_tenths(disk, start, operation, _on_filling_disk, "filling-disk")


def _pairs(scale: int) -> Iterator[tuple[str, str]]:
    if scale == 0:
        yield from _SHORT
        return
    yield from (("ours", operation.name) for operation in OPERATIONS if operation.new)
    for start in _STARTS[: 2 if scale == 1 else None]:
        for operation in OPERATIONS:
            if not operation.new:
                yield start, operation.name


def _larger(operation: Operation) -> Operation:
    """The same with more data, so that a tenth of it is some pages."""
    signal = made("Third", 3, _SHAPE)
    runs: dict[str, Callable[[Path], object]] = {
        "save-new": lambda path: hspyio.save(path, signal, compression=None),
        "save-over": lambda path: hspyio.save(path, signal, overwrite=True),
        "append": lambda path: hspyio.append(path, signal),
        "writer-a": lambda path: hspyio.file_writer(path, exchange(signal), mode="a"),
        "writer-metadata": lambda path: hspyio.file_writer(
            path, exchange(made("First", 9)), write_dataset=False
        ),
    }
    run_it = runs.get(operation.name, operation.run)
    return Operation(operation.name, run_it, operation.expected, new=operation.new)


# how a disk is full


Filled = Callable[[Path, int, Callable[[], object]], Outcome]


def _limited(path: Path, room: int, function: Callable[[], object]) -> Outcome:
    """No file may be longer than so many bytes."""

    def body() -> object:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        return function()

    return run(body)


def _on_full_disk(path: Path, room: int, function: Callable[[], object]) -> Outcome:
    """The disk, on which the file is, has room for so many bytes more than the file takes."""
    ballast = path.parents[1] / "ballast"
    present = path.stat().st_size if path.exists() else 0
    status = os.statvfs(path.parent)
    free = status.f_bavail * status.f_frsize
    with open(ballast, "wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(1, free - max(0, room - present)))
    try:
        return run(function)
    finally:
        ballast.unlink()


def _on_filling_disk(path: Path, room: int, function: Callable[[], object]) -> Outcome:
    """The same, but another program fills it: nobody has known before."""

    def body() -> object:
        os.statvfs = _unknown
        return function()

    return _on_full_disk(path, room, body)


def _unknown(path: object) -> os.statvfs_result:
    raise OSError("unknown")


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    disk = folder / "disk"
    disk.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(disk), b"tmpfs", 0, b"size=16m"):
        raise NotHereError(f"a small disk: {os.strerror(ctypes.get_errno())}")
    try:
        yield disk
    finally:
        libc.umount2(os.fsencode(disk), 2)  # also if something is still open there


# cases


def _at_tenths(
    folder: Path, start: str, operation: Operation, fill: Filled, how: str
) -> Iterator[Case]:
    built = build(folder, start)
    source = None if operation.new else built
    path = _begun(folder, source)
    outcome = run(partial(traced, partial(operation.run, path)))
    label = f"{how}/{start}/{operation.name}"
    if not outcome.done:
        yield Case(f"{label}/0", partial(_fail, [f"undisturbed: {outcome}"]))
        return
    calls: list[Call] = outcome.value  # type: ignore[assignment]
    end = max(call.offset + call.length for call in calls)
    beside = any(call.name == "create" for call in calls)
    begin = 0 if beside or source is None else source.stat().st_size
    present = 0 if source is None else source.stat().st_size
    for tenth in range(10):
        if fill is _limited:
            room = begin + (end - begin) * tenth // 10
        else:
            room = present + (_pages(end) - _pages(begin)) * tenth // 10 * _PAGE
        case = partial(_filled, folder, source, operation.run, fill, room)
        yield Case(f"{label}/{tenth}", case)


def _pages(size: int) -> int:
    return -(-size // _PAGE)


def _codec_cases(
    folder: Path, name: str, layout: Callable[[Path], object], scale: int
) -> Iterator[Case]:
    """A new file, or one more experiment, of every layout and codec."""
    path = _begun(folder, None)
    outcome = run(partial(layout, path))
    if not outcome.done:
        yield Case(f"codec/{name}/0", partial(_fail, [f"undisturbed: {outcome}"]))
        return
    size = path.stat().st_size
    rooms = {*_FIRST_BYTES, *(size * tenth // 10 for tenth in range(10)), size - 1}
    for room in sorted(room for room in rooms if room < size):
        case = partial(_filled, folder, None, layout, _limited, room)
        yield Case(f"codec/{name}/{room}", case)
    source = build(folder, "ours")
    begin = source.stat().st_size
    for tenth in range(0, 10, 3 if scale < 2 else 1):
        room = begin + size * tenth // 20
        case = partial(_filled, folder, source, layout, _limited, room)
        yield Case(f"codec-into/{name}/{tenth}", case)


def _begun(folder: Path, source: Path | None) -> Path:
    path = fresh(folder / "case") / "a.hspy"
    return path if source is None else copy(source, path)


def _fail(problems: list[str], chance: Chance, result: Result) -> None:
    result.problems.extend(problems)


def _filled(
    folder: Path,
    source: Path | None,
    function: Callable[[Path], object],
    fill: Filled,
    room: int,
    chance: Chance,
    result: Result,
) -> None:
    """An error that says so, and everything as it was; then, with room, it works."""
    path = _begun(folder, source)
    before = path.read_bytes() if source is not None else b""
    outcome = fill(path, room, partial(function, path))
    result.counts["old"] += 1
    if not result.expect("HspyError" in outcome.kinds, f"with room for {room}: {outcome}"):
        return
    _check_message(outcome.message, path, result)
    after = path.read_bytes() if path.exists() else b""
    result.expect(after == before, f"the file has changed: {len(before)}, {len(after)} bytes")
    result.expect(not others(path), f"left in the folder: {others(path)}")


def _check_message(message: str, path: Path, result: Result) -> None:
    """It names the file, the cause, and what has become of what was there."""
    result.expect(str(path) in message, f"names no file: {message}")
    cause = any(text in message for text in ("File too large", "No space left", "are free in"))
    result.expect(cause, f"names no cause: {message}")
    fate = any(text in message for text in ("is untouched", "as it was", "nothing was written"))
    result.expect(fate, f"does not say what became of the old file: {message}")
