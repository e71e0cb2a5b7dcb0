"""What a function asks of the system, seen from outside by strace, which can have a call fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from torture.children import Child, HangingError, Outcome
from torture.scene import NotHereError

PATIENCE = 60.0
_CALL = re.compile(r"^(\d+) +(?:(\w+)\(|<\.\.\. \w+ resumed>)(.*)$", re.MULTILINE)
_UNFINISHED = " <unfinished ...>"
_INJECTED = "(INJECTED)"
_STAT = "?stat,?newfstatat,?statx"


@dataclass(frozen=True)
class Asked:
    """A call of the system.

    Attributes
    ----------
    name : str
        As the system has it.
    number : int
        Which of that name it is in its thread, from 1.
    text : str
        Its arguments and what came of it, as strace tells it.
    main : bool
        Whether the child itself makes it, not one of its own.
    """

    name: str
    number: int
    text: str
    main: bool

    @property
    def injected(self) -> bool:
        return _INJECTED in self.text

    def __str__(self) -> str:
        return f"{self.name} {self.number} ({self.text[:300]}"


@dataclass(frozen=True)
class Seen:
    """What a function has come to, and the calls it made, in their order."""

    outcome: Outcome
    calls: list[Asked]


def check_strace(log: Path) -> None:
    """See whether strace is there, may trace, and can have a call fail.

    Raises
    ------
    NotHereError
        If not.
    """
    if shutil.which("strace") is None:
        raise NotHereError("faults from outside: strace is not installed")
    try:
        seen = watched(partial(os.stat, "/"), log, _STAT, [f"{_STAT}:error=EIO"])
    except OSError as error:
        raise NotHereError(f"faults from outside: strace may not trace here: {error}") from None
    if "OSError" not in seen.outcome.kinds:
        raise NotHereError("faults from outside: strace has no call fail here")


def watched(
    function: Callable[[], object], log: Path, names: str, faults: Sequence[str] = ()
) -> Seen:
    """Run a function in a child, watched from its first call on.

    Parameters
    ----------
    function : callable
        What to run; its result has to be picklable.
    log : Path
        Where strace writes.
    names : str
        The calls to watch, as strace has them.
    faults : sequence of str
        What is to fail, as ``strace -e inject`` has it.

    Raises
    ------
    OSError
        If strace cannot trace it.
    HangingError
        If it does not end.
    """
    waits, goes = os.pipe()
    is_ready, readies = os.pipe()
    child = Child(partial(_when_told, function, waits, goes, readies), PATIENCE)
    os.close(waits)
    os.close(readies)
    os.read(is_ready, 1)
    os.close(is_ready)
    inject = [part for fault in faults for part in ("-e", f"inject={fault}")]
    options = ["-f", "-y", "-s", "0", "-o", str(log), "-e", f"trace={names}", *inject]
    tracer = subprocess.Popen(
        ["strace", *options, "-p", str(child.pid)], stderr=subprocess.PIPE, text=True
    )
    try:
        _wait_for(tracer, child)
    finally:
        os.close(goes)
    try:
        outcome = child.end()
    except HangingError:
        child.kill()
        raise
    finally:
        tracer.communicate()
    text = log.read_text(encoding="utf-8", errors="replace")
    return Seen(outcome, _calls(text, str(child.pid)))


def _when_told(function: Callable[[], object], waits: int, goes: int, readies: int) -> object:
    """Say when only reading is left to do before the function: only its calls are to fail."""
    os.close(goes)
    os.write(readies, b".")
    with suppress(OSError):  # it is watched by then, and may be made to fail
        os.read(waits, 1)
    return function()


def _wait_for(tracer: subprocess.Popen[str], child: Child) -> None:
    assert tracer.stderr is not None
    said = []
    for line in tracer.stderr:
        said.append(line)
        if "attached" in line:
            return
    child.kill()
    child.end()
    raise OSError("".join(said).strip())


def _calls(log: str, main: str) -> list[Asked]:
    counts: Counter[tuple[str, str]] = Counter()
    calls: list[Asked] = []
    begun: dict[str, int] = {}
    for thread, name, text in _CALL.findall(log):
        if not name:  # the end of a call, in the course of which another thread has made one
            if thread in begun:
                place = begun.pop(thread)
                calls[place] = replace(calls[place], text=calls[place].text + text)
            continue
        counts[thread, name] += 1
        if text.endswith(_UNFINISHED):
            begun[thread] = len(calls)
        calls.append(
            Asked(name, counts[thread, name], text.removesuffix(_UNFINISHED), thread == main)
        )
    return calls
