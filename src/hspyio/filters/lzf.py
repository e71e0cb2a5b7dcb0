"""lzf: fast, built into h5py; other HDF5 programs need a plugin."""

from __future__ import annotations

from typing import Any

from hspyio.errors import OptionError
from hspyio.filters.codec import Codec

__all__ = ["CODEC"]


def _options(value: Any) -> tuple[int, ...]:
    if value is not None:
        raise OptionError(f"compression_opts is {value!r}; lzf takes none")
    return ()


CODEC = Codec(32000, "lzf", package="h5py", options=_options)
