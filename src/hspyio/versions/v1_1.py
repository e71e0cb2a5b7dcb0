"""From 1.0: the keys of HyperSpy before 0.6."""

from __future__ import annotations

from hspyio.versions.step import Step, Tree, move

__all__ = ["STEP"]


def _migrate(metadata: Tree) -> None:
    move(metadata, "signal", "Signal.signal_type")
    move(metadata, "name", "General.title")


STEP = Step((1, 1), _migrate)
