"""lz4: very fast, and compresses little."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hspyio.filters.codec import Bytes, Codec, library, sized
from hspyio.filters.plugins import plain_options

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CODEC", "HEADER", "parts"]

HEADER = 12
"""Bytes of all data, eight, and of a block, four."""
_LENGTH = 4


def parts(source: memoryview, count: int) -> Iterator[slice]:
    """Where the blocks are, each after its length."""
    stop = HEADER
    for _ in range(count):
        start = stop + _LENGTH
        stop = start + int.from_bytes(source[stop:start], "big")
        if not start < stop <= len(source):
            raise ValueError("a block goes beyond the end of its chunk")
        yield slice(start, stop)


def _decode(
    stored: Bytes, options: tuple[int, ...], size: int, out: NDArray[np.uint8] | None
) -> Bytes:
    source = np.frombuffer(stored, np.uint8).data
    announced = int.from_bytes(source[:8], "big")
    step = int.from_bytes(source[8:HEADER], "big")
    if announced != size or not step:
        raise ValueError(f"the lz4 header announces {announced} bytes, expected {size}")
    result = np.empty(size, np.uint8) if out is None else out
    decode = library().lz4_decode  # lz4h5_decode of 2024 fails where the last block is plain
    for index, part in enumerate(parts(source, -(-size // step))):
        block = result.data[index * step : (index + 1) * step]
        if part.stop - part.start == len(block):
            block[:] = source[part]
        else:
            sized(decode(source[part], out=block), len(block))
    return result


CODEC = Codec(
    32004, "lz4", package="hdf5plugin", options=plain_options, resizes=True, decode=_decode
)
