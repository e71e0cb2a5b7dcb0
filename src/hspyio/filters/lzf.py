"""lzf: fast, built into h5py; other HDF5 programs need a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.errors import OptionError
from hspyio.filters.codec import Bytes, Codec, library, sized

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CODEC"]

_VERSION, _LIBLZF = 4, 0x0105
"""Of the filter and of the library, as h5py writes them into a file."""


def _options(value: Any) -> tuple[int, ...]:
    if value not in (None, ()):
        raise OptionError(f"compression_opts is {value!r}; lzf takes none")
    return ()


def _stored_options(options: tuple[int, ...], itemsize: int, nbytes: int) -> tuple[int, ...]:
    return (_VERSION, _LIBLZF, nbytes)


def _decode(
    stored: Bytes, options: tuple[int, ...], size: int, out: NDArray[np.uint8] | None
) -> Bytes:
    return sized(library().lzf_decode(stored, out=size if out is None else out), size)


def _encode(plain: Bytes, options: tuple[int, ...]) -> Bytes:
    stored: bytes = library().lzf_encode(plain)
    return stored


CODEC = Codec(
    32000,
    "lzf",
    package="h5py",
    options=_options,
    resizes=True,
    decode=_decode,
    encode=_encode,
    stored_options=_stored_options,
)
