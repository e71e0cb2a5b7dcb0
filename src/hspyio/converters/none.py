"""None: the text ``_None_``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hspyio.converters.converter import Element
from hspyio.converters.form import NONE_FORM, Form

if TYPE_CHECKING:
    from hspyio.converters.encoder import Encoder

__all__ = ["ELEMENT"]


def _encode(value: None, walker: Encoder, where: str) -> Form:
    return NONE_FORM


ELEMENT = Element(types=(type(None),), encode=_encode)
