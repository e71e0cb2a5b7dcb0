"""Moments and durations of numpy and pandas: ISO 8601 with a hint, and old ``_datetime_`` text."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from importlib import import_module
from typing import Any

import numpy as np

from hspyio.converters.converter import (
    Converter,
    Encoded,
    NotStorableError,
    StoredItem,
    encode_text,
)
from hspyio.converters.decoder import Decoder
from hspyio.converters.encoder import Encoder
from hspyio.converters.kinds import Kind
from hspyio.converters.stringified import moment_text, parse_moment
from hspyio.converters.strings import decode_bytes
from hspyio.nodes.node import Attribute

__all__ = ["CONVERTERS", "TIMEDELTA", "TIMESTAMP"]

# numpy


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
    """ISO text of ``datetime.date(1991, 10, 1)`` and its kin, never evaluated (defect R8)."""
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


# pandas


TIMESTAMP, TIMEDELTA = "pandas.Timestamp", "pandas.Timedelta"


def _encode_timestamp(value: Any, context: Encoder, where: str) -> Encoded:
    moment = value.to_datetime64()
    zone = None if value.tz is None else moment_text(datetime(2000, 1, 1, tzinfo=value.tz))
    data = [moment.dtype.str, int(moment.view(np.int64)), zone]
    return encode_text(value.isoformat(), TIMESTAMP, data)


def _encode_timedelta(value: Any, context: Encoder, where: str) -> Encoded:
    duration = value.to_timedelta64()
    data = [duration.dtype.str, int(duration.view(np.int64))]
    return encode_text(value.isoformat(), TIMEDELTA, data)


def _refuse(value: object, context: Encoder, where: str) -> Encoded:
    raise NotStorableError(f"no HSpy form for pandas.{value}; use None, or numpy.datetime64('NaT')")


def _pandas() -> Any:
    """The module; None where it is not installed, and the text has to do."""
    try:
        return import_module("pandas")
    except ImportError:
        return None


def _number(data: list[Any], kind: str) -> Any:
    dtype = np.dtype(data[0])
    if dtype.kind != kind:
        raise ValueError(f"{dtype} is not what pandas has")
    return np.array(data[1], np.int64).view(dtype)[()]


def _restore_timestamp(item: StoredItem, context: Decoder) -> Any:
    pandas = _pandas()
    if pandas is None:
        return context.plain(item)
    moment, zone = pandas.Timestamp(_number(item.hint.data, "M")), item.hint.data[2]
    if zone is None:
        return moment
    return moment.tz_localize("UTC").tz_convert(parse_moment(datetime, zone).tzinfo)


def _restore_timedelta(item: StoredItem, context: Decoder) -> Any:
    pandas = _pandas()
    return context.plain(item) if pandas is None else pandas.Timedelta(_number(item.hint.data, "m"))


CONVERTERS = (
    Converter(
        types=(np.datetime64, np.timedelta64),
        encode=_encode,
        exact_readers={"numpy.datetime": _restore},
    ),
    Converter(readers={Kind.DATETIME: _decode_old}),
    Converter(
        lazy_types=(("pandas", "Timestamp"),),
        encode=_encode_timestamp,
        exact_readers={TIMESTAMP: _restore_timestamp},
    ),
    Converter(
        lazy_types=(("pandas", "Timedelta"),),
        encode=_encode_timedelta,
        exact_readers={TIMEDELTA: _restore_timedelta},
    ),
    Converter(lazy_types=(("pandas.api.typing", "NaTType"),), encode=_refuse),
    Converter(lazy_types=(("pandas.api.typing", "NAType"),), encode=_refuse),
)
