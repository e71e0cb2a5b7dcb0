"""gzip: HDF5's deflate filter, which every HDF5 program reads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hspyio.errors import OptionError
from hspyio.filters.codec import Bytes, Codec, library, sized

__all__ = ["CODEC", "DEFAULT_LEVEL", "MOST", "detail"]

DEFAULT_LEVEL = 4
MOST = 9

# ISA-L's level 1 or 2, shuffled Poisson(3) uint16: 0.7 or 0.85 GB/s, read back at 1.1 or 1.6 GB/s;
# Poisson(100) float32: 1.75 or 1.6; random float64: 1.1 and 1.1; sparse uint8: 5 and 5 GB/s.
# Sizes beside zlib's level 4: 1.01, 0.97, 1.00 and 1.17. Counts decide: level 2.
_QUICK_LEVEL = 2


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
    from isal.isal_zlib import compress

    stored: bytes = compress(plain, _QUICK_LEVEL)
    return stored


def detail(options: tuple[int, ...]) -> str:
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
)
