"""What a rescue has brought back, and what not."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from hspyio.api.verify import DamagedArray
from hspyio.errors import Problem
from hspyio.printable import printable

__all__ = ["Rescue", "RescuedSignal"]


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
        return printable(f"{self.name}: {how}{', found by a search' if self.searched else ''}")


@dataclass(frozen=True, slots=True)
class Rescue:
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

    path: str
    target: str
    signals: tuple[RescuedSignal, ...]
    sealed: tuple[str, ...] = ()
    unsealed: tuple[str, ...] = ()
    damaged: tuple[DamagedArray, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything came back, as far as can be told."""
        return not (self.damaged or self.problems)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, which JSON can hold."""
        made = asdict(self)
        for array, node in zip(made["damaged"], self.damaged, strict=True):
            array["intact"] = node.intact
        return {**made, "complete": self.complete}

    def __repr__(self) -> str:
        """The verdict, the signals, then what is lost, a line each."""
        verdict = "everything" if self.complete else "not everything"
        lines = [f"{self.target}: {verdict} came back of {os.path.basename(self.path)}"]
        lines += [f"  {signal}" for signal in self.signals]
        lines += [f"  {line}" for array in self.damaged for line in str(array).splitlines()]
        lines += [f"  lost: {problem}" for problem in self.problems]
        lines += [f"  note: {note}" for note in self.notes]
        if self.unsealed:
            lines.append(
                f"  not sealed: {', '.join(self.unsealed)}; damage that still makes sense goes "
                "unnoticed there"
            )
        return printable("\n".join(lines))
