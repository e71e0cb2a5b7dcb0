"""What the parts of a window share: its document, what is shown, where the pointer is."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

from hspyio.bridges.plotting.scales import plain_text
from hspyio.bridges.viewer.controls import Controls
from hspyio.bridges.viewer.library import Item, Library
from hspyio.bridges.viewer.markers import Shapes, ValueAt, shapes_at
from hspyio.bridges.viewer.page import LIGHT, Theme
from hspyio.bridges.viewer.panels import ImagePanel, LinePanel
from hspyio.bridges.viewer.selection import Along
from hspyio.bridges.viewer.source import Cube
from hspyio.bridges.viewer.worker import Job, Worker
from hspyio.errors import HspyError
from hspyio.model.axes import Axis

__all__ = ["MOST_PIXELS", "MOST_POINTS", "Window", "words"]

MOST_PIXELS, MOST_POINTS = 1024, 20_000
"""Along an axis of an image and of a curve: of more, means over neighbours are shown."""
_JOBS = ("signal", "map", "region", "file")


def words(error: Exception) -> str:
    """What went wrong, in a line."""
    return error.message if isinstance(error, HspyError) else f"{type(error).__name__}: {error}"


class Window:
    """One window of the viewer.

    Parameters
    ----------
    document : bokeh.document.Document
        What the browser shows.
    library : Library
        What there is to be shown; other windows have the same.

    Attributes
    ----------
    make : Controls
        Makes its widgets.
    status : Div
        A line of text for what happens.
    theme : Theme
        The colours of its pictures.
    name, item : str, Item
        The experiment that is shown.
    position : tuple of int
        Where the pointer is, along the navigation axes.
    follows : bool
        Whether it goes along with a file that changes.
    """

    def __init__(self, document: Any, library: Library) -> None:
        self.document, self.library = document, library
        self.make = Controls()
        self.status = self.make.text("", "status")
        self.theme: Theme = LIGHT
        self.name = ""
        self.item = Item(None, None, "")
        self.position: tuple[int, ...] = ()
        self.follows = False
        self._lock = threading.Lock()
        self._changes: dict[str, Callable[[], None]] = {}
        self._trouble = ""
        self._workers = {job: Worker(library.turns, self._failed) for job in _JOBS}

    @property
    def cube(self) -> Cube:
        """The data that are shown; asked for only where there are some."""
        assert self.item.cube is not None
        return self.item.cube

    @property
    def outer(self) -> tuple[int, ...]:
        """Where the first navigation axes stand, which sliders move."""
        return self.position[:-2] if len(self.position) > 2 else ()

    def show(self, name: str) -> None:
        """Take another experiment, with the pointer in its middle."""
        self.item = self.library.item(name)
        self.name = name
        for worker in self._workers.values():
            worker.cancel()
        shape = () if self.item.cube is None else self.item.cube.navigation_shape
        self.position = tuple(n // 2 for n in shape)

    # threads

    def ask(self, kind: str, job: Job) -> None:
        """Have a thread do something, in the place of what it did of that kind before."""
        self._workers[kind].ask(job)

    def cancel(self, kind: str) -> None:
        """Have it done no more."""
        self._workers[kind].cancel()

    def later(self, change: Callable[[], None]) -> None:
        """Change the document from another thread."""
        # Bokeh takes a document apart whose window has gone, whoever still reads for it.
        with contextlib.suppress(RuntimeError, AttributeError):
            self.document.add_next_tick_callback(change)

    def newest(self, kind: str, change: Callable[[], None]) -> None:
        """The same; of several of a kind that wait for the window the last one counts."""
        with self._lock:
            waits = kind in self._changes
            self._changes[kind] = change
        if not waits:
            self.later(lambda: self._change(kind))

    def _change(self, kind: str) -> None:
        with self._lock:
            change = self._changes.pop(kind)
        change()

    def say(self, text: str) -> None:
        """Show a line of text."""
        self.status.text = plain_text(text, 400)

    def trouble(self, text: str) -> None:
        """Show what is wrong with the signal that is seen; nothing once another is seen."""
        if text != self._trouble:
            self._trouble = text
            self.say(text)

    def _failed(self, error: Exception) -> None:
        text = words(error)
        self.later(lambda: self.say(text))

    def close(self) -> None:
        """End all threads."""
        for worker in self._workers.values():
            worker.close()

    # pictures

    def image(
        self,
        name: str,
        axes: Sequence[Axis],
        *,
        colours: str = "Grey",
        pointer: bool = False,
        to_scale: bool = True,
        coloured: bool = False,
    ) -> ImagePanel:
        """An image over two axes."""
        vertical, horizontal = (Along.of(axis, as_image=True) for axis in axes)
        panel = ImagePanel(
            name, vertical, horizontal, colours=colours, pointer=pointer, to_scale=to_scale,
            coloured=coloured,
        )  # fmt: skip
        panel.colour(self.theme)
        return panel

    def curve(
        self, name: str, axis: Axis, *, log: bool = False, pointer: bool = False
    ) -> LinePanel:
        """A curve over an axis."""
        quantity = plain_text(self.item.signal.metadata.get_item("Signal.quantity", None), 60)
        panel = LinePanel(name, Along.of(axis, as_image=False), quantity, log=log, pointer=pointer)
        panel.colour(self.theme)
        return panel

    def shapes(self, *, over_signal: bool, value_at: ValueAt | None = None) -> Shapes:
        """Markers of the file at the pointer, over a curve whose values they may stand for."""
        markers = self.item.signal.metadata.get("Markers")
        return shapes_at(markers, self.position, over_signal=over_signal, value_at=value_at)
