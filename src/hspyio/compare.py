"""What differs between two values, trees or signals: types, order and all."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.model.axes import axis_to_dict
from hspyio.model.signal import Model, Signal
from hspyio.model.tree import MetadataTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["signal_differences", "value_differences"]

_PARTS = ("metadata", "original_metadata", "attributes", "learning_results", "models")


def signal_differences(one: Signal, other: Signal) -> list[str]:
    """Compare two signals.

    Parameters
    ----------
    one, other : Signal
        Lazy data are computed. Where they were loaded from does not matter.

    Returns
    -------
    list of str
        A line a difference, with its path; empty if they are equal.
    """
    return list(_signals(one, other, ""))


def value_differences(one: object, other: object, where: str = "") -> list[str]:
    """Compare two values of any kind that a file can hold.

    Parameters
    ----------
    one, other : object
        Types and the order of dicts count; nan equals nan, -0.0 does not equal 0.0. A
        `MetadataTree` counts as a dict.
    where : str
        What paths begin with.

    Returns
    -------
    list of str
        A line a difference; empty if they are equal.
    """
    return list(_values(one, other, where))


def _values(one: Any, other: Any, where: str) -> Iterator[str]:
    kind, other_kind = _kind(one), _kind(other)
    if kind is not other_kind:
        yield f"{where}: {_short(one)} ({kind.__name__}), {_short(other)} ({other_kind.__name__})"
        return
    compare = _quantities if _is_quantity(kind) else _COMPARE.get(kind)
    if compare is not None:
        yield from compare(one, other, where)
    elif not _equal_scalars(one, other):
        yield f"{where}: {_short(one)}, {_short(other)}"


def _kind(value: object) -> type:
    return dict if type(value) is MetadataTree else type(value)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _equal_scalars(one: Any, other: Any) -> bool:
    if isinstance(one, np.generic):
        return one.dtype == other.dtype and not list(
            _arrays(np.asarray(one), np.asarray(other), "")
        )
    if isinstance(one, float):
        return (one == other and math.copysign(1, one) == math.copysign(1, other)) or (
            math.isnan(one) and math.isnan(other)
        )
    if isinstance(one, complex):
        return _equal_scalars(one.real, other.real) and _equal_scalars(one.imag, other.imag)
    if getattr(one, "unit", None) != getattr(other, "unit", None):
        return False  # pandas' times have one
    if hasattr(one, "tzinfo"):
        same_zone = repr(one.tzinfo) == repr(other.tzinfo) and one.fold == other.fold
        return bool(same_zone and one.replace(tzinfo=None) == other.replace(tzinfo=None))
    if isinstance(one, Decimal):
        return repr(one) == repr(other)
    return one is other or bool(one == other)


def _mappings(one: Mapping[Any, Any], other: Mapping[Any, Any], where: str) -> Iterator[str]:
    keys, others = list(one), list(other)
    found = {_KeyOf(key): key for key in others}
    for key in keys:
        path = f"{where}.{key}" if where else str(key)
        if _KeyOf(key) not in found:
            yield f"{path}: only in the first"
        else:
            yield from _values(one[key], other[found.pop(_KeyOf(key))], path)
    for key in found.values():
        yield f"{where}.{key}: only in the second"
    if list(map(_KeyOf, keys)) != list(map(_KeyOf, others)) and len(keys) == len(others):
        yield f"{where}: the order of the keys"


class _KeyOf:
    """A key with its type: 1, True and 1.0 differ here, nan is nan."""

    __slots__ = ("_text",)

    def __init__(self, key: object) -> None:
        self._text = (type(key), repr(key))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _KeyOf) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def _sequences(one: Sequence[Any], other: Sequence[Any], where: str) -> Iterator[str]:
    if len(one) != len(other):
        yield f"{where}: {len(one)} items, {len(other)} items"
    for index, (first, second) in enumerate(zip(one, other, strict=False)):
        yield from _values(first, second, f"{where}[{index}]")


def _sets(one: Any, other: Any, where: str) -> Iterator[str]:
    if sorted(map(_text_of, one)) != sorted(map(_text_of, other)):
        yield f"{where}: {_short(one)}, {_short(other)}"


def _text_of(value: object) -> str:
    if isinstance(value, frozenset):
        return f"frozenset {sorted(map(_text_of, value))}"
    if isinstance(value, tuple):
        return f"tuple {list(map(_text_of, value))}"
    return f"{type(value)} {value!r}"


def _arrays(one: NDArray[Any], other: NDArray[Any], where: str) -> Iterator[str]:
    if one.dtype != other.dtype or one.dtype.metadata != other.dtype.metadata:
        yield f"{where}: dtype {one.dtype}, {other.dtype}"
    elif one.shape != other.shape:
        yield f"{where}: shape {one.shape}, {other.shape}"
    elif one.dtype == object or one.dtype.kind == "T":
        yield from _sequences(one.ravel().tolist(), other.ravel().tolist(), where)
    elif not _same_content(one, other):
        yield f"{where}: {_short(one)}, {_short(other)}"


def _same_content(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Field by field, for the bytes between fields mean nothing."""
    if one.dtype.names is not None:
        return all(_same_content(one[name], other[name]) for name in one.dtype.names)
    if one.dtype.kind in "fc":
        same = np.array_equal(one, other, equal_nan=True)
        return same and _signs(one) == _signs(other)
    return np.ascontiguousarray(one).tobytes() == np.ascontiguousarray(other).tobytes()


def _signs(array: NDArray[Any]) -> bytes:
    parts = (array.real, array.imag) if array.dtype.kind == "c" else (array,)
    return b"".join((np.signbit(part) & ~np.isnan(part)).tobytes() for part in parts)


def _masked(one: Any, other: Any, where: str) -> Iterator[str]:
    yield from _arrays(one.data, other.data, where)
    for what, get in _MASK_PARTS.items():
        first, second = get(one), get(other)
        if type(first) is not type(second) or not _same_parts(first, second):
            yield f"{where}: {what} {_short(first)}, {_short(second)}"


_MASK_PARTS: dict[str, Callable[[Any], Any]] = {
    "mask": np.ma.getmask,
    "fill value": lambda array: np.asarray(array.fill_value, array.dtype),
    "hard mask": lambda array: array.hardmask,
}


def _same_parts(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return not list(_arrays(one, other, ""))
    return one is other or bool(one == other)


def _signals(one: Signal, other: Signal, where: str) -> Iterator[str]:
    prefix = f"{where}." if where else ""
    yield from _values(_computed(one.data), _computed(other.data), f"{prefix}data")
    axes, others = (list(map(axis_to_dict, signal.axes)) for signal in (one, other))
    yield from _sequences(axes, others, f"{prefix}axes")
    for part in _PARTS:
        yield from _values(getattr(one, part), getattr(other, part), f"{prefix}{part}")
    for part in ("package", "package_version"):
        yield from _values(getattr(one, part), getattr(other, part), f"{prefix}{part}")


def _computed(data: Any) -> Any:
    return data.compute() if hasattr(data, "compute") else data


def _is_quantity(kind: type) -> bool:
    """Whether it is a type of pint: values in units."""
    return kind.__module__ == "pint" and hasattr(kind, "magnitude")


def _quantities(one: Any, other: Any, where: str) -> Iterator[str]:
    yield from _values(one.magnitude, other.magnitude, where)
    if str(one.units) != str(other.units):
        yield f"{where}: {one.units}, {other.units}"


def _models(one: Model, other: Model, where: str) -> Iterator[str]:
    yield from _values(one.tree, other.tree, where)


def _slices(one: slice, other: slice, where: str) -> Iterator[str]:
    for part in ("start", "stop", "step"):
        yield from _values(getattr(one, part), getattr(other, part), f"{where}.{part}")


_COMPARE: dict[type, Callable[[Any, Any, str], Iterator[str]]] = {
    dict: _mappings,
    OrderedDict: _mappings,
    list: _sequences,
    tuple: _sequences,
    set: _sets,
    frozenset: _sets,
    slice: _slices,
    np.ndarray: _arrays,
    np.ma.MaskedArray: _masked,
    Signal: _signals,
    Model: _models,
}
