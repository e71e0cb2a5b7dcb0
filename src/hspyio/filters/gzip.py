"""gzip: HDF5's deflate filter, which every HDF5 program reads."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.errors import OptionError
from hspyio.filters.codec import Bytes, Codec, library, sized

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CODEC", "DEFAULT_LEVEL", "MOST"]

DEFAULT_LEVEL = 4
MOST = 9

# ISA-L's level 1 or 2, shuffled Poisson(3) uint16: 0.7 or 0.85 GB/s, read back at 1.1 or 1.6 GB/s;
# Poisson(100) float32: 1.75 or 1.6; random float64: 1.1 and 1.1; sparse uint8: 5 and 5 GB/s.
# Sizes beside zlib's level 4: 1.01, 0.97, 1.00 and 1.17. Counts decide: level 2.
_QUICK_LEVEL = 2

_SEGMENT = 2**17
_SAMPLES, _SAMPLE = 8, 1024
_WORTH_IT = 0.98
_MOST_STORED = 2**16 - 1
_HEAD, _TAIL = b"\x78\x01", b"\x03\x00"
"""The header of a zlib stream of the fastest level; an empty block that says it is the last."""


def _options(value: Any) -> tuple[int, ...]:
    level = DEFAULT_LEVEL if value is None else value
    if isinstance(level, (tuple, list)) and len(level) == 1:
        level = level[0]
    if isinstance(level, bool) or not isinstance(level, (int, np.integer)) or not 0 <= level <= 9:
        raise OptionError(f"compression_opts is {value!r}; gzip takes a level from 0 to 9")
    return (int(level),)


def _decode(
    stored: Bytes, options: tuple[int, ...], size: int, out: NDArray[np.uint8] | None
) -> Bytes:
    return sized(library().deflate_decode(stored, out=size if out is None else out), size)


def _encode(plain: Bytes, options: tuple[int, ...]) -> Bytes:
    level = options[0] if options else DEFAULT_LEVEL
    stored: bytes = library().deflate_encode(plain, level=min(level, MOST))
    return stored


def _quick(plain: Bytes, options: tuple[int, ...]) -> Bytes:
    """ISA-L, in segments of their own, unless the bytes compress so well that this would cost.

    The planes of a shuffled chunk have little in common: cut there, counts come out 1 % smaller.
    And noise is stored as it is. ISA-L codes random bytes too, in as many bits, and reading those
    back is slow: a stream of random floats is read twice as fast without.
    """
    isal: Any = sys.modules.get("isal.isal_zlib") or import_module("isal.isal_zlib")
    if len(plain) < _SEGMENT:
        return isal.compress(plain, _QUICK_LEVEL)  # type: ignore[no-any-return]
    data = np.frombuffer(plain, np.uint8).data
    if not _compresses_well(data, isal):
        return _in_segments(data, isal)
    stored: bytes = isal.compress(data, _QUICK_LEVEL)
    return stored


def _compresses_well(data: memoryview, isal: Any) -> bool:
    step = len(data) // _SAMPLES
    sample = b"".join(data[i * step : i * step + _SAMPLE] for i in range(_SAMPLES))
    return len(isal.compress(sample, 1)) < 0.1 * len(sample)


def _in_segments(data: memoryview, isal: Any) -> bytes:
    """A zlib stream whose segments do not refer to each other (RFC 1950, RFC 1951)."""
    parts: list[bytes | memoryview] = [_HEAD]
    for start in range(0, len(data), _SEGMENT):
        segment = data[start : start + _SEGMENT]
        stream = isal.compressobj(_QUICK_LEVEL, isal.DEFLATED, -isal.MAX_WBITS)
        made = stream.compress(segment) + stream.flush(isal.Z_SYNC_FLUSH)
        if len(made) < _WORTH_IT * len(segment):
            parts.append(made)
        else:
            parts += _as_it_is(segment)
    parts += (_TAIL, isal.adler32(data).to_bytes(4, "big"))
    return b"".join(parts)


def _as_it_is(segment: memoryview) -> Iterator[bytes | memoryview]:
    """Stored blocks: a zero byte, the length, its complement, the bytes."""
    for start in range(0, len(segment), _MOST_STORED):
        block = segment[start : start + _MOST_STORED]
        yield struct.pack("<BHH", 0, len(block), len(block) ^ _MOST_STORED)
        yield block


def _detail(options: tuple[int, ...]) -> str:
    """The level, for people."""
    return str(options[0]) if options else ""


CODEC = Codec(
    1,
    "gzip",
    options=_options,
    everywhere=True,
    resizes=True,
    decode=_decode,
    encode=_encode,
    quick=_quick,
    detail=_detail,
)
