"""The three kinds of axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from hspyio.axes.checks import (
    FUNCTIONAL_KEYS,
    X,
    as_bool,
    as_expression,
    as_float,
    as_label,
    as_points,
    as_size,
    is_number,
    scalar,
    short,
)
from hspyio.errors import AxesError
from hspyio.expression import evaluate

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

    def __eq__(self, other: object) -> bool:
        """Compare what two axes say, not where they stand; a nan equals a nan."""
        if type(self) is not type(other):
            return NotImplemented
        compared = [item.name for item in fields(self) if item.name != "index_in_array"]
        return all(_equal(getattr(self, name), getattr(other, name)) for name in compared)

    __hash__ = None  # type: ignore[assignment]

    def _repr_html_(self) -> str:
        from hspyio.notebook import facts, heading, page

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

    def __post_init__(self) -> None:
        _check(self, {"size": as_size, "offset": as_float, "scale": as_float})

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

    def __post_init__(self) -> None:
        _check(self, {"axis": as_points})

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self.axis)

    @property
    def values(self) -> NDArray[Any]:
        """The points: `axis` itself."""
        return self.axis


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

    def __post_init__(self) -> None:
        converters = {"expression": as_expression, "x": _as_inner_axis}
        _check(self, {**converters, "parameters": _as_parameters})

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
            raise AxesError(f"{_label(self)}: {error.message}") from error


Axis: TypeAlias = UniformAxis | DataAxis | FunctionalAxis


def _check(axis: Axis, converters: Mapping[str, Callable[[Any], Any]]) -> None:
    """Convert the fields of an axis in place; all that do not fit are named in one error."""
    common: dict[str, Callable[[Any], Any]] = {
        "name": as_label,
        "units": as_label,
        "navigate": as_bool,
        "is_binned": as_bool,
        "extra": dict,
    }
    problems = []
    for name, convert in {**common, **converters}.items():
        value = getattr(axis, name)
        try:
            setattr(axis, name, convert(value))
        except (ValueError, TypeError, OverflowError) as error:
            reason = error.message if isinstance(error, AxesError) else str(error)
            problems.append(f"{name} {reason}")
    if problems:
        raise AxesError(f"{_label(axis)}: {'; '.join(problems)}")


def _as_inner_axis(value: Any) -> UniformAxis | DataAxis:
    if isinstance(value, UniformAxis | DataAxis):
        return value
    raise ValueError(f"must be a uniform axis or a data axis, got {type(value).__name__}")


def _as_parameters(value: Any) -> dict[str, Any]:
    parameters = {key: scalar(number) for key, number in dict(value).items()}
    taken = sorted(set(parameters) & FUNCTIONAL_KEYS)
    if taken:
        raise ValueError(f"cannot be named {', '.join(taken)}: the axis itself uses the name")
    wrong = [key for key, number in parameters.items() if not is_number(number)]
    if wrong:
        raise ValueError(f"must be numbers: {', '.join(map(str, wrong))}")
    return parameters


def _label(axis: Axis) -> str:
    index = "" if axis.index_in_array is None else f"{axis.index_in_array} "
    return f"axis {index}{short(axis.name)}"


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        one, other = np.asarray(one), np.asarray(other)
        with_nan = one.dtype.kind in "fc" and other.dtype.kind in "fc"
        return bool(np.array_equal(one, other, equal_nan=with_nan))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
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
