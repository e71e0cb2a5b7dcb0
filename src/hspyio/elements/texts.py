"""Values that stand as text with a hint: Decimal, Fraction, UUID, paths, dates and times.

One entry a type, walked both ways: ``from_text(to_text(value))`` is the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hspyio.elements.form import Refusal

__all__ = ["TEXT_TYPES", "TextType", "float_text", "int_text", "parse_int"]

_DECIMAL_DIGITS = 4000
_DECIMAL_BITS = 13000


@dataclass(frozen=True, slots=True)
class TextType:
    """A type whose values have an exact text.

    Attributes
    ----------
    tag : str
        The word in the hint.
    types : tuple of type
        Exact types.
    to_text, from_text : callable
        Inverse of one another.
    """

    tag: str
    types: tuple[type, ...]
    to_text: Callable[[Any], str]
    from_text: Callable[[str], Any]


def int_text(value: int) -> str:
    """Text of an int of any size; beyond Python's limit for decimal digits in hexadecimal."""
    return str(value) if value.bit_length() <= _DECIMAL_BITS else hex(value)


def parse_int(text: str) -> int:
    """Inverse of `int_text`."""
    if "x" in text:
        return int(text, 16)
    if len(text) > _DECIMAL_DIGITS:
        raise ValueError("too many digits")
    return int(text)


def float_text(value: float) -> str:
    """Shortest text that is exact."""
    return repr(value)


def _fraction_text(value: Fraction) -> str:
    return f"{int_text(value.numerator)}/{int_text(value.denominator)}"


def _parse_fraction(text: str) -> Fraction:
    numerator, denominator = text.split("/")
    return Fraction(parse_int(numerator), parse_int(denominator))


def _zone_text(zone: tzinfo | None, fold: int) -> str:
    """What ISO 8601 leaves out: the name of the zone, and which of two equal wall times."""
    if isinstance(zone, ZoneInfo):
        if zone.key is None:
            raise Refusal("a time zone without a name has no exact text")
        name = f"[{zone.key}]"
    elif zone is None or zone is UTC:
        name = ""
    elif type(zone) is timezone:
        label = zone.tzname(None)
        name = "" if label == timezone(zone.utcoffset(None)).tzname(None) else f"[={label}]"
        if any(mark in label for mark in "[]\0"):
            raise Refusal(f"a time zone named {label!r} has no exact text")
    else:
        raise Refusal(
            f"a time zone of type {type(zone).__module__}.{type(zone).__name__} has no exact "
            "text; use zoneinfo.ZoneInfo or datetime.timezone"
        )
    return name + ("[fold]" if fold else "")


def _moment_text(value: datetime | time) -> str:
    extra = _zone_text(value.tzinfo, value.fold)
    return value.isoformat() + extra


_MOMENT = re.compile(r"([^\[\]]*)(?:\[(=?)([^\[\]]*?)\])??(\[fold\])?")


def _parse_moment(kind: type[datetime | time], text: str) -> Any:
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(f"no moment: {text!r}")
    iso, custom, zone_name, fold = match.groups()
    moment = kind.fromisoformat(iso)
    if zone_name is not None:
        offset = moment.utcoffset()
        zone: tzinfo | None = moment.tzinfo
        if custom and offset is not None:
            zone = timezone(offset, zone_name)
        elif not custom:
            zone = _named_zone(zone_name, zone)
        moment = moment.replace(tzinfo=zone)
    return moment.replace(fold=1) if fold else moment


def _named_zone(name: str, fallback: tzinfo | None) -> tzinfo | None:
    """The zone, or its offset at that moment where this machine does not know the name."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return fallback


def _duration_text(value: timedelta) -> str:
    return f"{value.days} d {value.seconds} s {value.microseconds} us"


def _parse_duration(text: str) -> timedelta:
    match = re.fullmatch(r"(-?\d+) d (\d+) s (\d+) us", text)
    if match is None:
        raise ValueError(f"no duration: {text!r}")
    days, seconds, microseconds = (int(part) for part in match.groups())
    return timedelta(days, seconds, microseconds)


def _path_like(concrete: type[PurePath], pure: type[PurePath]) -> Callable[[str], PurePath]:
    """A path of this system comes back as one; one of another system as a pure path."""
    return Path if isinstance(Path(), concrete) else pure


TEXT_TYPES: tuple[TextType, ...] = (
    TextType("Decimal", (Decimal,), str, Decimal),
    TextType("Fraction", (Fraction,), _fraction_text, _parse_fraction),
    TextType("UUID", (UUID,), str, UUID),
    TextType("PosixPath", (PosixPath,), str, _path_like(PosixPath, PurePosixPath)),
    TextType("WindowsPath", (WindowsPath,), str, _path_like(WindowsPath, PureWindowsPath)),
    TextType("PurePosixPath", (PurePosixPath,), str, PurePosixPath),
    TextType("PureWindowsPath", (PureWindowsPath,), str, PureWindowsPath),
    TextType("datetime", (datetime,), _moment_text, lambda text: _parse_moment(datetime, text)),
    TextType("date", (date,), date.isoformat, date.fromisoformat),
    TextType("time", (time,), _moment_text, lambda text: _parse_moment(time, text)),
    TextType("timedelta", (timedelta,), _duration_text, _parse_duration),
)
