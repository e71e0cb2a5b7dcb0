"""Files made to harm whoever reads them, ``tests/support/attacks``, in every way, and watched."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import hspyio
from torture import forked
from torture.children import run
from torture.readings import MEMORY, End, everything, read_in_child
from torture.samples import fresh
from torture.scene import Case, Chance, NotHereError, Result, Scene

SECONDS = 1.0
"""Of processor time, for one way of reading."""
WHOLE_SECONDS = 5.0
"""The same, for ways that read all values: two files of 2 GB of nothing are compared in 2.6 s."""
_WHOLE = ("verify", "validate", "lazy", "tree", "diff", "rescue")
"""Ways that read all values, beside those of `support.attacks.child`."""
_TESTS = Path(__file__).resolve().parents[1] / "tests"
_PROGRAM = """
import sys, pathlib, warnings
from support.attacks.child import WAYS
import hspyio
warnings.simplefilter("ignore")
path = pathlib.Path(sys.argv[1])
for way in (*WAYS.values(), lambda path: hspyio.load(path, isolated=True)):
    try:
        way(path)
    except hspyio.HspyError:
        pass
"""
_OPENED = re.compile(r'\b(?:open|openat|creat)\((?:[^",]*, )?"((?:[^"\\]|\\.)*)"(?:, ([A-Z_|]+))?')
_WRITING = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC")


def cases(scene: Scene) -> Iterator[Case]:
    if str(_TESTS) not in sys.path:
        sys.path.insert(0, str(_TESTS))
    from support.attacks import child
    from support.attacks.corpus import ATTACKS

    folder = fresh(scene.memory / "attacks")
    first, second = (path / "attack.hspy" for path in (folder / "case", folder / "traced"))
    names = list(ATTACKS)[:: scene.much(9, 3, 1)]
    fresh(first.parent)
    for way in child.WAYS.values():  # so that no child has to import anything
        ATTACKS["old dates"].make(first)
        way(first)
    for name in names:
        yield Case(f"read/{_plain(name)}", partial(_attacked, first, ATTACKS[name]))
    _check_strace()
    usual = _trace(second, _good)[1]
    for name in names[:: scene.much(11, 8, 1)]:
        yield Case(f"traced/{_plain(name)}", partial(_traced, second, ATTACKS[name].make, usual))


def _plain(name: str) -> str:
    """A name that a pattern of the command line can be."""
    return re.sub(r"[^\w,.-]+", "-", name)


def _attacked(path: Path, attack: Any, chance: Chance, result: Result) -> None:
    """In every way, watched by Python's audit and by Linux."""
    from support.attacks.child import read_in_every_way
    from support.attacks.verdict import problems

    fresh(path.parent)
    attack.make(path)
    before = _contents(path.parent)
    outcome = run(partial(read_in_every_way, path))
    outcomes = outcome.value
    if not result.expect(outcome.done and isinstance(outcomes, dict), f"{outcome}"):
        return
    assert isinstance(outcomes, dict)
    result.problems.extend(problems(outcomes, attack))
    result.expect(_contents(path.parent) == before, "a file was changed")
    for way, found in outcomes.items():
        result.counts["over 0.5 s of processor time"] += found.seconds > SECONDS / 2
        result.expect(found.seconds <= SECONDS, f"{way}: {found.seconds:.2f} s of processor time")
    result.counts["refused" if outcomes["load"].error else "read"] += 1
    _read_apart(path, result)


def _read_apart(path: Path, result: Result) -> None:
    """Whole operations, a child for all of them, and by another process, as ``isolated=True``."""
    whole = everything(path, {}, long=True)
    ways = {"load isolated": partial(_isolated, path)} | {name: whole[name] for name in _WHOLE}
    found = read_in_child(ways, path.parent.with_name("log"))
    if isinstance(found, End):
        result.problems.append(f"{found}")
        return
    for reading in found:
        told = f"{reading.way}: {reading.detail}"
        seconds, size = reading.seconds, reading.memory
        result.expect(reading.verdict != "foreign", f"no error of ours: {told}")
        most = WHOLE_SECONDS if reading.way in _WHOLE else SECONDS
        result.expect(seconds <= most, f"{seconds:.2f} s of processor time: {told}")
        result.expect(size <= MEMORY, f"{size / 2**20:.0f} MiB of memory: {told}")


def _isolated(path: Path) -> None:
    forked.install()
    hspyio.load(path, name=next(iter(hspyio.open(path))), isolated=True)


def _contents(folder: Path) -> Mapping[str, bytes | None]:
    return {path.name: path.read_bytes() if path.is_file() else None for path in folder.iterdir()}


# watched from outside


def _check_strace() -> None:
    """It may not be there, or may not be allowed."""
    command = shutil.which("strace")
    if command is None:
        raise NotHereError("what is opened, seen by strace, which is not installed")
    if subprocess.run([command, "-o", "/dev/null", "true"], check=False).returncode:
        raise NotHereError("what is opened, seen by strace, which may not trace here")


def _good(path: Path) -> None:
    hspyio.save(path, hspyio.Signal([1.0]), durable=False)


def _traced(
    path: Path, make: Callable[[Path], None], usual: set[str], chance: Chance, result: Result
) -> None:
    """No file is opened beside the attack, or for writing, that is not for any other file."""
    problems, opened = _trace(path, make)
    result.problems.extend(problems)
    result.expect(str(path) in opened, "the watch has not seen the attack itself opened")
    strange = sorted(opened - usual - {str(path)})
    result.expect(not strange, f"opened {strange}")
    result.counts["traced"] += 1


def _trace(path: Path, make: Callable[[Path], None]) -> tuple[list[str], set[str]]:
    """Read a file in every way, and isolated, under strace: what is wrong, and what is opened."""
    fresh(path.parent)
    make(path)
    before, log = _contents(path.parent), path.parent.with_name("trace")
    watched = ["strace", "-f", "-qq", "-e", "trace=open,openat,creat", "-o", str(log)]
    paths = os.pathsep.join([str(Path(hspyio.__file__).parents[1]), str(_TESTS)])
    done = subprocess.run(
        [*watched, sys.executable, "-B", "-c", _PROGRAM, str(path)],
        cwd=path.parent,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    problems = [f"exit code {done.returncode}: {done.stderr[-1000:]}"] if done.returncode else []
    if _contents(path.parent) != before:
        problems.append("a file was changed")
    return problems, set(_opened(log, path))


def _opened(log: Path, path: Path) -> Iterator[str]:
    """Files beside an attack, itself among them, and what was opened for writing."""
    for name, flags in _OPENED.findall(log.read_text(encoding="utf-8", errors="replace")):
        full = os.path.normpath(path.parent / name)
        if os.path.dirname(full) == str(path.parent) or any(flag in flags for flag in _WRITING):
            yield _steady(full)


def _steady(full: str) -> str:
    """The same each time: temporary files have random names."""
    folder = tempfile.gettempdir()
    if not full.startswith(folder):
        return full
    if os.path.dirname(full) == folder:
        full = re.sub(r"/[a-z0-9_]{8}$", "/random", full)
    return re.sub(r"(?<=[.-])[0-9a-f]{8,16}(?=\.)", "random", full)
