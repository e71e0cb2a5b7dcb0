"""What came back of the arrays of a damaged file, and what did not."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hspyio.arrays.indexing import BasicIndexer
from hspyio.errors import DamagedFileError, FilterError, HspyError, TooLargeError
from hspyio.hdf5.limits import Budget
from hspyio.nodes.node import Array, ArraySource, LooseRows, Rows, Selection, SparseSource, Vlen
from hspyio.recovery.isolated import Child, IsolatedRows, IsolatedSource
from hspyio.recovery.messages import MessageError

__all__ = ["Losses", "Region", "SalvagedSource"]

Region = tuple[tuple[int, int], ...]
"""First index and the one after the last, for each dimension."""

_PIECE = 32 * 2**20
"""Bytes that are asked for at a time."""
_MOST_PIECES = 4096


class Losses:
    """Notes what is lost, from any thread; the place of an array is its path, name by name.

    Attributes
    ----------
    reached : set of int
        Addresses of the objects that were reached in the file.
    lost : dict
        Place of an array -> part -> what is wrong with it.
    shapes : dict
        Place of an array -> its shape.
    sums : dict
        Place of an array -> place of a chunk in its grid -> checksum of what stands in the file.
    by_order : dict
        Place of an array -> places in its grid of chunks which nothing but their order in the
        file tells.
    zeros : dict
        Place of an array -> part that nothing checks -> how many blocks of zeros it holds.
    blocks : dict
        Place of an array -> blocks of all parts that nothing checks.
    """

    def __init__(self) -> None:
        self.reached: set[int] = set()
        self.lost: dict[tuple[str, ...], dict[Region, str]] = {}
        self.shapes: dict[tuple[str, ...], tuple[int, ...]] = {}
        self.sums: dict[tuple[str, ...], dict[int, int]] = {}
        self.by_order: dict[tuple[str, ...], set[int]] = {}
        self.zeros: dict[tuple[str, ...], dict[Region, int]] = {}
        self.blocks: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    def note_reached(self, addresses: list[int]) -> None:
        """Take note of the addresses of objects."""
        self.reached.update(addresses)

    def source(
        self, child: Child, place: tuple[str, ...], shape: tuple[int, ...], kind: Any, stored: int
    ) -> ArraySource:
        """Make a source that fills what is lost of an array with 0, and notes it."""
        self.shapes[place] = shape
        if isinstance(kind, Vlen) and isinstance(kind.base, np.dtype):
            return SalvagedRows(child, place, shape, kind, stored, self)
        return SalvagedSource(child, place, shape, kind, stored, self)

    def add(
        self, place: tuple[str, ...], lost: list[tuple[Region, str]], sums: list[tuple[int, int]]
    ) -> None:
        """Note what a reading has shown of an array."""
        with self._lock:
            self.lost.setdefault(place, {}).update(lost)
            self.sums.setdefault(place, {}).update(sums)

    def suspect(
        self,
        place: tuple[str, ...],
        by_order: Iterable[int],
        zeros: Mapping[Region, int],
        blocks: int,
    ) -> None:
        """Note what a reading has left in doubt."""
        with self._lock:
            self.by_order.setdefault(place, set()).update(by_order)
            self.zeros.setdefault(place, {}).update(zeros)
            self.blocks[place] = self.blocks.get(place, 0) + blocks


class SalvagedSource(IsolatedSource):
    """An array of which what can be read is read; the rest is 0, and noted."""

    def __init__(
        self,
        child: Child,
        place: tuple[str, ...],
        shape: tuple[int, ...],
        kind: Any,
        stored_bytes: int,
        losses: Losses,
    ) -> None:
        super().__init__(child, place, shape, kind, stored_bytes)
        self.place = place
        self._losses = losses

    def sparse(self, chunks: tuple[int, ...] | None, *, mostly_not: bool) -> SparseSource | None:
        """The same with what was written of it; ``None`` if that cannot be told.

        Where it is to be `mostly_not` written also for arrays most of which was.
        """
        try:
            found, reader = self._child.ask("written", self._place, about=mostly_not)
            if found is None:
                return None
            fill, regions = np.asarray(reader.value(found[0])), found[1]
            if fill.shape or fill.dtype != self._kind:
                return None
            parts = [tuple(slice(int(a), int(b)) for a, b in region) for region in regions]
        except (HspyError, MessageError):
            return None
        return SparseSource(self, fill, parts, chunks)

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection, with 0 where nothing came back.

        Raises
        ------
        DamagedFileError
            If the whole array is asked for and nothing of it came back.
        FilterError, TooLargeError
            If its filter is not available here, or not enough memory.
        """
        values, lost = self._salvaged(selection)
        if selection == () and lost and _covers(lost, self._shape):
            raise self._damaged(lost[0][1])
        return values

    def _salvaged(self, selection: Selection) -> tuple[NDArray[Any], list[tuple[Region, str]]]:
        chosen = BasicIndexer(selection, self._shape).ranges
        if not isinstance(self._kind, np.dtype):
            return self._ask(selection)
        counts = [span.count for span in chosen]
        with self._named():
            Budget().take(math.prod(counts) * self._kind.itemsize, lazily=False)
        values = np.zeros(counts, self._kind)
        lost: list[tuple[Region, str]] = []
        for begin, end in _steps(values):
            part = [slice(s.start, s.last + 1, s.step) for s in chosen]
            if part:
                first = chosen[0]
                low = first.start + begin * first.step
                part[0] = slice(low, first.start + (end - 1) * first.step + 1, first.step)
            found, missing = self._ask(tuple(part))
            target = values[begin:end] if part else values
            if found.shape != target.shape or found.dtype != target.dtype:
                raise self._damaged("is not what it was said to be")
            target[...] = found
            lost += missing
        return values.reshape([span.count for span in chosen if not span.single]), lost

    def _ask(self, selection: Selection) -> tuple[NDArray[Any], list[tuple[Region, str]]]:
        """Ask for a part; one on which HDF5 or a filter crashes is lost as a whole."""
        about = [
            [part.start, part.stop, part.step] if isinstance(part, slice) else int(part)
            for part in selection
        ]
        try:
            (values, lost, sums, *rest), reader = self._child.ask(
                "salvage", self._place, about=about
            )
            found = np.asarray(reader.value(values))
            regions = [
                (tuple((int(a), int(b)) for a, b in region), str(message))
                for region, message in lost
            ]
            self._losses.add(self._place, regions, [(int(a), int(b)) for a, b in sums])
            by_order, zeros, blocks = rest
            self._losses.suspect(
                self._place,
                map(int, by_order),
                {tuple((int(a), int(b)) for a, b in part): int(count) for part, count in zeros},
                int(blocks),
            )
            return found, regions
        except (FilterError, TooLargeError):
            raise
        except (HspyError, MessageError) as error:
            if not isinstance(self._kind, np.dtype):
                raise
            return self._lost(selection, getattr(error, "message", str(error)))

    def _lost(
        self, selection: Selection, message: str
    ) -> tuple[NDArray[Any], list[tuple[Region, str]]]:
        """Halve a part until what cannot be read is one row of it."""
        chosen = BasicIndexer(selection, self._shape).ranges
        counts = tuple(span.count for span in chosen)
        if counts and counts[0] > 1:
            first, half = chosen[0], counts[0] // 2
            middle = first.start + half * first.step
            parts = [
                slice(first.start, middle, first.step),
                slice(middle, first.last + 1, first.step),
            ]
            made = [self._ask((part, *selection[1:])) for part in parts]
            return np.concatenate([values for values, _ in made]), made[0][1] + made[1][1]
        region = tuple((span.start, span.last + 1) for span in chosen)
        self._losses.add(self._place, [(region, message)], [])
        return np.zeros(counts, self._kind), [(region, message)]


class SalvagedRows(IsolatedRows):
    """Rows of variable length, of which those that cannot be read come back empty."""

    def __init__(
        self,
        child: Child,
        place: tuple[str, ...],
        shape: tuple[int, ...],
        kind: Any,
        stored_bytes: int,
        losses: Losses,
    ) -> None:
        super().__init__(child, place, shape, kind, stored_bytes)
        self.place = place
        self._losses = losses

    def rows(self, selection: Selection = ()) -> Rows:
        """All rows of a selection, end to end.

        Raises
        ------
        DamagedFileError
            If none can be read.
        """
        try:
            return super().rows(selection)
        except (FilterError, TooLargeError):
            raise
        except HspyError as error:
            if selection != () or not self._shape:
                raise
            return self._each(error)

    def _each(self, failure: HspyError) -> Rows:
        empty = np.empty(0, self._kind.base)
        objects = np.empty(self._shape, object)
        for place in np.ndindex(self._shape):
            objects[place] = empty
        step = max(1, -(-self._shape[0] // _MOST_PIECES))
        any_read = False
        for low in range(0, self._shape[0], step):
            high = min(low + step, self._shape[0])
            try:
                objects[low:high] = super().rows((slice(low, high, 1),)).read()
                any_read = True
            except DamagedFileError as error:
                region = ((low, high), *((0, n) for n in self._shape[1:]))
                self._losses.add(self._place, [(region, error.message)], [])
        if not any_read:
            raise failure
        return LooseRows.of(objects, self._kind.base).rows()


def _steps(values: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Pieces along the first dimension."""
    if not values.ndim:
        yield 0, 1
        return
    row = math.prod(values.shape[1:]) * values.itemsize
    step = max(1, _PIECE // row if row else len(values))
    for begin in range(0, len(values), step):
        yield begin, min(begin + step, len(values))


def _covers(lost: list[tuple[Region, str]], shape: tuple[int, ...]) -> bool:
    """Whether parts that do not overlap are all of an array."""
    known = dict(lost)
    count = sum(math.prod(high - low for low, high in region) for region in known)
    return count >= math.prod(shape) > 0


def place_of_array(array: Array) -> tuple[str, ...] | None:
    """Place of an array of a file that is being salvaged; ``None`` for what was read already."""
    place: tuple[str, ...] | None = getattr(array.source, "place", None)
    return place
