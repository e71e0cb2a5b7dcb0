"""Python value <-> Node: one kind of value, one file, listed in one ordered tuple.

To add a kind: a file with an ``ELEMENT``, a line below, a row in ``tests/support/cases.py``.
"""

from __future__ import annotations

from hspyio.converters import (
    arrays,
    binary,
    dask_arrays,
    datetimes,
    mappings,
    masked,
    none,
    pandas_times,
    quantities,
    ragged,
    ranges,
    sequences,
    signals,
    text_values,
)
from hspyio.converters import scalars as numbers
from hspyio.converters import string_arrays as text_arrays
from hspyio.converters import strings as text
from hspyio.converters.converter import Element

__all__ = ["ELEMENTS"]

ELEMENTS: tuple[Element, ...] = (
    none.ELEMENT,
    *numbers.ELEMENTS,
    text.ELEMENT,
    binary.ELEMENT,
    *text_values.ELEMENTS,
    *datetimes.ELEMENTS,
    *pandas_times.ELEMENTS,
    *quantities.ELEMENTS,
    mappings.ELEMENT,
    *sequences.ELEMENTS,
    ranges.ELEMENT,
    signals.ELEMENT,
    *masked.ELEMENTS,
    *arrays.ELEMENTS,
    *text_arrays.ELEMENTS,
    ragged.ELEMENT,
    dask_arrays.ELEMENT,
)
