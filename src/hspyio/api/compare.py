"""What two values mean differently: numbers within a tolerance, large arrays block by block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise, product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.compare import value_differences
from hspyio.errors import TooLargeError
from hspyio.model.axes import axis_to_dict
from hspyio.model.signal import Model, Signal
from hspyio.model.tree import MetadataTree
from hspyio.printable import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MISSING", "Difference", "Terms", "compare_arrays", "compare_values", "parts_of"]


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
    """

    rtol: float = 0.0
    atol: float = 0.0
    stamps: bool = False
    most: int = 2**62

    def apart(self, one: Any, other: Any) -> NDArray[np.bool]:
        """Which numbers differ, item by item; nan equals nan."""
        one, other = np.asarray(one), np.asarray(other)
        # in C order, so that the flat view below is one
        differ = np.asarray((one != other) & ~(np.isnan(one) & np.isnan(other)), order="C")
        if self.rtol or self.atol:
            flat = differ.reshape(-1)
            for places, distance, size in _distances(one, other, differ):
                with np.errstate(all="ignore"):
                    close = np.isfinite(distance) & (distance <= self.atol + self.rtol * size)
                flat[places[close]] = False
        return differ


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


def compare_values(one: Any, other: Any, where: str, terms: Terms) -> Iterator[Difference]:
    """Compare values by what they mean.

    Numbers of Python and of numpy are alike, and so are dicts in any order; bool, text and numbers
    are not.

    Parameters
    ----------
    one, other : object
        Anything that a file can hold.
    where : str
        Their path.
    terms : Terms
        What counts.
    """
    one, other = _plain(one), _plain(other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        yield from _mappings(one, other, where, terms)
    elif isinstance(one, Signal) and isinstance(other, Signal):
        yield from compare_arrays(one.data, other.data, f"{where}.data", terms)
        yield from _mappings(parts_of(one, terms), parts_of(other, terms), where, terms)
    elif _is_array(one) and _is_array(other):
        yield from compare_arrays(one, other, where, terms)
    elif type(one) is type(other) and isinstance(one, list | tuple):
        yield from _sequences(one, other, where, terms)
    elif _differ(one, other, terms):
        yield Difference(where=where, what="changed", one=one, other=other)


def parts_of(signal: Signal, terms: Terms) -> dict[str, Any]:
    """All of a signal that counts, but for its data."""
    axes = [axis_to_dict(axis) for axis in signal.axes]
    metadata = MetadataTree(signal.metadata.as_dictionary())
    if not terms.stamps:
        for stamp in filter(metadata.has_item, _STAMPS):
            metadata.remove_item(stamp)
    return {
        "axes": {
            str(i): {key: value for key, value in axis.items() if key != "index_in_array"}
            for i, axis in enumerate(axes)
        },
        "metadata": metadata,
        "original_metadata": signal.original_metadata,
        "attributes": signal.attributes,
        "learning_results": signal.learning_results,
        "models": {name: model.tree for name, model in signal.models.items()},
        "package": signal.package,
        "package_version": signal.package_version if terms.stamps else "",
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.tree
    if isinstance(value, np.generic) and value.dtype.kind in "biufcSU":
        return value.item()
    return value


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or hasattr(value, "dask")


def _mappings(
    one: Mapping[Any, Any], other: Mapping[Any, Any], where: str, terms: Terms
) -> Iterator[Difference]:
    for key, value in one.items():
        path = f"{where}.{key}" if where else str(key)
        if key in other:
            yield from compare_values(value, other[key], path, terms)
        else:
            for place, leaf in _leaves(value, path):
                yield Difference(where=place, what="removed", one=leaf)
    for key, value in other.items():
        if key not in one:
            for place, leaf in _leaves(value, f"{where}.{key}" if where else str(key)):
                yield Difference(where=place, what="added", other=leaf)


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """What stands in a node that only one side has."""
    value = _plain(value)
    if not isinstance(value, Mapping) or not value:
        yield where, value
        return
    for key, item in value.items():
        yield from _leaves(item, f"{where}.{key}")


def _sequences(one: Any, other: Any, where: str, terms: Terms) -> Iterator[Difference]:
    """Short lists as a whole, those with arrays or trees in them item by item."""
    if not any(map(_is_node, (*one, *other))):
        pairs = zip(one, other, strict=False)
        if len(one) != len(other) or any(_differ(_plain(a), _plain(b), terms) for a, b in pairs):
            yield Difference(where=where, what="changed", one=one, other=other)
        return
    for index in range(max(len(one), len(other))):
        path = f"{where}[{index}]"
        if index >= len(one):
            yield Difference(where=path, what="added", other=other[index])
        elif index >= len(other):
            yield Difference(where=path, what="removed", one=one[index])
        else:
            yield from compare_values(one[index], other[index], path, terms)


def _is_node(value: Any) -> bool:
    return isinstance(value, Mapping | Signal | Model | list | tuple) or _is_array(value)


def _differ(one: Any, other: Any, terms: Terms) -> bool:
    if _is_number(one) and _is_number(other):
        if type(one) is int and type(other) is int and one == other:
            return False
        try:
            return bool(terms.apart(one, other))
        except (OverflowError, TypeError):  # integers that numpy has no room for
            return bool(one != other)
    return type(one) is not type(other) or bool(value_differences(one, other))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | complex) and not isinstance(value, bool)


# arrays


def compare_arrays(one: Any, other: Any, where: str, terms: Terms) -> Iterator[Difference]:
    """Compare arrays of any size; dask arrays are computed a block at a time.

    Parameters
    ----------
    one, other : ndarray or dask array
        Of any dtype; nan equals nan, and one byte order the other.
    where : str
        Their path.
    terms : Terms
        What counts.
    """
    if one.dtype.newbyteorder("=") != other.dtype.newbyteorder("="):
        what = f"the dtype {one.dtype} became {other.dtype}"
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
