"""The navigator of a window: its map, the pointer in it, and sliders for further axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from bokeh.events import Pan, PanStart, Tap
from numpy.typing import NDArray

from hspyio.bridges.viewer.maps import Map, Summed, progressive_map
from hspyio.bridges.viewer.panels import ImagePanel, LinePanel, Panel
from hspyio.bridges.viewer.selection import Along, moved, name_of
from hspyio.bridges.viewer.source import group_means
from hspyio.bridges.viewer.window import MOST_PIXELS, MOST_POINTS, Window
from hspyio.model.axes import Axis

__all__ = ["Navigation"]

_SUM, _OWN = "sum of the signal", "window or detector"


class Navigation:
    """The left half of a window.

    Parameters
    ----------
    window : Window
        Whose.
    root : Column
        Where it stands in the page.
    moved : callable
        Told when the pointer is at another position.
    rebuilt : callable
        Told when another figure has taken the place of the one before.

    Attributes
    ----------
    panel : Panel or None
        The figure; None where nothing navigates.
    choice : Select or None
        Which map is shown.
    values : numpy.ndarray
        The map as far as it is known.
    what : str
        What it is of.
    whole : bool
        Whether all of it is known.
    """

    def __init__(
        self, window: Window, root: Any, moved: Callable[[], None], rebuilt: Callable[[], None]
    ) -> None:
        self.window, self.root = window, root
        self._moved, self._rebuilt = moved, rebuilt
        self.panel: Panel | None = None
        self.choice: Any = None
        self.values: NDArray[Any] = np.zeros(0)
        self.what, self.whole = "", False
        self._summed: Summed | None = None
        self._summed_what = ""
        self._sliders: list[Any] = []
        self._follows = False

    def clear(self) -> None:
        """Show nothing."""
        if self.panel is not None:
            self.panel.let_go()
        self.panel, self.choice, self._summed = None, None, None
        self._sliders = []
        self.root.visible = False
        self.root.children = []

    def fill(self) -> None:
        """Make the figure that the axes of the experiment ask for."""
        window = self.window
        axes = window.cube.navigation_axes
        self.clear()
        if not axes:
            return
        stored = list(window.item.navigators())
        self.choice = window.make.select(
            "navigator", [*stored, _SUM, _OWN], (stored or [_SUM])[0],
            lambda value: self.read(), name="map-choice", width=190,
        )  # fmt: skip
        self.root.visible = True
        self._sliders = [
            self._slider(number, axis) for number, axis in enumerate(axes[:-2]) if len(axes) > 2
        ]
        self._draw()

    def _draw(self) -> None:
        window, cube = self.window, self.window.cube
        axes = cube.navigation_axes
        self.values = np.zeros(0)
        if self.panel is not None:
            self.panel.let_go()
        if len(axes) > 1:
            panel: Panel = window.image("navigator", axes[-2:], pointer=True)
        elif self._is_rows:
            both = (axes[0], cube.inner_axes[0])
            panel = window.image("navigator", both, pointer=True, colours="Viridis", to_scale=False)
        else:
            panel = window.curve("navigator", axes[0], pointer=True)
        self.panel = panel
        for event in (Tap, PanStart, Pan):
            panel.plot.on_event(event, self._point)
        contrast = (
            [window.make.contrast(panel, window.say)] if isinstance(panel, ImagePanel) else []
        )
        self.root.children = [panel.plot, *contrast, *self._sliders]
        self.show_pointer()
        self._follows = self._follow()

    def _follow(self) -> bool:
        """Have the browser move the pointer with the mouse, where it can: not along uneven axes."""
        panel, count = self.panel, len(self.window.position)
        if isinstance(panel, ImagePanel):
            panel.follow(x=panel.horizontal if count > 1 else None, y=panel.vertical)
        elif isinstance(panel, LinePanel) and panel.along.uniform:
            panel.follow(x=panel.along)
        else:
            return False
        return True

    @property
    def _is_rows(self) -> bool:
        """Whether all signals are shown below each other: there are no more dimensions."""
        cube = self.window.cube
        return len(cube.navigation) == len(cube.inner) == 1 and self._summed is None

    # the pointer

    def _point(self, event: Any) -> None:
        """Move the pointer to where the navigator is clicked or dragged."""
        panel, position = self.panel, self.window.position
        if panel is None or event.x is None or event.y is None:
            return
        if isinstance(panel, LinePanel):
            place: tuple[int, ...] = (panel.along.index(event.x),)
        else:
            assert isinstance(panel, ImagePanel)
            place = (panel.vertical.index(event.y), panel.horizontal.index(event.x))
            place = place[: len(position)]
        self.move((*position[: len(position) - len(place)], *place), drawn=self._follows)

    def step(self, rows: int, columns: int) -> None:
        """Move the pointer by arrow keys; along one axis all of them do."""
        position = self.window.position
        if not position:
            return
        steps = (rows, columns) if len(position) > 1 else (rows + columns,)
        still = (0,) * (len(position) - len(steps))
        there = moved(position, (*still, *steps), self.window.cube.navigation_shape)
        self.move(there, drawn=self._follows)

    def move(self, position: tuple[int, ...], *, drawn: bool = False) -> None:
        """Move the pointer, whose lines the browser may have moved already."""
        if position == self.window.position:
            return
        self.window.position = position
        if drawn:
            self._mark()
        else:
            self.show_pointer()
        self._moved()

    def show_pointer(self) -> None:
        """Draw the pointer where it is, and the markers of the file there."""
        panel, position = self.panel, self.window.position
        if isinstance(panel, LinePanel):
            panel.point(x=float(panel.along.centres[position[-1]]))
        elif isinstance(panel, ImagePanel) and len(position) == 1:
            panel.point(y=float(panel.vertical.centres[position[0]]))
        elif isinstance(panel, ImagePanel):
            y, x = position[-2:]
            panel.point(x=float(panel.horizontal.centres[x]), y=float(panel.vertical.centres[y]))
        self._mark()

    def _mark(self) -> None:
        """Draw the markers of the file that lie over the navigator."""
        if self.panel is not None:
            self.panel.mark(self.window.shapes(over_signal=False))

    def _slider(self, number: int, axis: Axis) -> Any:
        def slide(value: int) -> None:
            position = list(self.window.position)
            position[number] = value
            self.move(tuple(position))
            self.read()

        along = Along.of(axis, as_image=False)
        texts = [along.text(index) for index in range(along.size)]
        title, at = name_of(axis), self.window.position[number]
        return self.window.make.slider(title, texts, at, slide, name=f"slider-{number}")

    # the map

    def sum_over(self, summed: Summed | None, what: str) -> None:
        """Make the map of a part of the signal the navigator, or go back to the one before."""
        other_form = (summed is None) != (self._summed is None)
        self._summed, self._summed_what = summed, what
        cube = self.window.cube
        if other_form and len(cube.navigation) == len(cube.inner) == 1:
            self._draw()
            self._rebuilt()
        wanted = next(iter(self.window.item.navigators()), _SUM) if summed is None else _OWN
        if self.choice.value == wanted:
            self.read()
        else:
            self.choice.value = wanted  # which reads it

    def read(self) -> None:
        """Show the map that is chosen, as soon as something of it is known."""
        window, item = self.window, self.window.item
        if self.panel is None:
            return
        stored = item.navigators().get(self.choice.value)
        if stored is not None and not self._is_rows:
            window.cancel("map")
            self._show(_whole(item.stored_map(stored)[window.outer]), self.choice.value)
            return
        summed, what = self._wanted()
        cube, outer = window.cube, window.outer
        key = (outer, summed.key)
        if key in item.maps:
            window.cancel("map")
            self._show(_whole(item.maps[key]), what)
            return
        self.whole = False

        def job(pause: Callable[[], None]) -> None:
            for state in progressive_map(cube, outer, summed, pause):
                if state.done == 1 and not state.lost:
                    item.keep(key, state.values)
                pause()
                copied = replace(state, values=state.values.copy(), shown=state.shown.copy())
                self._show_later(copied, what)

        window.ask("map", job)

    def _wanted(self) -> tuple[Summed, str]:
        """What is summed, and how that is called."""
        cube = self.window.cube
        if self._is_rows:
            return Summed(step=-(-cube.inner_shape[0] // MOST_PIXELS)), "all signals"
        if self.choice.value == _OWN and self._summed is not None:
            return self._summed, self._summed_what
        names = (Along.of(axis, as_image=False).label for axis in cube.inner_axes)
        return Summed(), f"sum over {', '.join(names)}"

    def _show_later(self, state: Map, what: str) -> None:
        panel = self.panel

        def show() -> None:
            if self.panel is panel:
                self._show(state, what)

        self.window.newest("map", show)

    def _show(self, state: Map, what: str) -> None:
        panel = self.panel
        if panel is None:
            return
        self.values, self.what, self.whole = state.values, what, state.done == 1
        most = MOST_PIXELS if isinstance(panel, ImagePanel) else MOST_POINTS
        panel.show(group_means(state.shown, [-(-n // most) for n in state.shown.shape]))
        lost = f", {state.lost} blocks of it damaged" if state.lost else ""
        panel.title(f"{what}{lost}" if self.whole else f"{what}, {state.done:.0%} read{lost}")


def _whole(values: NDArray[Any]) -> Map:
    return Map(values, values, 1.0)
