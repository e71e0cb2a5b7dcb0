"""bytes and bytearray: an opaque attribute ``_bs_<key>``, whatever they hold (defects W1, W2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hspyio import names
from hspyio.converters.converter import Element, Item
from hspyio.converters.form import Form
from hspyio.converters.kinds import Kind
from hspyio.converters.type_hints import NO_HINT, Hint
from hspyio.nodes.node import Attribute

if TYPE_CHECKING:
    from hspyio.converters.decoder import Decoder
    from hspyio.converters.encoder import Encoder

__all__ = ["ELEMENT"]

_TAGS: dict[type, str] = {bytearray: "bytearray", np.bytes_: "numpy.bytes"}


def _encode(value: bytes | bytearray, walker: Encoder, where: str) -> Form:
    content = np.frombuffer(bytes(value), np.uint8)
    if content.size:
        content = content.view(f"V{content.size}")[0:1].reshape(())
    tag = _TAGS.get(type(value), "")
    hint = Hint(tag) if tag else NO_HINT
    return Form(Attribute(content.dtype, content), names.BYTES, hint=hint)


def _decode(item: Item, walker: Decoder) -> bytes:
    if not isinstance(item.node, Attribute):
        raise ValueError("no bytes")
    value = item.node.value
    return value if isinstance(value, bytes) else value.tobytes()


ELEMENT = Element(
    types=(bytes, bytearray, np.bytes_),
    encode=_encode,
    decodes={Kind.BYTES: _decode},
    restores={
        "bytearray": lambda item, walker: bytearray(_decode(item, walker)),
        "numpy.bytes": lambda item, walker: np.bytes_(_decode(item, walker)),
    },
)
