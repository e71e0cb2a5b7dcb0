"""Masked arrays: the array as a dataset, its mask beside the trees (defect C15)."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hspyio.elements.dtypes import dtype_from_json, dtype_to_json, from_stored, to_stored
from hspyio.elements.element import Element, Item
from hspyio.elements.form import Form, Refusal, text_form
from hspyio.node import Array, MemorySource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hspyio.elements.decoder import Decoder
    from hspyio.elements.encoder import Encoder

__all__ = ["ELEMENTS"]

Masked: TypeAlias = "np.ma.MaskedArray[Any, Any]"


def _encode(value: Masked, walker: Encoder, where: str) -> Form:
    if value.dtype.hasobject:
        raise Refusal("a masked array of objects has no HSpy form; use None for what is missing")
    form = walker.encode(np.asarray(value.data), where)
    mask = None
    if np.ma.getmask(value) is not np.ma.nomask:
        flags = np.atleast_1d(np.ma.getmaskarray(value))
        mask = walker.keep_aside(Array(flags.dtype, MemorySource(flags)))
    inner = [form.hint.tag, form.hint.data] if form.hint.tag else None
    data = [inner, mask, _fill_text(value), bool(value.hardmask)]
    return replace(form, hint=replace(form.hint, tag="masked", data=data))


def _fill_text(value: Masked) -> Any:
    import base64

    fill = np.atleast_1d(np.array(value.fill_value, value.dtype))
    stored = to_stored(fill)
    return [dtype_to_json(stored.dtype), base64.b64encode(stored.tobytes()).decode()]


def _fill_value(data: Any, dtype: np.dtype[Any]) -> Any:
    import base64

    stored = np.frombuffer(base64.b64decode(data[1]), dtype_from_json(data[0]))
    return from_stored(stored, dtype)[0]


def _restore(item: Item, walker: Decoder) -> NDArray[Any]:
    inner, mask, fill, hard = item.hint.data
    values = walker.restored(item, inner)
    flags: Any = np.ma.nomask
    if mask is not None:
        flags = walker.kept_aside(mask).reshape(values.shape)
    return np.ma.MaskedArray(
        values, flags, fill_value=_fill_value(fill, values.dtype), hard_mask=hard
    )


def _encode_constant(value: Any, walker: Encoder, where: str) -> Form:
    """``numpy.ma.masked`` itself."""
    return text_form("--", "numpy.ma.masked")


def _known(name: str) -> object:
    """Something of numpy.ma, if that is imported; before it is, no value can be masked."""
    return getattr(sys.modules.get("numpy.ma"), name, ELEMENTS)


ELEMENTS = (
    Element(
        accepts=lambda value: value is _known("masked"),
        encode=_encode_constant,
        restores={"numpy.ma.masked": lambda item, walker: np.ma.masked},
    ),
    Element(
        accepts=lambda value: type(value) is _known("MaskedArray"),
        encode=_encode,
        restores={"masked": _restore},
    ),
)
