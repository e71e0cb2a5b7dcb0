"""Signals of equal shape -> one, along a new axis or one that they have."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from hspyio.errors import AxesError, TooLargeError, warn_user
from hspyio.model.axes import Axes, Axis, DataAxis, FunctionalAxis, UniformAxis
from hspyio.model.signal import Signal
from hspyio.printable import dtype_text
from hspyio.suggestions import quoted

__all__ = ["ELEMENTS", "NEW_AXIS", "stacked"]

NEW_AXIS = "stack_element"
"""What HyperSpy calls the axis."""
ELEMENTS = "stack_elements"
"""Where HyperSpy keeps the metadata of each: in the original metadata."""
_CLOSE = 1e-6
"""Two calibrations are the same up to this part of a step."""
_NAMED = 20
"""Files that a warning lists."""


def stacked(
    signals: Iterable[tuple[str, Signal]],
    count: int,
    axis: str | None = None,
    *,
    elements: bool = True,
) -> Signal:
    """Put signals together; each is let go before the next is read.

    Parameters
    ----------
    signals : iterable of (str, Signal)
        Each with the name of its file.
    count : int
        How many there are.
    axis : str, optional
        The axis of that name is continued by each signal; where they have none, it is the name of
        a new one, the first of the array. Without it that is ``stack_element``.
    elements : bool
        Whether the metadata of all are kept in the original metadata, as HyperSpy does.

    Returns
    -------
    Signal
        With the metadata of the first; without results and models, which are of one alone.

    Raises
    ------
    AxesError
        If a signal has another shape or dtype than the first, or other kinds of axes.
    TooLargeError
        If memory does not hold all of them.
    """
    stack: _Stack | None = None
    for path, signal in signals:
        if stack is None:
            stack = _Stack(signal, count, axis, elements=elements)
        stack.add(path, signal)
    assert stack is not None
    return stack.signal()


class _Stack:
    """What is known of the signals so far."""

    def __init__(self, first: Signal, count: int, axis: str | None, *, elements: bool) -> None:
        self._first = first
        self._keeps_elements = elements
        self._count = count
        self._name = axis or NEW_AXIS
        self._along = _place(first, axis)
        self._whole: Any = None
        self._parts: list[Any] = []
        self._axes: list[Axis] = []
        self._elements: dict[str, Any] = {}
        self._closing: list[Any] = []
        self._differing: list[str] = []
        self._number = 0

    def add(self, path: str, signal: Signal) -> None:
        """Take one more signal."""
        _check(self._first, signal, path, self._along)
        for index, (axis, other) in enumerate(zip(self._first.axes, signal.axes, strict=True)):
            if index != self._along and not _alike(axis, other):
                self._differing.append(f"{path}: axis {index}, {quoted(other.name)}")
        if self._along is not None:
            other = signal.axes[self._along]
            if not _goes_on(self._axes, other):
                self._differing.append(f"{path}: axis {self._along}, {quoted(other.name)}")
            self._axes.append(other)
        if signal._close is not None:
            self._closing.append(signal._close)
        if self._keeps_elements:
            self._elements[f"element{self._number}"] = {
                "metadata": signal.metadata.as_dictionary(),
                "original_metadata": signal.original_metadata.as_dictionary(),
            }
        self._take(signal.data)
        self._number += 1
        if signal is not self._first:
            return
        self._first = signal.copy()
        self._first.data = np.broadcast_to(np.empty((), signal.data.dtype), signal.data.shape)

    def _take(self, data: Any) -> None:
        """Copy what is in memory to its place, and keep a lazy array."""
        if self._along is not None or self._parts or type(data) is not np.ndarray:
            if self._whole is not None:  # one with a mask, after others without
                self._parts = list(self._whole[: self._number])
                self._whole = None
            self._parts.append(data)
            return
        if self._whole is None:
            try:
                self._whole = np.empty((self._count, *data.shape), data.dtype)
            except (MemoryError, ValueError):
                raise TooLargeError(
                    f"{self._count} signals of {data.nbytes:,} bytes do not fit into memory; "
                    "lazy=True leaves them in their files"
                ) from None
        self._whole[self._number, ...] = data

    def _close(self) -> None:
        """Let go of all files."""
        for close in self._closing:
            close()

    def _data(self) -> Any:
        if self._whole is not None:
            return self._whole
        made: Any = np
        if hasattr(self._parts[0], "dask"):
            made = import_module("dask.array")
        elif any(isinstance(part, np.ma.MaskedArray) for part in self._parts):
            made = np.ma
        if self._along is None:
            return made.stack(self._parts)
        return made.concatenate(self._parts, axis=self._along)

    def signal(self) -> Signal:
        """All of them as one."""
        first = self._first
        if self._differing:
            listed = "".join(f"\n  {line}" for line in self._differing[:_NAMED])
            rest = len(self._differing) - _NAMED
            more = f"\n  ... and {rest} more" if rest > 0 else ""
            warn_user(
                "stacked with the calibration of the first file, from which differ:" + listed + more
            )
        axes = [copy.deepcopy(axis) for axis in first.axes]
        if self._along is None:
            axes.insert(0, UniformAxis(self._name, size=self._count, navigate=True))
        else:
            axes[self._along] = _continued(self._axes)
        for axis in axes:
            axis.index_in_array = None
        result = Signal(
            self._data(),
            Axes(axes),
            metadata=_without_navigators(first.metadata.as_dictionary()),
            original_metadata={ELEMENTS: self._elements} if self._elements else {},
            attributes=first.attributes,
            package=first.package,
            package_version=first.package_version,
        )
        if first.title:
            result.title = f"Stack of {first.title}"
        if self._closing:
            result._close = self._close
        return result


def _place(first: Signal, axis: str | None) -> int | None:
    """The dimension that is continued; ``None`` for a new one."""
    names = first.axes.names
    if axis is None or axis not in names:
        return None
    if isinstance(first.axes[axis], FunctionalAxis):
        raise AxesError(f"the axis {quoted(axis)} is a formula: nothing continues it")
    return names.index(axis)


def _check(first: Signal, signal: Signal, path: str, along: int | None) -> None:
    """Refuse what cannot stand beside the first."""
    shape, other = list(first.data.shape), list(signal.data.shape)
    if along is not None and len(other) == len(shape):
        shape[along] = other[along] = -1
    if shape != other:
        what = f"its shape is {tuple(signal.data.shape)}, not {tuple(first.data.shape)}"
    elif signal.data.dtype != first.data.dtype:
        what = f"its dtype is {dtype_text(signal.data.dtype)}, not {dtype_text(first.data.dtype)}"
    elif [a.navigate for a in signal.axes] != [a.navigate for a in first.axes]:
        what = (
            f"{len(signal.axes.signal)} of its axes are signal axes, not {len(first.axes.signal)}"
        )
    else:
        return
    raise AxesError(f"does not fit the files before it: {what}", path=path)


def _alike(one: Axis, other: Axis) -> bool:
    """Whether two axes say the same, but for what a conversion of numbers may change."""
    if not (isinstance(one, UniformAxis) and isinstance(other, UniformAxis)):
        return one == other
    step = _CLOSE * abs(one.scale)
    return (one.name, one.units) == (other.name, other.units) and (
        math.isclose(one.scale, other.scale, rel_tol=_CLOSE)
        and math.isclose(one.offset, other.offset, rel_tol=_CLOSE, abs_tol=step)
    )


def _goes_on(axes: Sequence[Axis], other: Axis) -> bool:
    """Whether an axis goes on with those before it, or begins again where the first did."""
    if not axes:
        return True
    first = axes[0]
    if other.units != first.units:
        return False
    if not (isinstance(first, UniformAxis) and isinstance(other, UniformAxis)):
        return True
    end = first.offset + first.scale * sum(axis.size for axis in axes)
    near = abs(first.scale) / 1000
    begins = min(abs(other.offset - end), abs(other.offset - first.offset)) <= near
    return bool(begins and abs(other.scale - first.scale) <= near)


def _continued(axes: Sequence[Axis]) -> Axis:
    """The axes of the signals one after the other."""
    made = copy.deepcopy(axes[0])
    if isinstance(made, UniformAxis):
        made.size = sum(axis.size for axis in axes)
    elif isinstance(made, DataAxis):
        made.axis = np.concatenate([axis.values for axis in axes])
    return made


def _without_navigators(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata without the pictures of one signal, which are none of all of them."""
    own = metadata.get("_HyperSpy")
    if isinstance(own, dict):
        own = {key: one for key, one in own.items() if key not in ("navigator", "navigators")}
        metadata = {**metadata, "_HyperSpy": own}
        if not own:
            del metadata["_HyperSpy"]
    return metadata
