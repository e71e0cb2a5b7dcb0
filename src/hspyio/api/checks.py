"""What a later version brings."""

from __future__ import annotations

from hspyio.errors import OptionError

__all__ = ["not_yet"]


def not_yet(option: str, value: bool) -> None:
    """Refuse what a later version brings, rather than ignore it.

    Raises
    ------
    OptionError
        If the option is on.
    """
    if value:
        raise OptionError(f"{option}=True is not available in this version of hspyio")
