"""numpy dates and durations, and the ``_datetime_`` attributes of formats 1.1 to 2.1."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.converters.converter import Converter, Encoded, StoredItem, encode_text
from hspyio.converters.kinds import Kind
from hspyio.converters.strings import decode_bytes
from hspyio.nodes.node import Attribute

if TYPE_CHECKING:
    from hspyio.converters.decoder import Decoder
    from hspyio.converters.encoder import Encoder

__all__ = ["CONVERTERS"]


def _encode(value: np.datetime64 | np.timedelta64, context: Encoder, where: str) -> Encoded:
    data = [value.dtype.str, int(value.view(np.int64))]
    return encode_text(str(value), "numpy.datetime", data)


def _restore(item: StoredItem, context: Decoder) -> Any:
    kind, number = item.hint.data
    dtype = np.dtype(kind)
    if dtype.kind not in "Mm":
        raise ValueError(f"{kind} is no date")
    return np.array(number, np.int64).view(dtype)[()]


_LONGEST = 200
"""Characters of what can be a date; the search takes their number squared."""
_ARGUMENTS = r"(\w+)?\(\s*((?:\d{1,9}\s*,\s*)*\d{1,9})\s*,?\s*\)"


def _decode_old(item: StoredItem, context: Decoder) -> Any:
    """ISO text of ``datetime.date(1991, 10, 1)`` and its kin; read as text, never evaluated.

    What is no date or time, or has a time zone, stays the text it is (defect R8).
    """
    node = item.node
    if not isinstance(node, Attribute) or not isinstance(node.value, bytes):
        raise ValueError("no text")
    text = decode_bytes(node.value)
    match = re.search(_ARGUMENTS, text, re.ASCII) if len(text) <= _LONGEST else None
    if match is None:
        return text
    numbers = [int(part) for part in match.group(2).split(",")]
    named = {"date": date, "time": time, "datetime": datetime}.get(match.group(1) or "")
    kind = named or (date if item.key.startswith("date") else time)
    try:
        return kind(*numbers).isoformat()
    except (ValueError, TypeError, OverflowError):
        return text


CONVERTERS = (
    Converter(
        types=(np.datetime64, np.timedelta64),
        encode=_encode,
        exact_readers={"numpy.datetime": _restore},
    ),
    Converter(readers={Kind.DATETIME: _decode_old}),
)
