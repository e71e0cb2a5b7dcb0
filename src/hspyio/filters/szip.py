"""szip: where the HDF5 build has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.errors import OptionError
from hspyio.filters.codec import Bytes, Codec, library
from hspyio.filters.shuffle import merge

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CODEC"]

_CODINGS = {"ec": 4, "nn": 32}
_DEFAULT = ("nn", 8)
_HEADER = 4
_LONGEST_LINE = 4096


def _options(value: Any) -> tuple[int, ...]:
    try:
        coding, pixels = _DEFAULT if value is None else value
        valid = coding in _CODINGS and 0 < pixels <= 32 and pixels % 2 == 0
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise OptionError(
            f"compression_opts is {value!r}; szip takes ('ec' or 'nn', an even number up to 32)"
        )
    return (_CODINGS[coding], int(pixels))


def _decode(
    stored: Bytes, options: tuple[int, ...], size: int, out: NDArray[np.uint8] | None
) -> Bytes:
    if len(options) != 4:
        raise ValueError(f"the parameters of szip are {options}, expected four")
    coding, block, bits, line = options
    planes = bits // 8 if bits in (32, 64) else 1
    if not 0 < block <= line <= _LONGEST_LINE or size % max(planes, _width(bits)):
        raise ValueError(f"szip cannot have {options} for {size} bytes")
    data = np.frombuffer(stored, np.uint8)
    announced = int.from_bytes(data[:_HEADER].tobytes(), "little")
    if announced != size or len(data) < _HEADER:
        raise ValueError(f"the szip header announces {announced} bytes, expected {size}")
    pixels = _pixels(data[_HEADER:], (coding, block, 8 if planes > 1 else bits, line), size)
    if planes == 1:
        return pixels
    result = np.empty(size, np.uint8) if out is None else out
    merge(pixels.reshape(planes, -1), result.view(f"V{planes}"))
    return result


def _pixels(
    data: NDArray[np.uint8], options: tuple[int, int, int, int], size: int
) -> NDArray[np.uint8]:
    """Decode pixels of up to 16 bits, or the bytes of longer ones, plane by plane.

    Lines are made up to whole blocks. libaec can take that and the planes back itself, but then
    hands out memory that it has not written where the data end early.
    """
    coding, block, bits, line = options
    width = _width(bits)
    full = -(-line // block) * block
    lines, last = divmod(size // width, line)
    needed = (lines * full + last if last else (lines - 1) * full + line) * width
    pixels = np.empty(((lines + bool(last)), full * width), np.uint8)
    decoded = library().szip_decode(data, coding, block, bits, full, out=pixels.reshape(-1))
    if len(decoded) < needed:
        raise ValueError(f"szip ended after {len(decoded)} of {needed} bytes")
    return pixels[:, : line * width].reshape(-1)[:size]


def _width(bits: int) -> int:
    """Bytes that libaec takes for a pixel."""
    return 1 if bits <= 8 else 2 if bits <= 16 else 4


CODEC = Codec(
    4, "szip", package="an HDF5 build with szip", options=_options, resizes=True, decode=_decode
)
