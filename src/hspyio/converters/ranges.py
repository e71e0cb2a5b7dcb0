"""range: a dataset of its numbers while that is small, else its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.converters.converter import Element, Item
from hspyio.converters.form import Form, text_form
from hspyio.converters.stringified import int_text, parse_int
from hspyio.converters.type_hints import Hint
from hspyio.nodes.node import Array, MemorySource

if TYPE_CHECKING:
    from hspyio.converters.decoder import Decoder
    from hspyio.converters.encoder import Encoder

__all__ = ["ELEMENT"]

_MOST_WRITTEN_OUT = 10_000
_INT64 = range(-(2**63), 2**63)


def _encode(value: range, walker: Encoder, where: str) -> Form:
    data: list[Any] = [int_text(part) for part in (value.start, value.stop, value.step)]
    if len(value[: _MOST_WRITTEN_OUT + 1]) > _MOST_WRITTEN_OUT or not (
        value.start in _INT64 and value.stop in _INT64
    ):
        return text_form(f"range({', '.join(data)})", "range", data)
    numbers = np.array(value, np.int64)
    return Form(Array(numbers.dtype, MemorySource(numbers)), hint=Hint("range", data))


def _restore(item: Item, walker: Decoder) -> range:
    return range(*(parse_int(part) for part in item.hint.data))


ELEMENT = Element(types=(range,), encode=_encode, restores={"range": _restore})
