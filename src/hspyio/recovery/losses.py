"""What came back of the arrays of a damaged file, and what did not."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Losses", "Region", "doubts"]

Region = tuple[tuple[int, int], ...]
"""First index and the one after the last, for each dimension."""


class Losses:
    """Notes what is lost, from any thread; arrays are known by their paths.

    Attributes
    ----------
    reached : set of int
        Addresses of the objects that were reached in the file.
    lost : dict
        Path of an array -> part -> what is wrong with it.
    shapes : dict
        Path of an array -> its shape.
    sums : dict
        Path of an array -> place of a chunk in its grid -> checksum of what stands in the file.
    by_order : dict
        Path of an array -> places in its grid of chunks which nothing but their order in the
        file tells.
    zeros : dict
        Path of an array -> part that nothing checks -> how many blocks of zeros it holds.
    blocks : dict
        Path of an array -> blocks of all parts that nothing checks.
    """

    def __init__(self) -> None:
        self.reached: set[int] = set()
        self.lost: dict[str, dict[Region, str]] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.sums: dict[str, dict[int, int]] = {}
        self.by_order: dict[str, set[int]] = {}
        self.zeros: dict[str, dict[Region, int]] = {}
        self.blocks: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(
        self,
        where: str,
        lost: Iterable[tuple[Region, str]],
        sums: Iterable[tuple[int, int]] = (),
        by_order: Iterable[int] = (),
        zeros: Mapping[Region, int] | None = None,
        blocks: int = 0,
    ) -> None:
        """Note what a reading has shown of an array, and what it has left in doubt."""
        with self._lock:
            self.lost.setdefault(where, {}).update(lost)
            self.sums.setdefault(where, {}).update(sums)
            self.by_order.setdefault(where, set()).update(by_order)
            self.zeros.setdefault(where, {}).update(zeros or {})
            self.blocks[where] = self.blocks.get(where, 0) + blocks


_BY_ORDER = (
    "of its chunks were put where they belong by their order in the file, as its index is damaged: "
    "right if it was written from first to last, as it mostly is"
)
_ZEROS = (
    "of its chunks hold blocks of zeros among other values, as broken drives leave them; nothing "
    "tells whether they were zero before; kept as they are:"
)
_USUAL = 0.05
"""Share of blocks of zeros above which an array is one that has many."""
_MOST_LISTED = 100


def doubts(losses: Losses) -> Iterator[tuple[str, str]]:
    """Tell which arrays came back by a guess, or may be damaged without a trace."""
    for place, numbers in losses.by_order.items():
        if numbers:
            yield place, f"{len(numbers)} {_BY_ORDER}"
    for place, zeros in losses.zeros.items():
        if zeros and sum(zeros.values()) <= _USUAL * losses.blocks[place]:
            yield place, f"{len(zeros)} {_ZEROS} {_listed(list(zeros))}"


def _listed(regions: list[Region]) -> str:
    shown = [
        "[" + ", ".join(f"{low}:{high}" for low, high in region) + "]"
        for region in sorted(regions)[:_MOST_LISTED]
    ]
    more = len(regions) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
