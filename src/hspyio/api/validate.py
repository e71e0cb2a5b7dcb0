"""Validate files: hold them against every rule of the format, without reading their data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hspyio.api.paths import path_of_file
from hspyio.errors import HspyError, MissingFileError, OptionError, Problem
from hspyio.hdf5.root import open_root
from hspyio.nodes.node import Group
from hspyio.printable import printable
from hspyio.recovery.isolated import open_isolated
from hspyio.rules import RULES, SEVERITIES, Broken, View, found, view_of
from hspyio.rules.mends import mend_at
from hspyio.system.refusals import named_errors

__all__ = ["Finding", "ValidationReport", "validate"]

MOST_PLACES = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a file breaks a rule.

    Attributes
    ----------
    rule : str
        Number of the rule, such as ``"H304"``; ``docs/rules.md`` lists them.
    severity : str
        ``"error"``, ``"warning"`` or ``"note"``.
    where : str
        Path inside the file.
    message : str
        What is wrong there.
    why : str
        What becomes of it.
    mend : str
        What to do about it.
    """

    rule: str
    severity: str
    where: str
    message: str
    why: str
    mend: str

    def __str__(self) -> str:
        """Number, severity, place and message, in a line."""
        return printable(f"{self.rule} {self.severity}: {self.where}: {self.message}")


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """Which rules of the format a file breaks, and where.

    Attributes
    ----------
    path : str
        The file.
    version : str
        The format version that it was read as, ``""`` if it could not be read.
    findings : tuple of Finding
        Errors first, then warnings, then notes; at most 20 places of each rule.
    counts : mapping of str to int
        In how many places each rule is broken, by its number.
    """

    path: str
    version: str = ""
    findings: tuple[Finding, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        """Whether there is no error; warnings and notes change nothing."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What makes programs fail, or read something else."""
        return self._of("error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What is not as the format has it, but is read."""
        return self._of("warning")

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What is worth knowing."""
        return self._of("note")

    def _of(self, severity: str) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.severity == severity)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, which JSON can hold."""
        findings = [asdict(one) for one in self.findings]
        plain = {"path": self.path, "version": self.version, "valid": self.valid}
        return {**plain, "findings": findings, "counts": dict(self.counts)}

    @property
    def verdict(self) -> str:
        """How many errors, warnings and notes there are."""
        severities = {one.rule: one.severity for one in self.findings}
        totals = [
            (sum(n for rule, n in self.counts.items() if severities.get(rule) == name), name)
            for name in SEVERITIES
        ]
        said = [f"{n} {name}{'' if n == 1 else 's'}" for n, name in totals if n]
        return ", ".join(said) or "nothing to find fault with"

    def __repr__(self) -> str:
        """The verdict; each rule that is broken with its places and the mend, some lines each."""
        lines = [f"{self.path}: {'valid' if self.valid else 'NOT VALID'}; {self.verdict}"]
        for rule in dict.fromkeys(one.rule for one in self.findings):
            places = [one for one in self.findings if one.rule == rule]
            lines += [f"  {one}" for one in places]
            if self.counts[rule] > len(places):
                lines.append(f"    ... and {self.counts[rule] - len(places)} more places")
            lines.append(f"    why: {places[0].why}")
            lines += [f"    mend: {mend}" for mend in dict.fromkeys(one.mend for one in places)]
        return printable("\n".join(lines))


def validate(
    path: str | os.PathLike[str], *, isolated: bool = True, severity: str = "note"
) -> ValidationReport:
    """Hold a file against every rule of the format.

    Groups, attributes, lists and the points of axes are read, the data are not: whether those are
    intact `hspyio.verify` tells.

    Parameters
    ----------
    path : path-like
        The file, of any format version; each is judged by the rules of its time.
    isolated : bool
        Whether another process reads the file, so that it cannot crash this one. Without it many
        files of one's own are done sooner.
    severity : {"note", "warning", "error"}
        The least that is told.

    Returns
    -------
    ValidationReport
        Print it; ``.valid`` says whether there is no error. What is not an HSpy file, or damaged
        beyond reading, is not valid.

    Raises
    ------
    MissingFileError
        If there is no such file.
    OptionError
        If there is no such severity.

    Examples
    --------
    >>> hspyio.validate("map.hspy")  # doctest: +SKIP
    map.hspy: valid; nothing to find fault with
    """
    if severity not in SEVERITIES:
        raise OptionError(f"severity is {severity!r}; known are {', '.join(SEVERITIES)}")
    text = path_of_file(path, "validate(path)")
    wanted = list(SEVERITIES)[: list(SEVERITIES).index(severity) + 1]
    rules = [rule for name in wanted for rule in RULES if rule.severity == name]
    opened = open_isolated(text) if isolated else open_root(text)
    try:
        with named_errors(text), opened as root:
            view = view_of(root)
            broken = list(found(rules, view, MOST_PLACES))
    except MissingFileError:
        raise
    except HspyError as error:
        view = View(Group(), failure=Problem(error.where or "/", error.message))
        broken = list(found(rules, view, MOST_PLACES))
    return _report(text, view, broken)


def _report(path: str, view: View, broken: list[Broken]) -> ValidationReport:
    findings = (
        Finding(
            one.rule.number, one.rule.severity, place.where, place.message,
            one.rule.why, mend_at(one.rule, place, view, path),
        )
        for one in broken
        for place in one.places
    )  # fmt: skip
    return ValidationReport(
        path,
        ".".join(map(str, view.version)) if view.contents is not None else "",
        tuple(findings),
        {one.rule.number: one.count for one in broken},
    )
