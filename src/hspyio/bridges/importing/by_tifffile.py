"""TIFF files that hspyio has exported -> the signals that they were; others are RosettaSciIO's."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np

from hspyio.bridges.exporting.export_tiff import OURS
from hspyio.bridges.importing.blocks import block_shape, in_blocks
from hspyio.bridges.tree_text import tree_of
from hspyio.errors import ConversionError, HspyError
from hspyio.model.axes import Axes, axis_from_dict
from hspyio.model.signal import Signal
from hspyio.nodes.json import dtype_from_json
from hspyio.packages import is_there

__all__ = ["is_exported", "signals_by_tifffile"]

_MALFORMED = (AttributeError, LookupError, OSError, TypeError, ValueError, ET.ParseError)


def is_exported(path: str) -> bool:
    """Whether hspyio has written the file."""
    if not is_there("tifffile"):
        return False
    tifffile: Any = import_module("tifffile")
    try:
        with tifffile.TiffFile(path) as file:
            return OURS in _about(file)
    except _MALFORMED:
        return False


def signals_by_tifffile(path: str) -> list[Signal]:
    """The signal, lazily where the pixels stand in one block.

    Raises
    ------
    ConversionError
        If what the file says of the signal does not fit its pixels any more.
    """
    tifffile: Any = import_module("tifffile")
    try:
        with tifffile.TiffFile(path) as file:
            about = _about(file)
            stated = about[OURS]
            shape = tuple(int(n) for n in stated["shape"])
            order = [int(i) for i in stated["order"]]
            pixels = _pixels(file, path, [shape[i] for i in order], len(shape))
        dtype = dtype_from_json(stated["dtype"])
        data = _as_it_was(pixels, shape, order, dtype)
        axes = Axes(axis_from_dict(one) for one in tree_of(json.dumps(stated["axes"]), "axes"))
        signal = Signal(data, axes, metadata=tree_of(json.dumps(about["metadata"]), "metadata"))
    except (HspyError, *_MALFORMED) as error:
        text = f"was exported by hspyio, and has been changed since: {error}"
        raise ConversionError(text, path=path) from None
    signal.data = in_blocks(signal)
    return [signal]


def _about(file: Any) -> Mapping[str, Any]:
    """What the file says of the signal, in the place where its kind has room for words."""
    if file.is_imagej:
        text = (file.imagej_metadata or {}).get("Info", "")
    elif file.is_ome:
        root = ET.fromstring(file.ome_metadata)
        text = next((part.text for part in root.iter() if part.tag.endswith("Description")), "")
    else:
        text = ""
    found = json.loads(text or "{}")
    return found if isinstance(found, Mapping) else {}


def _pixels(file: Any, path: str, sizes: list[int], rank: int) -> Any:
    """The pixels as a dask array, in the order of the file."""
    da: Any = import_module("dask.array")
    series = file.series[0]
    shape = tuple(sizes)
    count = math.prod(shape)
    if count and math.prod(series.shape) != count:  # colours stand in a dimension of their own
        shape = (*shape, math.prod(series.shape) // count)
    if series.dataoffset is None:
        return da.from_array(series.asarray().reshape(shape))
    values = np.memmap(
        path, series.dtype.newbyteorder(file.byteorder), "r", series.dataoffset, shape
    )
    dims = range(max(0, len(shape) - 2), len(shape))
    chunks = block_shape(shape, values.dtype.itemsize, dims)
    return da.from_array(values, chunks=chunks, name=False, inline_array=True)


def _as_it_was(pixels: Any, shape: tuple[int, ...], order: list[int], dtype: np.dtype[Any]) -> Any:
    """Data in the order and the type that they had."""
    if dtype.names is not None:
        made = np.empty(pixels.shape[:-1], dtype)
        for index, name in enumerate(dtype.names):
            made[name] = pixels[..., index].compute()
        pixels = made
    else:
        pixels = pixels.astype(dtype)
    found = pixels.transpose(tuple(order.index(i) for i in range(len(order))))
    if found.shape != shape:
        raise ValueError(f"pixels of {found.shape} for data of {shape}")
    return found
