"""What every kind of torture is given, what it gives back, and how it is run."""

from __future__ import annotations

import fnmatch
import random
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

Chance = random.Random
INTERRUPTED = "interrupted, before all cases were run"


@dataclass(frozen=True)
class Result:
    """What a case has come to.

    Attributes
    ----------
    counts : Counter
        How often the old and the new state were found, and what else is counted.
    problems : list of str
        What is wrong.
    """

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def expect(self, met: bool, problem: str) -> bool:
        """Note what is wrong unless something is met."""
        if not met:
            self.problems.append(problem)
        return met


@dataclass(frozen=True)
class Case:
    """One experiment with one file.

    Attributes
    ----------
    name : str
        Tells all about it, but for the seed.
    run : callable
        Does it; is given a source of chance of its own.
    """

    name: str
    run: Callable[[Chance, Result], object]


@dataclass(frozen=True)
class Scene:
    """Where and how much.

    Attributes
    ----------
    folder : Path
        Where files go.
    memory : Path
        The same, in memory if there is such a file system: for what has no need of a disk.
    scale : int
        0 for the tests, 1 for a quick run, 2 for all.
    seed : int
        Of all chance.
    """

    folder: Path
    memory: Path
    scale: int
    seed: int

    def much(self, short: int, quick: int, full: int) -> int:
        return (short, quick, full)[self.scale]


@dataclass
class Tally:
    """All cases of a kind.

    Attributes
    ----------
    cases : int
        How many.
    counts : Counter
        Sum of theirs.
    failures : list of tuple
        Name of a case, and what was wrong.
    notes : list of str
        What could not be run.
    """

    cases: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, list[str]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.cases += other.cases
        self.counts += other.counts
        self.failures += other.failures
        self.notes += [note for note in other.notes if note not in self.notes]


@dataclass(frozen=True)
class Chosen:
    """Which cases to run.

    Attributes
    ----------
    pattern : str
        Fits their names.
    share, shares : int
        One share of how many, where several processes do the work.
    """

    pattern: str = "*"
    share: int = 0
    shares: int = 1

    def takes(self, name: str) -> bool:
        mine = zlib.crc32(name.encode()) % self.shares == self.share
        return mine and fnmatch.fnmatchcase(name, self.pattern)


class NotHereError(Exception):
    """Something that this machine cannot do."""


def run_cases(cases: Iterator[Case], kind: str, seed: int, chosen: Chosen) -> Tally:
    """Run the chosen ones of some cases, and tell of those that fail."""
    tally = Tally()
    try:
        for case in cases:
            if not chosen.takes(case.name):
                continue
            result = _result(case, random.Random(f"{seed} {kind} {case.name}"))
            tally.cases += 1
            tally.counts += result.counts
            if result.problems:
                tally.failures.append((case.name, result.problems))
                again = f"python -m torture --seed {seed} {kind} --case '{case.name}'"
                lines = [f"FAILED {kind} {case.name}", f"again: {again}"]
                lines += [problem[:1500] for problem in result.problems]
                print("\n  ".join(lines), flush=True)
    except NotHereError as error:
        tally.notes.append(f"not run here: {error}")
    except KeyboardInterrupt:
        tally.notes.append(INTERRUPTED)
    return tally


def _result(case: Case, chance: Chance) -> Result:
    result = Result()
    try:
        case.run(chance, result)
    except Exception:
        result.problems.append(traceback.format_exc())
    return result
