"""What `diff` returns: the differences, found as they are asked for, and printed as a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import overload

from hspyio.compare import Difference
from hspyio.printable import printable_line

__all__ = ["Differences"]

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
