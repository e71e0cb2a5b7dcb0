"""What differs between two values, trees or signals: exactly, or within a tolerance.

Exactly, types and the order of dicts count; nan equals nan, -0.0 does not equal 0.0. Within a
tolerance, numbers of Python and of numpy are alike, and so are dicts in any order; bool, text and
numbers are not. Large arrays are compared block by block.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from itertools import pairwise, product, zip_longest
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hspyio.errors import TooLargeError
from hspyio.model.axes import axis_to_dict
from hspyio.model.models import Model
from hspyio.model.signal import Signal
from hspyio.model.tree import MetadataTree
from hspyio.printable import dtype_text, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "EXACTLY",
    "MISSING",
    "Difference",
    "Terms",
    "compare_arrays",
    "compare_values",
    "parts_of",
    "signal_differences",
    "value_differences",
]

_PIECE = 2**20
_STAMPS = ("General.FileIO", "_HyperSpy")


class _Missing:
    """What stands for a value that one side has not got."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "nothing"


MISSING = _Missing()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Difference:
    """One thing that differs between two files.

    Attributes
    ----------
    experiment : str
        The experiment, by its group; ``""`` where a file as a whole is meant, or has but one.
    where : str
        The path of the value: ``metadata.Sample.elements``, ``axes.0.scale``, ``data``.
    what : str
        ``"changed"``, ``"removed"`` (only the first file has it), ``"added"`` (only the second),
        or a sentence, for arrays.
    one, other : object
        The values, where they say more.
    """

    experiment: str = ""
    where: str
    what: str
    one: Any = MISSING
    other: Any = MISSING

    def __str__(self) -> str:
        """A line."""
        place = ": ".join(part for part in (self.experiment, self.where) if part)
        if self.what == "changed":
            return printable(f"{place}: {self.one!r} became {self.other!r}")
        return printable(f"{place}: {self.what}")


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts as a difference.

    Attributes
    ----------
    rtol, atol : float
        Numbers may lie so far apart: ``|a - b| <= atol + rtol * |b|``, as numpy has it.
    stamps : bool
        Whether it counts which program wrote a signal, and when, and what HyperSpy notes for
        itself: ``General.FileIO``, ``_HyperSpy``, the version of the package.
    most : int
        Bytes of an array above which its values are not compared: nobody would see the end of it.
    exact : bool
        Whether types, the order of keys and the sign of zero count.
    """

    rtol: float = 0.0
    atol: float = 0.0
    stamps: bool = False
    most: int = 2**62
    exact: bool = False

    def apart(self, one: Any, other: Any) -> NDArray[np.bool]:
        """Which numbers differ, item by item; nan equals nan."""
        one, other = np.asarray(one), np.asarray(other)
        # in C order, so that the flat view below is one
        differ = np.asarray((one != other) & ~(np.isnan(one) & np.isnan(other)), order="C")
        if self.exact and one.dtype.kind in "fc":
            return np.asarray(differ | (_signs(one) != _signs(other)))
        if self.rtol or self.atol:
            flat = differ.reshape(-1)
            for places, distance, size in _distances(one, other, differ):
                with np.errstate(all="ignore"):
                    close = np.isfinite(distance) & (distance <= self.atol + self.rtol * size)
                flat[places[close]] = False
        return differ


EXACTLY = Terms(stamps=True, exact=True)


def _signs(numbers: NDArray[Any]) -> NDArray[Any]:
    """A number for the signs of the parts of each; nan has none."""
    parts = (numbers.real, numbers.imag) if numbers.dtype.kind == "c" else (numbers,)
    signs = [np.signbit(part) & ~np.isnan(part) for part in parts]
    return np.asarray(signs[0] + 2 * signs[-1])


def _distances(
    one: NDArray[Any], other: NDArray[Any], differ: NDArray[np.bool]
) -> Iterator[tuple[NDArray[np.intp], NDArray[Any], NDArray[Any]]]:
    """How far numbers are apart where they differ, and how large the second is; in small pieces.

    They are computed in the widest type of their kind, so that unsigned ones do not wrap around.
    """
    kind = np.result_type(one, other).kind
    wide = np.complex128 if kind == "c" else np.longdouble if kind == "f" else np.float64
    places = np.flatnonzero(differ)
    flat, others = one.reshape(-1), other.reshape(-1)
    for start in range(0, len(places), _PIECE):
        part = places[start : start + _PIECE]
        first: Any = flat[part].astype(wide)
        second: Any = others[part].astype(wide)
        with np.errstate(all="ignore"):
            distance = np.abs(first - second)
        yield part, distance, np.abs(second)


def signal_differences(one: Signal, other: Signal) -> list[str]:
    """A line, with its path, for what two signals differ in exactly; where they are from aside."""
    return [f"{found.where}: {found.what}" for found in _signals(one, other, "", EXACTLY)]


def value_differences(one: object, other: object, where: str = "") -> list[str]:
    """A line for each exact difference of two values of any kind that a file can hold.

    A `MetadataTree` counts as a dict; paths begin with `where`.
    """
    return [f"{found.where}: {found.what}" for found in compare_values(one, other, where, EXACTLY)]


def compare_values(one: Any, other: Any, where: str, terms: Terms) -> Iterator[Difference]:
    """Compare values of any kind that a file can hold."""
    if not terms.exact:
        one, other = _plain(one), _plain(other)
    kind = _kind(one, terms)
    alike = kind is _kind(other, terms)
    walk = _walk_of(kind, terms) if alike else None
    if walk is not None:
        yield from walk(one, other, where, terms)
    elif not terms.exact:
        if _differ(one, other, terms):
            yield Difference(where=where, what="changed", one=one, other=other)
    elif not alike:
        kinds = kind.__name__, _kind(other, terms).__name__
        what = f"{_short(one)} ({kinds[0]}), {_short(other)} ({kinds[1]})"
        yield Difference(where=where, what=what)
    elif not _equal_scalars(one, other):
        yield _unlike(one, other, where)


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.tree
    if isinstance(value, np.generic) and value.dtype.kind in "biufcSU":
        return value.item()
    return value


def _kind(value: object, terms: Terms) -> type:
    if type(value) is MetadataTree:
        return dict
    if not terms.exact:
        for kind in (Mapping, Signal):
            if isinstance(value, kind):
                return dict if kind is Mapping else Signal
        if _is_array(value):
            return np.ndarray
    return type(value)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or hasattr(value, "dask")


def _walk_of(kind: type, terms: Terms) -> _Walk | None:
    if terms.exact and kind.__module__ == "pint" and hasattr(kind, "magnitude"):
        return _quantities
    return _WALKS.get(kind) or (_EXACT_WALKS.get(kind) if terms.exact else None)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _unlike(one: object, other: object, where: str, what: str = "") -> Difference:
    return Difference(where=where, what=f"{what}{_short(one)}, {_short(other)}")


# scalars


def _differ(one: Any, other: Any, terms: Terms) -> bool:
    """Whether two values that are compared as a whole mean something else."""
    if _is_number(one) and _is_number(other):
        if type(one) is int and type(other) is int and one == other:
            return False
        try:
            return bool(terms.apart(one, other))
        except (OverflowError, TypeError):  # integers that numpy has no room for
            return bool(one != other)
    return type(one) is not type(other) or any(compare_values(one, other, "", EXACTLY))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | complex) and not isinstance(value, bool)


def _equal_scalars(one: Any, other: Any) -> bool:
    if isinstance(one, np.generic):
        return not any(_arrays(np.asarray(one), np.asarray(other), "", EXACTLY))
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


# containers


def _mappings(
    one: Mapping[Any, Any], other: Mapping[Any, Any], where: str, terms: Terms
) -> Iterator[Difference]:
    mine, theirs = ({_key(key, terms): key for key in items} for items in (one, other))
    for known, key in mine.items():
        path = f"{where}.{key}" if where else str(key)
        if known in theirs:
            yield from compare_values(one[key], other[theirs[known]], path, terms)
        elif terms.exact:
            yield Difference(where=path, what="only in the first")
        else:
            for place, leaf in _leaves(one[key], path):
                yield Difference(where=place, what="removed", one=leaf)
    for known, key in theirs.items():
        path = f"{where}.{key}" if where else str(key)
        if known in mine:
            continue
        if terms.exact:
            yield Difference(where=path, what="only in the second")
        else:
            for place, leaf in _leaves(other[key], path):
                yield Difference(where=place, what="added", other=leaf)
    if terms.exact and list(mine) != list(theirs) and len(mine) == len(theirs):
        yield Difference(where=where, what="the order of the keys")


def _key(key: Any, terms: Terms) -> Any:
    """A key with its type, exactly: 1, True and 1.0 differ then, nan is nan."""
    return (type(key), repr(key)) if terms.exact else key


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """What stands in a node that only one side has."""
    value = _plain(value)
    if not isinstance(value, Mapping) or not value:
        yield where, value
        return
    for key, item in value.items():
        yield from _leaves(item, f"{where}.{key}")


def _sequences(one: Any, other: Any, where: str, terms: Terms) -> Iterator[Difference]:
    """Item by item; within a tolerance, lists without arrays or trees in them as a whole."""
    if not terms.exact and not any(map(_is_node, (*one, *other))):
        pairs = zip(one, other, strict=False)
        if len(one) != len(other) or any(_differ(_plain(a), _plain(b), terms) for a, b in pairs):
            yield Difference(where=where, what="changed", one=one, other=other)
        return
    if terms.exact and len(one) != len(other):
        yield Difference(where=where, what=f"{len(one)} items, {len(other)} items")
    for index, (mine, theirs) in enumerate(zip_longest(one, other, fillvalue=MISSING)):
        path = f"{where}[{index}]"
        if mine is not MISSING and theirs is not MISSING:
            yield from compare_values(mine, theirs, path, terms)
        elif not terms.exact:
            what = "added" if mine is MISSING else "removed"
            yield Difference(where=path, what=what, one=mine, other=theirs)


def _is_node(value: Any) -> bool:
    return isinstance(value, Mapping | Signal | Model | list | tuple) or _is_array(value)


def _signals(one: Signal, other: Signal, where: str, terms: Terms) -> Iterator[Difference]:
    prefix = f"{where}." if where else ""
    if terms.exact:
        mine, theirs = _computed(one.data, other.data)
        yield from compare_values(mine, theirs, f"{prefix}data", terms)
    else:
        yield from compare_arrays(one.data, other.data, f"{prefix}data", terms)
    yield from _mappings(parts_of(one, terms), parts_of(other, terms), where, terms)


def parts_of(signal: Signal, terms: Terms) -> dict[str, Any]:
    """All of a signal that counts, but for its data."""
    axes: Any = [axis_to_dict(axis) for axis in signal.axes]
    metadata = signal.metadata
    if not terms.stamps:
        metadata = MetadataTree(metadata.as_dictionary())
        for stamp in filter(metadata.has_item, _STAMPS):
            metadata.remove_item(stamp)
    if not terms.exact:
        axes = {
            str(i): {key: value for key, value in axis.items() if key != "index_in_array"}
            for i, axis in enumerate(axes)
        }
    return {
        "axes": axes,
        "metadata": metadata,
        "original_metadata": signal.original_metadata,
        "attributes": signal.attributes,
        "learning_results": signal.learning_results,
        "models": {name: model.tree for name, model in signal.models.items()},
        "package": signal.package,
        "package_version": signal.package_version if terms.stamps else "",
    }


def _models(one: Model, other: Model, where: str, terms: Terms) -> Iterator[Difference]:
    yield from compare_values(one.tree, other.tree, where, terms)


def _sets(one: Any, other: Any, where: str, terms: Terms) -> Iterator[Difference]:
    if sorted(map(_text_of, one)) != sorted(map(_text_of, other)):
        yield _unlike(one, other, where)


def _text_of(value: object) -> str:
    if isinstance(value, frozenset):
        return f"frozenset {sorted(map(_text_of, value))}"
    if isinstance(value, tuple):
        return f"tuple {list(map(_text_of, value))}"
    return f"{type(value)} {value!r}"


def _slices(one: slice, other: slice, where: str, terms: Terms) -> Iterator[Difference]:
    for part in ("start", "stop", "step"):
        yield from compare_values(
            getattr(one, part), getattr(other, part), f"{where}.{part}", terms
        )


def _quantities(one: Any, other: Any, where: str, terms: Terms) -> Iterator[Difference]:
    """Values in units of pint."""
    yield from compare_values(one.magnitude, other.magnitude, where, terms)
    if str(one.units) != str(other.units):
        yield Difference(where=where, what=f"{one.units}, {other.units}")


# arrays


def _arrays(one: Any, other: Any, where: str, terms: Terms) -> Iterator[Difference]:
    if not terms.exact:
        yield from compare_arrays(one, other, where, terms)
    elif one.dtype != other.dtype or one.dtype.metadata != other.dtype.metadata:
        what = f"dtype {dtype_text(one.dtype)}, {dtype_text(other.dtype)}"
        yield Difference(where=where, what=what)
    elif one.shape != other.shape:
        yield Difference(where=where, what=f"shape {one.shape}, {other.shape}")
    elif one.dtype == object or one.dtype.kind == "T":
        yield from _sequences(one.ravel().tolist(), other.ravel().tolist(), where, terms)
    elif _apart(one, other, terms).any():
        yield _unlike(one, other, where)


def _masked(one: Any, other: Any, where: str, terms: Terms) -> Iterator[Difference]:
    yield from _arrays(one.data, other.data, where, terms)
    for what, get in _MASK_PARTS.items():
        first, second = get(one), get(other)
        if type(first) is not type(second) or not _same_parts(first, second):
            yield _unlike(first, second, where, f"{what} ")


_MASK_PARTS: dict[str, Callable[[Any], Any]] = {
    "mask": np.ma.getmask,
    "fill value": lambda array: np.asarray(array.fill_value, array.dtype),
    "hard mask": lambda array: array.hardmask,
}


def _same_parts(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return not any(_arrays(one, other, "", EXACTLY))
    return one is other or bool(one == other)


def compare_arrays(one: Any, other: Any, where: str, terms: Terms) -> Iterator[Difference]:
    """Compare arrays of any dtype and size; dask arrays are computed a block at a time.

    One byte order equals the other.
    """
    if one.dtype.newbyteorder("=") != other.dtype.newbyteorder("="):
        what = f"the dtype {dtype_text(one.dtype)} became {dtype_text(other.dtype)}"
        yield Difference(where=where, what=what, one=str(one.dtype), other=str(other.dtype))
    if one.shape != other.shape:
        what = f"the shape {one.shape} became {other.shape}"
        yield Difference(where=where, what=what, one=one.shape, other=other.shape)
    elif prod(one.shape) and _comparable(one.dtype, other.dtype):
        size = prod(one.shape) * min(one.dtype.itemsize, other.dtype.itemsize)
        if size > terms.most:
            raise TooLargeError(
                f"is said to have {size:,} bytes, which the files cannot hold; it is not compared",
                where=where,
            )
        yield from _compare_blocks(one, other, where, terms)


def _comparable(one: np.dtype[Any], other: np.dtype[Any]) -> bool:
    numbers = "biufc"
    return one.kind == other.kind or (one.kind in numbers and other.kind in numbers)


def _compare_blocks(one: Any, other: Any, where: str, terms: Terms) -> Iterator[Difference]:
    count, first, widest = 0, None, 0.0
    for block in _blocks(one):
        mine, theirs = _computed(one[*block, ...], other[*block, ...])
        differ = _apart(mine, theirs, terms)
        if not differ.any():
            continue
        count += int(differ.sum())
        widest = max(widest, _widest(mine, theirs, differ))
        if first is None:
            at = tuple(int(i[0]) for i in np.nonzero(np.atleast_1d(differ)))[: one.ndim]
            place = tuple(start.start + i for start, i in zip(block, at, strict=True))
            first = place, mine[at], theirs[at]
    if first is None:
        return
    place, before, after = first
    at_text = f" at {place if len(place) != 1 else place[0]}" if place else ""
    values, verb = ("1 value", "differs") if count == 1 else (f"{count:,} values", "differ")
    what = f"{values} of {prod(one.shape):,} {verb}, the first{at_text}"
    if widest:
        what += f", by {widest:.6g} at most"
    yield Difference(where=where, what=what, one=_plain(before), other=_plain(after))


def _blocks(array: Any) -> Iterator[tuple[slice, ...]]:
    """The blocks of a dask array; all of another."""
    chunks = getattr(array, "chunks", None) or tuple((n,) for n in array.shape)
    edges = [np.cumsum((0, *sizes)).tolist() for sizes in chunks]
    ranges = [list(pairwise(edge)) for edge in edges]
    for bounds in product(*ranges):
        yield tuple(slice(start, stop) for start, stop in bounds)


def _computed(*blocks: Any) -> tuple[Any, ...]:
    if any(hasattr(block, "dask") for block in blocks):
        base: Any = import_module("dask.base")
        return tuple(base.compute(*blocks))
    return blocks


def _apart(one: Any, other: Any, terms: Terms) -> NDArray[np.bool]:
    """Which items differ."""
    if np.ma.isMaskedArray(one) or np.ma.isMaskedArray(other):
        masks = np.ma.getmaskarray(one), np.ma.getmaskarray(other)
        inside = _apart(np.ma.getdata(one), np.ma.getdata(other), terms)
        return np.asarray((masks[0] != masks[1]) | (inside & ~masks[0]))
    if one.dtype.names is not None:
        if one.dtype.names != other.dtype.names:
            return np.ones(one.shape, bool)
        fields = [_apart(one[name], other[name], terms) for name in one.dtype.names]
        whole = [field.any(axis=tuple(range(one.ndim, field.ndim))) for field in fields]
        return np.asarray(np.logical_or.reduce(whole)) if whole else np.zeros(one.shape, bool)
    if one.dtype == object:
        pairs = zip(one.ravel().tolist(), other.ravel().tolist(), strict=True)
        found = [any(compare_values(a, b, "", terms)) for a, b in pairs]
        return np.array(found, bool).reshape(one.shape)
    if one.dtype.kind in "biufc":
        return terms.apart(one, other)
    if one.dtype.kind in "mM":
        return np.asarray((one != other) & ~(np.isnat(one) & np.isnat(other)))
    return np.asarray(one != other)


def _widest(one: Any, other: Any, differ: NDArray[np.bool]) -> float:
    if one.dtype.kind not in "iufc" or other.dtype.kind not in "iufc":
        return 0.0
    widest = 0.0
    for _, distance, _ in _distances(np.ma.getdata(one), np.ma.getdata(other), differ):
        finite = distance[np.isfinite(distance)]
        widest = max(widest, float(finite.max()) if finite.size else 0.0)
    return widest


_Walk: TypeAlias = Callable[[Any, Any, str, Terms], Iterator[Difference]]

_WALKS: dict[type, _Walk] = {
    dict: _mappings,
    OrderedDict: _mappings,
    list: _sequences,
    tuple: _sequences,
    np.ndarray: _arrays,
    Signal: _signals,
}
_EXACT_WALKS: dict[type, _Walk] = {
    set: _sets,
    frozenset: _sets,
    slice: _slices,
    np.ma.MaskedArray: _masked,
    Model: _models,
}
"""What is compared as a whole within a tolerance."""
