"""Chunks to which no index leads any more, found by the order in which they stand in the file.

HDF5 gives every chunk its place when it is written, one behind the other, with the nodes of the
index in between. So where chunks were written in the order of their place in the array, what
stands between two that are known are those between them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from hspyio.arrays.manifest import StoredArray
from hspyio.filters import fletcher32, gzip, shuffle
from hspyio.hdf5.format.file_bytes import FileBytes
from hspyio.records import record

__all__ = ["Facts", "node_length", "placed_chunks"]

Facts: TypeAlias = dict[int, tuple[int, int, int]]
"""Place in the grid -> offset and size in the file, and filters left out."""

_CHILDREN = 64
_BEFORE_NODES, _BETWEEN_NODES = 65, 57
"""Chunks that HDF5 writes before the first new nodes, and before each further one."""
_CHECKSUM = 4
_STEP = 256 * 1024
_LEFT_FREE = 70
"""Bytes between nodes that `hspyio` leaves free: one for each chunk of a node."""
_STREAM = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_MOST_TRIED = 200_000


def node_length(rank: int) -> int:
    """Bytes that HDF5 takes for a node of a tree of chunks."""
    return 24 + 8 * _CHILDREN + (_CHILDREN + 1) * (16 + 8 * rank)


def placed_chunks(
    content: FileBytes,
    stored: StoredArray,
    known: Facts,
    root: int,
    nodes: Iterable[int],
    *,
    at_once: bool,
) -> tuple[Facts, bool]:
    """Find chunks that no index leads to; whether their places are beyond doubt."""
    ordered = [facts[0] for _, facts in sorted(known.items())]
    if ordered != sorted(ordered):
        return {}, True  # they were written in another order
    length = node_length(len(stored.shape))
    field = _Field(content, dict.fromkeys((root, *nodes), length))
    steps = [step.id for step in stored.filters]
    if set(steps) <= {shuffle.CODEC.id}:
        return _equal_steps(stored, known, field, root + length), at_once
    behind = 0
    if steps[-1] == fletcher32.CODEC.id:
        behind = _CHECKSUM
        steps.pop()
    if steps[-1:] != [gzip.CODEC.id]:
        return {}, True
    streams = _Streams(field, stored.pipeline.size, behind)
    return _by_streams(stored, known, streams, root + length), False


@record
class _Field:
    """The bytes of a file, and the nodes of an index in it."""

    content: FileBytes
    nodes: Mapping[int, int]

    @property
    def end(self) -> int:
        return self.content.end

    def read(self, start: int, count: int) -> bytes:
        return self.content.up_to(start, count) if start < self.end else b""

    def behind_nodes(self, place: int) -> int:
        """The first byte from a place on that is of no node."""
        while place in self.nodes:
            place += self.nodes[place]
        return place


# chunks of one size, which need not be looked at


def _equal_steps(stored: StoredArray, known: Facts, field: _Field, start: int) -> Facts:
    """Step from chunk to chunk; what does not end where the next known one begins is left.

    Behind the last known one the steps end where a node should have come by then.
    """
    size = stored.pipeline.size
    found: Facts = {}
    run: Facts = {}
    place, end = start, field.end
    last = max(known, default=-1)
    passed, most = 0, _BEFORE_NODES
    for number in range(stored.grid.count):
        behind = field.behind_nodes(place)
        if behind != place:
            place, passed, most = behind, 0, _BETWEEN_NODES
        if number in known:
            if place == known[number][0]:
                found |= run
            run = {}
            place = known[number][0]
        elif number > last and (place + size > end or passed >= most):
            break
        elif place + size <= end:
            run[number] = (place, size, 0)
        place += size
        passed += 1
    return found | run


# chunks that were compressed: each is a stream that tells where it ends, and is checked


@record
class _Streams:
    """Finds streams of zlib that hold just one chunk."""

    field: _Field
    size: int
    behind: int

    def end_of(self, start: int) -> int | None:
        """Where the chunk ends that begins at a place; ``None`` if none does."""
        inflater, place, made = zlib.decompressobj(), start, 0
        while made <= self.size and not inflater.eof:
            content = self.field.read(place, _STEP)
            if not content:
                return None
            place += len(content)
            while content and made <= self.size and not inflater.eof:
                try:
                    made += len(inflater.decompress(content, _STEP))
                except zlib.error:
                    return None
                content = inflater.unconsumed_tail
        if made != self.size or not inflater.eof:
            return None
        end = place - len(inflater.unused_data) + self.behind
        return end if end <= self.field.end else None

    def between(self, start: int, stop: int) -> list[tuple[int, int]]:
        """All chunks from one place to another, in their order."""
        found: list[tuple[int, int]] = []
        place, tried = self.field.behind_nodes(start), 0
        while place < stop and tried < _MOST_TRIED:
            end = self.end_of(place)
            if end is not None and end <= stop:
                found.append((place, end))
                place = self.field.behind_nodes(end)
            else:
                tried += 1
                place = self._next(place + 1, stop)
        return found

    def first_of(self, place: int) -> int:
        """Where the first chunk begins, behind the nodes and what was left free among them."""
        while True:
            place = self.field.behind_nodes(place)
            free = len(self.field.read(place, _LEFT_FREE))
            node = next((place + i for i in range(free) if place + i in self.field.nodes), None)
            if node is None:
                break
            place = node
        content = self.field.read(place, _LEFT_FREE)
        empty = len(content) - len(content.lstrip(b"\0"))
        return place + empty if _STREAM.match(content[empty:]) else place

    def _next(self, start: int, stop: int) -> int:
        """The next place where a stream may begin."""
        for begin in range(start, stop, _STEP):
            content = self.field.read(begin, min(_STEP, stop - begin) + 1)
            match = _STREAM.search(content)
            if match is not None:
                return begin + match.start()
        return stop


def _by_streams(stored: StoredArray, known: Facts, streams: _Streams, start: int) -> Facts:
    """Look for chunks wherever there are unknown ones between two that are known."""
    found: Facts = {}
    before, place = -1, streams.first_of(start)
    count = stored.grid.count
    for number in [*sorted(known), count]:
        missing = number - before - 1
        if missing:
            closed = number < count
            stop = known[number][0] if closed else streams.field.end
            there = streams.between(place, stop)
            gap = _Gap(before, missing, place, stop if closed else None)
            found |= gap.numbered(_chains(there, streams.field.behind_nodes), streams.field)
        if number < count:
            before, place = number, known[number][0] + known[number][1]
    return found


@record
class _Gap:
    """Chunks that are not known, between two that are."""

    before: int
    missing: int
    begin: int
    stop: int | None

    def numbered(self, chains: list[list[tuple[int, int]]], field: _Field) -> Facts:
        """Give chunks their places: from the first on and from the last back, up to damage.

        Where every piece of damage can be of one chunk only, those in between are known too.
        """
        count = sum(map(len, chains))
        if not chains or (self.stop is not None and count > self.missing):
            return {}
        first = self.before + 1
        leads = field.behind_nodes(self.begin) != chains[0][0][0]
        if self.stop is None:
            return {} if leads else _facts(chains[0][: self.missing], first)
        trails = field.behind_nodes(chains[-1][-1][1]) != self.stop
        if self.missing - count == leads + trails + len(chains) - 1:
            found: Facts = {}
            number = first + leads
            for chain in chains:
                found |= _facts(chain, number)
                number += len(chain) + 1
            return found
        found = {} if leads else _facts(chains[0], first)
        if not trails:
            found |= _facts(chains[-1], first + self.missing - len(chains[-1]))
        return found


def _chains(
    there: list[tuple[int, int]], behind_nodes: Callable[[int], int]
) -> list[list[tuple[int, int]]]:
    """Chunks in runs that stand one behind the other."""
    chains: list[list[tuple[int, int]]] = []
    for chunk in there:
        if chains and behind_nodes(chains[-1][-1][1]) == chunk[0]:
            chains[-1].append(chunk)
        else:
            chains.append([chunk])
    return chains


def _facts(chain: list[tuple[int, int]], first: int) -> Facts:
    return {first + i: (start, end - start, 0) for i, (start, end) in enumerate(chain)}
