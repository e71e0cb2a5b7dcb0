"""What was probably meant: the nearest of known names, and lists that say where they are cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = [
    "ByAttribute",
    "NotThereError",
    "did_you_mean",
    "listing",
    "missing",
    "nearest",
    "quoted",
]

_LONGEST = 60  # characters of a name
_MOST = 10  # names of a list
_COMPARED = 2000  # names that are compared: a file may hold any number
_ALIKE = 0.6


class NotThereError(AttributeError):
    """An attribute that is not there, told with what was meant, once somebody reads the message.

    Whoever only asks whether there is one, with ``hasattr``, does not wait for the search.
    """

    def __init__(self, message: Callable[[], str]) -> None:
        super().__init__()
        self._message = message

    def __str__(self) -> str:
        """Search for what was meant."""
        return self._message()

    def __reduce__(self) -> Any:
        """Other processes get the text."""
        return AttributeError, (str(self),)


class ByAttribute:
    """What has attributes and no items; who asks for an item, or another name, is told of them."""

    __slots__ = ()

    def __getitem__(self, key: object) -> NoReturn:
        """Say what is written instead."""
        raise TypeError(f"{type(self).__name__} has attributes, no items{self._meant(key)}")

    if not TYPE_CHECKING:  # type checkers know the attributes

        def __getattr__(self, name: str) -> Any:
            """Say what was meant."""
            if name.startswith("_"):  # Python and its programs asking for a protocol
                raise AttributeError(f"{type(self).__name__} has no {name!r}")
            raise NotThereError(lambda: f"{type(self).__name__} has no {name!r}{self._meant(name)}")

    def _meant(self, key: object) -> str:
        """The end of a message: where that is."""
        known = [name for name in dir(self) if not name.startswith("_")]
        return f"; write .{key}" if key in known else missing(str(key), known)


def quoted(name: object) -> str:
    """A name as it stands in a message: short, on one line, and nothing that moves a cursor."""
    text = repr(name)
    text = " ".join(text.split()) if "\n" in text else text
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def nearest(wanted: str, known: Iterable[object], most: int = 3) -> list[str]:
    """Those of the names that are written nearly as what was asked for, the nearest first."""
    import difflib

    texts: dict[str, str] = {}
    for name in known:
        if isinstance(name, str) and len(name) <= 200:
            texts.setdefault(name.casefold(), name)
        if len(texts) >= _COMPARED:
            break
    asked = wanted[:200].casefold()
    if not asked:
        return []
    found = difflib.get_close_matches(asked, texts, n=most, cutoff=_ALIKE)
    longer = [text for text in texts if len(asked) > 2 and (asked in text) and text not in found]
    return [texts[text] for text in [*found, *longer][:most]]


def did_you_mean(wanted: str, known: Iterable[object]) -> str:
    """The end of a message, ``"; did you mean 'title'?"``; ``""`` where nothing is near."""
    near = nearest(wanted, known)
    return f"; did you mean {' or '.join(map(quoted, near))}?" if near else ""


def listing(known: Sequence[object], most: int = _MOST) -> str:
    """Names for a message; a list that is cut says how many more there are."""
    shown = ", ".join(quoted(name) for name in known[:most])
    more = len(known) - most
    return f"{shown} and {more:,} more" if more > 0 else shown


def missing(wanted: str, known: Sequence[object]) -> str:
    """The end of a message on a name that is not there: what is near it, else what there is."""
    if not known:
        return "; there is nothing"
    return did_you_mean(wanted, known) or f"; there are: {listing(known)}"
