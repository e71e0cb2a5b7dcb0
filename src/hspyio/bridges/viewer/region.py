"""A region of the navigator, and the mean or the sum of its signals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hspyio.bridges.viewer.display import Display
from hspyio.bridges.viewer.maps import region_signals
from hspyio.bridges.viewer.navigation import Navigation
from hspyio.bridges.viewer.panels import ImagePanel, LinePanel
from hspyio.bridges.viewer.selection import around
from hspyio.bridges.viewer.source import group_means
from hspyio.bridges.viewer.window import Window

__all__ = ["Region"]


class Region:
    """A rectangle in the navigator, or a part of its axis.

    Parameters
    ----------
    window : Window
        Whose.
    navigation : Navigation
        Where it is chosen.
    display : Display
        Beside what its signal is shown.

    Attributes
    ----------
    picture : ImagePanel or None
        The signal of the region where that is an image: curves stand together in one figure.
    """

    def __init__(self, window: Window, navigation: Navigation, display: Display) -> None:
        self.window, self.navigation, self.display = window, navigation, display
        self.picture: ImagePanel | None = None
        self._box: Any = None
        self._kind: Any = None

    def fill(self) -> list[Any]:
        """Begin anew for another experiment; what is returned are its controls."""
        self.picture, self._box = None, None
        cube, make = self.window.cube, self.window.make
        if not cube.navigation or cube.is_coloured or cube.is_complex:
            return []
        self._kind = make.select(
            "of the region", ["mean", "sum"], "mean", lambda value: self.read(),
            name="region-kind", width=90,
        )  # fmt: skip
        return [make.toggle("Region", self._toggle, name="region-toggle"), self._kind]

    def rebuild(self) -> None:
        """Leave the region behind with its figure, or show its curve in the new one."""
        if self._box is not None and self._box not in self._center:
            shown, self._box = self._box.visible, None
            if shown:
                self._toggle(True)
        else:
            self.read()

    @property
    def _center(self) -> list[Any]:
        panel = self.navigation.panel
        return [] if panel is None else list(panel.plot.center)

    def _toggle(self, active: bool) -> None:
        panel = self.navigation.panel
        assert panel is not None
        if self._box is None:
            self._box = panel.box("region", only_x=isinstance(panel, LinePanel))
            self._place()
            for side in ("left", "right", "top", "bottom"):
                self._box.on_change(side, lambda attr, old, new: self.read())
        self._box.visible = active
        self._add_picture(active)
        if active:
            self.read()
            return
        self.window.cancel("region")
        self.window.say("")
        if isinstance(self.display.first, LinePanel):
            self.display.first.show_second(None)

    def _place(self) -> None:
        """Around the pointer at first."""
        panel, position = self.navigation.panel, self.window.position
        if isinstance(panel, LinePanel):
            self._box.update(**around(panel.along, position[-1], "left", "right"))
            return
        assert isinstance(panel, ImagePanel)
        row = position[-2] if len(position) > 1 else position[0]
        self._box.update(**around(panel.vertical, row, "bottom", "top"))
        if len(position) > 1:
            self._box.update(**around(panel.horizontal, position[-1], "left", "right"))

    def _add_picture(self, active: bool) -> None:
        cube, root = self.window.cube, self.display.root
        if len(cube.inner) == 1 or active == (self.picture is not None):
            return
        if not active:
            self.picture = None
            root.children = root.children[:-2]
            return
        self.picture = self.window.image("region-signal", cube.inner_axes)
        more = [self.picture.plot, self.window.make.contrast(self.picture, self.window.say)]
        root.children = [*root.children, *more]

    def ranges(self) -> tuple[slice, ...]:
        """The positions in it."""
        panel, box, position = self.navigation.panel, self._box, self.window.position
        fixed = tuple(slice(at, at + 1) for at in self.window.outer)
        if isinstance(panel, LinePanel):
            return (*fixed, panel.along.between(box.left, box.right))
        assert isinstance(panel, ImagePanel)
        rows = panel.vertical.between(box.bottom, box.top)
        if len(position) == 1:
            return (rows,)
        return (*fixed, rows, panel.horizontal.between(box.left, box.right))

    def read(self) -> None:
        """Show the signal of the region as far as it is read."""
        if self._box is None or not self._box.visible:
            return
        window, cube, ranges, kind = self.window, self.window.cube, self.ranges(), self._kind.value

        def job(pause: Callable[[], None]) -> None:
            for total, known, count, done in region_signals(cube, ranges, pause):
                values = total / np.maximum(known, 1) if kind == "mean" else total
                text = f"{kind} of {count:,} signals" + ("" if done == 1 else f", {done:.0%} read")
                pause()
                self._show_later(values, text)

        window.ask("region", job)

    def _show_later(self, values: NDArray[Any], text: str) -> None:
        self.window.newest("region", lambda: self._show(values, text))

    def _show(self, values: NDArray[Any], text: str) -> None:
        if self._box is None or not self._box.visible:
            return
        shown = group_means(values, self.display.steps())
        if isinstance(self.display.first, LinePanel):
            self.display.first.show_second(shown)
        elif self.picture is not None:
            self.picture.show(shown)
            self.picture.title(text)
        self.window.say(f"region: {text}")
