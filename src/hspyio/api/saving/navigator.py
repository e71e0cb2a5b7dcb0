"""The navigator of a signal: the picture of a map, made in the pass in which it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy, deepcopy
from typing import Any, TypeAlias

from hspyio import names
from hspyio.arrays.reduction import How, is_reducible, reduce_array
from hspyio.arrays.workers import Workers
from hspyio.converters import CONVERTERS
from hspyio.converters.encoder import Encoder
from hspyio.errors import OptionError, warn_user
from hspyio.model.axes import Axes
from hspyio.model.signal import Signal, signal_of
from hspyio.model.tree import MetadataTree
from hspyio.nodes.node import Group
from hspyio.printable import dtype_text
from hspyio.suggestions import quoted

__all__ = [
    "MEMBERS",
    "PART",
    "PLACES",
    "Wanted",
    "encoded_navigators",
    "fitting_signals",
    "navigators",
    "wanted_navigators",
    "with_navigators",
]

Wanted: TypeAlias = "How | Signal"
"""A sum or a maximum over the signal axes, or a map that somebody has made."""

Reduce: TypeAlias = Callable[[Any, Sequence[int], How, Workers], Any]

PART = "_HyperSpy"
"""The part of the metadata that has them."""
MEMBERS = (f"{names.SIGNAL}navigator", "navigators")
"""Their names in a file."""

_PLACE = f"{PART}.navigator"
"""Where HyperSpy looks for the picture of a lazy signal."""
_OTHERS = f"{PART}.navigators"
"""A mapping of further pictures, by name, which HyperSpy keeps."""
PLACES = (_PLACE, _OTHERS)
_HOW: tuple[How, ...] = ("sum", "max")


def wanted_navigators(given: object) -> tuple[Wanted, ...]:
    """What `navigator` of `save` asks for; refused before anything is computed."""
    if given is None:
        return ()
    several = given if isinstance(given, list | tuple) else [given]
    found: list[Wanted] = []
    for item in several:
        signal = None if isinstance(item, str) else signal_of(item)
        if signal is not None:
            found.append(signal)
        elif isinstance(item, str) and item in _HOW:
            found.append(item)
        else:
            raise OptionError(
                f"navigator is {quoted(item)}; use 'sum', 'max', None, a Signal with the "
                "navigation axes, or a list of these"
            )
    return tuple(found)


def navigators(signal: Signal) -> dict[str, Signal]:
    """The navigators that a signal has, by name; the one that programs show comes first."""
    found: dict[str, Signal] = {}
    first = signal.metadata.get_item(_PLACE, None)
    if isinstance(first, Signal):
        found[first.title or "navigator"] = first
    others = signal.metadata.get_item(_OTHERS, None)
    if isinstance(others, dict):
        found |= {name: one for name, one in others.items() if isinstance(one, Signal)}
    return found


def with_navigators(
    signal: Signal, wanted: Sequence[Wanted], workers: Workers, reduce: Reduce = reduce_array
) -> Signal:
    """A signal and the navigators that are asked for; the signal itself where it navigates not."""
    if not wanted or not _navigates(signal):
        return signal
    if not is_reducible(signal.data.dtype) and any(isinstance(one, str) for one in wanted):
        warn_user(
            f"{quoted(signal.title)} has no navigator: its values ({dtype_text(signal.data.dtype)})"
            " cannot be added; a Signal can be given as navigator"
        )
        return signal
    _check_places(signal.metadata)
    return _with(signal, [_made(signal, one, reduce, workers) for one in wanted])


def _check_places(metadata: MetadataTree) -> None:
    """Refuse to put navigators over anything else, which would be lost."""
    first, others = (metadata.get_item(place, None) for place in PLACES)
    given = others.values() if isinstance(others, dict) else [others]
    fits = {
        PART: isinstance(metadata.get(PART, metadata), MetadataTree),
        _PLACE: isinstance(first, Signal | None),
        _OTHERS: all(isinstance(one, Signal | None) for one in given),
    }
    if wrong := [place for place, is_fit in fits.items() if not is_fit]:
        raise OptionError(
            f"metadata.{wrong[0]} is no navigator, which would stand in its place; remove it, or "
            "keep it under another name"
        )


def fitting_signals(signals: Iterable[Signal], wanted: Sequence[Wanted] = ()) -> list[Signal]:
    """Signals without navigators that no longer fit, since the data were cut or turned.

    Those that are to be made, and replace what is there, are checked instead.
    """
    if not wanted:
        return [_without_misfits(signal) for signal in signals]
    found = list(signals)
    for signal in found:
        if _navigates(signal):
            _check_given(signal, wanted)
    return found


def _without_misfits(signal: Signal) -> Signal:
    found = navigators(signal)
    fitting = {name: one for name, one in found.items() if _fits(one, signal)}
    if len(fitting) == len(found):
        return signal
    lost = ", ".join(quoted(name) for name in found if name not in fitting)
    warn_user(
        f"{quoted(signal.title)}: the navigator {lost} does not fit the data any more and is "
        "not saved; navigator='sum' makes a new one"
    )
    return _with(signal, list(fitting.values()))


def _navigates(signal: Signal) -> bool:
    axes = signal.axes
    return bool(axes.navigation and axes.signal) and not signal.ragged and 0 not in axes.shape


def _fits(navigator: Signal, signal: Signal) -> bool:
    return navigator.data.shape == signal.axes.navigation_shape and _navigates(signal)


def _check_given(signal: Signal, wanted: Sequence[Wanted]) -> None:
    """Refuse a map of another shape."""
    for one in wanted:
        if isinstance(one, Signal) and not _fits(one, signal):
            raise OptionError(
                f"the navigator {quoted(one.title)} has the shape {one.data.shape}, the "
                f"navigation axes of {quoted(signal.title)} {signal.axes.navigation_shape}"
            )


def _made(signal: Signal, wanted: Wanted, reduce: Reduce, workers: Workers) -> Signal:
    if isinstance(wanted, Signal):
        return wanted
    over = [index for index, axis in enumerate(signal.axes) if not axis.navigate]
    data = reduce(signal.data, over, wanted, workers)
    return Signal(data, _shown_axes(signal.axes), title=wanted)


def _shown_axes(axes: Axes) -> Axes:
    """The navigation axes; the last two are those of the picture."""
    shown = [deepcopy(axis) for axis in axes.navigation]
    for axis in shown[-2:]:
        axis.navigate = False
    return Axes(shown)


def _with(signal: Signal, made: Sequence[Signal]) -> Signal:
    """The signal with other navigators; all that does not change is that of both."""
    result = copy(signal)
    result.metadata = signal.metadata.copy()
    part = signal.metadata.get(PART)
    if isinstance(part, MetadataTree):
        result.metadata[PART] = part.copy()
    _put(result.metadata, made)
    return result


def _put(metadata: MetadataTree, made: Sequence[Signal]) -> None:
    """Set the navigators of a signal, in place of all that it had."""
    for place in PLACES:
        if metadata.has_item(place):
            metadata.remove_item(place)
    if made:
        metadata.set_item(_PLACE, made[0])
    if others := made[1:]:
        metadata.set_item(_OTHERS, _by_name(others))


def _by_name(signals: Sequence[Signal]) -> dict[str, Any]:
    """Signals under their titles, and a number where these are equal."""
    found: dict[str, Any] = {}
    for signal in signals:
        title = signal.title or "navigator"
        name, number = title, 1
        while name in found:
            number += 1
            name = f"{title} {number}"
        found[name] = signal
    return found


def encoded_navigators(signal: Signal) -> Group | None:
    """The part of a file's metadata that holds the navigators of a signal."""
    found = list(navigators(signal).values())
    if not found:
        return None
    bare = MetadataTree()
    _put(bare, found)
    encoded = Encoder(CONVERTERS).try_encode(bare[PART], f"{names.METADATA}.{PART}")
    assert encoded is not None and isinstance(encoded.node, Group)
    return encoded.node
