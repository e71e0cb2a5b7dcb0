"""Ragged arrays that stay in their file: what is asked for of them is read, and no more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hspyio.errors import UNREADABLE, DamagedFileError, HspyError
from hspyio.nodes.node import Array, MemorySource, RaggedArray, Selection, StoredSource, Text, Vlen
from hspyio.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Allowing", "ByPart", "LateRows", "RaggedSource"]

Json = Any
Runs = Sequence[Sequence[Json]]
"""Pairs of a kind of element, and how many in a row are of it."""

_USUAL_GROWTH = 16
_MOST_GROWN = 64 * 2**20
"""Bytes that a hint may make of one part however few are stored."""


class Allowing(Protocol):
    """Who says how much memory a hint may take."""

    def allow(self, dtype: np.dtype[Any], count: int, stored: int) -> np.dtype[Any]:
        """Return the dtype, unless it makes much of little."""
        ...


class ByPart:
    """Counts each part alone: it is gone when the next one is read."""

    def allow(self, dtype: np.dtype[Any], count: int, stored: int) -> np.dtype[Any]:
        """Return the dtype; a `ValueError` if it makes much of little."""
        if count * dtype.itemsize > max(_USUAL_GROWTH * stored, _MOST_GROWN):
            raise ValueError(f"{stored} bytes are to become {count * dtype.itemsize}")
        return dtype


class _RowsOfFile(Protocol):
    """Rows that can be read when their file was closed, and pickled."""

    snapshot: Any
    where: str

    @property
    def shape(self) -> tuple[int, ...]: ...

    def read(self, selection: Selection = ()) -> NDArray[Any]: ...

    def rows(self, selection: Selection = ()) -> RaggedArray: ...

    def row_bytes(self) -> int: ...


@record
class LateRows:
    """An array of rows of variable length that stays in its file."""

    type: Vlen
    source: _RowsOfFile

    @classmethod
    def of(cls, array: Array) -> LateRows | None:
        """Make one of an array of an open file; ``None`` of what cannot be read in parts."""
        stored = array.source
        if not isinstance(stored, StoredSource) or not array.shape:
            return None
        source: Any = stored.detached()
        return cls(array.type, source) if isinstance(array.type, Vlen) else None

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self.source.shape

    def part(self, selection: Selection) -> Array:
        """Read some of the rows, as an array of their own."""
        if isinstance(self.type.base, Text):
            return Array(self.type, MemorySource(self.source.read(selection)))
        return Array(self.type, self.source.rows(selection))


@record
class RaggedSource:
    """Elements of a ragged array, of which only the rows that are asked for are read."""

    rows: LateRows
    forms: LateRows | None  # the elements' shapes
    runs: Runs  # what the elements were, where the rows alone do not tell
    join: Callable[[Array, Array | None, Runs], Any]  # the elements of a part

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self.rows.shape

    @property
    def snapshot(self) -> Any:
        """The file."""
        return self.rows.source.snapshot

    def item_bytes(self) -> int:
        """Bytes of an element, on average, as far as that is known without reading all."""
        return self.rows.source.row_bytes()

    @property
    def nbytes(self) -> int:
        """Bytes of all of them, about."""
        return self.item_bytes() * math.prod(self.shape)

    def detached(self) -> RaggedSource:
        """Itself: it goes on when the file is closed."""
        return self

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read the elements of a selection."""
        try:
            rows = self.rows.part(selection)
            forms = None if self.forms is None else self.forms.part(selection)
            found: NDArray[Any] = self.join(rows, forms, self._runs(selection))
        except HspyError:
            raise
        except UNREADABLE as error:
            message = f"its values cannot be read: {error}"
            where = self.rows.source.where
            raise DamagedFileError(message, path=self.snapshot.path, where=where) from None
        return found

    def _runs(self, selection: Selection) -> Runs:
        if not self.runs:
            return ()
        places = np.arange(math.prod(self.shape)).reshape(self.shape)[selection]
        if len(self.runs) == 1:
            return [(self.runs[0][0], places.size)]
        ends = np.cumsum([int(count) for _, count in self.runs])
        numbers = np.searchsorted(ends, places.reshape(-1), side="right")
        edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), numbers.size]
        pairs = pairwise(edges)
        return [(self.runs[int(numbers[low])][0], high - low) for low, high in pairs if high > low]
