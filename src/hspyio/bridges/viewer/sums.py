"""From the signal to a map: a window over a spectrum, or a virtual detector over an image."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.events import Pan, PanStart

from hspyio.bridges.viewer.display import Display
from hspyio.bridges.viewer.maps import Summed
from hspyio.bridges.viewer.navigation import Navigation
from hspyio.bridges.viewer.panels import ImagePanel, LinePanel
from hspyio.bridges.viewer.selection import (
    PRESETS,
    Detector,
    Grip,
    around,
    bright_disk,
    dragged,
    grip,
    preset,
    weights,
)
from hspyio.bridges.viewer.window import Window

__all__ = ["Sums"]

_NONE, _DISK, _ANNULUS, _RECTANGLE = "no detector", "Disk", "Annulus", "Rectangle"
_NEAR = 40
"""Which part of the size of an image is near enough to the rim of a detector to hold it."""


class Sums:
    """What of the signal is summed for the navigator.

    Parameters
    ----------
    window : Window
        Whose.
    navigation : Navigation
        What shows the map.
    display : Display
        Over what it is chosen.

    Attributes
    ----------
    detector : Detector or None
        The virtual detector.
    """

    def __init__(self, window: Window, navigation: Navigation, display: Display) -> None:
        self.window, self.navigation, self.display = window, navigation, display
        self.detector: Detector | None = None
        self._held: tuple[Grip, Detector, tuple[float, float]] | None = None
        self._name = ""
        self._box: Any = None

    def fill(self) -> list[Any]:
        """Begin anew for another experiment; what is returned are its controls."""
        self.detector, self._held, self._box = None, None, None
        cube, make = self.window.cube, self.window.make
        if not cube.navigation:
            return []
        if len(cube.inner) == 1:
            return [make.toggle("Map of a window", self._toggle, name="window-toggle")]
        plot = self.display.first.plot
        plot.on_event(PanStart, self._hold)
        plot.on_event(Pan, self._drag)
        forms = [_NONE, _DISK, _ANNULUS, _RECTANGLE, *PRESETS]
        return [
            make.select(
                "virtual detector", forms, _NONE, self._detect, name="detector-choice", width=210
            )
        ]

    # a window over a spectrum

    def rebuild(self) -> None:
        """Put the window over the new figure of the signal, where it was in the old one."""
        if self._box is not None:
            left, right, visible = self._box.left, self._box.right, self._box.visible
            self._box = self._new_box()
            self._box.update(left=left, right=right, visible=visible)

    def _new_box(self) -> Any:
        box = self.display.first.box("window", only_x=True)
        for side in ("left", "right"):
            box.on_change(side, lambda attr, old, new: self._read())
        return box

    def _toggle(self, active: bool) -> None:
        panel = self.display.first
        assert isinstance(panel, LinePanel)
        if self._box is None:
            self._box = self._new_box()
            peak = int(np.nan_to_num(panel.values).argmax())
            index = panel.along.index(float(panel.source.data["x"][peak]))
            self._box.update(**around(panel.along, index, "left", "right"))
        self._box.visible = active
        if active:
            self._read()
        else:
            self.navigation.sum_over(None, "")

    def _read(self) -> None:
        panel = self.display.first
        assert isinstance(panel, LinePanel)
        if self._box.visible:
            part = panel.along.between(self._box.left, self._box.right)
            ends = (panel.along.text(part.start), panel.along.text(part.stop - 1))
            self.navigation.sum_over(Summed((part,)), f"sum from {ends[0]} to {ends[1]}")

    # a detector over an image

    def _detect(self, choice: str) -> None:
        """Put a detector over the signal."""
        panel = self.display.first
        assert isinstance(panel, ImagePanel)
        self._name = choice
        self.detector = self._chosen(choice, panel)
        panel.plot.toolbar.active_drag = None if self.detector else panel.pan
        self._weigh()

    def _chosen(self, choice: str, panel: ImagePanel) -> Detector | None:
        shape = self.window.cube.inner_shape
        pattern = np.nan_to_num(panel.values)
        if pattern.shape != shape:  # a large one is shown coarsely: the middle will do
            pattern = np.ones(shape, np.uint8)
        if choice == _NONE:
            return None
        if choice in PRESETS:
            return preset(choice, pattern)
        disk = bright_disk(pattern)
        y, x, radius = disk.y, disk.x, disk.outer
        if choice == _ANNULUS:
            return Detector("annulus", y, x, radius, radius / 2)
        return Detector("rectangle", y, x, radius, radius) if choice == _RECTANGLE else disk

    def _weigh(self) -> None:
        panel, cube = self.display.first, self.window.cube
        assert isinstance(panel, ImagePanel)
        panel.outline(self.detector)
        found = None if self.detector is None else weights(self.detector.mask(cube.inner_shape))
        what = f"{self._name} detector" if self._name not in PRESETS else self._name
        self.navigation.sum_over(None if found is None else Summed(*found), what)

    def _place(self, event: Any) -> tuple[float, float] | None:
        panel = self.display.first
        if event.x is None or event.y is None or not isinstance(panel, ImagePanel):
            return None
        return panel.vertical.fraction(event.y), panel.horizontal.fraction(event.x)

    def _hold(self, event: Any) -> None:
        place = self._place(event)
        self._held = None
        if self.detector is not None and place is not None:
            slack = max(1.0, min(self.window.cube.inner_shape) / _NEAR)
            held = grip(self.detector, *place, slack)
            self._held = None if held is None else (held, self.detector, place)

    def _drag(self, event: Any) -> None:
        place = self._place(event)
        if self._held is not None and place is not None:
            self.detector = dragged(self._held[1], self._held[0], self._held[2], place)
            self._weigh()
