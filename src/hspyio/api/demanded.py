"""What readers demand of a signal: a rescue gives it, and keeps what damage has put there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import count
from typing import Any

from hspyio import names
from hspyio.errors import Problem
from hspyio.model.signal import Signal
from hspyio.rules.contents import is_marker

__all__ = ["demands_met"]

_MARKERS = "Markers"
_MODEL = "_dict"


def demands_met(signal: Signal, where: str) -> list[Problem]:
    """Give a signal what readers demand, inside its trees too; else they read nothing of the file.

    What stands in the place of it is put beside it, as are markers that no reader draws.
    """
    return list(_met(signal, where))


def _met(signal: Signal, where: str) -> Iterator[Problem]:
    metadata: dict[str, Any] = signal.metadata
    above = f"{where}/{names.METADATA}"
    yield from _put_aside(metadata, "General", above, Mapping, {})
    yield from _put_aside(metadata.get("General"), "title", f"{above}/General", str, "")
    yield from _without_strange_markers(metadata, above)
    for name, model in signal.models.items():
        place = f"/{names.ANALYSIS}/{names.MODELS}/{name}"
        yield from _put_aside(model.tree, _MODEL, place, Mapping, {})
        if _MODEL not in model.tree:
            model.tree[_MODEL] = {}
            yield Problem(place, f"holds no {_MODEL}, which HyperSpy restores it by; now empty")
    for inner in _signals_in([metadata, signal.original_metadata]):
        yield from _met(inner, where)


def _put_aside(tree: Any, key: str, above: str, kind: type, empty: object) -> Iterator[Problem]:
    if isinstance(tree, MutableMapping) and not isinstance(tree.get(key, empty), kind):
        aside = _free(tree, key)
        tree[aside], tree[key] = tree[key], empty
        yield Problem(f"{above}/{key}", f"is not what readers take there; now called {aside!r}")


def _without_strange_markers(metadata: Any, above: str) -> Iterator[Problem]:
    markers = metadata.get(_MARKERS)
    if not isinstance(markers, Mapping):
        return
    strange = [
        name
        for name, marker in markers.items()
        if isinstance(marker, Mapping) and not is_marker(marker)
    ]
    aside = _free(metadata, _MARKERS)
    if strange:
        metadata[aside] = {name: markers[name] for name in strange}
        metadata[_MARKERS] = {name: markers[name] for name in markers if name not in strange}
    for name in strange:
        yield Problem(
            f"{above}/{_MARKERS}/{name}", f"is no marker that readers take; now in {aside!r}"
        )


def _free(tree: Mapping[str, Any], key: str) -> str:
    return next(name for i in count(1) if (name := f"{key} (recovered {i})") not in tree)


def _signals_in(values: Iterable[Any]) -> Iterator[Signal]:
    for value in values:
        if isinstance(value, Signal):
            yield value
        elif isinstance(value, Mapping):
            yield from _signals_in(value.values())
        elif isinstance(value, (list, tuple)):
            yield from _signals_in(value)
