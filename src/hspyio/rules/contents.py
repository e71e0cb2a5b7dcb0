"""Rules of what programs look for in trees: metadata, results, markers, models (section 7)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from hspyio import names
from hspyio.errors import Problem
from hspyio.nodes.node import Array, Attribute, Group
from hspyio.rules.rule import AGAIN, error, note, warning
from hspyio.rules.values import is_text, text_of, told
from hspyio.rules.view import SignalPlace, View
from hspyio.schema.migrations import Version

__all__ = ["RULES", "is_marker"]

_ISO_DATES: Version = (2, 2)
_WITHOUT_RECORD_BY: Version = (3, 2)
_WITHOUT_BINNED: Version = (3, 1)
_PATTERNS = {
    "date": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
    "time": re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII),
}
_PAIRS = (("factors", "loadings"), ("bss_factors", "bss_loadings"))
_CLASSES = {
    *("Arrows", "Circles", "Ellipses", "HorizontalLines", "Lines", "Markers", "Points"),
    *("Polygons", "Rectangles", "Squares", "Texts", "VerticalLines"),
}
_OLD_CLASSES = {
    *("Arrow", "Ellipse", "HorizontalLine", "HorizontalLineSegment", "LineSegment", "Point"),
    *("Rectangle", "Text", "VerticalLine", "VerticalLineSegment"),
}
_MODELS = f"/{names.ANALYSIS}/{names.MODELS}"


def _nodes(view: View, name: str) -> Iterator[tuple[SignalPlace, str, Group]]:
    """A node of the metadata of every signal that has it."""
    for signal in view.signals:
        tree = signal.part(names.METADATA)
        node = tree.members.get(name) if tree is not None else None
        if isinstance(node, Group):
            yield signal, f"{signal.where}/{names.METADATA}/{name}", node


def _signal_type_is_text(view: View) -> Iterator[Problem]:
    for _, where, node in _nodes(view, "Signal"):
        stored = node.attributes.get("signal_type")
        if isinstance(stored, Attribute) and not is_text(stored):
            yield Problem(f"{where}@signal_type", f"is {told(stored.value)}")


def _nothing_is_left_over(view: View) -> Iterator[Problem]:
    for _, where, node in _nodes(view, "Signal"):
        for key, since in (("record_by", _WITHOUT_RECORD_BY), ("binned", _WITHOUT_BINNED)):
            if key in node.attributes and view.version >= since:
                version = ".".join(map(str, since))
                yield Problem(f"{where}@{key}", f"is not written since version {version}")


def _dates_are_iso(view: View) -> Iterator[Problem]:
    for _, where, node in _nodes(view, "General") if view.version >= _ISO_DATES else ():
        for key, pattern in _PATTERNS.items():
            text = text_of(node.attributes.get(key))
            if text not in (None, "", names.NONE) and not pattern.fullmatch(text or ""):
                yield Problem(f"{where}@{key}", f"is {told(text)}")


def _results_fit(view: View) -> Iterator[Problem]:
    for signal in view.signals:
        results = signal.part(names.LEARNING_RESULTS)
        if results is None or signal.data is None:
            continue
        where = f"{signal.where}/{names.LEARNING_RESULTS}"
        for pair in _PAIRS:
            one, two = (_matrix(results.members.get(name)) for name in pair)
            if one is None or two is None:
                continue
            (rows, count), (places, other) = one, two
            named = " and ".join(pair)
            if count != other:
                yield Problem(f"{where}/{pair[0]}", f"{named} have {count} and {other} components")
            elif rows * places != math.prod(signal.data.shape):
                said = f"{named} are for {rows} x {places} values"
                yield Problem(
                    f"{where}/{pair[0]}", f"{said}, the data have {math.prod(signal.data.shape)}"
                )


def _matrix(node: object) -> tuple[int, int] | None:
    if isinstance(node, Array) and len(node.shape) == 2:
        return node.shape[0], node.shape[1]
    return None


def _markers(view: View) -> Iterator[tuple[str, Group]]:
    for _, where, node in _nodes(view, "Markers"):
        for name, marker in node.members.items():
            if isinstance(marker, Group):
                yield f"{where}/{name}", marker


def _markers_are_known(view: View) -> Iterator[Problem]:
    for where, marker in _markers(view):
        kind, old = marker.attributes.get("class"), marker.attributes.get("marker_type")
        if kind is None and old is None:
            yield Problem(where, "tells no class")
        elif kind is not None and text_of(kind) not in _CLASSES:
            yield Problem(f"{where}@class", f"is {told(text_of(kind))}")
        elif kind is None and text_of(old) not in _OLD_CLASSES:
            yield Problem(f"{where}@marker_type", f"is {told(text_of(old))}")


def _markers_are_whole(view: View) -> Iterator[Problem]:
    for where, marker in _markers(view):
        held = {*marker.attributes, *marker.members}
        wanted = "kwargs" if "class" in held else "data"
        if held & {"class", "marker_type"} and wanted not in held:
            yield Problem(where, f"there is no group called {wanted}")


def is_marker(marker: Mapping[str, Any]) -> bool:
    """Whether a marker, as it is read, is one that HyperSpy has, and whole."""
    new = "class" in marker
    kind, known = marker.get("class" if new else "marker_type"), _CLASSES if new else _OLD_CLASSES
    return isinstance(kind, str) and kind in known and ("kwargs" if new else "data") in marker


def _models(view: View) -> dict[str, Group]:
    return dict(view.contents.models) if view.contents is not None else {}


def _models_have_signals(view: View) -> Iterator[Problem]:
    experiments = view.contents.experiments if view.contents is not None else {}
    for name, model in _models(view).items() if experiments else ():
        owner = text_of(model.attributes.get(names.SIGNAL_OF_MODEL))
        if owner is None:
            yield Problem(f"{_MODELS}/{name}", f"has no attribute {names.SIGNAL_OF_MODEL}")
        elif owner.removeprefix(f"/{names.EXPERIMENTS}/") not in experiments:
            where = f"{_MODELS}/{name}@{names.SIGNAL_OF_MODEL}"
            yield Problem(where, f"is {told(owner)}, which is not there")


def _models_are_whole(view: View) -> Iterator[Problem]:
    for name, model in _models(view).items():
        if "_dict" not in model.members:
            yield Problem(f"{_MODELS}/{name}", "there is no group called _dict")


def _no_code(view: View) -> Iterator[Problem]:
    for item in view.items:
        if item.name == f"{names.BYTES}_class_dump":
            yield Problem(item.where, "is a pickled Python class")


RULES = (
    warning(
        "H601",
        "`metadata/Signal@signal_type` is text, empty for no special type.",
        "HyperSpy takes the signal for one of no special type.",
        "`hspy set FILE KEY VALUE`",
        _signal_type_is_text,
    ),
    note(
        "H602",
        "`metadata/Signal` has no `record_by` from version 3.2 on, and no `binned` from 3.1 on.",
        "HyperSpy sets the axes by them and says so.",
        "`hspy unset FILE KEY`",
        _nothing_is_left_over,
    ),
    note(
        "H603",
        "`metadata/General` has `date` and `time` in ISO form from version 2.2 on.",
        "Programs that compute with them fail.",
        "`hspy set FILE KEY VALUE`, or what is right.",
        _dates_are_iso,
    ),
    warning(
        "H604",
        "`factors` and `loadings` in `learning_results` have as many columns, and their rows fit "
        "the data.",
        "HyperSpy cannot compute a model of the data from them.",
        "Decompose again, or leave the results out: `hspy unset FILE KEY`.",
        _results_fit,
    ),
    error(
        "H605",
        "Markers are of a kind that HyperSpy has.",
        "HyperSpy cannot read the signal.",
        "`hspy unset FILE KEY`",
        _markers_are_known,
    ),
    error(
        "H606",
        "Markers have what they are drawn by: `kwargs`; those of HyperSpy 1 `data`.",
        "HyperSpy cannot read the signal.",
        "`hspy unset FILE KEY`",
        _markers_are_whole,
    ),
    warning(
        "H607",
        "`_signal` of a model is the path of an experiment, in a file that has any.",
        "The model belongs to no signal; HyperSpy leaves it out.",
        f"{AGAIN} leaves it out. Or store the model with its signal again.",
        _models_have_signals,
    ),
    error(
        "H608",
        "A model has a group `_dict`.",
        "HyperSpy cannot restore the model.",
        "`s = hspyio.load(FILE); s.models.pop(MODEL); hspyio.update(FILE, s)` removes it. "
        "Or store the model with its signal again.",
        _models_are_whole,
    ),
    note(
        "H609",
        "No model holds pickled code (`_class_dump`).",
        "HyperSpy runs such code when the model is restored; hspyio never does.",
        "Restore models only of files from people you trust.",
        _no_code,
    ),
)
