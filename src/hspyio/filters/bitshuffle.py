"""bitshuffle: bits of equal significance side by side, and LZ4 or Zstd, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hspyio.filters.codec import Bytes, Codec, library, sized
from hspyio.filters.lz4 import HEADER, parts
from hspyio.filters.plugins import plain_options

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CODEC"]

_COMPRESSORS = {2: "lz4", 3: "zstd"}
_TOGETHER = 8
"""Elements whose bits are shuffled together; what is left over at the end stays as it is."""


def _detail(options: tuple[int, ...]) -> str:
    """The compressor, for people."""
    return _COMPRESSORS.get(_compressor(options), "")


def _compressor(options: tuple[int, ...]) -> int:
    return options[4] if len(options) > 4 else 0


def _decode(
    stored: Bytes, options: tuple[int, ...], size: int, out: NDArray[np.uint8] | None
) -> Bytes:
    itemsize = options[2] if len(options) > 2 else 0
    if itemsize < 1 or size % itemsize:
        raise ValueError(f"bitshuffle of items of {itemsize} bytes cannot give {size} bytes")
    compressor = _compressor(options)
    if compressor in _COMPRESSORS:
        shuffled, block = _decompressed(stored, _COMPRESSORS[compressor], itemsize, size)
    elif compressor:
        raise ValueError(f"bitshuffle has no compressor {compressor}")
    else:
        shuffled = np.frombuffer(sized(stored, size), np.uint8)
        block = options[3] if len(options) > 3 else 0
    result = np.empty(size, np.uint8) if out is None else out
    item = f"V{itemsize}"
    library().bitshuffle_decode(shuffled.view(item), blocksize=block, out=result.view(item))
    return result


def _decompressed(
    stored: Bytes, compressor: str, itemsize: int, size: int
) -> tuple[NDArray[np.uint8], int]:
    """The shuffled bytes, and the elements a block has."""
    source = np.frombuffer(stored, np.uint8).data
    announced = int.from_bytes(source[:8], "big")
    block = int.from_bytes(source[8:HEADER], "big") // itemsize
    if announced != size or not block or block % _TOGETHER:
        raise ValueError(
            f"the bitshuffle header announces {announced} bytes in blocks of {block} items; "
            f"expected {size} bytes"
        )
    rest = size // itemsize % _TOGETHER * itemsize
    shuffled = np.empty(size, np.uint8)
    last = _decode_blocks(source, compressor, shuffled.data[: size - rest], block * itemsize)
    shuffled[size - rest :] = np.frombuffer(sized(source[last:], rest), np.uint8)
    return shuffled, block


def _decode_blocks(source: memoryview, compressor: str, target: memoryview, step: int) -> int:
    """Decode all blocks; return where the last one ends."""
    if not target:
        return HEADER
    blocks = list(parts(source, -(-len(target) // step)))
    if compressor == "zstd":
        frames = b"".join(source[block] for block in blocks)
        made = len(library().zstd_decode(frames, out=target))
    else:
        made = _decode_lz4(source, blocks, target, step)
    if made != len(target):
        raise ValueError(f"decoded to {made} bytes, expected {len(target)}")
    last: int = blocks[-1].stop
    return last


def _decode_lz4(source: memoryview, blocks: list[slice], target: memoryview, step: int) -> int:
    """Decode whole blocks in one call, several times faster than one by one.

    They look like those of the lz4 filter, which takes one of its decoded length for plain.
    """
    whole = len(target) // step
    if any(block.stop - block.start == step for block in blocks[:whole]):
        whole = 0
    made = 0
    if whole:
        end = whole * step
        header = end.to_bytes(8, "big") + step.to_bytes(4, "big")
        together = header + source[HEADER : blocks[whole - 1].stop]
        made = len(library().lz4h5_decode(together, out=target[:end]))
    for index in range(whole, len(blocks)):
        out = target[index * step : (index + 1) * step]
        made += len(library().lz4_decode(source[blocks[index]], out=out))
    return made


CODEC = Codec(
    32008,
    "bitshuffle",
    package="hdf5plugin",
    options=plain_options,
    resizes=True,
    decode=_decode,
    detail=_detail,
)
