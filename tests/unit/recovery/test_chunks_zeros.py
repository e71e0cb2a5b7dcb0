"""Blocks of zeros in a part of a file."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hspyio.recovery.chunks import DRIVE_BLOCK as BLOCK
from hspyio.recovery.chunks import zero_blocks


@pytest.mark.parametrize("place", [0, 1, 64, 300, BLOCK, 7 * BLOCK + 511])
@pytest.mark.parametrize("size", [0, 10, 63, 64, 511, 512, 5000])
def test_every_block_that_was_zeroed_is_counted(place: int, size: int) -> None:
    content = np.ones(size, np.uint8)
    zeros, count = zero_blocks(content, place)
    assert not zeros
    edges = [n for n in range(place, place + size) if n % BLOCK == 0]
    bounds = [place, *(n for n in edges if n > place), place + size]
    pieces = [(a, b) for a, b in itertools.pairwise(bounds) if b - a >= 64]
    assert count == len(pieces)
    for low, high in pieces:
        changed = content.copy()
        changed[low - place : high - place] = 0
        assert zero_blocks(changed, place) == (1, count)


def test_zeros_across_two_blocks_are_none() -> None:
    content = np.ones(4 * BLOCK, np.uint8)
    content[300 : 300 + BLOCK] = 0
    assert zero_blocks(content, 0) == (0, 4)
