"""Which pieces of memory a chunk's bytes fill, one behind the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Bounds", "Piece", "buffers_of", "pieces_of", "rows_in_place", "unwanted_bytes"]

Bounds: TypeAlias = tuple[tuple[int, int], ...]
"""First index and the one after the last, for each dimension of a chunk."""

Piece: TypeAlias = tuple[int, int]
"""Where it begins, from the part's first byte, and its length; -1 for what nobody wants."""

_UNWANTED = -1
_MOST_PIECES = 1000
"""One call of the system takes 1024."""
_MOST_ROWS = 512
_LEAST_PIECE = 4096
"""Bytes below which they are copied faster than they are read one by one."""


def pieces_of(
    chunk: tuple[int, ...], part: Bounds, strides: tuple[int, ...], itemsize: int
) -> list[Piece]:
    """The pieces that a chunk falls into, of which a part is wanted.

    Parameters
    ----------
    chunk : tuple of int
        Shape of the chunk.
    part : tuple of (int, int)
        What is wanted of it.
    strides : tuple of int
        Bytes from one item of the part to the next in memory, along each dimension.
    itemsize : int
        Bytes of an item.

    Returns
    -------
    list of (int, int)
        All of the chunk, in order; nothing where they are small, or too many.
    """
    pieces, below = [(0, itemsize)], itemsize
    for (low, high), length, stride in reversed(list(zip(part, chunk, strides, strict=True))):
        if len(pieces) * (high - low) > _MOST_PIECES and pieces != [(0, stride)]:
            return []
        pieces = _joined(
            [
                (_UNWANTED, low * below),
                *_repeated(pieces, high - low, stride),
                (_UNWANTED, (length - high) * below),
            ]
        )
        if len(pieces) > _MOST_PIECES:
            return []
        below *= length
    wanted = [size for place, size in pieces if place != _UNWANTED]
    return pieces if sum(wanted) >= _LEAST_PIECE * len(wanted) else []


def _repeated(pieces: list[Piece], count: int, stride: int) -> list[Piece]:
    """The pieces of so many indices along a dimension."""
    if pieces == [(0, stride)]:
        return [(0, stride * count)]
    return [
        (place if place == _UNWANTED else place + step * stride, size)
        for step in range(count)
        for place, size in pieces
    ]


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Without empty ones; what lies side by side is one."""
    found: list[Piece] = []
    for place, size in pieces:
        if not size:
            continue
        before, length = found[-1] if found else (0, -1)
        if length > 0 and place == (before if before == _UNWANTED else before + length):
            found[-1] = (before, length + size)
        else:
            found.append((place, size))
    return found


def buffers_of(
    pieces: list[Piece], memory: memoryview, start: int, unwanted: memoryview
) -> list[memoryview]:
    """Pieces as a call of the system takes them.

    Parameters
    ----------
    pieces : list of (int, int)
        From `pieces_of`.
    memory : memoryview
        Of bytes, in which the part lies.
    start : int
        Where in that its first byte is.
    unwanted : memoryview
        Takes what nobody wants; as long as the longest such piece.
    """
    return [
        unwanted[:size] if place == _UNWANTED else memory[start + place : start + place + size]
        for place, size in pieces
    ]


def unwanted_bytes(pieces: list[Piece]) -> int:
    """Length of the longest piece that nobody wants."""
    return max((size for place, size in pieces if place == _UNWANTED), default=0)


def rows_in_place(target: NDArray[Any], chunk: tuple[int, ...]) -> list[memoryview]:
    """The pieces of memory that a whole chunk fills in order; none where they are small."""
    if target.shape != chunk:
        return []
    rows, length = 1, target.itemsize
    outer = list(target.shape)
    while outer and (outer[-1] == 1 or target.strides[len(outer) - 1] == length):
        length *= outer.pop()
    rows = math.prod(outer)
    if rows > _MOST_ROWS or (rows > 1 and length < _LEAST_PIECE):
        return []
    inner = (slice(None),) * (target.ndim - len(outer))
    return [
        target[(*place, ..., *inner)].reshape(-1).view(np.uint8).data
        for place in np.ndindex(*outer)
    ]
