"""An axis as the dict that stands for it in a file and between HyperSpy and its plugins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hspyio import names
from hspyio.errors import AxesError
from hspyio.model.axes.checks import (
    BINNED,
    COMMON_KEYS,
    EXPRESSION,
    FUNCTIONAL_KEYS,
    NAME,
    NAVIGATE,
    OFFSET,
    SCALE,
    SIZE,
    TYPE,
    UNITS,
    X,
    is_number,
    is_undefined,
    scalar,
    short,
)
from hspyio.model.axes.kinds import Axis, DataAxis, FunctionalAxis, UniformAxis
from hspyio.model.hints import key_hint

_OWN_KEYS: dict[type, frozenset[str]] = {
    # the last two are None where the class goes by content: dropped, as they would decide later
    UniformAxis: COMMON_KEYS | {SIZE, OFFSET, SCALE, names.AXIS, EXPRESSION},
    DataAxis: COMMON_KEYS | {SIZE, names.AXIS},
    FunctionalAxis: FUNCTIONAL_KEYS,
}
_NOT_GIVEN: dict[type, frozenset[str]] = {
    UniformAxis: frozenset({names.INDEX_IN_ARRAY, names.AXIS, EXPRESSION}),
    DataAxis: frozenset({names.INDEX_IN_ARRAY, SIZE}),
    FunctionalAxis: frozenset({names.INDEX_IN_ARRAY, names.AXIS}),
}


def axis_to_dict(axis: Axis) -> dict[str, Any]:
    """The dict that stands for an axis in a file and between HyperSpy and its plugins."""
    result: dict[str, Any] = {
        **axis.extra,
        TYPE: axis.kind,
        NAME: axis.name,
        UNITS: axis.units,
        NAVIGATE: axis.navigate,
        BINNED: axis.is_binned,
    }
    match axis:
        case UniformAxis():
            result |= {SIZE: axis.size, OFFSET: axis.offset, SCALE: axis.scale}
        case DataAxis():
            result |= {names.AXIS: axis.axis}
        case FunctionalAxis():
            result |= {**axis.parameters, EXPRESSION: axis.expression, SIZE: axis.size}
            result[X] = axis_to_dict(axis.x)
    if axis.index_in_array is not None:
        result[names.INDEX_IN_ARRAY] = axis.index_in_array
    return result


def axis_from_dict(
    d: Mapping[str, Any], *, size: int | None = None, where: str = "", strict: bool = False
) -> Axis:
    """Make an axis of its dict, by its content, for ``_type`` may be missing or wrong.

    `strict` refuses a name or units that are no text; files have numbers and bytes there, which
    are read as text.
    """
    try:
        return _axis_of(d, size, strict)
    except AxesError as error:
        raise AxesError(error.message, where=where) from None


def unknown_keys(d: Mapping[str, Any]) -> list[str]:
    """Keys of an axis's dict that mean nothing to anyone, each with what was probably meant."""
    kind = _kind_of(d)
    known = sorted(_OWN_KEYS[kind] - _NOT_GIVEN[kind])
    found = []
    for key, value in d.items():
        parameter = kind is FunctionalAxis and is_number(scalar(value))
        if key not in _OWN_KEYS[kind] and not parameter:
            found.append(f"{short(key)} is no key of a {kind.__name__}{key_hint(str(key), known)}")
    return found


def _axis_of(d: Mapping[str, Any], size: int | None, strict: bool) -> Axis:
    kind = _kind_of(d)
    extra = {key: value for key, value in d.items() if key not in _OWN_KEYS[kind]}
    common: dict[str, Any] = {
        "name": d.get(NAME) if strict else _as_text(d.get(NAME)),
        "units": d.get(UNITS) if strict else _as_text(d.get(UNITS)),
        "navigate": d.get(NAVIGATE, False),
        "is_binned": d.get(BINNED, False),
    }
    if kind is DataAxis:
        return DataAxis(**common, axis=d[names.AXIS], extra=extra)
    size = d.get(SIZE, size)
    if kind is FunctionalAxis:
        return _functional_axis_of(d, size, common, extra, strict)
    if size is None:
        raise AxesError(f"axis {short(common['name'])}: its size is not given")
    offset, scale = d.get(OFFSET, 0.0), d.get(SCALE, 1.0)
    return UniformAxis(**common, size=size, offset=offset, scale=scale, extra=extra)


def _functional_axis_of(
    d: Mapping[str, Any],
    size: int | None,
    common: dict[str, Any],
    extra: dict[str, Any],
    strict: bool,
) -> FunctionalAxis:
    inner = d.get(X, {})
    if not isinstance(inner, Mapping) or _kind_of(inner) is FunctionalAxis:
        raise AxesError(f"axis {short(common['name'])}: its x is not a uniform axis or a data axis")
    parameters = {key: value for key, value in extra.items() if is_number(scalar(value))}
    return FunctionalAxis(
        **common,
        expression=_as_text(d[EXPRESSION]),
        x=_axis_of(inner, size, strict),  # type: ignore[arg-type] # functional ones are refused above
        parameters=parameters,
        extra={key: value for key, value in extra.items() if key not in parameters},
    )


def _kind_of(d: Mapping[str, Any]) -> type[UniformAxis | DataAxis | FunctionalAxis]:
    if d.get(names.AXIS) is not None:
        return DataAxis
    return FunctionalAxis if d.get(EXPRESSION) is not None else UniformAxis


def _as_text(value: Any) -> Any:
    """What files and HyperSpy have for text: bytes, a number, or the undefined of traits."""
    value = scalar(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("latin-1")
    if is_number(value):
        return str(value)
    return None if is_undefined(value) else value
