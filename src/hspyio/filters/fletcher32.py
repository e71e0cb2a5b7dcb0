"""fletcher32: a checksum a chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hspyio.filters.codec import Bytes, Codec, library

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CODEC"]

_BYTES = 4


def _decode(
    stored: Bytes, options: tuple[int, ...], size: int, out: NDArray[np.uint8] | None
) -> Bytes:
    data = np.frombuffer(stored, np.uint8)
    if len(data) != size + _BYTES:
        raise ValueError(f"{len(data)} bytes, expected {size} and a checksum of {_BYTES}")
    computed = library().h5checksum_fletcher32(data[:size])
    kept = int.from_bytes(data[size:].tobytes(), "little")
    if kept not in (computed, _swapped(computed)):
        raise ValueError(f"the checksum is {computed:08x}, expected {kept:08x}")
    return data[:size]


def _swapped(checksum: int) -> int:
    """The same as HDF5 1.6.2 and older wrote it: the bytes of both halves the other way round."""
    return (checksum & 0x00FF00FF) << 8 | (checksum & 0xFF00FF00) >> 8


def _encode(plain: Bytes, options: tuple[int, ...]) -> Bytes:
    data = np.frombuffer(plain, np.uint8)
    checksum = library().h5checksum_fletcher32(data)
    return np.append(data, np.frombuffer(checksum.to_bytes(_BYTES, "little"), np.uint8))


CODEC = Codec(3, "fletcher32", everywhere=True, grows=_BYTES, decode=_decode, encode=_encode)
