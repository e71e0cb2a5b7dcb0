"""zstd: smaller than gzip and read faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.errors import OptionError
from hspyio.filters.codec import Bytes, Codec, library, sized
from hspyio.filters.plugins import plain_options

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CODEC"]

_DEFAULT, _LEAST, _MOST = 3, -131072, 22
_WORD = 1 << 32
"""Client data are unsigned: a negative level stands as its two's complement."""


def _options(value: Any) -> tuple[int, ...]:
    if value is None:
        return (_DEFAULT,)
    numbers = plain_options(value)
    if len(numbers) > 1 or not all(_LEAST <= _signed(number) <= _MOST for number in numbers):
        raise OptionError(
            f"compression_opts is {value!r}; zstd takes a level from {_LEAST} to {_MOST}"
        )
    return tuple(number % _WORD for number in numbers)


def _signed(number: int) -> int:
    return number - _WORD if _WORD // 2 <= number < _WORD else number


def _decode(
    stored: Bytes, options: tuple[int, ...], size: int, out: NDArray[np.uint8] | None
) -> Bytes:
    return sized(library().zstd_decode(stored, out=size if out is None else out), size)


def _encode(plain: Bytes, options: tuple[int, ...]) -> Bytes:
    level = _signed(options[0]) if options else _DEFAULT
    level = level if level >= 0 else 1  # imagecodecs has no faster one
    stored: bytes = library().zstd_encode(plain, level=level)
    return stored


CODEC = Codec(
    32015,
    "zstd",
    package="hdf5plugin",
    options=_options,
    resizes=True,
    decode=_decode,
    encode=_encode,
)
