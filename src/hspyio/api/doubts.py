"""What a rescue brought back and cannot vouch for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hspyio.recovery.losses import Losses, Region

__all__ = ["doubts"]

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
