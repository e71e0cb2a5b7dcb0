"""Python value <-> Node: one kind of value, one file, listed in one ordered tuple.

To add a kind: a file with an ``ELEMENT``, a line below, a row in ``tests/elements/cases.py``.
"""

from __future__ import annotations

from hspyio.elements import (
    arrays,
    binary,
    dask_arrays,
    datetimes,
    mappings,
    masked,
    none,
    numbers,
    pandas_times,
    quantities,
    ragged,
    ranges,
    sequences,
    signals,
    text,
    text_arrays,
    text_values,
)
from hspyio.elements.element import Element

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
