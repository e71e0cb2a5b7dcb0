"""One window of the viewer: its page, the experiment in it, and what belongs together in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bokeh.events import DocumentReady
from bokeh.models import Column, ColumnDataSource, CustomJS, Switch, TabPanel, Tabs

from hspyio.api.streaming.follow import state_of
from hspyio.bridges.plotting.scales import plain_text
from hspyio.bridges.viewer.display import Display
from hspyio.bridges.viewer.library import Library
from hspyio.bridges.viewer.navigation import Navigation
from hspyio.bridges.viewer.page import DARK, KEYS, LIGHT, START, needed, template
from hspyio.bridges.viewer.region import Region
from hspyio.bridges.viewer.sums import Sums
from hspyio.bridges.viewer.window import Window
from hspyio.errors import HspyError
from hspyio.printable import dtype_text, printable

__all__ = ["Following", "Session"]


class Session:
    """One window: a document of Bokeh that is filled and kept alive.

    Parameters
    ----------
    document : bokeh.document.Document
        An empty one.
    library : Library
        What is shown; shared with other windows.
    name : str
        The experiment that is shown first.
    follow : bool
        Whether it goes along with the file.
    """

    def __init__(self, document: Any, library: Library, name: str, *, follow: bool = False) -> None:
        window = self.window = Window(document, library)
        roots = {n: Column(name=n, sizing_mode="stretch_width") for n in _ROOTS}
        self._head, self._tools, self._facts = (roots[n] for n in ("head", "tools", "facts"))
        self._dark = Switch(active=False, name="dark", margin=(10, 5))
        self._title: Any = None
        self.display = Display(window, roots["right"], self._rebuilt_display)
        self.navigation = Navigation(
            window, roots["left"], self.display.read, self._rebuilt_navigation
        )
        self.region = Region(window, self.navigation, self.display)
        self.sums = Sums(window, self.navigation, self.display)
        with document.models.freeze():  # Bokeh looks through all of it once, at the end
            for root in roots.values():
                document.add_root(root)
            self._prepare()
            self._choose(name)
            if follow:
                Following(window, self.navigation, self._choose)

    def close(self) -> None:
        """End all threads of the window."""
        self.window.close()

    def _rebuilt_display(self) -> None:
        self.sums.rebuild()
        self.region.rebuild()

    def _rebuilt_navigation(self) -> None:
        self.region.rebuild()

    # the page

    def _prepare(self) -> None:
        """The page, the keys, and the colours."""
        document, dark = self.window.document, self._dark
        document.template = template()
        document.template_variables["needed"] = needed
        keys = ColumnDataSource({"rows": [], "columns": [], "number": []}, name="keys")
        keys.on_change("data", lambda attr, old, new: self._key(new))
        dark.tags = [keys]  # so that it belongs to the document
        left = self.navigation.root
        dress = CustomJS(args={"dark": dark, "left": left, "tools": self._tools}, code=START)
        listen = CustomJS(args={"keys": keys, "dark": dark}, code=KEYS)
        dark.js_on_change("active", dress)
        for root in (left, self._tools):
            root.js_on_change("visible", dress)
        dark.on_change("active", lambda attr, old, new: self._dress(new))
        document.js_on_event(DocumentReady, dress)
        document.js_on_event(DocumentReady, listen)

    def _dress(self, dark: bool) -> None:
        theme = self.window.theme = DARK if dark else LIGHT
        for panel in (self.navigation.panel, *self.display.pictures, self.region.picture):
            if panel is not None:
                panel.colour(theme)

    def _key(self, data: Any) -> None:
        if len(data["rows"]):
            self.navigation.step(int(data["rows"][0]), int(data["columns"][0]))

    # one experiment

    def _choose(self, name: str) -> None:
        """Show an experiment; of one that cannot be read, why."""
        try:
            self._show(name)
        except HspyError as error:
            self.window.say(error.message)

    def _show(self, name: str) -> None:
        window = self.window
        window.show(name)
        self._fill_head()
        self._fill_facts()
        if window.item.cube is None:
            self.navigation.clear()
            self.display.clear(window.item.note)
            self._tools.visible = False
            self._tools.children = []
            return
        self.display.fill()
        self.navigation.fill()
        self._fill_tools()
        self.display.read_at_once()
        self.navigation.read()

    def _fill_head(self) -> None:
        window, make = self.window, self.window.make
        signal, titles = window.item.signal, window.library.titles
        title = plain_text(signal.title) or titles[window.name]
        window.document.title = f"{title} - hspyio"
        children = [
            make.text(title, "title", strong=True),
            make.text(plain_text(signal._facts(), 200), "dimensions"),
            make.text("dark", "dark-label"),
            self._dark,
        ]
        if len(titles) > 1:
            choice = make.select(
                "experiment", list(titles.items()), window.name, self._choose, name="experiment",
                width=240,
            )  # fmt: skip
            children.insert(0, choice)
        self._head.children = [make.row(*children), window.status]

    def _fill_facts(self) -> None:
        signal, make = self.window.item.signal, self.window.make
        listings = {
            "Axes": repr(signal.axes),
            "Metadata": printable(repr(signal.metadata)),
            "File": printable(_about(signal)),
        }
        tabs = [
            TabPanel(title=title, child=make.listing(text, title.lower()))
            for title, text in listings.items()
        ]
        self._facts.children = [make.tabs(Tabs(tabs=tabs, sizing_mode="stretch_width"))]

    def _fill_tools(self) -> None:
        make, navigation = self.window.make, self.navigation
        parts = [*self.sums.fill(), *self.region.fill()]
        self._tools.visible = navigation.choice is not None
        if navigation.choice is None:
            self._tools.children = []
            return
        self._title = make.field("title of the map", "", name="map-title", width=200)
        save = make.button("Add map to the file", self._save, name="save-map")
        save.disabled = self.window.library.path is None
        self._tools.children = [make.row(navigation.choice, *parts, self._title, save)]

    # what is saved

    def _save(self) -> None:
        """Add the map to the file, once it is whole."""
        window, navigation = self.window, self.navigation
        if not navigation.whole:
            window.say("The map is not whole yet; add it when all is read.")
            return
        title = str(self._title.value).strip() or navigation.what
        values, name, what = navigation.values.copy(), window.name, navigation.what

        def job(pause: Callable[[], None]) -> None:
            window.library.add_map(name, values, title, what)
            window.later(lambda: self._saved(title))

        window.ask("file", job)

    def _saved(self, title: str) -> None:
        self._fill_head()
        self.window.say(f"added to {self.window.library.path}: {title}")


_ROOTS = ("head", "left", "right", "tools", "facts")


def _about(signal: Any) -> str:
    """Where a signal comes from, in a few lines."""
    place = signal.location
    lines = [f"array    {signal.data.shape}, {dtype_text(signal.data.dtype)}"]
    if place is not None:
        lines = [f"file     {place.path}", f"group    /Experiments/{place.group}", *lines]
    if signal.lazy:
        lines.append(f"blocks   {tuple(max(sizes) for sizes in signal.data.chunks)}, read lazily")
    return "\n".join(lines)


# a file that grows

_PAUSE = 1000
"""Milliseconds between two looks at the file."""


class Following:
    """Goes along with a file that is written: the last frame, unless the pointer is elsewhere.

    Parameters
    ----------
    window : Window
        Shows an experiment already.
    navigation : Navigation
        Its pointer.
    show : callable
        Shows an experiment anew, by its name.
    """

    def __init__(self, window: Window, navigation: Navigation, show: Callable[[str], None]) -> None:
        self._window, self._navigation, self._show = window, navigation, show
        self._library = window.library
        window.follows = True
        self._state = self._found()
        self._to_end()
        window.document.add_periodic_callback(self.look, _PAUSE)

    def _found(self) -> bytes:
        """What tells this state of the file from others; nothing for a signal without a file."""
        if self._library.path is None:
            return b""
        try:
            return state_of(self._library.path)[0]
        except HspyError:  # it has gone, and may come back
            return b""

    def look(self) -> None:
        """Show the file anew, if there is a new state of it."""
        state = self._found()
        if not state or state == self._state:
            return
        self._state = state
        before, at_end = self._window.position, self._is_at_end()
        self._library.refresh()
        self._show(self._window.name)
        if at_end:
            self._to_end()
        else:
            self._to(before)

    def _is_at_end(self) -> bool:
        shape = self._shape()
        return not shape or self._window.position[:1] == (shape[0] - 1,)

    def _to_end(self) -> None:
        shape = self._shape()
        if shape:
            self._to((shape[0] - 1, *self._window.position[1:]))

    def _to(self, position: tuple[int, ...]) -> None:
        shape = self._shape()
        if len(position) == len(shape) and all(i < n for i, n in zip(position, shape, strict=True)):
            self._navigation.move(position)

    def _shape(self) -> tuple[int, ...]:
        """Of the navigation axes, as they are shown; nothing where there is no picture."""
        cube = self._window.item.cube
        return () if cube is None else tuple(cube.navigation_shape)
