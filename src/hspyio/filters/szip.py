"""szip: where the HDF5 build has it."""

from __future__ import annotations

from typing import Any

from hspyio.errors import OptionError
from hspyio.filters.codec import Codec

__all__ = ["CODEC"]

_CODINGS = {"ec": 4, "nn": 32}
_DEFAULT = ("nn", 8)


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


CODEC = Codec(4, "szip", package="an HDF5 build with szip", options=_options)
