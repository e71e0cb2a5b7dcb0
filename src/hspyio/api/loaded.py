"""Whether the data of a signal are still those that it was loaded with, without comparing them."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["Loaded"]

_SAMPLES = 64


class Loaded:
    """The data that a signal was loaded with: not kept in memory by this, and not read again."""

    __slots__ = ("_data", "_sample")

    def __init__(self, data: Any) -> None:
        self._data: Callable[[], Any]
        try:
            self._data = weakref.ref(data)
        except TypeError:  # dask's arrays know no weak references, and hold no values
            self._data = lambda: data
        self._sample = _sample(data)

    def change(self, data: Any) -> str:
        """What has become of the data; ``""`` where nothing is known of a change.

        A few values are looked at; one that is changed in place elsewhere is not noticed.
        """
        if self._data() is not data:
            return "the data of the signal have been replaced since it was loaded"
        if _sample(data) != self._sample:
            return "the data of the signal have been changed since it was loaded"
        return ""


def _sample(data: Any) -> bytes:
    """Some values of an array in memory, from all over it."""
    if not isinstance(data, np.ndarray) or data.dtype.hasobject or not data.size:
        return b""
    flat = np.asarray(data).reshape(-1) if data.flags.c_contiguous else np.asarray(data).flat
    return bytes(flat[:: -(-data.size // _SAMPLES)].tobytes())
