"""Object arrays: ragged arrays as a variable-length dataset and its shapes, else item by item.

The elements' one stored type is a common one that holds each exactly; where there is none (text
beside numbers, None, dicts ...) the items stand as a list (defects C1 to C4, W9, W19).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hspyio import names
from hspyio.elements.decoder import as_objects
from hspyio.elements.dtypes import (
    content_bytes,
    dtype_from_json,
    dtype_to_json,
    from_stored,
    same_dtype,
    stored_dtype,
    to_stored,
)
from hspyio.elements.element import Element, Item
from hspyio.elements.form import Form
from hspyio.elements.grammar import Kind
from hspyio.elements.hints import Hint
from hspyio.elements.text import decode_bytes, is_plain
from hspyio.node import Array, MemorySource, Text, Vlen

if TYPE_CHECKING:
    from hspyio.elements.decoder import Decoder
    from hspyio.elements.encoder import Encoder

__all__ = ["ELEMENT", "join", "ragged_form"]

Json = Any
_SCALARS: dict[type, str] = {str: "str", int: "int", float: "float", bool: "bool"}
_FROM_SCALAR = {"str": str, "int": int, "float": float, "bool": bool}


def ragged_form(value: NDArray[Any]) -> Form | None:
    """Form of a ragged array, or none where no one type holds all elements.

    Parameters
    ----------
    value : ndarray of object, any shape
        Elements are arrays or simple scalars.
    """
    elements = value.ravel().tolist() if value.dtype == object else []
    arrays = [_as_array(element) for element in elements]
    if any(array is None for array in arrays):
        return None
    known = [array for array in arrays if array is not None]
    stored = _common(known)
    if stored is None:
        return None
    base, rows = stored
    shapes = [np.array(array.shape, np.int64) for array in known]
    plain = _plain_types(base, rows)
    kinds = [_kind(element, array) for element, array in zip(elements, known, strict=True)]
    hint = Hint() if kinds == plain else Hint("ragged", _runs(kinds))
    return Form(
        Array(Vlen(base), MemorySource(as_objects(rows, value.shape))),
        shapes=Array(Vlen(np.dtype(np.int64)), MemorySource(as_objects(shapes, value.shape))),
        hint=hint,
    )


def _as_array(element: object) -> NDArray[Any] | None:
    if type(element) is np.ndarray:
        return element if element.dtype.kind in "biufcUMmV" else None
    if type(element) in _SCALARS:
        array = np.array(element)
        return array if array.dtype.kind in "biufU" and array.item() == element else None
    return None


def _kind(element: object, array: NDArray[Any]) -> Json:
    return _SCALARS.get(type(element)) or dtype_to_json(array.dtype)


def _runs(kinds: Iterable[Json]) -> list[list[Json]]:
    return [[kind, sum(1 for _ in run)] for kind, run in groupby(kinds)]


def _common(
    arrays: Sequence[NDArray[Any]],
) -> tuple[np.dtype[Any] | Text, list[NDArray[Any]]] | None:
    """The stored type and the flattened elements in it, if each comes back from it exactly."""
    if not arrays:
        return np.dtype(np.float64), []
    if all(array.dtype.kind == "U" for array in arrays):
        return _common_text(arrays)
    if any(array.dtype.kind == "U" for array in arrays):
        return None
    try:
        stored = [to_stored(np.ascontiguousarray(array).ravel()) for array in arrays]
        base = np.result_type(*{array.dtype for array in stored}).newbyteorder("=")
    except TypeError:
        return None
    if base.hasobject:
        return None
    rows = [array.astype(base) for array in stored]
    exact = all(_comes_back(row, array) for row, array in zip(rows, stored, strict=True))
    return (base, rows) if exact else None


def _comes_back(row: NDArray[Any], array: NDArray[Any]) -> bool:
    with np.errstate(invalid="ignore"):
        back = _cast(row, array.dtype)
    return content_bytes(back) == content_bytes(array)


def _cast(row: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Cast to the element's own dtype; a real number that stands among complex ones is real."""
    if row.dtype.kind == "c" and dtype.kind != "c":
        row = row.real
    return row.astype(dtype)


def _common_text(arrays: Sequence[NDArray[Any]]) -> tuple[Text, list[NDArray[Any]]] | None:
    """Variable-length strings, flagged ASCII if not ASCII: RosettaSciIO reads them so (C4)."""
    texts = [array.ravel().tolist() for array in arrays]
    if not all(is_plain(text) for row in texts for text in row):
        return None
    pure = all(text.isascii() for row in texts for text in row)
    rows = [as_objects((text.encode() for text in row), (len(row),)) for row in texts]
    return Text(None, utf8=pure), rows


def _plain_types(base: np.dtype[Any] | Text, rows: Sequence[NDArray[Any]]) -> list[Json]:
    """The elements' types as a reading without a hint gives them."""
    if isinstance(base, Text):
        return [_text_array(row).dtype.str for row in rows]
    return [dtype_to_json(base)] * len(rows)


def _encode(value: NDArray[Any], walker: Encoder, where: str) -> Form:
    walker.enter(value)
    try:
        form = ragged_form(value)
        if form is not None:
            return form
        items = walker.items(value.ravel().tolist(), value.size, where)
    finally:
        walker.leave(value)
    hint = replace(items.hint, tag="objects", data=list(value.shape))
    return Form(items.node, f"{names.LIST}{value.size}_", hint=hint)


def join(node: Array, shapes: Array | None) -> NDArray[Any]:
    """Object array of the elements in their shapes; 1-D ones where no shapes are stored.

    Raises
    ------
    ValueError
        If the shapes do not fit the elements.
    """
    rows = node.source.read()
    forms = None if shapes is None else shapes.source.read()
    if forms is not None and forms.shape != rows.shape:
        raise ValueError(f"the shapes of the ragged array are {forms.shape}, not {rows.shape}")
    base = node.type.base if isinstance(node.type, Vlen) else None
    elements = []
    for index, row in enumerate(rows.ravel()):
        element = _text_array(row) if isinstance(base, Text) else np.asarray(row)
        if forms is not None:
            shape = tuple(int(n) for n in forms.ravel()[index])
            if min(shape, default=0) < 0:
                raise ValueError(f"the shape of item {index} of the ragged array is {shape}")
            element = element.reshape(shape)
        elements.append(element)
    return as_objects(elements, rows.shape)


def _text_array(row: Iterable[bytes]) -> NDArray[Any]:
    return np.array([decode_bytes(bytes(text)) for text in row], dtype=str)


def _decode(item: Item, walker: Decoder) -> NDArray[Any]:
    if not isinstance(item.node, Array):
        raise ValueError("no ragged array")
    return join(item.node, item.shapes)


def _restore(item: Item, walker: Decoder) -> NDArray[Any]:
    values = _decode(item, walker)
    if sum(int(length) for _, length in item.hint.data) != values.size:
        raise ValueError("the hinted types do not fit the elements")
    kinds = [kind for kind, length in item.hint.data for _ in range(int(length))]
    pairs = zip(values.ravel(), kinds, strict=True)
    return as_objects((_restored(element, kind) for element, kind in pairs), values.shape)


def _restored(element: NDArray[Any], kind: Json) -> Any:
    if isinstance(kind, str) and kind in _FROM_SCALAR:
        return _FROM_SCALAR[kind](element.item())
    dtype = dtype_from_json(kind)
    if dtype.kind in "MmV" and not same_dtype(element.dtype, dtype):
        return from_stored(_cast(element, stored_dtype(dtype)), dtype)
    return _cast(element, dtype)


def _restore_objects(item: Item, walker: Decoder) -> NDArray[Any]:
    values = walker.plain(item)
    shape = tuple(int(n) for n in item.hint.data)
    if len(values) != int(np.prod(shape)):
        raise ValueError("the hinted shape does not fit the items")
    return as_objects(values, shape)


ELEMENT = Element(
    accepts=lambda value: type(value) is np.ndarray and value.ndim > 0 and value.dtype.kind == "O",
    encode=_encode,
    decodes={Kind.RAGGED: _decode},
    restores={"ragged": _restore, "objects": _restore_objects},
)
