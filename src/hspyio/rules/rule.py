"""What a rule is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from hspyio.errors import Problem
from hspyio.rules.view import View

__all__ = ["ERROR", "NOTE", "SEVERITIES", "WARNING", "Broken", "Check", "Rule", "found"]

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = {
    ERROR: "programs fail on it, or read something else than what was meant",
    WARNING: "not as the format has it, or not safe, but programs read it",
    NOTE: "worth knowing",
}
"""From the worst on, and what each means."""

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
        What to do about it.
    check : callable
        Finds where a file breaks it.
    """

    number: str
    severity: str
    statement: str
    why: str
    mend: str
    check: Check


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
