"""Peak memory of loading and saving, each in a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rows import MIB, Row, check, memory
from benchmarks.zspy import PROJECT

EXTRA = 64 * MIB
STREAM = 600 * MIB
"""What work on a file of any size may take."""
ERROR = re.compile(r"(?:\w+\.)*(\w*(?:Error|Exception))\b")
PROGRAMS = ("hspyio", "RosettaSciIO")
LAYOUTS = ("C-ordered", "Fortran-ordered", "strided", "memory-mapped")


def measure_memory(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Rows for saving an array of each layout, then for loading what hspyio saved."""
    array = (96 if quick else 256) * MIB
    what = f"4D-STEM uint16, {array // MIB} MiB"
    problems = []
    for layout in LAYOUTS:
        ours, theirs = (_child(program, "save", layout, array, folder) for program in PROGRAMS)
        action = f"save, {layout}"
        yield memory(what, action, ours=ours.peak, theirs=theirs.peak, array=0, extra=EXTRA)
        problems += [f"{layout}: {place}" for place in ours.problems + theirs.problems]
    ours, theirs = (_child(program, "load", "", array, folder) for program in PROGRAMS)
    yield memory(what, "load", ours=ours.peak, theirs=theirs.peak, array=array, extra=EXTRA)
    yield check(f"{what}, as saved above", len(LAYOUTS) * len(PROGRAMS), array // 2, problems)


def measure_streams(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Rows for a file larger than its share of memory: a mean spectrum, and writing it anew."""
    array = (1024 if quick else 4096) * MIB
    what = f"4D-STEM uint16, {array // MIB} MiB, lazily"
    _child("hspyio", "stream", "", array, folder)
    for action, name in (("mean", "mean spectrum"), ("repack", "repack")):
        ours = _child("hspyio", action, "", array, folder).peak
        theirs = (
            _child("RosettaSciIO", action, "", array, folder).peak if action == "mean" else "none"
        )
        yield memory(what, name, ours=ours, theirs=theirs, array=0, extra=STREAM)


@dataclass(frozen=True)
class Told:
    """What a child says.

    Attributes
    ----------
    peak : int or str
        Bytes, or the name of the error that ended it.
    problems : list of str
        What in the file that it saved differs from what it meant to save.
    """

    peak: int | str
    problems: list[str]


def _child(program: str, action: str, layout: str, array: int, folder: Path) -> Told:
    task = {"program": program, "action": action, "layout": layout, "array": array}
    done = subprocess.run(
        (sys.executable, "-m", "benchmarks.memory_child", json.dumps(task), folder),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        errors = [found for line in done.stderr.splitlines() if (found := ERROR.match(line))]
        name = errors[-1][1] if errors else f"ended with {done.returncode}"
        return Told(name, [f"not saved by {program}"])
    return Told(**json.loads(done.stdout.splitlines()[-1]))
