"""Arrays of a damaged file: what cannot be read is 0, or empty, and noted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hspyio.arrays.indexing import BasicIndexer
from hspyio.errors import DamagedFileError, FilterError, HspyError, TooLargeError, located
from hspyio.hdf5.dataset import Dataset, RowDataset
from hspyio.hdf5.limits import Budget
from hspyio.nodes.node import (
    Array,
    Group,
    MemorySource,
    RaggedArray,
    RaggedList,
    Selection,
    SparseSource,
    with_arrays,
)
from hspyio.recovery.chunks import DamagedArrays
from hspyio.recovery.losses import Losses, Region

__all__ = ["SalvagedRows", "SalvagedSource", "StandIns"]

_PART = 32 * 2**20
"""Bytes that are read at a time."""
_MOST_PARTS = 4096
_NOT_LOST = (FilterError, TooLargeError)
"""What says that something cannot be read here, not that it is lost."""


class _Source:
    """An array of a damaged file.

    Parameters
    ----------
    array : Array
        As the file has it.
    arrays : DamagedArrays
        Those of the file.
    losses : Losses
        Notes what is lost.
    """

    def __init__(self, array: Array, arrays: DamagedArrays, losses: Losses) -> None:
        assert isinstance(array.source, Dataset)
        self._dataset, self._kind = array.source, array.type
        self._arrays, self._losses = arrays, losses
        self.where = array.source.where

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self._dataset.shape


class SalvagedSource(_Source):
    """An array of which what can be read is read; the rest is 0, and noted."""

    def sparse(self, chunks: tuple[int, ...] | None, *, mostly_not: bool) -> SparseSource | None:
        """The same with what was written of it; ``None`` if that cannot be told.

        Where it is to be `mostly_not` written also for arrays most of which was.
        """
        try:
            found = self._arrays.written(self._dataset, mostly_not=mostly_not)
        except HspyError:
            return None
        if found is None or found[0].shape or found[0].dtype != self._kind:
            return None
        fill, regions = found
        parts = [tuple(slice(low, high) for low, high in region) for region in regions]
        return SparseSource(self, fill, parts, chunks)

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection, with 0 where nothing came back."""
        with located(self._dataset.snapshot.path, self.where):
            values, lost = self._salvaged(selection)
            if selection == () and lost and _covers(lost, self.shape):
                raise DamagedFileError(lost[0][1])
            return values

    def _salvaged(self, selection: Selection) -> tuple[NDArray[Any], list[tuple[Region, str]]]:
        if not isinstance(self._kind, np.dtype):
            return self._part(selection)
        chosen = BasicIndexer(selection, self.shape).ranges
        counts = [span.count for span in chosen]
        Budget().take(math.prod(counts) * self._kind.itemsize, lazily=False)
        values = np.zeros(counts, self._kind)
        lost: list[tuple[Region, str]] = []
        for begin, end in _steps(values):
            part = [slice(s.start, s.last + 1, s.step) for s in chosen]
            if part:
                first = chosen[0]
                low = first.start + begin * first.step
                part[0] = slice(low, first.start + (end - 1) * first.step + 1, first.step)
            found, missing = self._part(tuple(part))
            target = values[begin:end] if part else values
            target[...] = found
            lost += missing
        return values.reshape([span.count for span in chosen if not span.single]), lost

    def _part(self, selection: Selection) -> tuple[NDArray[Any], list[tuple[Region, str]]]:
        try:
            found = self._arrays.read(self._dataset, selection)
        except _NOT_LOST:
            raise
        except HspyError as error:
            if not isinstance(self._kind, np.dtype):
                raise
            chosen = BasicIndexer(selection, self.shape).ranges
            region = tuple((span.start, span.last + 1) for span in chosen)
            self._losses.add(self.where, [(region, error.message)])
            counts = [span.count for span in chosen if not span.single]
            return np.zeros(counts, self._kind), [(region, error.message)]
        self._losses.add(
            self.where, found.lost, found.sums, found.by_order, dict(found.zeros), found.blocks
        )
        return found.values, list(found.lost)


class SalvagedRows(_Source):
    """Rows of variable length, of which those that cannot be read come back empty."""

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection as an object array."""
        return self.rows(selection).read()

    def rows(self, selection: Selection = ()) -> RaggedArray:
        """All rows of a selection, end to end."""
        try:
            return self._rows(selection)
        except _NOT_LOST:
            raise
        except HspyError as error:
            if selection != () or not self.shape:
                raise
            self._arrays.allow_items(self._dataset, selection, Budget())
            return self._each(error)

    def _rows(self, selection: Selection) -> RaggedArray:
        assert isinstance(self._dataset, RowDataset)
        return self._dataset.rows(selection)

    def _each(self, failure: HspyError) -> RaggedArray:
        base: Any = self._kind.base  # type: ignore[union-attr]
        empty = np.empty(0, base)
        objects = np.empty(self.shape, object)
        for place in np.ndindex(self.shape):
            objects[place] = empty
        step = max(1, -(-self.shape[0] // _MOST_PARTS))
        any_read = False
        for low in range(0, self.shape[0], step):
            high = min(low + step, self.shape[0])
            try:
                objects[low:high] = self._rows((slice(low, high, 1),)).read()
                any_read = True
            except DamagedFileError as error:
                region = ((low, high), *((0, n) for n in self.shape[1:]))
                self._losses.add(self.where, [(region, error.message)])
        if not any_read:
            raise failure
        return RaggedList.of(objects, base).rows()


def _steps(values: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Parts along the first dimension."""
    if not values.ndim:
        yield 0, 1
        return
    row = math.prod(values.shape[1:]) * values.itemsize
    step = max(1, _PART // row if row else len(values))
    for begin in range(0, len(values), step):
        yield begin, min(begin + step, len(values))


def _covers(lost: list[tuple[Region, str]], shape: tuple[int, ...]) -> bool:
    """Whether parts that do not overlap are all of an array."""
    count = sum(math.prod(high - low for low, high in region) for region in dict(lost))
    return count >= math.prod(shape) > 0


class StandIns:
    """Large arrays most of which was never written; in signals something small stands for them."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[NDArray[Any], SparseSource]] = {}

    def stand_in(self, array: Array, *, mostly_not: bool) -> NDArray[Any] | None:
        """An array that is as large and takes no memory; ``None`` for one that has to be read."""
        sparse = None
        if isinstance(array.source, SalvagedSource):
            sparse = array.source.sparse(array.chunks, mostly_not=mostly_not)
        elif isinstance(array.source, MemorySource) and not any(array.source.array.strides):
            value = array.source.array[(slice(0, 1),) * len(array.shape)].reshape(())
            sparse = SparseSource(array.source, value, ())
        if sparse is None:
            return None
        made = np.broadcast_to(sparse.fill.copy(), array.shape)
        self._known[_place(made)] = (made, sparse)
        return made

    def restored(self, group: Group) -> Group:
        """Planned nodes, with the arrays in the place of what stands for them."""
        return with_arrays(group, self._restored)

    def _restored(self, array: Array) -> Array:
        source = array.source
        known = self._known.get(_place(source.array)) if isinstance(source, MemorySource) else None
        same = known is not None and known[1].shape == array.shape
        return replace(array, source=known[1]) if known is not None and same else array


def _place(array: NDArray[Any]) -> int:
    place: int = array.__array_interface__["data"][0]
    return place
