"""Trees as text: with branches to look at, or a line a value to compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hspyio.cli.console import one_line
from hspyio.cli.values import MANY_ITEMS, short_text, whole_text
from hspyio.model.axes import axis_to_dict
from hspyio.model.models import Model
from hspyio.model.signal import Signal
from hspyio.printable import dtype_text

__all__ = ["Fact", "branches", "digest", "leaves", "signal_parts"]

_BLOCK = 2**26
"""Bytes of data that are read at a time."""
_KEY = 60


class Fact(str):
    """Text that stands in a drawing as it is, without quotes."""

    __slots__ = ()


def signal_parts(signal: Signal) -> dict[str, Any]:
    """All of a signal but its data, as one dict; what is empty is left out."""
    parts = {
        "axes": {str(index): axis_to_dict(axis) for index, axis in enumerate(signal.axes)},
        "metadata": signal.metadata,
        "original_metadata": signal.original_metadata,
        "attributes": signal.attributes,
        "learning_results": signal.learning_results,
        "models": {name: model.tree for name, model in signal.models.items()},
        "package": signal.package,
        "package_version": signal.package_version,
    }
    return {name: part for name, part in parts.items() if part}


def branches(tree: Mapping[Any, Any], depth: int | None = None, indent: str = "") -> Iterator[str]:
    """Draw a tree, a line an entry; of a node below `depth` the number of its entries."""
    last = len(tree) - 1
    for index, (key, value) in enumerate(tree.items()):
        stem, below = ("└── ", "    ") if index == last else ("├── ", "│   ")
        name = one_line(key) if isinstance(key, str) else short_text(key, _KEY)
        if not isinstance(value, Mapping) or not value:
            text = value if isinstance(value, Fact) else short_text(value)
            yield f"{indent}{stem}{name} = {'{}' if isinstance(value, Mapping) else text}"
        elif depth == 1:
            entries = "1 entry" if len(value) == 1 else f"{len(value)} entries"
            yield f"{indent}{stem}{name}   … {entries}"
        else:
            yield f"{indent}{stem}{name}"
            yield from branches(value, None if depth is None else depth - 1, indent + below)


def leaves(value: Any, path: str, *, data: bool = True, most: int = 2**62) -> Iterator[str]:
    """Lines ``path = value``, the same on every run; of `data` up to `most` bytes a digest."""
    if isinstance(value, Signal):
        yield from leaves({"data": value.data, **signal_parts(value)}, path, data=data, most=most)
    elif isinstance(value, Model):
        yield from leaves(value.tree, path, data=data, most=most)
    elif isinstance(value, Mapping) and value:
        for key, item in value.items():
            name = one_line(key) if isinstance(key, str) else whole_text(key)
            yield from leaves(item, f"{path}.{name}" if path else name, data=data, most=most)
    elif isinstance(value, list | tuple) and any(map(_is_large, value)):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]", data=data, most=most)
    elif hasattr(value, "dtype") and hasattr(value, "shape") and _is_large(value):
        text = f"array of {value.shape}, {dtype_text(value.dtype)}"
        if data and value.size * value.dtype.itemsize > most:
            text += ", more than the file can hold"
        elif data:
            text += f", {digest(value)}"
        yield f"{path} = {text}"
    else:
        yield f"{path} = {'{}' if isinstance(value, Mapping) else whole_text(value)}"


def _is_large(value: Any) -> bool:
    """Whether a value takes more than a line."""
    if isinstance(value, Mapping | Signal | Model):
        return True
    if isinstance(value, list | tuple):
        return any(map(_is_large, value))
    # dask's arrays too, whose values are not known yet
    shaped = isinstance(getattr(value, "shape", None), tuple)
    return shaped and (not isinstance(value, np.ndarray | np.generic) or value.size > MANY_ITEMS)


def digest(array: Any) -> str:
    """A digest of the values of an array, in memory or not, whatever its chunks."""
    from hashlib import blake2b

    found = blake2b(digest_size=16)
    for block in _blocks(array) if array.size else ():
        values = np.asarray(block)
        if values.dtype.hasobject:
            for item in values.ravel().tolist():
                found.update(whole_text(np.asarray(item).tolist()).encode())
        else:
            found.update(np.ascontiguousarray(values).tobytes())
    return f"blake2 {found.hexdigest()}"


def _blocks(array: Any) -> Iterator[Any]:
    """An array in pieces, in the order of its values."""
    rows = len(array) if array.ndim else 1
    size = array.size * array.dtype.itemsize
    if size <= _BLOCK or not rows or not array.ndim:
        yield array
    elif size // rows > _BLOCK and array.ndim > 1:
        for row in array:
            yield from _blocks(row)
    else:
        step = max(1, _BLOCK * rows // size)
        for start in range(0, rows, step):
            yield array[start : start + step]
