"""Decimal, Fraction, UUID, paths, dates and times: their text, with a hint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hspyio.converters.converter import Element
from hspyio.converters.form import Form
from hspyio.converters.stringified import TEXT_TYPES, TextType
from hspyio.converters.strings import restored_text, store_text
from hspyio.converters.type_hints import Hint

if TYPE_CHECKING:
    from hspyio.converters.encoder import Encoder

__all__ = ["ELEMENTS"]


def _element(entry: TextType) -> Element:
    def encode(value: Any, walker: Encoder, where: str) -> Form:
        attribute, rest = store_text(entry.to_text(value))
        return Form(attribute, hint=Hint(entry.tag, rest))

    return Element(
        late=((entry.home, entry.tag),),
        encode=encode,
        restores={entry.tag: lambda item, walker: entry.from_text(restored_text(item))},
    )


ELEMENTS = tuple(_element(entry) for entry in TEXT_TYPES)
