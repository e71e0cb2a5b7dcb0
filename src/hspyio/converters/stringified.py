"""Values that stand as text with a hint: Decimal, Fraction, UUID, paths, dates and times.

One entry a type, walked both ways: ``from_text(to_text(value))`` is the value.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from hspyio.converters.converter import Converter, Encoded, NotStorableError
from hspyio.converters.strings import restored_text, store_text
from hspyio.converters.type_hints import Hint

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import PurePath


__all__ = [
    "CONVERTERS",
    "TEXT_TYPES",
    "TextType",
    "float_text",
    "int_text",
    "moment_text",
    "parse_int",
    "parse_moment",
]

_DECIMAL_DIGITS = 4000
_DECIMAL_BITS = 13000


class TextType(NamedTuple):
    """A type whose values have an exact text; its module is imported when one is read."""

    tag: str  # its name, and the word in the hint
    home: str  # its module
    to_text: Callable[[Any], str]
    parse: Callable[[str], Any] | None = None  # inverse of to_text; the type itself by default

    def kind(self) -> type | None:
        """The type, unless its module was never imported: then there are no values of it."""
        kind: type | None = getattr(sys.modules.get(self.home), self.tag, None)
        return kind

    def from_text(self, text: str) -> Any:
        """Make the value of a text."""
        made = self.parse or getattr(import_module(self.home), self.tag)
        return made(text)


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
    from fractions import Fraction

    numerator, denominator = text.split("/")
    return Fraction(parse_int(numerator), parse_int(denominator))


def _zone_text(zone: tzinfo | None, fold: int) -> str:
    """What ISO 8601 leaves out: the name of the zone, and which of two equal wall times."""
    named = getattr(sys.modules.get("zoneinfo"), "ZoneInfo", None)
    if named is not None and isinstance(zone, named):
        if zone.key is None:
            raise NotStorableError("a time zone without a name has no exact text")
        name = f"[{zone.key}]"
    elif zone is None or zone is UTC:
        name = ""
    elif type(zone) is timezone:
        label = zone.tzname(None)
        name = "" if label == timezone(zone.utcoffset(None)).tzname(None) else f"[={label}]"
        if any(mark in label for mark in "[]\0"):
            raise NotStorableError(f"a time zone named {label!r} has no exact text")
    else:
        raise NotStorableError(
            f"a time zone of type {type(zone).__module__}.{type(zone).__name__} has no exact "
            "text; use zoneinfo.ZoneInfo or datetime.timezone"
        )
    return name + ("[fold]" if fold else "")


def moment_text(value: datetime | time) -> str:
    """ISO 8601, and what that leaves out; inverse of `parse_moment`."""
    extra = _zone_text(value.tzinfo, value.fold)
    return value.isoformat() + extra


_MOMENT = r"([^\[\]]*)(?:\[(=?)([^\[\]]*?)\])??(\[fold\])?"


def parse_moment(kind: type[datetime | time], text: str) -> Any:
    """A moment of a text, in the zone that it names."""
    match = re.fullmatch(_MOMENT, text)
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
    from zoneinfo import ZoneInfo

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


def _path(pure: str, text: str) -> PurePath:
    """A path of this system comes back as one; one of another system as a pure path."""
    pathlib = import_module("pathlib")
    kind: type[PurePath] = getattr(pathlib, pure)
    return pathlib.Path(text) if isinstance(pathlib.Path(), kind) else kind(text)


TEXT_TYPES: tuple[TextType, ...] = (
    TextType("Decimal", "decimal", str),
    TextType("Fraction", "fractions", _fraction_text, _parse_fraction),
    TextType("UUID", "uuid", str),
    TextType("PosixPath", "pathlib", str, partial(_path, "PurePosixPath")),
    TextType("WindowsPath", "pathlib", str, partial(_path, "PureWindowsPath")),
    TextType("PurePosixPath", "pathlib", str),
    TextType("PureWindowsPath", "pathlib", str),
    TextType("datetime", "datetime", moment_text, partial(parse_moment, datetime)),
    TextType("date", "datetime", date.isoformat, date.fromisoformat),
    TextType("time", "datetime", moment_text, partial(parse_moment, time)),
    TextType("timedelta", "datetime", _duration_text, _parse_duration),
)


def _converter(entry: TextType) -> Converter:
    def encode(value: Any, context: object, where: str) -> Encoded:
        attribute, rest = store_text(entry.to_text(value))
        return Encoded(attribute, hint=Hint(entry.tag, rest))

    return Converter(
        lazy_types=((entry.home, entry.tag),),
        encode=encode,
        exact_readers={entry.tag: lambda item, context: entry.from_text(restored_text(item))},
    )


CONVERTERS = tuple(_converter(entry) for entry in TEXT_TYPES)
