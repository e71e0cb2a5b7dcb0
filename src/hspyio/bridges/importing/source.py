"""One file of another format: its signals, and lazily the same again when its turn has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hspyio.bridges.importing.blocks import block_shape, in_blocks, is_cut, takes_chunks
from hspyio.bridges.importing.readers import Reader, read_signals
from hspyio.errors import ConversionError
from hspyio.model.signal import Signal
from hspyio.records import record

__all__ = ["Reopened", "signals_in"]


def signals_in(
    path: str,
    readers: Sequence[Reader],
    options: Mapping[str, Any],
    unit: tuple[int, ...] | None = None,
) -> list[Signal]:
    """The signals of a file, their data in blocks that are good to read and to write."""
    signals, reader = read_signals(path, readers, options)
    if len(signals) == 1 and "chunks" not in options and is_cut(signals[0]):
        signals = _cut_by_reader(path, reader, options, signals[0], unit)
    for signal in signals:
        signal.data = in_blocks(signal, unit)
    return signals


def _cut_by_reader(
    path: str,
    reader: Reader,
    options: Mapping[str, Any],
    signal: Signal,
    unit: tuple[int, ...] | None,
) -> list[Signal]:
    """What the reader gives when it is told how to cut the data; as it was where that is no use."""
    if not takes_chunks(reader.function()):
        return [signal]
    dims = [i for i, axis in enumerate(signal.axes) if not axis.navigate]
    asked = unit if unit is not None and len(unit) == signal.data.ndim else None
    block = block_shape(signal.data.shape, signal.data.dtype.itemsize, dims, asked)
    try:
        again, _ = read_signals(path, [reader], {**options, "chunks": block})
    except ConversionError:
        return [signal]
    fits = len(again) == 1 and again[0].data.shape == signal.data.shape
    return again if fits and not is_cut(again[0]) else [signal]


@record
class Reopened:
    """The data of one signal of a file that is open only while it is read: for one of many.

    Attributes
    ----------
    path, readers, options
        As for `signals_in`.
    number : int
        The signal.
    shape : tuple of int
    dtype : numpy dtype
    """

    path: str
    readers: Sequence[Reader]
    options: Mapping[str, Any]
    number: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def ndim(self) -> int:
        """How many dimensions it has."""
        return len(self.shape)

    def __getitem__(self, selection: Any) -> np.ndarray[Any, Any]:
        """Read a part."""
        signals, _ = read_signals(self.path, self.readers, self.options)
        part = signals[self.number].data[selection]
        return np.asarray(part.compute(scheduler="sync") if hasattr(part, "dask") else part)
