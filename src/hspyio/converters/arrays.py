"""ndarrays of numbers, truth values, dates and structures: datasets. Of dask, their values."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.converters.converter import Converter, Encoded, NotStorableError, StoredItem
from hspyio.converters.dtypes import from_stored, same_dtype, to_stored
from hspyio.converters.kinds import Kind
from hspyio.converters.masked import has_masked_blocks, joined, parts_of
from hspyio.converters.type_hints import Hint
from hspyio.errors import SaveError
from hspyio.model.given import is_dask
from hspyio.nodes.json import dtype_from_json, dtype_to_json
from hspyio.nodes.node import Array, MemorySource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hspyio.converters.decoder import Decoder
    from hspyio.converters.encoder import Encoder

__all__ = ["CONVERTERS", "DASK_CONVERTER", "values_of"]

_MOST_DIMS = 32
"""HDF5's limit."""


def _encode(value: NDArray[Any], context: Encoder, where: str) -> Encoded:
    try:
        stored = to_stored(value)
    except TypeError as error:
        raise NotStorableError(str(error)) from None
    data: list[Any] = []
    if not same_dtype(stored.dtype, value.dtype):
        data = [dtype_to_json(value.dtype)]
    if stored.ndim > _MOST_DIMS:
        data = [dtype_to_json(value.dtype), list(value.shape)]
        stored = stored.ravel()
    node = Array(stored.dtype, MemorySource(stored))
    return Encoded(node, hint=Hint("array", data) if data else Hint())


def _is_plain_array(value: object) -> bool:
    return type(value) is np.ndarray and value.ndim > 0 and value.dtype.kind in "biufcVMm"


def _decode(item: StoredItem, context: Decoder) -> Any:
    if not isinstance(item.node, Array):
        raise ValueError("no dataset")
    return context.fetch(item.node, item.where)


def _restore(item: StoredItem, context: Decoder) -> NDArray[Any]:
    if not isinstance(item.node, Array):
        raise ValueError("no dataset")
    kind, *shape = item.hint.data
    stored = item.node.source.read()
    values = from_stored(stored, context.allow(dtype_from_json(kind), stored.size, stored.nbytes))
    return values.reshape(shape[0]) if shape else values


def _encode_scalar_array(value: NDArray[Any], context: Encoder, where: str) -> Encoded:
    """A 0-d array is stored as the scalar it holds (defect W7)."""
    encoded = context.encode(value[()], where)
    inner = [encoded.hint.tag, encoded.hint.data] if encoded.hint.tag else None
    data = [dtype_to_json(value.dtype) if value.dtype != object else "O", inner]
    return replace(encoded, hint=replace(encoded.hint, tag="array0", data=data))


def _restore_scalar_array(item: StoredItem, context: Decoder) -> NDArray[Any]:
    kind, inner = item.hint.data
    value = context.restored(item, inner)
    if kind == "O":
        result = np.empty((), object)
        result[()] = value
        return result
    return np.array(value, context.allow(dtype_from_json(kind), 1, sys.getsizeof(value)))


CONVERTERS = (
    Converter(
        matches=lambda value: type(value) is np.ndarray and value.ndim == 0,
        encode=_encode_scalar_array,
        exact_readers={"array0": _restore_scalar_array},
    ),
    Converter(
        matches=_is_plain_array,
        encode=_encode,
        readers={Kind.ARRAY: _decode},
        exact_readers={"array": _restore},
    ),
)


def values_of(graph: Any) -> NDArray[Any]:
    """The values of a dask array; of masked blocks, with their mask.

    Raises
    ------
    NotStorableError
        If they cannot be computed, or are not what dask was told.
    """
    from hspyio.nodes.computed import computed, computed_together

    try:
        if has_masked_blocks(graph):
            return joined(graph, *computed_together(*parts_of(graph)))
        return computed(graph)
    except SaveError as error:
        raise NotStorableError(error.message) from None


def _encode_dask(value: Any, context: Encoder, where: str) -> Encoded:
    return context.encode(values_of(value), where)


DASK_CONVERTER = Converter(matches=is_dask, encode=_encode_dask)
