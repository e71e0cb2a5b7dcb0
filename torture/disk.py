"""A disk on which the power fails: what was synced is there, of the rest whatever chance has left.

Each file is a list of writes. What a sync has waited for is there. Of later writes each sector of
512 bytes has come to the disk or not, in the state of some moment since then: a sector is written
whole, and never goes back to what it was before an older one. The length of the file is that of
some moment, too, whatever has come of the data; what was never written there reads as zeros. Names
are changed in their order or, as some file systems do, in any; those that a sync of the folder has
waited for are there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torture.recorded import Step
from torture.scene import Chance

_SECTOR = 512
_NAMING = ("name", "unname", "move")
_CHANGING = ("write", "resize")


@dataclass(frozen=True)
class Disk:
    """A folder before an operation, and what the operation does to it.

    Attributes
    ----------
    names : dict
        Name -> number of the file.
    files : dict
        Number -> content.
    steps : sequence of Step
        In their order.
    """

    names: Mapping[str, int]
    files: Mapping[int, bytes]
    steps: Sequence[Step]

    def whole(self) -> dict[str, bytes]:
        """Name -> content after all of it, with no power loss."""
        return self.after(len(self.steps), None)

    def after(self, count: int, chance: Chance | None) -> dict[str, bytes]:
        """Name -> content after a number of steps and a power loss; without chance, without."""
        steps = self.steps[:count]
        names = self._names(steps, chance)
        numbers = sorted(set(names.values()))
        found = {number: self._content(number, steps, chance) for number in numbers}
        return {name: found[number] for name, number in names.items()}

    def _names(self, steps: Sequence[Step], chance: Chance | None) -> dict[str, int]:
        certain, later = _since("sync-folder", steps)
        changes = [step for step in later if step.kind in _NAMING]
        if chance is not None and chance.randrange(2):
            changes = changes[: chance.randint(0, len(changes))]
        elif chance is not None:
            changes = [step for step in changes if chance.randrange(2)]
        names = dict(self.names)
        for step in [*certain, *changes]:
            if step.kind in ("unname", "move"):
                names.pop(step.other or step.name, None)
            if step.kind in ("name", "move"):
                names[step.name] = step.file
        return names

    def _content(self, number: int, steps: Sequence[Step], chance: Chance | None) -> bytes:
        mine = [step for step in steps if step.file == number]
        certain, later = _since("sync", mine)
        content = bytearray(self.files.get(number, b""))
        for step in certain:
            _apply(content, step)
        if chance is None:
            for step in later:
                _apply(content, step)
            return bytes(content)
        return _torn(content, [step for step in later if step.kind in _CHANGING], chance)


def _since(kind: str, steps: Sequence[Step]) -> tuple[Sequence[Step], Sequence[Step]]:
    """Up to the last sync, and after it."""
    last = max((i + 1 for i, step in enumerate(steps) if step.kind == kind), default=0)
    return steps[:last], steps[last:]


def _apply(content: bytearray, step: Step) -> None:
    end = step.place + len(step.content)
    if step.kind == "resize":
        del content[step.place :]
    if step.kind in _CHANGING and len(content) < end:
        content.extend(bytes(end - len(content)))
    if step.kind == "write":
        content[step.place : end] = step.content


def _torn(before: bytearray, later: Sequence[Step], chance: Chance) -> bytes:
    """Every sector as it was at some moment, and the length of some moment."""
    moments = _moments(later, chance)
    content = bytearray(before)
    lengths = [len(content)]
    taken: dict[int, bytes] = {}
    for moment, step in enumerate(later, 1):
        old = len(content)
        _apply(content, step)
        lengths.append(len(content))
        for sector in _sectors(step, old):
            if moments(sector) >= moment:
                start = sector * _SECTOR
                taken[sector] = bytes(content[start : start + _SECTOR])
    length = chance.choice((lengths[-1], chance.choice(lengths)))
    result = bytearray(before[:length])
    result.extend(bytes(length - len(result)))
    for sector, part in taken.items():
        start = sector * _SECTOR
        end = min(length, start + len(part))
        if start < end:
            result[start:end] = part[: end - start]
    return bytes(result)


def _sectors(step: Step, old: int) -> range:
    """Those that a step changes, in a file that was so long."""
    start, end = step.place, step.place + len(step.content)
    if step.kind == "resize":
        start, end = min(start, old), max(start, old)
    return range(start // _SECTOR, -(-end // _SECTOR))


def _moments(later: Sequence[Step], chance: Chance) -> Callable[[int], int]:
    """Sector -> how many of the later steps it has seen."""
    last = len(later)
    lost = chance.choice((0.5, 0.5, 0.1, 0.9))
    one, moment = chance.randrange(max(1, last)), chance.randint(0, last)
    changed = [sector for step in later[one : one + 1] for sector in _sectors(step, step.place)]
    only = chance.choice(changed or [0])
    way = chance.choice(
        (
            lambda sector: chance.randint(0, last),
            lambda sector: 0 if chance.random() < lost else last,
            lambda sector: 0 if sector == only else last,
            lambda sector: last if sector == only else 0,
            lambda sector: moment,
            lambda sector: last if chance.random() < lost else moment,
        )
    )
    known: dict[int, int] = {}
    return lambda sector: known.setdefault(sector, way(sector))
