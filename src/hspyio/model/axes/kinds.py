"""The three kinds of axis."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from hspyio.errors import AxesError, warn_user
from hspyio.model.axes.checks import (
    X,
    as_bool,
    as_expression,
    as_extra,
    as_float,
    as_label,
    as_parameters,
    as_points,
    as_size,
    short,
)
from hspyio.model.axes.expression import evaluate
from hspyio.model.hints import absent, unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(slots=True, eq=False, repr=False)
class _Common:
    name: str | None = None
    units: str | None = None
    navigate: bool = field(default=False, kw_only=True)
    is_binned: bool = field(default=False, kw_only=True)
    extra: dict[str, Any] = field(default_factory=dict, kw_only=True)
    index_in_array: int | None = field(default=None, init=False)

    _own_converters: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a field to a value of its kind; in the making all of them are checked together."""
        if name not in self.__dataclass_fields__:
            raise unknown(type(self).__name__, _names_of(self), name)
        try:
            object.__getattribute__(self, name)
        except AttributeError:  # it is set for the first time, by __init__ or by a copy
            object.__setattr__(self, name, value)
            return
        convert = _CONVERTERS.get(name) or self._own_converters.get(name)
        if convert is not None:
            try:
                value = convert(value)
            except (ValueError, TypeError, OverflowError) as error:
                raise AxesError(f"{_label(self)}: {name} {_reason(error)}") from None
        object.__setattr__(self, name, value)
        if name in ("scale", "offset", "axis") and (found := doubts(self)):
            warn_user(f"{_label(self)}: {'; '.join(found)}")

    def __getattr__(self, name: str) -> Any:
        """Say where what HyperSpy's axes have is found here."""
        raise absent(type(self).__name__, _names_of(self), name)

    def check(self) -> None:
        """Check the values once more, also those in dicts, which may have been changed in place.

        Raises
        ------
        AxesError
            If one is not of its kind; all of them are named.
        """
        _check(self)

    def __eq__(self, other: object) -> bool:
        """Compare what two axes say, not where they stand; a nan equals a nan."""
        if type(self) is not type(other):
            return NotImplemented
        compared = [item.name for item in fields(self) if item.name != "index_in_array"]
        return all(_equal(getattr(self, name), getattr(other, name)) for name in compared)

    __hash__ = None  # type: ignore[assignment]

    def _repr_html_(self) -> str:
        from hspyio.html import facts, heading, page

        return page(heading(type(self).__name__, _cell(self.name)), facts(_axis_facts(self)))


@dataclass(slots=True, eq=False)
class UniformAxis(_Common):
    """An axis of evenly spaced values, ``offset + scale * i``.

    Attributes
    ----------
    name, units : str or None
        None where the file says nothing.
    size : int
        Number of points.
    offset, scale : float
        The first value and the step, in `units`.
    navigate : bool
        Whether it is an axis of the navigation space; else of the signal space.
    is_binned : bool
        Whether the data are integrals over bins rather than samples.
    extra : dict
        What else stood with the axis in a file; it is written back.
    index_in_array : int or None
        The dimension of the array it describes; set by `Axes`.

    Raises
    ------
    AxesError
        If a value is not of its kind; all of them are named.
    """

    size: int = 1
    offset: float = 0.0
    scale: float = 1.0

    kind: ClassVar[str] = "UniformDataAxis"

    _own_converters: ClassVar = {"size": as_size, "offset": as_float, "scale": as_float}

    def __post_init__(self) -> None:
        _check(self)

    @property
    def values(self) -> NDArray[Any]:
        """The points: a new float64 array of shape ``(size,)``, in `units`."""
        return self.offset + self.scale * np.arange(self.size, dtype=np.float64)


@dataclass(slots=True, eq=False)
class DataAxis(_Common):
    """An axis given point by point.

    Attributes
    ----------
    name, units : str or None
        None where the file says nothing.
    axis : numpy.ndarray
        The points, in `units`: one dimension, any real dtype.
    navigate, is_binned, extra, index_in_array
        As for `UniformAxis`.

    Raises
    ------
    AxesError
        If a value is not of its kind; all of them are named.
    """

    axis: NDArray[Any] = field(default_factory=lambda: np.empty(0))

    kind: ClassVar[str] = "DataAxis"

    _own_converters: ClassVar = {"axis": as_points}

    def __post_init__(self) -> None:
        _check(self)

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self.axis)

    @property
    def values(self) -> NDArray[Any]:
        """The points: `axis` itself."""
        return self.axis


def _as_inner_axis(value: Any) -> UniformAxis | DataAxis:
    if isinstance(value, UniformAxis | DataAxis):
        return value
    raise ValueError(f"must be a uniform axis or a data axis, got {type(value).__name__}")


@dataclass(slots=True, eq=False)
class FunctionalAxis(_Common):
    """An axis whose points are a formula of another axis.

    Attributes
    ----------
    name, units : str or None
        None where the file says nothing.
    expression : str
        The formula, such as ``a / (x + 1) + b``; it is kept as it is and
        not looked at before `values` is asked for.
    x : UniformAxis or DataAxis
        The axis it is a formula of.
    parameters : dict of str to number
        The other names in the formula.
    navigate, is_binned, extra, index_in_array
        As for `UniformAxis`.

    Raises
    ------
    AxesError
        If a value is not of its kind; all of them are named.
    """

    expression: str = "x"
    x: UniformAxis | DataAxis = field(default_factory=UniformAxis)
    parameters: dict[str, Any] = field(default_factory=dict)

    kind: ClassVar[str] = "FunctionalDataAxis"

    _own_converters: ClassVar = {
        "expression": as_expression,
        "x": _as_inner_axis,
        "parameters": as_parameters,
    }

    def __post_init__(self) -> None:
        _check(self)

    @property
    def size(self) -> int:
        """Number of points: that of `x`."""
        return self.x.size

    @property
    def values(self) -> NDArray[Any]:
        """The points: a new float64 array of shape ``(size,)``, in `units`.

        Raises
        ------
        AxesError
            If the formula is not understood; it is never run as code.
        """
        try:
            return evaluate(self.expression, {**self.parameters, X: self.x.values})
        except AxesError as error:
            raise AxesError(f"{_label(self)}: {error.message}") from None


Axis: TypeAlias = UniformAxis | DataAxis | FunctionalAxis


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "name": as_label,
    "units": as_label,
    "navigate": as_bool,
    "is_binned": as_bool,
    "extra": as_extra,
}


def _check(axis: Any) -> None:
    """Convert the fields of an axis in place; all that do not fit are named in one error."""
    problems = []
    for name, convert in (*_CONVERTERS.items(), *axis._own_converters.items()):
        try:
            object.__setattr__(axis, name, convert(getattr(axis, name)))
        except (ValueError, TypeError, OverflowError) as error:
            problems.append(f"{name} {_reason(error)}")
    if problems:
        raise AxesError(f"{_label(axis)}: {'; '.join(problems)}")


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, AxesError) else str(error)


def _names_of(axis: Any) -> list[str]:
    """What may be set of an axis."""
    return [name for name in axis.__dataclass_fields__ if name != "index_in_array"]


def doubts(axis: Any) -> list[str]:
    """What can be kept of an axis, but makes no sense, or not to HyperSpy."""
    if isinstance(axis, UniformAxis):
        found = [
            f"{name} is {number}, so that no point has a value"
            for name, number in (("offset", axis.offset), ("scale", axis.scale))
            if not math.isfinite(number)
        ]
        if axis.scale == 0:
            found.append("scale is 0, so that all points are the same")
        return found
    if isinstance(axis, DataAxis):
        return _doubtful_points(axis.axis)
    wrong = [key for key, number in axis.parameters.items() if not np.isfinite(number)]
    found = [f"parameter {key} is {axis.parameters[key]}" for key in wrong]
    return [*found, *(f"of its x: {doubt}" for doubt in doubts(axis.x))]


def _doubtful_points(points: NDArray[Any]) -> list[str]:
    if points.dtype.kind == "f" and not np.all(np.isfinite(points)):
        return ["axis holds points that are no finite numbers"]
    later, earlier = points[1:], points[:-1]
    if np.all(later > earlier) or np.all(later < earlier):
        return []
    return ["axis neither rises nor falls from each point to the next; HyperSpy can't read that"]


def _label(axis: _Common) -> str:
    index = "" if axis.index_in_array is None else f"{axis.index_in_array} "
    return f"axis {index}{short(axis.name)}"


_INEXACT = float | complex | np.inexact
_TIMES = np.datetime64 | np.timedelta64


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        one, other = np.asarray(one), np.asarray(other)
        with_nan = one.dtype.kind in "fc" and other.dtype.kind in "fc"
        return bool(np.array_equal(one, other, equal_nan=with_nan))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, _INEXACT) and isinstance(other, _INEXACT) and cmath.isnan(one):
        return cmath.isnan(other)
    if isinstance(one, _TIMES) and isinstance(other, _TIMES) and np.isnat(one):
        return bool(np.isnat(other))
    return bool(one == other)


# how they show

TABLE_HEAD = ("axis", "name", "size", "offset", "scale", "units", "space")


def table_row(axis: Axis) -> tuple[str, ...]:
    """What stands below `TABLE_HEAD` for an axis."""
    match axis:
        case UniformAxis():
            offset, scale = f"{axis.offset:.6g}", f"{axis.scale:.6g}"
        case DataAxis():
            offset, scale = (f"{axis.axis[0]:.6g}" if axis.size else "", "non-uniform")
        case FunctionalAxis():
            offset, scale = "", _cell(axis.expression)
    index = "" if axis.index_in_array is None else str(axis.index_in_array)
    return (index, _cell(axis.name), str(axis.size), offset, scale, _cell(axis.units), _space(axis))


def _axis_facts(axis: Any) -> list[tuple[str, str]]:
    """What is known of one axis; a formula is not evaluated for it."""
    index = "" if axis.index_in_array is None else str(axis.index_in_array)
    pairs = [("units", _cell(axis.units)), ("size", f"{axis.size:,}")]
    if isinstance(axis, UniformAxis):
        pairs += [("offset", f"{axis.offset:.9g}"), ("scale", f"{axis.scale:.9g}")]
        last = axis.offset + axis.scale * (axis.size - 1)
        pairs.append(("values", f"{axis.offset:.6g} … {last:.6g}" if axis.size else ""))
    elif isinstance(axis, DataAxis) and axis.size:
        pairs.append(("values", f"{axis.axis[0]:.6g} … {axis.axis[-1]:.6g}"))
    elif isinstance(axis, FunctionalAxis):
        given = [f"{_cell(key)} = {number}" for key, number in axis.parameters.items()]
        x = table_row(axis.x)
        pairs += [("formula", _cell(axis.expression)), ("parameters", ", ".join(given))]
        pairs.append(("of x", f"{x[2]} points, offset {x[3]}, scale {x[4]}"))
    pairs += [("space", _space(axis)), ("dimension", index)]
    return [*pairs, *((_cell(str(key)), _cell(repr(more))) for key, more in axis.extra.items())]


def _space(axis: Axis) -> str:
    return f"{'navigation' if axis.navigate else 'signal'}{', binned' if axis.is_binned else ''}"


def _cell(text: str | None) -> str:
    text = text or ""
    text = text if len(text) <= 40 else f"{text[:39]}…"
    return text if text.isprintable() else repr(text)[1:-1]
