"""gzip: HDF5's deflate filter, which every HDF5 program reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from hspyio.errors import OptionError
from hspyio.filters.codec import Codec

__all__ = ["CODEC", "DEFAULT_LEVEL", "MOST"]

DEFAULT_LEVEL = 4
MOST = 9


def _options(value: Any) -> tuple[int, ...]:
    level = DEFAULT_LEVEL if value is None else value
    if isinstance(level, (tuple, list)) and len(level) == 1:
        level = level[0]
    if isinstance(level, bool) or not isinstance(level, (int, np.integer)) or not 0 <= level <= 9:
        raise OptionError(f"compression_opts is {value!r}; gzip takes a level from 0 to 9")
    return (int(level),)


CODEC = Codec(1, "gzip", options=_options, everywhere=True)
