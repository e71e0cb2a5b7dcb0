"""From 1.0: the keys of HyperSpy before 0.6."""

from __future__ import annotations

from hspyio.schema.versions.step import Step, Tree, move

__all__ = ["STEP"]


def _migrate(metadata: Tree) -> None:
    # The later names win where both are there.
    if "signal_type" not in metadata:
        move(metadata, "signal", "Signal.signal_type")
    if "title" not in metadata:
        move(metadata, "name", "General.title")


STEP = Step((1, 1), _migrate)
