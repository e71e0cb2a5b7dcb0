"""netCDF files and Zarr stores -> signals, through xarray: our own exports, and any others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hspyio.bridges.from_xarray import from_xarray
from hspyio.bridges.importing.blocks import block_shape, in_blocks
from hspyio.bridges.parts_of_data import join_parts
from hspyio.errors import ConversionError, HspyError, Problem, warn_user
from hspyio.model.signal import Signal
from hspyio.packages import imported

if TYPE_CHECKING:
    import xarray

__all__ = ["signals_by_xarray"]

_ENGINES = {".zarr": "zarr"}


def signals_by_xarray(path: str) -> list[Signal]:
    """A signal of each variable that can be one, lazily.

    Raises
    ------
    ConversionError
        If xarray cannot read the file, or none of its variables can be a signal.
    MissingPackageError
        If xarray is not installed.
    """
    xarray: Any = imported("xarray")
    engine = _ENGINES.get(os.path.splitext(path.rstrip("/\\"))[1].lower())
    try:
        # Left open: lazy data are read when the file is written.
        tree = xarray.open_datatree(path, engine=engine, chunks=None)
    except Exception as error:  # whatever xarray and its libraries raise
        text = f"xarray cannot read it: {type(error).__name__}: {error}"
        raise ConversionError(text, path=path) from None
    found: list[Signal] = []
    problems: list[Problem] = []
    for node in tree.subtree:
        dataset = node.to_dataset()
        if dataset.data_vars:
            found += _signals(dataset, node.path, problems)
    if not found:
        raise ConversionError("holds nothing that can be a signal", problems, path=path)
    if problems:
        lines = "".join(f"\n  {problem}" for problem in problems)
        warn_user(f"{path}: left out, as they can be no signals:{lines}")
    return found


def _signals(dataset: xarray.Dataset, where: str, problems: list[Problem]) -> Iterator[Signal]:
    """The signals of a group, in blocks of whole patterns."""
    blocks: dict[Any, int] = {}
    for array in _arrays(dataset.chunk({}), problems=[]):
        signal = _signal(array, where, [])
        if signal is not None:
            dims = [i for i, axis in enumerate(signal.axes) if not axis.navigate]
            shape = block_shape(array.shape, array.dtype.itemsize, dims)
            blocks |= dict(zip(array.dims, shape, strict=True))
    known = {dim: blocks.get(dim, -1) for dim in dataset.dims}
    for array in _arrays(dataset.chunk(known), problems):
        signal = _signal(array, where, problems)
        if signal is not None:
            signal.data = in_blocks(signal)
            yield signal


def _arrays(dataset: xarray.Dataset, problems: list[Problem]) -> list[xarray.DataArray]:
    """The variables, parts of complex numbers put together; single values only if that is all."""
    whole = join_parts(dataset)
    arrays = [whole[name] for name in whole.data_vars]
    for array in arrays:
        if len(arrays) == 1 and "title" in dataset.attrs and "long_name" not in array.attrs:
            array.attrs.setdefault("long_name", dataset.attrs["title"])
    return [array for array in arrays if array.dims] or arrays


def _signal(array: xarray.DataArray, where: str, problems: list[Problem]) -> Signal | None:
    try:
        return from_xarray(array)
    except HspyError as error:
        problems.append(Problem(f"{where.rstrip('/')}/{array.name}", error.message))
        return None
