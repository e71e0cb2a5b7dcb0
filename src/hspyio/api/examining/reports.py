"""What functions say of files: one base for all reports, and what they consist of."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from itertools import islice
from typing import Any, Self, overload

from hspyio.compare import Difference
from hspyio.errors import Problem
from hspyio.printable import printable, printable_line, printable_name
from hspyio.suggestions import ByAttribute

__all__ = [
    "DamagedArray",
    "DamagedPart",
    "Differences",
    "Finding",
    "Report",
    "Rescue",
    "RescuedSignal",
    "ValidationReport",
    "Verification",
]

Region = tuple[tuple[int, int], ...]
"""First index and the one after the last, for each dimension."""

_MOST_SHOWN = 20
_SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True, slots=True, repr=False)
class Report(ByAttribute):
    """What has been found of a file; printed it is text.

    Attributes
    ----------
    path : str
        The file.
    """

    path: str

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def problems(self) -> Sequence[Any]:
        """What is wrong, each with a place ``where`` and a ``message``."""
        raise NotImplementedError

    @property
    def notes(self) -> Sequence[Any]:
        """What is not wrong, and worth knowing."""
        raise NotImplementedError

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, which JSON can hold."""
        made: dict[str, Any] = _plain(self)
        return {**made, "ok": self.ok}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Inverse of `as_dict`, of what JSON makes of it too."""
        return cls(**{item.name: _rebuilt(item.name, plain[item.name]) for item in fields(cls)})

    def __repr__(self) -> str:
        """The verdict, then what is known, a line each."""
        return printable("\n".join(self._lines()))

    def _lines(self) -> list[str]:
        raise NotImplementedError


def _names(names: Sequence[str]) -> str:
    """Names in a line, as many as a person reads."""
    more = len(names) - _MOST_SHOWN
    shown = ", ".join(map(printable_name, names[:_MOST_SHOWN]))
    return f"{shown} and {more:,} more" if more > 0 else shown


# damage


@dataclass(frozen=True, slots=True)
class DamagedPart:
    """A part of an array that is damaged.

    Attributes
    ----------
    region : tuple of (int, int)
        First index and the one after the last, for each dimension.
    message : str
        What is wrong with it.
    """

    region: Region
    message: str


@dataclass(frozen=True, slots=True)
class DamagedArray:
    """An array of which something is damaged.

    Attributes
    ----------
    where : str
        Its path in the file.
    shape : tuple of int
        Its shape.
    parts : tuple of DamagedPart
        What is damaged; all else is intact.
    """

    where: str
    shape: tuple[int, ...]
    parts: tuple[DamagedPart, ...]

    @property
    def intact(self) -> tuple[Region, ...]:
        """The largest selections without damage, all cut along one dimension; perhaps none."""
        best: tuple[Region, ...] = ()
        most = 0.0
        for axis, length in enumerate(self.shape):
            runs = _runs_without(length, [part.region[axis] for part in self.parts])
            share = sum(high - low for low, high in runs) / max(length, 1)
            if share > most:
                whole = [(0, n) for n in self.shape]
                most = share
                best = tuple((*whole[:axis], run, *whole[axis + 1 :]) for run in runs)
        return best

    def __str__(self) -> str:
        """The array, its damaged parts, and what is intact, a line each."""
        share = sum(math.prod(high - low for low, high in part.region) for part in self.parts)
        percent = min(100.0, 100 * share / max(math.prod(self.shape), 1))
        lines = [f"{self.where}: {percent:.3g} % of its values are damaged"]
        lines += [
            f"  {_selection_text(part.region, self.shape)} {part.message}"
            for part in self.parts[:_MOST_SHOWN]
        ]
        if len(self.parts) > _MOST_SHOWN:
            lines.append(f"  ... and {len(self.parts) - _MOST_SHOWN} more places")
        kept = [_selection_text(region, self.shape) for region in self.intact[:_MOST_SHOWN]]
        lines.append(f"  intact: {', '.join(kept) or 'no whole slice of any dimension'}")
        return printable("\n".join(lines))


def _runs_without(length: int, taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is left of a dimension."""
    runs, begin = [], 0
    for low, high in sorted(taken):
        if low > begin:
            runs.append((begin, low))
        begin = max(begin, high)
    return [*runs, (begin, length)] if begin < length else runs


def _selection_text(region: Region, shape: tuple[int, ...]) -> str:
    """A part of an array as numpy's users write it: ``[0:2, :, 5:7]``."""
    parts = [
        ":" if (low, high) == (0, n) else f"{low}:{high}"
        for (low, high), n in zip(region, shape, strict=True)
    ]
    return f"[{', '.join(parts) or '()'}]"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _DamageReport(Report):
    """What reading all of a file has shown."""

    sealed: tuple[str, ...] = ()
    unsealed: tuple[str, ...] = ()
    damaged: tuple[DamagedArray, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no damage was found."""
        return not (self.damaged or self.problems)

    def _damage(self) -> list[str]:
        return [f"  {line}" for array in self.damaged for line in str(array).splitlines()]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Verification(_DamageReport):
    """What reading every byte of a file has shown.

    Attributes
    ----------
    path : str
        The file.
    size : int
        Its bytes.
    groups, arrays : int
        How many were read.
    sealed, unsealed : tuple of str
        The experiments that were saved with ``checksum=True``, and those that were not: of these
        a change that still makes sense is not noticed.
    damaged : tuple of DamagedArray
        The arrays of which something is damaged.
    problems : tuple of Problem
        What else is damaged.
    notes : tuple of Problem
        What is in the file and was not checked, such as links to other files.
    """

    size: int = 0
    groups: int = 0
    arrays: int = 0

    def _lines(self) -> list[str]:
        verdict = "no damage found" if self.ok else "DAMAGED"
        lines = [f"{self.path}: {verdict}; {self.groups} groups and {self.arrays} arrays were read"]
        lines += self._damage()
        lines += [f"  {problem}" for problem in self.problems]
        lines += [f"  not checked: {note}" for note in self.notes]
        if self.sealed:
            lines.append(f"  sealed: {_names(self.sealed)}")
        if self.unsealed:
            lines.append(
                f"  not sealed: {_names(self.unsealed)}; a change that still makes sense goes "
                "unnoticed there"
            )
        return lines


@dataclass(frozen=True, slots=True)
class RescuedSignal:
    """A signal that is in the new file.

    Attributes
    ----------
    name : str
        Of its group there.
    title : str
        Its title.
    whole : bool
        Whether nothing of it is known to be lost or changed.
    searched : bool
        Whether it, or a part of it, was found by a search only.
    """

    name: str
    title: str
    whole: bool
    searched: bool = False

    def __str__(self) -> str:
        """Its name and how it came back."""
        how = "came back whole" if self.whole else "came back in part"
        return f"{printable_name(self.name)}: {how}{', found by a search' if self.searched else ''}"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Rescue(_DamageReport):
    """What was saved of a damaged file.

    Attributes
    ----------
    path, target : str
        The damaged file and the new one.
    signals : tuple of RescuedSignal
        What is in the new file.
    sealed, unsealed : tuple of str
        The signals that were compared with their seal, and those that have none: of these,
        damage that still makes sense is not noticed.
    damaged : tuple of DamagedArray
        The arrays of which a part is lost, and 0 now, or is not what was sealed, and kept as it
        is.
    problems : tuple of Problem
        What else is lost.
    notes : tuple of Problem
        What is to be known of what came back.
    """

    target: str
    signals: tuple[RescuedSignal, ...] = ()

    def _lines(self) -> list[str]:
        verdict = "everything" if self.ok else "not everything"
        lines = [f"{self.target}: {verdict} came back of {os.path.basename(self.path)}"]
        lines += [f"  {signal}" for signal in self.signals]
        lines += self._damage()
        lines += [f"  lost: {problem}" for problem in self.problems]
        lines += [f"  note: {note}" for note in self.notes]
        if self.unsealed:
            lines.append(
                f"  not sealed: {_names(self.unsealed)}; damage that still makes sense goes "
                "unnoticed there"
            )
        return lines


# rules


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


@dataclass(frozen=True, slots=True, repr=False)
class ValidationReport(Report):
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

    version: str = ""
    findings: tuple[Finding, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings and notes change nothing."""
        return not self.errors

    @property
    def problems(self) -> tuple[Finding, ...]:
        """Errors and warnings."""
        return self.errors + self.warnings

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

    @property
    def verdict(self) -> str:
        """How many errors, warnings and notes there are."""
        severities = {one.rule: one.severity for one in self.findings}
        totals = [
            (sum(n for rule, n in self.counts.items() if severities.get(rule) == name), name)
            for name in _SEVERITIES
        ]
        said = [f"{n} {name}{'' if n == 1 else 's'}" for n, name in totals if n]
        return ", ".join(said) or "nothing to find fault with"

    def _lines(self) -> list[str]:
        lines = [f"{self.path}: {'valid' if self.ok else 'NOT VALID'}; {self.verdict}"]
        for rule in dict.fromkeys(one.rule for one in self.findings):
            places = [one for one in self.findings if one.rule == rule]
            lines += [f"  {one}" for one in places]
            if self.counts[rule] > len(places):
                lines.append(f"    ... and {self.counts[rule] - len(places)} more places")
            lines.append(f"    why: {places[0].why}")
            lines += [f"    mend: {mend}" for mend in dict.fromkeys(one.mend for one in places)]
        return lines


# plain values


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        made = {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
        return {**made, "intact": _plain(value.intact)} if type(value) is DamagedArray else made
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


_PARTS: dict[str, Any] = {
    "damaged": DamagedArray,
    "parts": DamagedPart,
    "problems": Problem,
    "notes": Problem,
    "signals": RescuedSignal,
    "findings": Finding,
}


def _rebuilt(name: str, plain: Any) -> Any:
    if isinstance(plain, Mapping):
        kind = _PARTS.get(name)
        if kind is None:
            return dict(plain)
        known = {item.name for item in fields(kind)}
        return kind(**{key: _rebuilt(key, plain[key]) for key in known & set(plain)})
    return tuple(_rebuilt(name, one) for one in plain) if isinstance(plain, list | tuple) else plain


_SHOWN = 50
_WIDTH = 300


class Differences(Sequence[Difference]):
    """What differs between two files, in the order in which it is found.

    It is a sequence: ``for difference in report``, ``len(report)``; true if anything differs.
    Data are compared when it is first walked through, counted or printed, and once.

    Attributes
    ----------
    one, other : str
        The files.
    """

    def __init__(self, one: str, other: str, found: Iterator[Difference]) -> None:
        self.one = one
        self.other = other
        self._found: list[Difference] = []
        self._rest = found

    def __iter__(self) -> Iterator[Difference]:
        """Those known already, then the rest as they are found."""
        index = 0
        while index < len(self._found) or self._next():
            yield self._found[index]
            index += 1

    def _next(self) -> bool:
        for difference in islice(self._rest, 1):
            self._found.append(difference)
            return True
        return False

    def _all(self) -> list[Difference]:
        while self._next():
            pass
        return self._found

    @overload
    def __getitem__(self, key: int) -> Difference: ...
    @overload
    def __getitem__(self, key: slice) -> list[Difference]: ...
    def __getitem__(self, key: int | slice) -> Difference | list[Difference]:
        return self._all()[key]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._all())

    def __bool__(self) -> bool:
        """Whether anything differs; the first difference tells."""
        return bool(self._found) or self._next()

    def __eq__(self, other: object) -> bool:
        """Compare with another report or list."""
        return (
            list(self) == list(other) if isinstance(other, Differences | list) else NotImplemented
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """A line that says how many, then a line each."""
        found = self._all()
        files = f"{printable_line(self.one)} and {printable_line(self.other)}"
        if not found:
            return f"no differences between {files}"
        count = "1 difference" if len(found) == 1 else f"{len(found):,} differences"
        lines = [f"  {_line(difference)}" for difference in found[:_SHOWN]]
        more = [f"  ... and {len(found) - _SHOWN:,} more"] if len(found) > _SHOWN else []
        return "\n".join([f"{count} between {files}:", *lines, *more])


def _line(difference: Difference) -> str:
    text = printable_line(str(difference))
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
