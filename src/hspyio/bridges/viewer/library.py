"""The experiments that are viewed: opened once for all windows, with the maps made of them."""

from __future__ import annotations

import contextlib
import copy
import os
import threading
import weakref
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hspyio.api.changing.edit import append
from hspyio.api.loading.load import open as open_experiments
from hspyio.api.saving.navigator import navigators
from hspyio.bridges.plotting.scales import plain_text
from hspyio.bridges.viewer.source import BlockCache, Cube
from hspyio.bridges.viewer.worker import Turns
from hspyio.errors import HspyError
from hspyio.model.axes import Axes, Axis
from hspyio.model.signal import Signal

__all__ = ["Item", "Library"]

MEMORY = 128 * 2**20
"""Bytes of decoded blocks that are kept."""
_MOST_MAPS = 32


@dataclass(slots=True, eq=False, weakref_slot=True)
class Item:
    """An experiment that is viewed.

    Attributes
    ----------
    signal : Signal
        What was read, lazily; nothing before an experiment is chosen.
    cube : Cube or None
        Its data as they are shown; None where they cannot be.
    note : str
        Why not.
    maps : dict
        Maps that are whole, by what they are of.
    """

    signal: Any
    cube: Cube | None
    note: str
    maps: dict[Any, NDArray[Any]] = field(default_factory=dict)

    def keep(self, key: Any, values: NDArray[Any]) -> None:
        """Keep a map for other windows, and for when it is asked for again."""
        while len(self.maps) >= _MOST_MAPS:
            self.maps.pop(next(iter(self.maps)))
        self.maps[key] = values

    def navigators(self) -> dict[str, Signal]:
        """Navigators that the file holds and that fit, by their titles."""
        cube = self.cube
        if cube is None or not cube.navigation:
            return {}
        return {
            plain_text(name): navigator
            for name, navigator in navigators(self.signal).items()
            if tuple(n for n in navigator.data.shape if n > 1) == _longer(cube.navigation_shape)
            and navigator.data.dtype.kind in "biuf"
        }

    def stored_map(self, navigator: Signal) -> NDArray[Any]:
        """The values of a navigator of the file, in the form of the navigation axes."""
        assert self.cube is not None
        values: NDArray[Any] = np.asarray(navigator.data)
        return values.reshape(self.cube.navigation_shape).astype(np.float64)


def _longer(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n > 1)


class Library:
    """What a viewer shows: the experiments of a file, or one signal.

    Parameters
    ----------
    target : path-like or Signal
        What.

    Attributes
    ----------
    path : str or None
        The file to which maps can be added.
    turns : Turns
        Who reads first.
    """

    def __init__(self, target: str | os.PathLike[str] | Signal) -> None:
        self.cache = BlockCache(MEMORY)
        self.turns = Turns()
        self._lock = threading.Lock()
        self._items: dict[str, Item] = {}
        self._signal: Signal | None = None
        self._experiments: Any = None
        self._retired: weakref.WeakSet[Item] = weakref.WeakSet()
        self._stamp: object = None
        self._target = ""
        if isinstance(target, Signal):
            self._signal = target
            place = target.location
            self.path = None if place is None else place.path
            self._titles = {"signal": plain_text(target.title) or "Signal"}
        else:
            self._target = os.fspath(target)
            self.path = None if "://" in self._target else self._target
            self._open()

    def _open(self) -> None:
        stamp = _stamp(self._target)
        opened = open_experiments(self._target, original_metadata=False)
        if self._experiments is not None:
            self._experiments.close()
        self._experiments, self._stamp = opened, stamp
        self._titles = {name: plain_text(title) or name for name, title in opened.titles.items()}

    @property
    def has_changed(self) -> bool:
        """Whether the file is another than the one that is shown, or has gone."""
        return self._signal is None and _stamp(self._target) != self._stamp

    def refresh(self) -> None:
        """Show new windows the file as it is now; those that are open keep what they have."""
        with self._lock:
            if not self.has_changed:
                return
            with contextlib.suppress(HspyError):  # of a file that has gone, what it was
                self._open()
                self._retired.update(self._items.values())
                self._items.clear()
                self.cache.clear()  # what is in it holds on to the file as it was

    @property
    def titles(self) -> dict[str, str]:
        """The experiments, by their groups."""
        return dict(self._titles)

    def item(self, name: str) -> Item:
        """One of them, opened when it is first asked for.

        Raises
        ------
        HspyError
            If it cannot be read.
        """
        with self._lock:
            if name not in self._items:
                signal = self._signal if self._signal is not None else self._experiments[name]
                self._items[name] = self._made(signal)
            return self._items[name]

    def _made(self, signal: Signal) -> Item:
        if signal.ragged:
            note = "The items of this array are arrays of their own shapes (ragged): no picture."
            return Item(signal, None, note)
        try:
            signal.check_axes()
            return Item(signal, Cube(signal, self.cache), "")
        except HspyError as error:
            return Item(signal, None, f"No picture: {error.message}")

    def add_map(self, name: str, values: NDArray[Any], title: str, what: str) -> None:
        """Add a map to the file as an experiment, and list it.

        Parameters
        ----------
        name : str
            The experiment it is a map of.
        values : numpy.ndarray
            A value for each position along the last navigation axes.
        title, what : str
            Its title, and what it is a map of.

        Raises
        ------
        HspyError
            If it cannot be written; the file is as it was then.
        """
        assert self.path is not None
        item = self.item(name)
        assert item.cube is not None
        axes = item.cube.navigation_axes[-values.ndim :]
        general = {"title": title, "notes": f"{what}, of {item.signal.title or name}"}
        signal = Signal(values, _as_signal_axes(axes), metadata={"General": general})
        append(self.path, signal, progress=False)
        if self._signal is None:
            with self._lock:
                self._open()

    def close(self) -> None:
        """Let go of the file and of all that was read."""
        with self._lock:
            if self._experiments is not None:
                self._experiments.close()
                for item in (*self._items.values(), *self._retired):
                    item.signal.close()
            self._items.clear()
            self._retired.clear()
            self.cache.clear()


def _stamp(path: str) -> object:
    """What is another where a file is; nothing where there is none, or of an address."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _as_signal_axes(axes: tuple[Axis, ...]) -> Axes:
    copies = [copy.deepcopy(axis) for axis in axes]
    for index, axis in enumerate(copies):
        axis.navigate = False
        axis.index_in_array = index
    return Axes(copies)
