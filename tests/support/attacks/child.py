"""Reads an attack in every way there is, in a process that may come to harm."""

from __future__ import annotations

import ctypes
import io
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hspyio
from hspyio.cli.commands.look.info import info

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MIB = 2**20
ROOM = 2048 * MIB
"""Bytes of addresses that a child may take, so that an attack that succeeds harms nobody else."""
_IN_OPEN = 0x20


@dataclass
class Outcome:
    """What became of one way of reading.

    Attributes
    ----------
    error, kind : str
        The message and the type, empty if there was no error.
    ours : bool
        Whether the error is a HspyError.
    warned : str
        All warnings.
    found : str
        What was read, as text.
    peak : int
        Bytes of memory taken at most, beyond what was taken before.
    seconds : float
        Of processor time.
    opened : list of str
        Other files that were opened.
    """

    error: str = ""
    kind: str = ""
    ours: bool = True
    warned: str = ""
    found: str = ""
    peak: int = 0
    seconds: float = 0.0
    opened: list[str] = field(default_factory=list)


def _eager(path: Path) -> object:
    return _everything(hspyio.load(path, name=_first(path), progress=False))


def _lazy(path: Path) -> object:
    signal = hspyio.load(path, name=_first(path), lazy=True)
    corner = signal.data[(slice(0, 1),) * signal.data.ndim]
    return corner.compute() if hasattr(corner, "compute") else corner, _everything(signal)


def _first(path: Path) -> str:
    """The experiment that is attacked, which is there unless the attack made it a model."""
    with hspyio.open(path) as experiments:
        return "Handmade" if "Handmade" in experiments else next(iter(experiments))


def _everything(signal: hspyio.Signal) -> object:
    for axis in signal.axes:
        assert isinstance(axis.size, int)
    return repr(signal), repr(signal.metadata)[:10_000], repr(signal.data)[:1000]


def _reader(path: Path) -> object:
    return _short(hspyio.file_reader(path))


def _lazy_reader(path: Path) -> object:
    found = hspyio.file_reader(path, lazy=True)
    for signal in found:
        data = signal.get("data")
        if data is not None:
            data[(slice(0, 1),) * data.ndim].compute()
    return _short(found)


def _open(path: Path) -> object:
    with hspyio.open(path) as experiments:
        return repr(experiments), experiments.attrs, [repr(s) for s in experiments.values()]


def _warn(path: Path) -> object:
    return _everything(hspyio.load(path, name=_first(path), errors="warn", progress=False))


def _info(path: Path) -> object:
    return _short(hspyio.info(path))


def _told(path: Path) -> object:
    out, failed = io.StringIO(), ""
    with redirect_stdout(out), redirect_stderr(out):
        for options in ({}, {"tree": True}, {"as_json": True}):
            try:
                info([path], **options)
            except Exception as error:
                failed = type(error).__name__
                if failed != "Exit":
                    raise
    return f"{failed} {out.getvalue()[:100_000]}"


def _datasets(path: Path) -> object:
    return hspyio.list_datasets_in_file(path, verbose=False)


def _metadata(path: Path) -> object:
    return _short(hspyio.read_metadata_from_file(path))


def _lazy_metadata(path: Path) -> object:
    return _short(hspyio.read_metadata_from_file(path, lazy=True))


def _short(value: Any) -> str:
    return repr(value)[:100_000]


WAYS: dict[str, Callable[[Path], object]] = {
    "load": _eager,
    "load lazy": _lazy,
    "load warn": _warn,
    "file_reader": _reader,
    "file_reader lazy": _lazy_reader,
    "open": _open,
    "info": _info,
    "hspy info": _told,
    "list_datasets_in_file": _datasets,
    "read_metadata_from_file": _metadata,
    "read_metadata_from_file lazy": _lazy_metadata,
}


def read_in_every_way(path: Path, room: int = ROOM) -> dict[str, Outcome]:
    """Read a file in every way; each is told apart from what Python's audit and Linux tell."""
    opened: list[str] = []
    sys.addaudithook(lambda event, arguments: _note(event, arguments, path, opened))
    _limit(room)
    outcomes = {}
    with watched(path.parent) as events:
        for name, way in WAYS.items():
            before, start = _peak(), time.process_time()
            outcome = outcomes[name] = _outcome(way, path)
            outcome.seconds = time.process_time() - start
            outcome.peak = _peak() - before
            outcome.opened = [*opened, *(name for name in events() if name != path.name)]
            opened.clear()
    return outcomes


def report(path: Path, sending: Any) -> None:
    """Read a file in every way, and send what became of it."""
    sending.send(read_in_every_way(path))


def _outcome(way: Callable[[Path], object], path: Path) -> Outcome:
    outcome = Outcome()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            outcome.found = str(way(path))
        except Exception as error:
            outcome.error, outcome.kind = str(error), type(error).__name__
            outcome.ours = isinstance(error, hspyio.HspyError)
            if not outcome.ours:
                import traceback

                outcome.error += traceback.format_exc()
    outcome.warned = "\n".join(str(warning.message) for warning in caught)[:100_000]
    return outcome


def _note(event: str, arguments: tuple[Any, ...], path: Path, opened: list[str]) -> None:
    """Note files of the attack's folder that Python opens."""
    if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        name = os.path.abspath(os.fsdecode(arguments[0]))
        if name != str(path) and os.path.dirname(name) == str(path.parent):
            opened.append(name)
    if event in ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn"):
        opened.append(event)


@contextmanager
def watched(folder: Path) -> Iterator[Callable[[], list[str]]]:
    """What is opened in a folder, by whomever, where Linux can tell."""
    if sys.platform != "linux":
        yield list
        return
    libc = ctypes.CDLL(None)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    libc.inotify_add_watch(watch, os.fsencode(folder), _IN_OPEN)

    def events() -> list[str]:
        names, content = [], b""
        while True:
            try:
                content += os.read(watch, 65536)
            except BlockingIOError:
                break
        while content:
            length = int.from_bytes(content[12:16], sys.byteorder)
            names.append(os.fsdecode(content[16 : 16 + length].rstrip(b"\0")))
            content = content[16 + length :]
        return [name for name in names if name]

    try:
        yield events
    finally:
        os.close(watch)


def _limit(room: int) -> None:
    if resource is not None and sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + room
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _peak() -> int:
    if resource is None:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
