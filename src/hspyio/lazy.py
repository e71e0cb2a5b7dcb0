"""ArraySource -> dask array."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hspyio.errors import OptionError
from hspyio.node import ArraySource, Selection

if TYPE_CHECKING:
    import dask.array

__all__ = ["as_dask", "from_source"]


class _Readable:
    """What dask slices: a source with the looks of an array."""

    def __init__(self, source: ArraySource, dtype: np.dtype[Any]) -> None:
        self._source = source
        self.shape = source.shape
        self.ndim = len(source.shape)
        self.dtype = dtype

    def __getitem__(self, selection: Selection) -> NDArray[Any]:
        return self._source.read(selection)


def from_source(
    source: ArraySource,
    dtype: np.dtype[Any],
    stored: tuple[int, ...] | None,
    chunks: str | tuple[int, ...],
) -> dask.array.Array:
    """Make a dask array whose tasks read their own part of a file.

    Parameters
    ----------
    source : ArraySource
        Can be pickled, and read from many threads.
    dtype : numpy dtype
        Of the values.
    stored : tuple of int or None
        The storage chunks.
    chunks : "auto", "storage" or tuple of int
        ``"auto"``: whole multiples of the storage chunks towards dask's ``array.chunk-size``.

    Raises
    ------
    OptionError
        If the chunks do not fit the array.
    """
    da: Any = import_module("dask.array")
    wanted: Any = stored or "auto" if chunks == "storage" else chunks
    try:
        fitted = da.core.normalize_chunks(wanted, source.shape, dtype=dtype, previous_chunks=stored)
        made: dask.array.Array = da.from_array(
            _Readable(source, dtype),
            chunks=fitted,
            name=False,
            asarray=False,
            fancy=False,
            inline_array=True,
            meta=np.empty((0,) * len(source.shape), dtype),
        )
    except (ArithmeticError, TypeError, ValueError) as error:
        raise OptionError(f"chunks {chunks!r} do not fit shape {source.shape}: {error}") from error
    return made


def as_dask(array: NDArray[Any]) -> dask.array.Array:
    """Wrap values that cannot be read in parts, for callers that expect a dask array."""
    da: Any = import_module("dask.array")
    made: dask.array.Array = da.from_array(array, chunks=array.shape, asarray=False)
    return made
