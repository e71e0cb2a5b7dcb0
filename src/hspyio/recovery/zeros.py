"""Blocks of zeros among other values: all there is to see of damage to what has no checksum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCK", "zero_blocks"]

BLOCK = 512
"""Bytes that drives and file systems lose at least, at a multiple of that."""
_LEAST = 64


def zero_blocks(content: NDArray[np.uint8], place: int) -> tuple[int, int]:
    """Count the blocks of a part of a file that hold nothing but zeros, and all blocks."""
    first = min(-place % BLOCK, content.size)
    count = (content.size - first) // BLOCK
    whole = content[first : first + count * BLOCK].reshape(count, BLOCK)
    zeros = int(count - np.count_nonzero(whole.any(axis=1)))
    for piece in (content[:first], content[first + count * BLOCK :]):
        if piece.size >= _LEAST:
            zeros += not piece.any()
            count += 1
    return zeros, count
