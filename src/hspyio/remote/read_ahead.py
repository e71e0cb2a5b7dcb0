"""Ranges of a file that are fetched before they are read: near ones as one, several at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from hspyio.remote.requests import Content, Requests

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ReadAhead", "fill", "spans_of"]

_SPARE = 2
"""Spans that are here, or on the way, beside those that are asked for at the same time."""
_MOST_AHEAD = 64 * 2**20
"""Bytes of all of them, if they are as long as they may be."""


class _Bytes(Protocol):
    """Where all else is read."""

    size: int

    def read_into(self, buffers: Sequence[memoryview], offset: int) -> None: ...


def spans_of(
    offsets: NDArray[np.int64], sizes: NDArray[np.int64], gap: int, most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Begins and ends of requests: near ranges as one, long ones in parts.

    Parameters
    ----------
    offsets, sizes : ndarray of int64
        Of the ranges, in the order of their offsets; they may overlap.
    gap : int
        Bytes between two below which they are asked for as one.
    most : int
        Bytes of one request.
    """
    ends = np.maximum.accumulate(offsets + sizes)
    apart = np.flatnonzero(offsets[1:] - ends[:-1] > gap) + 1
    begins = offsets[np.concatenate([[0], apart])]
    stops = ends[np.concatenate([apart - 1, [len(ends) - 1]])]
    counts = np.maximum(1, -(-(stops - begins) // most))
    which = np.repeat(np.arange(len(begins)), counts)
    number = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    low = begins[which] + number * most
    return low, np.minimum(low + most, stops[which])


def fill(views: list[memoryview], offset: int, pieces: list[tuple[int, memoryview]]) -> None:
    """Copy a range out of pieces, by where they begin; from its offset on they leave no hole."""
    at = 0
    for view in views:
        done = 0
        while done < len(view):
            while offset >= pieces[at][0] + len(pieces[at][1]):
                at += 1
            start, content = pieces[at]
            part = content[offset - start : offset - start + len(view) - done]
            view[done : done + len(part)] = part
            done += len(part)
            offset += len(part)


class ReadAhead:
    """A file of which some ranges are on their way.

    Parameters
    ----------
    source : bytes source
        The file.
    requests : Requests
        What asks for its parts.
    head : memoryview
        What stands at its beginning, and is here already.
    offsets, sizes : ndarray of int64
        The ranges, in the order of their offsets.

    Attributes
    ----------
    size : int
        Bytes of the file.
    """

    def __init__(
        self,
        source: _Bytes,
        requests: Requests,
        head: memoryview,
        offsets: NDArray[np.int64],
        sizes: NDArray[np.int64],
    ) -> None:
        self.size = source.size
        self._source, self._requests, self._head = source, requests, head
        inside = (offsets >= 0) & (sizes > 0) & (offsets + sizes <= self.size)
        inside &= offsets + sizes > len(head)
        self._offsets, self._sizes = offsets[inside], sizes[inside]
        self._lock = threading.Lock()
        self._work: dict[int, Future[Content]] = {}
        self._unasked = 0  # all before this were asked for
        self._begins = self._ends = self._left = np.empty(0, np.int64)
        if len(self._offsets):
            options = requests.options
            self._begins, self._ends = spans_of(
                np.maximum(self._offsets, len(head)),
                self._sizes + np.minimum(self._offsets - len(head), 0),
                options.gap,
                options.request,
            )
            low, high = self._touched(self._offsets, self._offsets + self._sizes)
            edges = np.zeros(len(self._begins) + 1, np.int64)
            np.add.at(edges, low, 1)
            np.add.at(edges, high, -1)
            self._left = np.cumsum(edges)[:-1]  # ranges of each span that were not read yet

    def __enter__(self) -> Self:
        """Ask for the first."""
        with self._lock:
            self._ask_more()
        return self

    def __exit__(self, *_: object) -> None:
        """Give up what is still on its way."""
        with self._lock:
            for work in self._work.values():
                work.cancel()
            self._work.clear()
            self._unasked = len(self._begins)

    def read(self, offset: int, length: int) -> bytes:
        """What stands in a range."""
        buffer = bytearray(length)
        self.read_into([memoryview(buffer)], offset)
        return bytes(buffer)

    def read_into(self, buffers: Sequence[memoryview], offset: int) -> None:
        """Fill buffers, one after the other, with what stands from an offset on."""
        views = [buffer.cast("B") for buffer in buffers]
        end = offset + sum(map(len, views))
        pieces = self._pieces(max(offset, len(self._head)), end)
        if pieces is None:
            self._source.read_into(buffers, offset)
            return
        fill(views, offset, [(0, self._head), *pieces])
        self._count(offset, end)

    def expect(self, offsets: Sequence[int], sizes: Sequence[int]) -> None:
        """Nothing beside the ranges is asked for."""

    def ahead(self, offsets: NDArray[np.int64], sizes: NDArray[np.int64]) -> ReadAhead:
        """The same on its own."""
        return ReadAhead(self._source, self._requests, self._head, offsets, sizes)

    def _touched(
        self, low: NDArray[np.int64], high: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first span that each range reaches into, and the one behind its last."""
        first = np.searchsorted(self._ends, low, side="right")
        return first, np.searchsorted(self._begins, high, side="left")

    def _pieces(self, offset: int, end: int) -> list[tuple[int, memoryview]] | None:
        """Spans that hold a range; ``None`` if they do not."""
        first = int(np.searchsorted(self._ends, offset, side="right"))
        last = int(np.searchsorted(self._begins, end, side="left"))
        if first >= last or offset < self._begins[first] or end > self._ends[last - 1]:
            return None
        if (self._begins[first + 1 : last] != self._ends[first : last - 1]).any():
            return None
        if not self._left[first:last].all():  # read before, and gone
            return None
        with self._lock:
            for span in range(first, last):
                self._ask(span)
            self._ask_more()
            works = [self._work[span] for span in range(first, last)]
        found = [memoryview(self._requests.result(work)) for work in works]
        return list(zip(self._begins[first:last].tolist(), found, strict=True))

    def _ask(self, span: int) -> None:
        if span not in self._work:
            begin, end = int(self._begins[span]), int(self._ends[span])
            self._work[span] = self._requests.begin(begin, end)

    def _ask_more(self) -> None:
        """Ask for the next, as long as few enough are here or on the way."""
        options = self._requests.options
        most = max(2, min(options.parallel + _SPARE, _MOST_AHEAD // options.request))
        while len(self._work) < most and self._unasked < len(self._begins):
            if self._left[self._unasked]:
                self._ask(self._unasked)
            self._unasked += 1

    def _count(self, begin: int, end: int) -> None:
        """Let go of spans of which all ranges were read."""
        low = int(np.searchsorted(self._offsets, begin, side="left"))
        high = int(np.searchsorted(self._offsets, end, side="left"))
        offsets, sizes = self._offsets[low:high], self._sizes[low:high]
        first, last = self._touched(offsets, offsets + sizes)
        with self._lock:
            for a, b in zip(first.tolist(), last.tolist(), strict=True):
                self._left[a:b] -= 1
                for span in range(a, b):
                    if self._left[span] <= 0:
                        self._left[span] = 0
                        self._work.pop(span, None)
            self._ask_more()
