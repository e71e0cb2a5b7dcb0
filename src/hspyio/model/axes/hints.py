"""What to say to who asks an axis, or axes, for what HyperSpy's have."""

from __future__ import annotations

from collections.abc import Sequence

from hspyio.suggestions import NotThereError, did_you_mean

_ELSEWHERE = {
    "axis": "its points are .values",
    "low_value": "its points are .values, so the first is .values[0]",
    "high_value": "its points are .values, so the last is .values[-1]",
    "value2index": "the nearest point is abs(axis.values - value).argmin()",
    "index2value": "its points are .values",
}
"""What HyperSpy's axes have, and where that is found."""

_OTHER_WORDS = {
    "units": "unit",
    "scale": "step delta calibration pixel_size dx",
    "offset": "start origin begin",
    "name": "label title",
    "size": "length",
    "axis": "values points",
    "is_binned": "binned",
    "navigate": "nav navigation",
    "_type": "type",
}
SYNONYMS = {word: meant for meant, words in _OTHER_WORDS.items() for word in words.split()}
"""Keys of an axis's dict by other names."""


def unknown(kind: str, known: Sequence[str], name: str) -> AttributeError:
    """The error for a field that is set and isn't there."""
    hint = key_hint(name, known) or f"; there are: {', '.join(known)}"
    rest = "; what else is to be kept goes into .extra"
    return AttributeError(f"{kind} has no {name!r} to set{hint}{rest}")


def absent(kind: str, known: Sequence[str], name: str) -> AttributeError:
    """The error for what is asked for and isn't there."""
    if name.startswith("_"):  # Python and its programs asking for a protocol
        return AttributeError(f"{kind} has no {name!r}")
    return NotThereError(lambda: f"{kind} has no {name!r}{_instead(known, name)}")


def _instead(known: Sequence[str], name: str) -> str:
    hint = f"; {_ELSEWHERE[name]}" if name in _ELSEWHERE else key_hint(name, known)
    return hint or "; HyperSpy's axes have more: signal.to_hyperspy().axes_manager"


def key_hint(key: str, known: Sequence[str]) -> str:
    """What was probably meant by a key of an axis's dict."""
    meant = SYNONYMS.get(key.casefold())
    return f"; did you mean {meant!r}?" if meant in known else did_you_mean(key, known)
