"""ndarrays of text and bytes: fixed-length strings of UTF-8 (defect W6).

They are flagged ASCII, as RosettaSciIO flags its own: it could not update others in place, for
HDF5 does not convert one character set into the other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.converters.converter import Converter, Encoded, NotStorableError, StoredItem
from hspyio.converters.decoder import as_objects
from hspyio.converters.kinds import Kind
from hspyio.converters.strings import decode_bytes, is_plain
from hspyio.converters.type_hints import Hint
from hspyio.nodes.node import Array, MemorySource, Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hspyio.converters.decoder import Decoder
    from hspyio.converters.encoder import Encoder

__all__ = ["CONVERTERS", "text_values"]


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
    inner = [encoded.hint.tag, encoded.hint.data] if encoded.hint.tag else None
    data = [coerce, list(value.shape), inner]
    return replace(encoded, hint=replace(encoded.hint, tag="strings", data=data))


def text_values(node: Array, *, as_text: bool | None = None) -> NDArray[Any]:
    """Values of a dataset of strings.

    Variable-length strings give an object array of ``str``. Fixed-length ones give text where
    they are flagged UTF-8 or are pure ASCII, else bytes; `as_text` overrides that.
    """
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


def _decode(item: StoredItem, context: Decoder) -> NDArray[Any]:
    return text_values(_array(item))


def _array(item: StoredItem) -> Array:
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
    texts = text_values(_array(item))
    return np.array(texts.ravel().tolist(), dtype).reshape(texts.shape)


def _array_of(kinds: str) -> Any:
    def matches(value: object) -> bool:
        return type(value) is np.ndarray and value.ndim > 0 and value.dtype.kind in kinds

    return matches


CONVERTERS = (
    Converter(
        matches=_array_of("S"),
        encode=_encode_bytes,
        exact_readers={
            "bytes": lambda item, context: _as_hinted(_array(item).source.read(), item, context)
        },
    ),
    Converter(
        matches=_array_of("U"),
        encode=_encode_text,
        readers={Kind.TEXT_ARRAY: _decode},
        exact_readers={
            "text": lambda item, context: _as_hinted(
                text_values(_array(item), as_text=True), item, context
            )
        },
    ),
    Converter(
        matches=_array_of("T"), encode=_encode_strings, exact_readers={"strings": _restore_strings}
    ),
)
