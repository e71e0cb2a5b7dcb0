"""What a rule is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
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
    "found",
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

    Attributes
    ----------
    number : str
        What it is called by: ``H`` and three digits, the first of which tells the subject. Never
        used again for another rule.
    severity : str
        ``"error"``, ``"warning"`` or ``"note"``.
    statement : str
        What has to be so, in a sentence.
    why : str
        What becomes of a file that breaks it.
    mend : str
        What to do about it. In it ``FILE``, ``NEW``, ``KEY``, ``VALUE``, ``AXIS`` and ``MODEL``
        stand for what is meant at a place.
    check : callable
        Finds where a file breaks it.
    otherwise : str
        What to do where no key leads, such as inside of a list.
    """

    number: str
    severity: str
    statement: str
    why: str
    mend: str
    check: Check
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a file breaks.

    Attributes
    ----------
    rule : Rule
        The rule.
    places : tuple of Problem
        Where, and how: the first of them.
    count : int
        How many places there are.
    """

    rule: Rule
    places: tuple[Problem, ...]
    count: int


def found(rules: Iterable[Rule], view: View, most: int = 20) -> Iterator[Broken]:
    """Check a file against rules.

    Parameters
    ----------
    rules : iterable of Rule
        In the order in which they are to be told.
    view : View
        The file.
    most : int
        Places that are kept of each rule.
    """
    for rule in rules:
        places = list(dict.fromkeys(rule.check(view)))
        if places:
            yield Broken(rule, tuple(places[:most]), len(places))
