"""The bytes of one state of a file that is far away, as readers are given them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from hspyio.errors import UnreadableFileError
from hspyio.remote.block_cache import BlockCache
from hspyio.remote.read_ahead import ReadAhead, fill
from hspyio.remote.requests import Content, Requests
from hspyio.remote.storage_options import StorageOptions
from hspyio.remote.stores import Version, store_of
from hspyio.remote.url import Url, url_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ObjectBytes", "open_object"]

_KEPT = 32 * 2**20
"""Bytes of blocks in memory."""
_BLOCKS_DIRECTLY = 16
"""More blocks than these are not kept: they are of an array."""
_MOST_AHEAD = 16
"""Blocks that are asked for with the next one, where reading goes on and on."""


class ObjectBytes:
    """A file that is far away; its small parts are read in blocks, which are kept for a while.

    Parameters
    ----------
    requests : Requests
        What asks for its parts.

    Attributes
    ----------
    size : int
        Bytes of the file.
    version : Version
        Its state; every answer is of that, or an error.
    """

    def __init__(self, requests: Requests) -> None:
        first = requests.first()
        self.requests = requests
        self.version = first.version
        self.size = first.version.size
        self._head = memoryview(first.content)
        self._block = requests.options.block
        self._blocks: OrderedDict[int, memoryview] = OrderedDict()
        self._asked: dict[int, _Run] = {}
        self._next, self._ahead = -1, 1
        self._lock = threading.Lock()

    @property
    def head(self) -> bytes:
        """The first bytes, as they came with the first answer."""
        return bytes(self._head[:4096])

    def read(self, offset: int, length: int) -> bytes:
        """What stands in a range."""
        buffer = bytearray(length)
        self.read_into([memoryview(buffer)], offset)
        return bytes(buffer)

    def read_into(self, buffers: Sequence[memoryview], offset: int) -> None:
        """Fill buffers, one after the other, with what stands from an offset on."""
        views = [buffer.cast("B") for buffer in buffers]
        end = offset + sum(map(len, views))
        if offset < 0 or end > self.size:
            raise OSError(f"the file ends at {self.size}")
        begin = max(offset, len(self._head))
        pieces: list[tuple[int, memoryview]] = []
        if end - begin > _BLOCKS_DIRECTLY * self._block:
            pieces = self._parts(begin, end)
        elif end > begin:
            pieces = self._pieces(begin, end)
        fill(views, offset, [(0, self._head), *pieces])

    def expect(self, offsets: Sequence[int], sizes: Sequence[int]) -> None:
        """Ask for what will be read in small pieces soon; nothing is waited for."""
        wanted: set[int] = set()
        for offset, size in zip(offsets, sizes, strict=True):
            if 0 <= offset < offset + size <= self.size:
                wanted.update(range(offset // self._block, -(-(offset + size) // self._block)))
            if len(wanted) * self._block > _KEPT // 2:
                break
        with self._lock:
            gap = self.requests.options.gap // self._block
            self._ask(self._missing(wanted), gap, expected=True)

    def ahead(
        self, offsets: NDArray[Any], sizes: NDArray[Any]
    ) -> AbstractContextManager[ReadAhead]:
        """Within this, ranges that are read in about this order are fetched before they are.

        Parameters
        ----------
        offsets, sizes : ndarray of int64
            Of the ranges, in the order of their offsets.
        """
        return ReadAhead(self, self.requests, self._head, offsets, sizes)

    def forget(self) -> None:
        """Let go of what is kept, but for the head."""
        with self._lock:
            self._blocks.clear()

    def _parts(self, begin: int, end: int) -> list[tuple[int, memoryview]]:
        """A long range, in parts that are fetched at the same time and not kept."""
        starts = range(begin, end, self.requests.options.request)
        stops = [*starts[1:], end]
        works = [self.requests.begin(*pair) for pair in zip(starts, stops, strict=True)]
        try:
            found = [memoryview(self.requests.result(work)) for work in works]
        except BaseException:
            for work in works:
                work.cancel()
            raise
        return list(zip(starts, found, strict=True))

    # blocks

    def _pieces(self, offset: int, end: int) -> list[tuple[int, memoryview]]:
        """Where kept pieces begin, and they, that together hold a range."""
        numbers = range(offset // self._block, -(-end // self._block))
        found: dict[int, memoryview] = {}
        with self._lock:
            missing = self._missing(set(numbers))
            if missing:
                self._ask(self._with_next(missing), 0)
            for number in numbers:
                if number in self._blocks:
                    self._blocks.move_to_end(number)
                    found[number] = self._blocks[number]
            runs = {n: self._asked[n] for n in numbers if n in self._asked and n not in found}
        for number, run in runs.items():
            found[number] = self._answer(number, run)
        return [(n * self._block, found[n]) for n in numbers]

    def _missing(self, numbers: set[int]) -> list[int]:
        """Those that are neither here nor asked for."""
        inside = len(self._head) // self._block
        return sorted(
            n
            for n in numbers
            if n not in self._blocks
            and n not in self._asked
            and n >= inside
            and n * self._block < self.size
        )

    def _with_next(self, missing: list[int]) -> list[int]:
        """Blocks, and those behind them where it is read from front to back, more each time."""
        self._ahead = min(2 * self._ahead, _MOST_AHEAD) if missing[0] == self._next else 1
        last = missing[-1]
        more = range(last + 1, min(last + self._ahead, -(-self.size // self._block)))
        behind = self._missing(set(more))
        self._next = (behind[-1] if behind else last) + 1
        return [*missing, *behind]

    def _ask(self, numbers: list[int], gap: int, *, expected: bool = False) -> None:
        """Ask for blocks, near ones in one request."""
        most = max(1, self.requests.options.request // self._block)
        begin = 0
        for i in range(1, len(numbers) + 1):
            apart = i == len(numbers) or numbers[i] - numbers[i - 1] - 1 > gap
            if not (apart or numbers[i] - numbers[begin] >= most):
                continue
            low, high = numbers[begin], numbers[i - 1] + 1
            start, stop = low * self._block, min(high * self._block, self.size)
            run = _Run(low, self.requests.begin(start, stop), expected=expected)
            self._asked.update((n, run) for n in range(low, high) if n not in self._blocks)
            begin = i

    def _answer(self, number: int, run: _Run) -> memoryview:
        """A block that was asked for; with it all others of the same request are here."""
        try:
            content = memoryview(self.requests.result(run.work))
        except BaseException as error:
            with self._lock:
                self._drop(run)
            if run.expected and type(error) is UnreadableFileError:
                return self._asked_now(number)  # it may have been long ago
            raise
        with self._lock:
            for n in self._drop(run):
                start = (n - run.first) * self._block
                self._blocks[n] = content[start : start + self._block]
            while len(self._blocks) * self._block > _KEPT:
                self._blocks.popitem(last=False)
        start = (number - run.first) * self._block
        return content[start : start + self._block]

    def _asked_now(self, number: int) -> memoryview:
        start = number * self._block
        stop = min(start + self._block, self.size)
        return memoryview(self.requests.result(self.requests.begin(start, stop)))

    def _drop(self, run: _Run) -> list[int]:
        numbers = [n for n, other in self._asked.items() if other is run]
        for n in numbers:
            del self._asked[n]
        return numbers


class _Run:
    """Blocks in a row that were asked for at once."""

    def __init__(self, first: int, work: Future[Content], *, expected: bool) -> None:
        self.first, self.work, self.expected = first, work, expected


def open_object(
    address: str, options: StorageOptions, version: Version | None = None
) -> ObjectBytes:
    """The bytes of a file by its address, or by its key in a store that the options hold.

    Parameters
    ----------
    address : str
        Of the file.
    options : StorageOptions
        How it is read.
    version : Version, optional
        The state that it has to be in.

    Raises
    ------
    StaleFileError
        If it is in another.
    HspyError
        If it cannot be had.
    """
    url: Url | None = None if options.store is not None else url_of(address)
    name = address if url is None else url.text
    requests = Requests(store_of(address if url is None else url, options), options, name, url)
    requests.version = version
    opened = ObjectBytes(requests)
    told = opened.version.tag or opened.version.modified  # else another state looks the same
    if options.cache is not None and told:
        full = address if url is None else url.full
        requests.keep_in(
            BlockCache(options.cache, full, opened.version, options.block, options.cache_size)
        )
    return opened
