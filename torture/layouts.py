"""Signals of every layout and codec, each written into a file, new or not."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import hspyio
from torture.samples import exchange, made

_SHAPE = (20, 30, 64)
_CHUNKS = (4, 30, 64)


def _plain() -> hspyio.Signal:
    return made("Layout", 7, _SHAPE)


def _written(make: Callable[[], hspyio.Signal], options: dict[str, Any], path: Path) -> None:
    """As a new file, or into one that is there."""
    (hspyio.append if os.path.exists(path) else hspyio.save)(path, make(), **options)


def _by_writer(options: dict[str, Any], path: Path) -> None:
    """With what only RosettaSciIO's interface offers."""
    hspyio.file_writer(path, exchange(_plain()), chunks=_CHUNKS, mode="a", **options)


def _plugin(name: str, **options: Any) -> Callable[[Path], object]:
    import hdf5plugin

    codec = getattr(hdf5plugin, name)(**options)
    return partial(_written, _plain, {"chunks": _CHUNKS, "compression": codec})


def _saved(make: Callable[[], hspyio.Signal] = _plain, **options: Any) -> Callable[[Path], object]:
    return partial(_written, make, options)


def _ragged() -> hspyio.Signal:
    data = np.empty(200, dtype=object)
    for i in range(200):
        data[i] = np.arange(i, dtype=float)
    return hspyio.Signal(data, signal_dimension=0, metadata={"General": {"title": "Ragged"}})


def _with(value: object) -> hspyio.Signal:
    signal = made("Values", 3)
    signal.metadata["value"] = value
    return signal


def _late() -> hspyio.Signal:
    import dask
    import dask.array

    dask.config.set(scheduler="threads")
    signal = _plain()
    signal.data = dask.array.from_array(signal.data, chunks=_CHUNKS) + 0
    return signal


LAYOUTS: dict[str, Callable[[Path], object]] = {
    "contiguous": _saved(compression=None),
    "chunked": _saved(compression=None, chunks=_CHUNKS),
    "compact": _saved(lambda: hspyio.Signal(np.arange(10.0)), compression=None),
    "gzip": _saved(chunks=_CHUNKS),
    "many-chunks": _saved(chunks=(1, 2, 16)),
    "gzip-9": _saved(chunks=_CHUNKS, compression_opts=9),
    "gzip-plain": _saved(chunks=_CHUNKS, shuffle=False),
    "lzf": _saved(chunks=_CHUNKS, compression="lzf"),
    "szip": _saved(chunks=_CHUNKS, compression="szip"),
    "blosc": _plugin("Blosc"),
    "blosc2": _plugin("Blosc2"),
    "zstd": _plugin("Zstd"),
    "lz4": _plugin("LZ4"),
    "bitshuffle": _plugin("Bitshuffle"),
    "scaleoffset": partial(_by_writer, {"scaleoffset": 0, "compression": None}),
    "fletcher32": partial(_by_writer, {"fletcher32": True}),
    "maxshape": partial(_by_writer, {"maxshape": (None, 30, 64)}),
    "ragged": _saved(_ragged),
    "texts": _saved(lambda: _with(np.array([f"text {i}" * (i % 9) for i in range(2000)]))),
    "text-list": _saved(lambda: _with([f"text {i}" * (i % 9) for i in range(2000)])),
    "dask": _saved(_late, chunks=_CHUNKS),
    "dask-uncompressed": _saved(_late, compression=None),
    "big-metadata": _saved(lambda: _with({f"key {i}": {"a": i, "b": [i]} for i in range(500)})),
    "big-array": _saved(lambda: _with(np.arange(50_000.0))),
}
