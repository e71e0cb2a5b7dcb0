"""blosc: a shuffle and one of several compressors, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.errors import OptionError
from hspyio.filters.codec import Bytes, Codec, library, sized
from hspyio.filters.plugins import plain_options

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CODEC", "decode", "details"]

_FILTER_VERSION, _FORMAT_VERSION = 2, 2
_COMPRESSORS = ("blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd")
_HEADER = 16
_OWN = 4
"""Client data that the filter fills in itself: two versions, item size, bytes of a chunk."""
_BARE = (5, 1, 0)
"""Level, shuffle and compressor where a file gives none."""
_DEFAULT = (5, 1, 1)
_MOST = (9, 2, len(_COMPRESSORS) - 1)
_LARGEST_ITEM = 255
_ZSTD = _COMPRESSORS.index("zstd")
_BLOCK, _SMALL_BLOCKS = 2**18, 4
"""Bytes of a block for Zstd, up to the level from which Blosc itself takes as many: its blocks of
32 KB take half as long again to write and to read, and compress less."""


def _options(value: Any) -> tuple[int, ...]:
    """Client data; a single number is a level."""
    if value is None:
        return (0,) * _OWN + _DEFAULT
    numbers = plain_options(value)
    if numbers and np.ndim(value) == 0:
        numbers = (0,) * _OWN + numbers + _DEFAULT[1:]
    chosen = numbers[_OWN:]
    fits = len(chosen) <= len(_MOST) and min(numbers, default=0) >= 0
    if not fits or any(number > most for number, most in zip(chosen, _MOST, strict=False)):
        raise OptionError(
            f"compression_opts is {value!r}; blosc takes a level from 0 to 9, or "
            "(0, 0, 0, 0, level, 0 to 2 for the shuffle, 0 to 5 for the compressor)"
        )
    return numbers


def _stored_options(options: tuple[int, ...], itemsize: int, nbytes: int) -> tuple[int, ...]:
    itemsize = itemsize if itemsize <= _LARGEST_ITEM else 1
    return (_FILTER_VERSION, _FORMAT_VERSION, itemsize, nbytes, *options[_OWN:])


def details(options: tuple[int, ...]) -> tuple[int, ...]:
    """Level, shuffle and compressor, with the filter's own defaults for what a file leaves out."""
    given = options[_OWN : _OWN + len(_BARE)]
    return given + _BARE[len(given) :]


def _detail(options: tuple[int, ...]) -> str:
    """Compressor and level, for people."""
    level, _, compressor = details(options)
    return f"{_COMPRESSORS[compressor]} {level}" if compressor < len(_COMPRESSORS) else ""


def _decode(
    stored: Bytes, options: tuple[int, ...], size: int, out: NDArray[np.uint8] | None
) -> Bytes:
    return decode(stored, size, out)


def decode(stored: Bytes, size: int, out: NDArray[np.uint8] | None, threads: int = 1) -> Bytes:
    """Decode a frame, its blocks on some threads.

    Blosc is not told where its input ends: it believes the header, and keeps to that.
    """
    if len(stored) < _HEADER:
        raise ValueError(f"{len(stored)} bytes are too few for blosc")
    announced, _, end = (int(word) for word in np.frombuffer(stored, "<u4", 3, 4))
    if announced != size or end > len(stored):
        raise ValueError(
            f"the blosc header announces {announced} bytes from {end}; "
            f"expected {size} from {len(stored)}"
        )
    made = library().blosc_decode(stored, numthreads=threads, out=size if out is None else out)
    return sized(made, size)


def _encode(plain: Bytes, options: tuple[int, ...]) -> Bytes:
    level, shuffle, compressor = details(options)
    itemsize = options[2] if len(plain) % options[2] == 0 else 1
    enlarged = compressor == _ZSTD and level < _SMALL_BLOCKS
    stored: bytes = library().blosc_encode(
        np.frombuffer(plain, f"V{itemsize}"),  # imagecodecs goes by the type alone
        level=level,
        compressor=_COMPRESSORS[compressor],
        shuffle=shuffle,
        typesize=itemsize,
        blocksize=_BLOCK if enlarged else None,
        numthreads=1,
    )
    return stored


CODEC = Codec(
    32001,
    "blosc",
    package="hdf5plugin",
    options=_options,
    resizes=True,
    decode=_decode,
    encode=_encode,
    stored_options=_stored_options,
    detail=_detail,
)
