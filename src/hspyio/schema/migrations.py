"""Metadata of older format versions -> metadata of the current one, a step a version (format, 6.3).

To add a version: a function that moves nodes, an entry of ``STEPS``, a file in ``tests/archive``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from hspyio import names
from hspyio.model.parts import SignalParts
from hspyio.records import record

__all__ = ["CURRENT", "STEPS", "Version", "migrate", "parse_version"]

Tree: TypeAlias = dict[Any, Any]
Version: TypeAlias = tuple[int, ...]

_MISSING = object()


@record
class Step:
    """What brings metadata written before a version to it."""

    before: Version  # it is for files of lower ones
    migrate: Callable[[Tree], None]  # changes a metadata tree in place


def copied(tree: Tree) -> Tree:
    """Copy a tree of dicts, not what is in it."""
    return {key: copied(value) if type(value) is dict else value for key, value in tree.items()}


def get(tree: Tree, path: str) -> Any:
    """Value at a dotted path, ``None`` if there is none."""
    node: Any = tree
    for name in path.split("."):
        if not isinstance(node, dict) or name not in node:
            return None
        node = node[name]
    return node


def move(tree: Tree, source: str, target: str) -> None:
    """Move a node; onto a node that is there already it is merged (defect R11)."""
    *parents, name = source.split(".")
    origin = get(tree, ".".join(parents)) if parents else tree
    if not isinstance(origin, dict) or name not in origin:
        return
    *steps, last = target.split(".")
    # Looked up before the source goes: its parent may be on the way.
    place = _made(tree, steps)
    if place is None:
        return
    if last not in place:
        place[last] = origin.pop(name)
        return
    value, there = origin[name], place[last]
    if isinstance(value, dict) and isinstance(there, dict):
        _merge(value, there)
        if not value:
            del origin[name]


def _merge(source: Tree, target: Tree) -> None:
    """Move what has a place in the target; the rest stays."""
    for key in list(source):
        value, there = source[key], target.get(key, _MISSING)
        if there is _MISSING:
            target[key] = source.pop(key)
        elif isinstance(value, dict) and isinstance(there, dict):
            _merge(value, there)
            if not value:
                del source[key]


def _made(tree: Tree, steps: list[str]) -> Tree | None:
    node = tree
    for step in steps:
        node = node.setdefault(step, {})
        if not isinstance(node, dict):
            return None
    return node


def _to_1_1(metadata: Tree) -> None:
    """From 1.0: the keys of HyperSpy before 0.6."""
    # The later names win where both are there.
    if "signal_type" not in metadata:
        move(metadata, "signal", "Signal.signal_type")
    if "title" not in metadata:
        move(metadata, "name", "General.title")


_EELS = ("dwell_time", "dwell_time_units", "exposure", "exposure_units")


def _to_1_2(metadata: Tree) -> None:
    """From 1.1: the tree of HyperSpy 0.7, with General, Signal and Acquisition_instrument."""
    move(metadata, "_internal_parameters", "_HyperSpy")
    move(metadata, "_HyperSpy.stacking_history", "_HyperSpy.Stacking_history")
    move(metadata, "_HyperSpy.folding", "_HyperSpy.Folding")
    # Under Signal, where HyperSpy looks for it (defect R6).
    move(metadata, "Variance_estimation", "Signal.Noise_properties.Variance_linear_model")
    if isinstance(get(metadata, "TEM.EELS"), dict):
        for name in _EELS:
            move(metadata, f"TEM.{name}", f"TEM.EELS.{name}")
        # Detector.EELS, as the files of 1.2 have it (defect R5).
        move(metadata, "TEM.EELS", "TEM.Detector.EELS")
    move(metadata, "TEM.EDS", "TEM.Detector.EDS")
    move(metadata, "SEM.EDS", "SEM.Detector.EDS")
    move(metadata, "TEM", "Acquisition_instrument.TEM")
    move(metadata, "SEM", "Acquisition_instrument.SEM")
    move(metadata, "Sample.Xray_lines", "Sample.xray_lines")
    for name in ("title", "date", "time", "original_filename"):
        move(metadata, name, f"General.{name}")
    for name in ("record_by", "signal_origin", "signal_type"):
        move(metadata, name, f"Signal.{name}")


_TEM = "Acquisition_instrument.TEM"
_SEM = "Acquisition_instrument.SEM"


def _to_3_0(metadata: Tree) -> None:
    """From 2.2: the Stage and Camera nodes."""
    move(metadata, f"{_TEM}.tilt_stage", f"{_TEM}.Stage.tilt_alpha")
    # exposure_time goes before exposure, which stays where it was if both are there.
    move(metadata, f"{_TEM}.exposure_time", f"{_TEM}.Detector.Camera.exposure")
    move(metadata, f"{_TEM}.exposure", f"{_TEM}.Detector.Camera.exposure")
    move(metadata, f"{_SEM}.tilt_stage", f"{_SEM}.Stage.tilt_alpha")


STEPS = (Step((1, 1), _to_1_1), Step((1, 2), _to_1_2), Step((3, 0), _to_3_0))


def parse_version(text: str) -> Version | None:
    """Parse ``"3.3"`` as ``(3, 3)``; ``None`` for what is no version."""
    parts = text.strip().split(".")
    if not parts or not all(part.isdecimal() and len(part) < 6 for part in parts):
        return None
    return tuple(int(part) for part in parts)


CURRENT: Version = parse_version(names.CURRENT_VERSION) or ()


def migrate(parts: SignalParts, version: Version) -> SignalParts:
    """Bring the metadata of a signal, which is left as it is, to the current format."""
    metadata = copied(parts.metadata)
    for step in STEPS:
        if version < step.before:
            step.migrate(metadata)
    general = metadata.get("General")
    # Last, because the steps move an old title here first (defect R7).
    title = general.get("title") if isinstance(general, dict) else None
    if isinstance(title, str) and title == names.UNNAMED and not parts.literal_title:
        metadata["General"]["title"] = ""
    return replace(parts, metadata=metadata)
