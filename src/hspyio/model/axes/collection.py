"""The axes of one signal together."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from hspyio.errors import AxesError
from hspyio.model.axes.checks import short
from hspyio.model.axes.kinds import (
    TABLE_HEAD,
    Axis,
    DataAxis,
    FunctionalAxis,
    UniformAxis,
    table_row,
)
from hspyio.printable import printable_line
from hspyio.suggestions import NotThereError, did_you_mean, missing

_OURS = (UniformAxis, DataAxis, FunctionalAxis)
_OWN = ("names", "navigation", "signal", "shape", "navigation_shape", "signal_shape")
_ELSEWHERE = {
    "signal_axes": "; did you mean 'signal'?",
    "navigation_axes": "; did you mean 'navigation'?",
    "signal_dimension": "; len(axes.signal) says it",
    "navigation_dimension": "; len(axes.navigation) says it",
}


class Axes(Sequence[Axis]):
    """The axes of a signal in the order of the array: a sequence, and a mapping by name.

    Its length and order never change; the axes in it may be changed.

    Parameters
    ----------
    axes : iterable of UniformAxis, DataAxis or FunctionalAxis
        One for each dimension. Each gets its position as `index_in_array`;
        one that stands at another position already, here or in another
        `Axes`, is copied.

    Raises
    ------
    AxesError
        If one of them is no axis.
    """

    __slots__ = ("_axes",)

    def __init__(self, axes: Iterable[Axis] = ()) -> None:
        if not isinstance(axes, Iterable):
            raise AxesError(f"axes are a {type(axes).__name__}; give a list of them")
        numbered = []
        for index, axis in enumerate(axes):
            if not isinstance(axis, _OURS):
                raise AxesError(f"axis {index} is a {type(axis).__name__}, not an axis")
            ours = axis if axis.index_in_array in (None, index) else copy.deepcopy(axis)
            ours.index_in_array = index
            numbered.append(ours)
        self._axes: tuple[Axis, ...] = tuple(numbered)

    @overload
    def __getitem__(self, key: int | str) -> Axis: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Axis, ...]: ...
    def __getitem__(self, key: int | str | slice) -> Axis | tuple[Axis, ...]:
        if not isinstance(key, str):
            try:
                return self._axes[key]
            except IndexError:
                raise IndexError(f"no axis {key!r}: there are {len(self._axes)}") from None
            except TypeError:
                raise TypeError(f"an axis has a number or a name, not {short(key)}") from None
        found = [axis for axis in self._axes if axis.name == key]
        if len(found) == 1:
            return found[0]
        if found:
            indices = ", ".join(str(axis.index_in_array) for axis in found)
            raise AxesError(f"the axes {indices} are all named {key!r}; take one by its number")
        known = [name for name in self.names if name is not None]
        raise AxesError(f"no axis is named {key!r}{missing(key, known)}")

    def __getattr__(self, name: str) -> Any:
        """Say where what HyperSpy's AxesManager has is found here."""
        if name.startswith("_"):
            raise AttributeError(f"Axes has no {name!r}")
        raise NotThereError(lambda: f"Axes has no {name!r}{self._instead(name)}")

    def _instead(self, name: str) -> str:
        if name in self.names:
            return f"; write axes[{name!r}] for the axis"
        hint = _ELSEWHERE.get(name) or did_you_mean(name, [*_OWN, *self.names])
        return hint or "; HyperSpy's AxesManager has more: signal.to_hyperspy().axes_manager"

    def __setitem__(self, key: Any, value: Any) -> None:
        """Say how axes are replaced; their number is that of the data."""
        raise TypeError(
            "an axis can be changed, axes[0].scale = 2, and all replaced, signal.axes = [...]"
        )

    def __len__(self) -> int:
        return len(self._axes)

    def __iter__(self) -> Iterator[Axis]:
        return iter(self._axes)

    def __contains__(self, item: object) -> bool:
        return item in (self.names if isinstance(item, str) else self._axes)

    @property
    def names(self) -> tuple[str | None, ...]:
        """The names, None for an axis without."""
        return tuple(axis.name for axis in self._axes)

    @property
    def navigation(self) -> tuple[Axis, ...]:
        """The axes with `navigate`, in the order of the array."""
        return tuple(axis for axis in self._axes if axis.navigate)

    @property
    def signal(self) -> tuple[Axis, ...]:
        """The axes without `navigate`, in the order of the array."""
        return tuple(axis for axis in self._axes if not axis.navigate)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes, in the order of the array."""
        return tuple(axis.size for axis in self._axes)

    @property
    def navigation_shape(self) -> tuple[int, ...]:
        """Sizes of the navigation axes, in the order of the array."""
        return tuple(axis.size for axis in self.navigation)

    @property
    def signal_shape(self) -> tuple[int, ...]:
        """Sizes of the signal axes, in the order of the array."""
        return tuple(axis.size for axis in self.signal)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Axes):
            return NotImplemented
        return self._axes == other._axes

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if not self._axes:
            return "<Axes, none>"
        rows = [TABLE_HEAD, *(map(printable_line, table_row(axis)) for axis in self._axes)]
        rows = [tuple(row) for row in rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = (
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        )
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        from hspyio.html import page

        return page(axes_table(self))


def axes_table(axes: Axes) -> str:
    """The table of some axes as html, for a page; ``""`` without axes."""
    from hspyio.html import table

    return table(TABLE_HEAD, map(table_row, axes)) if axes else ""


def default_axes(shape: Sequence[int], signal_dimension: int) -> Axes:
    """Uniform axes of offset 0 and scale 1, the last few of them signal axes."""
    if not 0 <= signal_dimension <= len(shape):
        raise AxesError(
            f"signal_dimension is {signal_dimension}, the data have {len(shape)} dimensions"
        )
    navigating = len(shape) - signal_dimension
    return Axes(
        UniformAxis(size=size, navigate=index < navigating) for index, size in enumerate(shape)
    )
