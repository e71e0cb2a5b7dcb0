"""A window that goes along with a file that is being written: `hspy view --follow`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hspyio.api.follow import state_of
from hspyio.bridges.viewer.navigation import Navigation
from hspyio.bridges.viewer.window import Window
from hspyio.errors import HspyError

if TYPE_CHECKING:
    from hspyio.bridges.viewer.library import Library

__all__ = ["Following"]

_PAUSE = 1000
"""Milliseconds between two looks at the file."""


class Following:
    """Shows each new state of the file: the last frame, unless the pointer was put elsewhere.

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
        self._library: Library = window.library
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
