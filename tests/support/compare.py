"""Compare what two readers return, to the last type; run RosettaSciIO as a black box."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hspyio.compare import value_differences
from support.places import SHARED

FILES = sorted(path for path in SHARED.glob("*") if path.suffix in (".hspy", ".hdf5"))


def differences(one: Any, other: Any, where: str = "", *, chunks: bool = True) -> Iterator[str]:
    """A line for each difference of types or values; the order of keys does not count.

    Dask arrays are computed; with `chunks` theirs have to be equal too.
    """
    if type(one) is not type(other):
        yield f"{where}: {type(one).__name__} {one!r:.80}, {type(other).__name__} {other!r:.80}"
    elif isinstance(one, Mapping):
        yield from _mapping_differences(one, other, where, chunks=chunks)
    elif isinstance(one, list | tuple):
        if len(one) != len(other):
            yield f"{where}: {len(one)} items, {len(other)} items"
        for index, pair in enumerate(zip(one, other, strict=False)):
            yield from differences(*pair, f"{where}[{index}]", chunks=chunks)
    elif hasattr(one, "compute"):
        if chunks and one.chunks != other.chunks:
            yield f"{where}: chunks {one.chunks}, {other.chunks}"
        yield from differences(one.compute(), other.compute(), where)
    elif isinstance(one, np.ndarray | np.generic):
        yield from _array_differences(np.asarray(one), np.asarray(other), where)
    elif one != other and not (one != one and other != other):  # noqa: PLR0124 # nan
        yield f"{where}: {one!r:.80}, {other!r:.80}"


def _mapping_differences(
    one: Mapping[Any, Any], other: Mapping[Any, Any], where: str, *, chunks: bool
) -> Iterator[str]:
    for key in [*one, *(key for key in other if key not in one)]:
        path = f"{where}.{key}" if where else str(key)
        if key not in other:
            yield f"{path}: only in the first"
        elif key not in one:
            yield f"{path}: only in the second"
        else:
            yield from differences(one[key], other[key], path, chunks=chunks)


def _array_differences(one: Any, other: Any, where: str) -> Iterator[str]:
    if one.dtype == other.dtype == object and one.shape == other.shape:
        yield from differences(one.ravel().tolist(), other.ravel().tolist(), where)
    else:
        yield from value_differences(one, other, where)


def rosettasciio(path: Path, *, lazy: bool = False) -> list[dict[str, Any]]:
    """What RosettaSciIO's reader returns; what it warns of is its own affair."""
    from rsciio.hspy import file_reader

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return file_reader(path, lazy=lazy)


def signal_dicts(tree: Any) -> Iterator[dict[str, Any]]:
    """Every signal's dict in what a reader returned, those inside metadata too."""
    if isinstance(tree, dict):
        if "data" in tree and "axes" in tree:
            yield tree
        for value in tree.values():
            yield from signal_dicts(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from signal_dicts(value)


def with_index_in_array(signals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to RosettaSciIO's axis dicts what the seed requires of them; changed in place."""
    for signal in signal_dicts(signals):
        for index, axis in enumerate(signal["axes"]):
            axis["index_in_array"] = index
    return signals


def with_detector_eels(signals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Move what RosettaSciIO's migration puts into Detector to Detector.EELS (defect R5)."""
    for signal in signals:
        tem = signal["metadata"]["Acquisition_instrument"]["TEM"]
        tem["Detector"] = {"EELS": tem["Detector"]}
    return signals
