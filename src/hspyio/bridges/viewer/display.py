"""The signal at the pointer: a curve or an image, or both parts of complex values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.events import RangesUpdate
from numpy.typing import NDArray

from hspyio.bridges.viewer.contrast import PHASES
from hspyio.bridges.viewer.panels import ImagePanel, LinePanel, Panel
from hspyio.bridges.viewer.selection import Along, name_of
from hspyio.bridges.viewer.source import Cube, Part, numbers
from hspyio.bridges.viewer.window import MOST_PIXELS, MOST_POINTS, Window, words

__all__ = ["Display"]

_LARGE = 2**24
"""Bytes of a signal above which it is read in slabs."""
_CHANGED = "The file has changed; this window shows what it was. Load the page anew to see it."
_LONG_NAMES = 16
"""Letters of names beside which there is no room for two positions in a line."""


class Display:
    """The right half of a window.

    Parameters
    ----------
    window : Window
        Whose.
    root : Column
        Where it stands in the page.
    rebuilt : callable
        Told when another figure has taken the place of the first one.

    Attributes
    ----------
    pictures : list of Panel
        One; of complex values two.
    """

    def __init__(self, window: Window, root: Any, rebuilt: Callable[[], None]) -> None:
        self.window, self.root = window, root
        self._rebuilt = rebuilt
        self.pictures: list[Panel] = []
        self._part: Part = ()

    def clear(self, note: str) -> None:
        """Show a note in the place of a picture."""
        self.pictures = []
        self.root.children = [self.window.make.text(note, "note")]

    def fill(self) -> None:
        """Make the figures that the axes of the experiment ask for."""
        window, cube = self.window, self.window.cube
        self._part = ()
        names = ["signal", "phase"] if cube.is_complex else ["signal"]
        if len(cube.inner) == 2:
            self.pictures = [
                window.image(
                    name, cube.inner_axes, coloured=cube.is_coloured,
                    colours=PHASES if name == "phase" else "Grey",
                )
                for name in names
            ]  # fmt: skip
        else:
            self.pictures = [window.curve(name, cube.inner_axes[0]) for name in names]
        self.pictures[0].plot.on_event(RangesUpdate, self._zoom)
        if not cube.navigation and len(names) == 1:
            self.pictures[0].stand_alone()
        children: list[Any] = []
        for panel in self.pictures:
            children += [panel.plot, *self._controls(panel)]
        self.root.children = children

    def _controls(self, panel: Panel) -> list[Any]:
        if isinstance(panel, ImagePanel):
            return [self.window.make.contrast(panel, self.window.say)]
        assert isinstance(panel, LinePanel)
        return [self.window.make.line_scale(panel, self._scale)] if panel is self.first else []

    @property
    def first(self) -> Panel:
        """The picture that is drawn over."""
        return self.pictures[0]

    def _scale(self, scale: str) -> None:
        """Bokeh's axes are logarithmic from the beginning, or never: draw the curve anew."""
        old = self.first
        assert isinstance(old, LinePanel)
        panel = self.window.curve("signal", self.window.cube.inner_axes[0], log=scale == "log")
        panel.plot.height = old.plot.height
        panel.plot.on_event(RangesUpdate, self._zoom)
        panel.show(old.values, self._part or None)
        panel.title(old.plot.title.text)
        self.pictures[0] = panel
        self.root.children = [panel.plot, *self.root.children[1:]]
        self._rebuilt()

    # reading

    def steps(self, part: Part = ()) -> tuple[int, ...]:
        """How many neighbours become one pixel, or one point."""
        cube = self.window.cube
        most = MOST_PIXELS if len(cube.inner) == 2 else MOST_POINTS
        sizes = [along.stop - along.start for along in part] or cube.inner_shape
        return tuple(-(-n // most) for n in sizes)

    def read(self) -> None:
        """Show the signal at the pointer; of several moves the last."""
        window = self.window
        cube, position, part = window.cube, window.position, self._part
        window.library.turns.urgent()

        def job(pause: Callable[[], None]) -> None:
            values, trouble = self._found(position, part)
            window.library.turns.urgent()
            window.newest("signal", lambda: self._show_if(cube, values, position, part, trouble))

        window.ask("signal", job)

    def read_at_once(self) -> None:
        """Show it in a window that opens: there is nothing to be seen in it before."""
        position = self.window.position
        values, trouble = self._found(position, ())
        self._show(values, position, ())
        self.window.trouble(trouble)

    def _found(self, position: tuple[int, ...], part: Part) -> tuple[NDArray[Any], str]:
        """The signal, and what is wrong with it: without values where it cannot be read."""
        try:
            values = self._values(position, part)
        except Exception as error:  # whatever it is, the window stays and says it
            return self._blank(part), words(error)
        stays = self.window.follows or not self.window.library.has_changed
        return values, "" if stays else _CHANGED

    def _blank(self, part: Part) -> NDArray[Any]:
        """A signal of which nothing is known."""
        cube = self.window.cube
        sizes = [along.stop - along.start for along in part] or cube.inner_shape
        shape = tuple(-(-n // step) for n, step in zip(sizes, self.steps(part), strict=True))
        if cube.is_coloured:
            return np.zeros((*shape, 4), np.uint8)
        return np.full(shape, np.nan, np.complex128 if cube.is_complex else np.float64)

    def _values(self, position: tuple[int, ...], part: Part) -> NDArray[Any]:
        cube, steps = self.window.cube, self.steps(part)
        if max(steps) > 1 or cube.signal_bytes > _LARGE:
            return cube.reduced(position, part, steps)
        return numbers(cube.at(position, part))

    def _show_if(
        self, cube: Cube, values: NDArray[Any], position: tuple[int, ...], part: Part, trouble: str
    ) -> None:
        """Show what was read, unless another experiment has been chosen meanwhile."""
        if self.window.item.cube is cube:
            self._show(values, position, part)
            self.window.trouble(trouble)

    def _show(self, values: NDArray[Any], position: tuple[int, ...], part: Part) -> None:
        is_complex = self.window.cube.is_complex
        shown = [np.abs(values), np.angle(values)] if is_complex else [values]
        where = self._where(position)
        for panel, values_, what in zip(self.pictures, shown, ("modulus", "phase"), strict=False):
            panel.show(values_, part or None)
            panel.title(f"{what}  {where}" if is_complex else where)
        curve = self.first.value_at if isinstance(self.first, LinePanel) else None
        self.first.mark(self.window.shapes(over_signal=True, value_at=curve))

    def _where(self, position: tuple[int, ...]) -> str:
        """The position in words, and how much is shown."""
        axes = self.window.cube.navigation_axes
        names = [name_of(axis) for axis in axes]
        texts = [
            f"{name} = {Along.of(axis, as_image=False).text(index)}"
            for name, axis, index in zip(names, axes, position, strict=True)
        ]
        if len(texts) > 2:  # in two lines, the second for the map
            texts = [", ".join(texts[:-2]) + "\n" + texts[-2], texts[-1]]
        elif sum(map(len, names)) > _LONG_NAMES:
            texts = ["\n".join(texts)]
        steps = self.steps(self._part)
        if max(steps) > 1:
            texts.append(f"means of {' × '.join(map(str, steps))} points: zoom in for all")
        return ", ".join(texts)

    def _zoom(self, event: Any) -> None:
        """Read what is seen of a large signal anew, as finely as it can be shown."""
        panel = self.first
        if max(self.steps()) == 1:
            return
        if isinstance(panel, ImagePanel):
            part: Part = (
                panel.vertical.between(event.y0, event.y1),
                panel.horizontal.between(event.x0, event.x1),
            )
        else:
            assert isinstance(panel, LinePanel)
            part = (panel.along.between(event.x0, event.x1),)
        if part != self._part:
            self._part = part
            self.read()
