"""None, numbers, truth values and bytes: attributes; numbers have the width of their type."""

from __future__ import annotations

from typing import Any

import numpy as np

from hspyio import names
from hspyio.converters.converter import (
    ENCODED_NONE,
    Converter,
    Encoded,
    NotStorableError,
    StoredItem,
    encode_text,
)
from hspyio.converters.decoder import Decoder
from hspyio.converters.dtypes import from_stored, same_dtype, to_stored
from hspyio.converters.encoder import Encoder
from hspyio.converters.kinds import Kind
from hspyio.converters.stringified import int_text, parse_int
from hspyio.converters.strings import restored_text
from hspyio.converters.type_hints import NO_HINT, Hint
from hspyio.nodes.json import dtype_from_json, dtype_to_json
from hspyio.nodes.node import Attribute

__all__ = ["CONVERTERS", "is_canonical"]

_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**63, 2**64)
_PYTHON = frozenset(
    np.dtype(order + code) for code in ("?", "i8", "u8", "f8", "c16") for order in "<>"
)
"""What Python's own numbers are stored as; numpy's of these types need a hint."""


def encode_number(value: Any, dtype: type | np.dtype[Any] | None = None) -> Encoded:
    """Attribute of a number in the width of its dtype."""
    array = np.asarray(value, dtype)
    return Encoded(Attribute(array.dtype, array))


def _encode_int(value: int, context: Encoder, where: str) -> Encoded:
    if value in _INT64:
        return encode_number(value, np.int64)
    if value in _UINT64:
        return encode_number(value, np.uint64)
    return encode_text(int_text(value), "int")


def _encode_python(value: bool | complex, context: Encoder, where: str) -> Encoded:
    return encode_number(value)


def _encode_numpy(value: np.generic, context: Encoder, where: str) -> Encoded:
    encoded = encode_number(value)
    if type(value) not in _CANONICAL:
        encoded.hint = Hint("numpy", value.dtype.char)
    elif value.dtype in _PYTHON:
        encoded.hint = _NUMPY
    return encoded


def is_canonical(kind: type) -> bool:
    """Whether a numpy type is the one of its width; longlong may be a second int64."""
    return np.dtype(np.dtype(kind).str).type is kind


def _encode_void(value: np.void, context: Encoder, where: str) -> Encoded:
    array = np.asarray(value)
    try:
        stored = to_stored(array)
    except TypeError as error:
        raise NotStorableError(str(error)) from None
    if same_dtype(stored.dtype, array.dtype):
        return Encoded(Attribute(stored.dtype, stored))
    return Encoded(Attribute(stored.dtype, stored), hint=Hint("void", dtype_to_json(array.dtype)))


def _stored_number(item: StoredItem) -> np.ndarray[Any, np.dtype[Any]]:
    if not isinstance(item.node, Attribute) or isinstance(item.node.value, bytes):
        raise ValueError("no number")
    return item.node.value


def _decode(item: StoredItem, context: Decoder) -> Any:
    value = _stored_number(item)
    if value.ndim:
        return value
    scalar = value[()]
    if value.dtype == bool or (context.exact and value.dtype in _PYTHON):
        return scalar.item()
    return scalar


def _restore_numpy(item: StoredItem, context: Decoder) -> Any:
    value = _stored_number(item)[()]
    return value if item.hint.data is None else np.dtype(item.hint.data).type(value)


def _restore_void(item: StoredItem, context: Decoder) -> Any:
    stored = _stored_number(item)
    dtype = context.allow(dtype_from_json(item.hint.data), stored.size, stored.nbytes)
    return from_stored(stored, dtype)[()]


_TAGS: dict[type, str] = {bytearray: "bytearray", np.bytes_: "numpy.bytes"}
"""Their words in hints."""


def _encode_bytes(value: bytes | bytearray, context: Encoder, where: str) -> Encoded:
    content = np.frombuffer(bytes(value), np.uint8)
    if content.size:
        content = content.view(f"V{content.size}")[0:1].reshape(())
    tag = _TAGS.get(type(value), "")
    hint = Hint(tag) if tag else NO_HINT
    return Encoded(Attribute(content.dtype, content), names.BYTES, hint=hint)


def _decode_bytes(item: StoredItem, context: Decoder) -> bytes:
    if not isinstance(item.node, Attribute):
        raise ValueError("no bytes")
    value = item.node.value
    return value if isinstance(value, bytes) else value.tobytes()


def _encode_none(value: None, context: Encoder, where: str) -> Encoded:
    return ENCODED_NONE


_NUMPY = Hint("numpy")
_NUMPY_TYPES = tuple({np.dtype(code).type for code in "?bhilqpBHILQPefdgFDG"})
_CANONICAL = frozenset(filter(is_canonical, _NUMPY_TYPES))

CONVERTERS = (
    Converter(types=(type(None),), encode=_encode_none),
    Converter(
        types=(int,),
        encode=_encode_int,
        exact_readers={"int": lambda item, context: parse_int(restored_text(item))},
    ),
    Converter(types=(bool, float, complex), encode=_encode_python, readers={Kind.NUMBER: _decode}),
    Converter(types=_NUMPY_TYPES, encode=_encode_numpy, exact_readers={"numpy": _restore_numpy}),
    Converter(types=(np.void,), encode=_encode_void, exact_readers={"void": _restore_void}),
    Converter(
        types=(bytes, bytearray, np.bytes_),
        encode=_encode_bytes,
        readers={Kind.BYTES: _decode_bytes},
        exact_readers={
            "bytearray": lambda item, context: bytearray(_decode_bytes(item, context)),
            "numpy.bytes": lambda item, context: np.bytes_(_decode_bytes(item, context)),
        },
    ),
)
