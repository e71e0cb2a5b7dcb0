"""Filters that only a plugin decodes: their numbers, their names, and what to install."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hspyio.errors import OptionError
from hspyio.filters.codec import Codec

__all__ = ["CODECS", "plain_options"]

_NAMES = {
    307: "bzip2",
    32013: "zfp",
    32017: "sz",
    32018: "fcidecomp",
    32024: "sz3",
    32026: "blosc2",
    32028: "sperr",
}


def plain_options(value: Any) -> tuple[int, ...]:
    """Client data as the caller gives them: the filter's own numbers."""
    if value is None:
        return ()
    if not isinstance(value, Iterable):
        value = (value,)
    try:
        return tuple(int(number) for number in value)
    except (TypeError, ValueError):
        raise OptionError(
            f"compression_opts is {value!r}; a filter chosen by number takes whole numbers"
        ) from None


_ROUNDING = ("zfp", "sz", "sz3", "fcidecomp", "sperr")

CODECS = tuple(
    Codec(
        number,
        name,
        package="hdf5plugin",
        options=plain_options,
        rounds=name in _ROUNDING,
        resizes=True,
    )
    for number, name in _NAMES.items()
)
