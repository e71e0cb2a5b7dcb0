"""The words of an axis dict, and what its values have to be.

Each ``as_`` function returns the value as it is kept, or raises ValueError saying what it
should be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names

if TYPE_CHECKING:
    from numpy.typing import NDArray

TYPE, NAME, UNITS, SIZE, OFFSET, SCALE = "_type", "name", "units", "size", "offset", "scale"
NAVIGATE, BINNED, EXPRESSION, X = "navigate", "is_binned", "expression", "x"
COMMON_KEYS = frozenset({TYPE, NAME, UNITS, NAVIGATE, BINNED, names.INDEX_IN_ARRAY})
FUNCTIONAL_KEYS = COMMON_KEYS | {SIZE, EXPRESSION, X, names.AXIS}


_OF_NUMPY = (np.ndarray, np.generic)


def scalar(value: Any) -> Any:
    """Make a Python scalar of a numpy one; other programs store single values as arrays of one."""
    if isinstance(value, _OF_NUMPY) and value.size == 1 and value.dtype.kind != "V":
        return value.item()
    return value


def as_label(value: Any) -> str | None:
    """Text, or None for a name that is not given."""
    if value is None or type(value) is str:
        return value
    value = scalar(value)
    if value is None or is_undefined(value):
        return None
    if isinstance(value, str):
        return str(value)
    points = "; points are given as axis=" if isinstance(value, list | np.ndarray) else ""
    raise ValueError(f"must be text or None, got {short(value)}{points}")


def is_undefined(value: Any) -> bool:
    """Whether it is what HyperSpy's axes have for a name or units that are not given."""
    return type(value).__name__ == "_Undefined"


def as_bool(value: Any) -> bool:
    """True or False; old files have 1 and 0."""
    if value is True or value is False:
        return bool(value)
    value = scalar(value)
    if isinstance(value, bool | int) and value in (0, 1):
        return bool(value)
    raise ValueError(f"must be True or False, got {short(value)}")


def as_extra(value: Any) -> dict[Any, Any]:
    """What else is kept with an axis, under names that are not the axis's own."""
    if type(value) is dict or isinstance(value, Mapping):
        return dict(value)
    raise ValueError(f"must be a dict, got {short(value)}")


def as_size(value: Any) -> int:
    """A number of points."""
    value = scalar(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError(f"must be a whole number from 0 on, got {short(value)}")


def as_float(value: Any) -> float:
    """A real number as a Python float."""
    if type(value) is float:
        return value
    value = scalar(value)
    if is_number(value) and not isinstance(value, complex | np.complexfloating):
        return float(value)
    raise ValueError(f"must be a real number, got {short(value)}")


def as_points(value: Any) -> NDArray[Any]:
    """One row of real numbers, of any dtype."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"must be one row of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"must hold real numbers, got dtype {array.dtype}")
    if array.ndim != 1:
        raise ValueError(f"must have one dimension, got shape {array.shape}")
    return array


def as_expression(value: Any) -> str:
    """A formula; whether it makes sense is seen when it is used."""
    if isinstance(value, str):
        return str(value)
    raise ValueError(f"must be text, got {short(value)}")


def as_parameters(value: Any) -> dict[str, Any]:
    """Numbers of a formula, by names that the axis does not use itself."""
    parameters = {key: scalar(number) for key, number in dict(value).items()}
    taken = sorted(set(parameters) & FUNCTIONAL_KEYS)
    if taken:
        raise ValueError(f"cannot be named {', '.join(taken)}: the axis itself uses the name")
    wrong = [key for key, number in parameters.items() if not is_number(number)]
    if wrong:
        raise ValueError(f"must be numbers: {', '.join(map(str, wrong))}")
    return parameters


def is_number(value: Any) -> bool:
    """Whether it is a number, Python's or numpy's; a bool is none here."""
    return isinstance(value, int | float | complex | np.number) and not isinstance(value, bool)


def short(value: Any) -> str:
    """A value as it stands in an error."""
    text = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
