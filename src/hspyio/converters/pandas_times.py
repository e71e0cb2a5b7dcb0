"""Timestamps and durations of pandas: ISO 8601 text to the last digit, with a hint."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.converters.converter import (
    Converter,
    Encoded,
    NotStorableError,
    StoredItem,
    encode_text,
)
from hspyio.converters.stringified import moment_text, parse_moment

if TYPE_CHECKING:
    from hspyio.converters.decoder import Decoder
    from hspyio.converters.encoder import Encoder

__all__ = ["CONVERTERS", "TIMEDELTA", "TIMESTAMP"]

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
