"""What came back of the arrays of a damaged file, and what did not."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

__all__ = ["Losses", "Region"]

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
