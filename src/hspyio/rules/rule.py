"""What a rule is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from hspyio.errors import Problem
from hspyio.rules.view import View

__all__ = [
    "AGAIN",
    "DAMAGED",
    "ERROR",
    "NOTE",
    "PLAIN_AXIS",
    "SEVERITIES",
    "WARNING",
    "Broken",
    "Check",
    "Rule",
    "error",
    "found",
    "note",
    "warning",
]

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = {
    ERROR: "programs fail on it, or read something else than what was meant",
    WARNING: "not as the format has it, or not safe, but programs read it",
    NOTE: "worth knowing",
}
"""From the worst on, and what each means."""

AGAIN = "`hspyio.save(NEW, hspyio.open(FILE).values())`"
"""What mends most: hspyio reads more than other programs, and writes what breaks no rule."""
DAMAGED = (
    "`hspyio.save(NEW, [hspyio.load(FILE, name, errors='warn') for name in hspyio.open(FILE)])`"
)
"""The same for what is read only when asked for."""
PLAIN_AXIS = (
    "`s = hspyio.load(FILE); a = s.axes[AXIS]; s.axes = [hspyio.UniformAxis(a.name, a.units, "
    "size=a.size, navigate=a.navigate) if b is a else b for b in s.axes]; "
    "hspyio.update(FILE, s)` puts a plain axis in its place."
)

Check: TypeAlias = Callable[[View], Iterable[Problem]]
"""Where a file breaks a rule, and how; nothing where it keeps to it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the format.

    In its mends ``FILE``, ``NEW``, ``KEY``, ``VALUE``, ``AXIS`` and ``MODEL`` stand for what is
    meant at a place.
    """

    severity: str
    number: str  # the first digit tells the subject; never used again for another rule
    statement: str
    why: str  # what becomes of a file that breaks it
    mend: str
    check: Check
    otherwise: str = ""  # the mend where no key leads, such as inside of a list


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a file breaks."""

    rule: Rule
    places: tuple[Problem, ...]  # the first of them
    count: int  # of all


error, warning, note = (partial(Rule, severity) for severity in SEVERITIES)


def found(rules: Iterable[Rule], view: View, most: int = 20) -> Iterator[Broken]:
    """Check a file against rules."""
    for rule in rules:
        places = list(dict.fromkeys(rule.check(view)))
        if places:
            yield Broken(rule, tuple(places[:most]), len(places))
