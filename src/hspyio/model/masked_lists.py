"""Lists that hold masked arrays -> one masked array: numpy's own ways drop what is masked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["stacked"]


def stacked(value: Any) -> Any:
    """The masked array that nested lists make, or ``None`` where nothing in them is masked."""
    if "numpy.ma" not in sys.modules:  # before it is imported, no value can be masked
        return None
    found = list(_masked_in(value))
    if not found:
        return None
    made: Any = _joined(value)
    known = [part for part in found if part is not np.ma.masked]
    fills = {np.asarray(part.fill_value, made.dtype).tobytes() for part in known}
    if len(fills) == 1:
        made.fill_value = known[0].fill_value
    return made


def _masked_in(value: Any) -> Iterator[Any]:
    if isinstance(value, np.ma.MaskedArray):
        yield value
    elif isinstance(value, (list, tuple)):
        kinds = set(map(type, value))  # quick: of a million numbers it is one
        wanted = tuple(kind for kind in kinds if issubclass(kind, (list, tuple, np.ma.MaskedArray)))
        for part in value if wanted else ():
            if type(part) in wanted:
                yield from _masked_in(part)


def _joined(value: Any) -> Any:
    if isinstance(value, (list, tuple)) and any(True for _ in _masked_in(value)):
        return np.ma.stack([np.ma.asarray(_joined(part)) for part in value])
    return value if isinstance(value, np.ma.MaskedArray) else np.asarray(value)
