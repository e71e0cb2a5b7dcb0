"""Python value <-> Node: one kind of value, one file, listed in one ordered tuple.

To add a kind: a file with an ``ELEMENT``, a line below, a row in ``tests/support/cases.py``.
"""

from __future__ import annotations

from hspyio.converters import (
    arrays,
    containers,
    datetimes,
    masked,
    pandas_times,
    quantities,
    ragged,
    scalars,
    signals,
    string_arrays,
    stringified,
    strings,
)
from hspyio.converters.converter import Element

__all__ = ["ELEMENTS"]

ELEMENTS: tuple[Element, ...] = (
    *scalars.ELEMENTS,
    strings.ELEMENT,
    *stringified.ELEMENTS,
    *datetimes.ELEMENTS,
    *pandas_times.ELEMENTS,
    *quantities.ELEMENTS,
    *containers.ELEMENTS,
    signals.ELEMENT,
    *masked.ELEMENTS,
    *arrays.ELEMENTS,
    *string_arrays.ELEMENTS,
    ragged.ELEMENT,
    arrays.DASK_ELEMENT,
)
