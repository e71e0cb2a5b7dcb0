"""Python value <-> Node: one kind of value, one file, listed in one ordered tuple.

To add a kind: its converter in the file of its family, a row in ``tests/support/cases.py``.
"""

from __future__ import annotations

from hspyio.converters import (
    arrays,
    containers,
    datetimes,
    masked,
    quantities,
    ragged,
    scalars,
    signals,
    stringified,
    strings,
)
from hspyio.converters.converter import Converter

__all__ = ["CONVERTERS"]

CONVERTERS: tuple[Converter, ...] = (
    *scalars.CONVERTERS,
    strings.CONVERTER,
    *stringified.CONVERTERS,
    *datetimes.CONVERTERS,
    *quantities.CONVERTERS,
    *containers.CONVERTERS,
    signals.CONVERTER,
    *masked.CONVERTERS,
    *arrays.CONVERTERS,
    ragged.CONVERTER,
    arrays.DASK_CONVERTER,
)
