"""ndarrays of numbers, truth values, dates, structures, text and bytes: datasets.

Text and bytes are fixed-length strings of UTF-8 (defect W6), flagged ASCII, as RosettaSciIO flags
its own: it could not update others in place, for HDF5 does not convert character sets.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.converters.converter import Converter, Encoded, NotStorableError, StoredItem
from hspyio.converters.decoder import Decoder
from hspyio.converters.dtypes import as_objects, from_stored, same_dtype, to_stored
from hspyio.converters.encoder import Encoder
from hspyio.converters.kinds import Kind
from hspyio.converters.masked import has_masked_blocks, joined, parts_of
from hspyio.converters.strings import decode_bytes, is_plain
from hspyio.converters.type_hints import Hint
from hspyio.errors import SaveError
from hspyio.model.given import is_dask
from hspyio.nodes.json import dtype_from_json, dtype_to_json
from hspyio.nodes.node import Array, MemorySource, Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CONVERTERS", "DASK_CONVERTER", "text_values", "values_of"]

# numbers, dates, structures


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
    return context.fetch(item.array(), item.where)


def _restore(item: StoredItem, context: Decoder) -> NDArray[Any]:
    kind, *shape = item.hint.data
    stored = item.array().source.read()
    values = from_stored(stored, context.allow(dtype_from_json(kind), stored.size, stored.nbytes))
    return values.reshape(shape[0]) if shape else values


def _encode_scalar_array(value: NDArray[Any], context: Encoder, where: str) -> Encoded:
    """A 0-d array is stored as the scalar it holds (defect W7)."""
    encoded = context.encode(value[()], where)
    kind = dtype_to_json(value.dtype) if value.dtype != object else "O"
    return encoded.tagged("array0", [kind, encoded.inner_hint()])


def _restore_scalar_array(item: StoredItem, context: Decoder) -> NDArray[Any]:
    kind, inner = item.hint.data
    value = context.restored(item, inner)
    if kind == "O":
        result = np.empty((), object)
        result[()] = value
        return result
    return np.array(value, context.allow(dtype_from_json(kind), 1, sys.getsizeof(value)))


# text and bytes


def _encode_bytes(value: NDArray[Any], context: Encoder, where: str) -> Encoded:
    length = max(1, value.dtype.itemsize)
    stored = value.astype(f"S{length}")
    return Encoded(
        Array(Text(length, utf8=False), MemorySource(stored)), hint=Hint("bytes", value.dtype.str)
    )


def _encode_text(value: NDArray[Any], context: Encoder, where: str) -> Encoded:
    flat = [text.encode("utf-8", "surrogatepass") for text in value.ravel().tolist()]
    length = max(map(len, flat), default=1) or 1
    stored = np.array(flat, f"S{length}").reshape(value.shape)
    node = Array(Text(length, utf8=False), MemorySource(stored))
    plain = all(text.isascii() for text in flat) and _natural_dtype(value) == value.dtype.str
    if plain:
        return Encoded(node)
    return Encoded(node, hint=Hint("text", value.dtype.str))


def _natural_dtype(value: NDArray[Any]) -> str:
    """The dtype that reading gives without a hint: as wide as the longest text."""
    return np.array(value.ravel().tolist(), dtype=str).dtype.str


def _encode_strings(value: NDArray[Any], context: Encoder, where: str) -> Encoded:
    """Numpy's variable-length strings."""
    flat = value.ravel().tolist()
    if hasattr(value.dtype, "na_object"):
        raise NotStorableError(
            "a StringDType with a missing-value object has no form in an HSpy file"
        )
    coerce = bool(getattr(value.dtype, "coerce", True))
    if all(map(is_plain, flat)):
        stored = as_objects((text.encode() for text in flat), value.shape)
        return Encoded(Array(Text(), MemorySource(stored)), hint=Hint("strings", [coerce]))
    encoded = context.encode(flat, where)
    return encoded.tagged("strings", [coerce, list(value.shape), encoded.inner_hint()])


def text_values(node: Array, *, as_text: bool | None = None) -> NDArray[Any]:
    """Strings as str where they vary in length, are flagged UTF-8 or are ASCII; else as bytes."""
    values = node.source.read()
    assert isinstance(node.type, Text)
    if node.type.length is None:
        return as_objects((decode_bytes(value) for value in values.ravel()), values.shape)
    flat = values.ravel().tolist()
    if as_text is None:
        as_text = node.type.utf8 or all(value.isascii() for value in flat)
    if not as_text:
        return values
    texts = np.array([_tolerant(value) for value in flat], dtype=str)
    return texts.reshape(values.shape)


def _tolerant(content: bytes) -> str:
    try:
        return content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _decode_texts(item: StoredItem, context: Decoder) -> NDArray[Any]:
    return text_values(_text_array(item))


def _text_array(item: StoredItem) -> Array:
    if not isinstance(item.node, Array) or not isinstance(item.node.type, Text):
        raise ValueError("no dataset of strings")
    return item.node


def _as_hinted(values: NDArray[Any], item: StoredItem, context: Decoder) -> NDArray[Any]:
    return values.astype(context.allow(np.dtype(item.hint.data), values.size, values.nbytes))


def _restore_strings(item: StoredItem, context: Decoder) -> NDArray[Any]:
    coerce, *listed = item.hint.data
    dtype = np.dtypes.StringDType(coerce=bool(coerce))
    if listed:
        shape, inner = listed
        return np.array(context.restored(item, inner), dtype).reshape(shape)
    texts = text_values(_text_array(item))
    return np.array(texts.ravel().tolist(), dtype).reshape(texts.shape)


def _is_array_of(kinds: str) -> Any:
    def matches(value: object) -> bool:
        return type(value) is np.ndarray and value.ndim > 0 and value.dtype.kind in kinds

    return matches


# dask


def values_of(graph: Any) -> NDArray[Any]:
    """Compute a dask array, of masked blocks with their mask; what cannot be is not storable."""
    from hspyio.nodes.computed import computed, computed_together

    try:
        if has_masked_blocks(graph):
            return joined(graph, *computed_together(*parts_of(graph)))
        return computed(graph)
    except SaveError as error:
        raise NotStorableError(error.message) from None


def _encode_dask(value: Any, context: Encoder, where: str) -> Encoded:
    return context.encode(values_of(value), where)


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
    Converter(
        matches=_is_array_of("S"),
        encode=_encode_bytes,
        exact_readers={
            "bytes": lambda item, context: _as_hinted(
                _text_array(item).source.read(), item, context
            )
        },
    ),
    Converter(
        matches=_is_array_of("U"),
        encode=_encode_text,
        readers={Kind.TEXT_ARRAY: _decode_texts},
        exact_readers={
            "text": lambda item, context: _as_hinted(
                text_values(_text_array(item), as_text=True), item, context
            )
        },
    ),
    Converter(
        matches=_is_array_of("T"),
        encode=_encode_strings,
        exact_readers={"strings": _restore_strings},
    ),
)

DASK_CONVERTER = Converter(matches=is_dask, encode=_encode_dask)
