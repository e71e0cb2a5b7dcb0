"""What may be an item of a ragged array beside an array: a number, a text, a list of such.

An item is stored as the array it makes; its *kind*, JSON in the hint, makes it again: a dtype for
an array, a word for a scalar of Python, else a list that begins with a word.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.converters.containers import FROM_NUMBER, FROM_TEXT, TO_TEXT
from hspyio.converters.converter import NotStorableError
from hspyio.converters.dtypes import from_stored, stored_dtype, to_stored
from hspyio.converters.scalars import is_canonical
from hspyio.converters.strings import is_plain
from hspyio.nodes.digest import content_bytes
from hspyio.nodes.json import dtype_from_json, dtype_to_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SCALARS", "cast_back", "common_dtype", "item_array", "loose_array", "restored_item"]

Json = Any

SCALARS: dict[type, str] = {
    str: "str",
    int: "int",
    float: "float",
    bool: "bool",
    complex: "complex",
}
_LIST, _TUPLE, _NUMPY, _ARRAYS, _RUNS = "list", "tuple", "numpy", "arrays", "runs"
_SEQUENCES: dict[type, str] = {list: _LIST, tuple: _TUPLE}
_MOST_DIMENSIONS = 32
"""Of lists in lists."""
_MOST_EMPTY = 2**20
"""Lists that a shape alone can ask for."""


# writing


def item_array(item: object) -> tuple[NDArray[Any], Json]:
    """The array that an item is stored as, and its kind."""
    kind = type(item)
    if kind is np.ndarray:
        if item.dtype.kind in "TOS":  # type: ignore[attr-defined]
            raise NotStorableError(f"is an array of type {item.dtype}")  # type: ignore[attr-defined]
        return item, dtype_to_json(item.dtype)  # type: ignore[attr-defined,return-value]
    if kind is np.memmap:  # where the values were is no part of them
        array = np.asarray(item)
        return array, dtype_to_json(array.dtype)
    if kind in SCALARS:
        return _scalar_array(item), SCALARS[kind]
    if isinstance(item, np.generic):
        return _numpy_array([item]).reshape(()), _numpy_kind(item)
    if kind in _SEQUENCES:
        return _sequence_array(item)  # type: ignore[arg-type]
    raise NotStorableError(f"is a {kind.__module__}.{kind.__qualname__}")


def loose_array(item: object) -> NDArray[Any]:
    """The array that numpy makes of an item, if every number and text is the same in it."""
    if isinstance(item, np.ma.MaskedArray):
        if np.ma.getmaskarray(item).any():
            raise NotStorableError("is a masked array")
        return np.asarray(item.data)
    if hasattr(item, "__array__"):
        return np.asarray(item)
    if not isinstance(item, (list, tuple, deque, range)):
        raise NotStorableError("is nothing like an array")
    held = _flat(item)
    try:
        array = np.array(list(item))
    except (ValueError, TypeError, OverflowError):
        raise NotStorableError("holds what makes no array") from None
    if array.dtype.kind not in "biufcMmU" or array.ravel().tolist() != held:
        raise NotStorableError("holds what no one type holds exactly")
    return array


def _flat(item: Any, depth: int = 0) -> list[Any]:
    """What a list and the lists and arrays in it hold."""
    if depth > _MOST_DIMENSIONS:
        raise NotStorableError("is nested too deep")
    if isinstance(item, np.ndarray):
        return list(item.ravel().tolist())
    if not isinstance(item, (list, tuple, deque, range)):
        return [item]
    return [leaf for inner in item for leaf in _flat(inner, depth + 1)]


def _scalar_array(item: Any) -> NDArray[Any]:
    return _leaf_array([item], type(item)).reshape(())


def _numpy_kind(item: np.generic) -> Json:
    if item.dtype.kind not in "biufcmMVU":
        raise NotStorableError(f"holds a {type(item).__module__}.{type(item).__qualname__}")
    if isinstance(item, np.str_):
        return [_NUMPY, "U"]
    if not is_canonical(type(item)) and item.dtype.kind in "iu":
        return [_NUMPY, item.dtype.char]
    return [_NUMPY, dtype_to_json(item.dtype)]


def _numpy_array(items: Sequence[np.generic]) -> NDArray[Any]:
    if isinstance(items[0], np.str_):
        return _texts(["".join(item) for item in items])  # type: ignore[arg-type]
    return np.array(items)


def _leaf_array(items: list[Any], kind: type) -> NDArray[Any]:
    """Leaves of one type of Python as an array that gives them back."""
    if kind is str:
        return _texts(items)
    if kind is int:
        low, high = min(items), max(items)
        fits = low >= -(2**63) and high < 2**63
        if not fits and not (low >= 0 and high < 2**64):
            raise NotStorableError("holds an int that 64 bits do not hold with the others")
        return np.array(items, np.int64 if fits else np.uint64)
    return np.array(items)


def _texts(items: list[str]) -> NDArray[Any]:
    """Text of any lengths, in no more memory than it takes."""
    if not all(map(is_plain, items)):
        raise NotStorableError("holds text with a NUL or half a character")
    return np.array(items, np.dtypes.StringDType())


def _sequence_array(item: Sequence[Any]) -> tuple[NDArray[Any], Json]:
    levels, shape, leaves = _levels(item)
    if not leaves and math.prod(shape[:-1]) > _MOST_EMPTY:
        raise NotStorableError(f"holds more than {_MOST_EMPTY} empty lists")
    if leaves and isinstance(leaves[0], np.ndarray):
        first = leaves[0]
        if any(not _alike(leaf, first) for leaf in leaves):
            raise NotStorableError("holds arrays of unlike shapes or types")
        values = np.concatenate([leaf.reshape(1, *first.shape) for leaf in leaves])
        kind: Json = [_ARRAYS, dtype_to_json(first.dtype), first.ndim]
        return values.reshape(*shape, *first.shape), _wrapped(levels, kind)
    values, kind = _leaves_array(leaves)
    return values.reshape(shape), _wrapped(levels, kind)


def _alike(leaf: object, first: NDArray[Any]) -> bool:
    return type(leaf) is np.ndarray and leaf.shape == first.shape and leaf.dtype == first.dtype


def _wrapped(levels: list[str], kind: Json) -> Json:
    for level in reversed(levels):
        kind = [level, kind]
    return kind


def _levels(item: Sequence[Any]) -> tuple[list[str], tuple[int, ...], list[Any]]:
    """The kinds of nested sequences from the outer one in, their lengths, and what they hold."""
    levels: list[str] = []
    shape: list[int] = []
    below: list[Any] = [item]
    while below and type(below[0]) in _SEQUENCES:
        kind, length = type(below[0]), len(below[0])
        if any(type(one) is not kind or len(one) != length for one in below):
            raise NotStorableError("holds lists of unlike lengths or kinds")
        if len(levels) >= _MOST_DIMENSIONS:
            raise NotStorableError("is nested too deep")
        levels.append(_SEQUENCES[kind])
        shape.append(length)
        below = [inner for one in below for inner in one]
    return levels, tuple(shape), below


def _leaves_array(leaves: list[Any]) -> tuple[NDArray[Any], Json]:
    """All leaves in one array, text where one is text, as specified; and what each was."""
    if not leaves:
        return np.empty(0), "float"
    kinds = [_leaf_kind(leaf) for leaf in leaves]
    runs = [[kind, len(list(run))] for kind, run in groupby(kinds)]
    kind = runs[0][0] if len(runs) == 1 else [_RUNS, runs]
    if len({repr(one) for one, _ in runs}) > 1 and "str" in kinds:
        return _as_texts(leaves), kind
    places: dict[str, list[int]] = {}
    for place, one in enumerate(kinds):
        places.setdefault(repr(one), []).append(place)
    parts = [_part([leaves[place] for place in of_kind]) for of_kind in places.values()]
    if len(parts) == 1:
        return parts[0], kind
    base = common_dtype(parts)
    if base is None:
        raise NotStorableError("holds numbers that no one type holds exactly")
    values = np.empty(len(leaves), base)
    for of_kind, part in zip(places.values(), parts, strict=True):
        values[of_kind] = to_stored(part)
    return values, kind


def _leaf_kind(leaf: object) -> Json:
    if type(leaf) in SCALARS:
        return SCALARS[type(leaf)]
    if isinstance(leaf, np.generic):
        return _numpy_kind(leaf)
    raise NotStorableError(f"holds a {type(leaf).__module__}.{type(leaf).__qualname__}")


def _part(leaves: list[Any]) -> NDArray[Any]:
    if isinstance(leaves[0], np.generic):
        return _numpy_array(leaves)
    return _leaf_array(leaves, type(leaves[0]))


def _as_texts(leaves: list[Any]) -> NDArray[Any]:
    if any(type(leaf) not in TO_TEXT for leaf in leaves):
        raise NotStorableError("holds text beside numpy's numbers")
    return _texts([TO_TEXT[type(leaf)](leaf) for leaf in leaves])


def common_dtype(parts: Sequence[NDArray[Any]]) -> np.dtype[Any] | None:
    """The smallest type that holds each value of some arrays exactly, in native order."""
    try:
        stored = [to_stored(part) for part in parts if part.size]
        if not stored:
            return np.dtype(np.float64)
        base = np.result_type(*{values.dtype for values in stored}).newbyteorder("=")
    except TypeError:
        return None
    if base.kind == "f" and all(values.dtype.kind in "biu" for values in stored):
        base = _whole(stored) or base
    if base.hasobject or base.kind in "SU":
        return None
    return base if all(_comes_back(values.astype(base), values) for values in stored) else None


def _whole(stored: Sequence[NDArray[Any]]) -> np.dtype[Any] | None:
    """Numpy has a float hold signed and unsigned numbers of 64 bits."""
    low = min(int(values.min()) for values in stored)
    high = max(int(values.max()) for values in stored)
    if low >= -(2**63) and high < 2**63:
        return np.dtype(np.int64)
    return np.dtype(np.uint64) if low >= 0 else None


def _comes_back(cast: NDArray[Any], values: NDArray[Any]) -> bool:
    """Whether values that were cast are the same, to the bit, when they are cast back."""
    with np.errstate(invalid="ignore"):
        back = cast_back(cast, values.dtype)
    return content_bytes(back) == content_bytes(values)


def cast_back(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Cast to the elements' own dtype; a real number that stands among complex ones is real."""
    if values.dtype.kind == "c" and dtype.kind != "c":
        values = values.real
    return values.astype(dtype, copy=False)


# reading


def restored_item(kind: Json, array: NDArray[Any]) -> Any:
    """The item of a kind that was stored as an array."""
    levels: list[str] = []
    while _word(kind) in (_LIST, _TUPLE):
        levels.append(kind[0])
        kind = kind[1]
    shape, leaves = array.shape, array.reshape(-1)
    if _word(kind) == _ARRAYS:
        _, json, rank = kind
        shape = array.shape[: array.ndim - int(rank)]
        whole = _typed(leaves, json).reshape(-1, *array.shape[len(shape) :])
        made = iter(list(whole))
    else:
        made = _leaves(kind, leaves)
    if 0 in shape and math.prod(shape[: shape.index(0)]) > _MOST_EMPTY:
        raise ValueError("holds too many empty lists")
    if len(shape) != len(levels):
        raise ValueError(f"an item of {len(shape)} dimensions is no list of {len(levels)}")
    return _nested(levels, shape, made)


def _word(kind: Json) -> str:
    return str(kind[0]) if isinstance(kind, list) else ""


def _leaves(kind: Json, values: NDArray[Any]) -> Iterator[Any]:
    runs = kind[1] if _word(kind) == _RUNS else [[kind, values.size]]
    if sum(int(count) for _, count in runs) != values.size:
        raise ValueError("the hinted types do not fit the items")
    start = 0
    for one, count in runs:
        yield from _of_kind(one, values[start : start + int(count)])
        start += int(count)


def _of_kind(kind: Json, values: NDArray[Any]) -> list[Any]:
    if isinstance(kind, str):
        convert = FROM_TEXT if values.dtype.kind in "UT" else FROM_NUMBER
        return list(map(convert[kind], values.tolist()))
    if _word(kind) != _NUMPY:
        raise ValueError(f"no kind of item: {kind}")
    return list(_typed(values, kind[1]))


def _typed(values: NDArray[Any], json: Json) -> NDArray[Any]:
    """Numpy's own numbers, dates and texts."""
    dtype = dtype_from_json(json)
    if dtype.kind == "U":
        return np.array(values.tolist(), str)
    if dtype.kind in "MmV":
        return from_stored(cast_back(values, stored_dtype(dtype)), dtype)
    return cast_back(values, dtype).view(dtype)  # longlong is another int64 to numpy


def _nested(levels: Sequence[str], shape: Sequence[int], leaves: Iterator[Any]) -> Any:
    if not levels:
        return next(leaves)
    made = [_nested(levels[1:], shape[1:], leaves) for _ in range(shape[0])]
    return tuple(made) if levels[0] == _TUPLE else made
