"""Chunks are handed over when they are full, and read back when they come again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from hspyio.arrays.indexing import BasicIndexer
from hspyio.errors import QueueFullError
from hspyio.filters.pipeline import Scratch
from hspyio.nodes.node import Array, MemorySource
from hspyio.options import WriteOptions
from hspyio.streaming.encoders import Encoders
from hspyio.streaming.layout import planned_layout
from hspyio.streaming.open_chunks import OpenChunks

SHAPE, CHUNK = (6, 5, 4), (2, 3, 4)
FILL = 9


class Bench:
    """Open chunks over a file in memory."""

    def __init__(self, limit: int = 10**6) -> None:
        self.content = bytearray(100_000)
        kind = np.dtype("u2")
        node = Array(kind, MemorySource(np.zeros(SHAPE, kind)), signal_dims=(2,))
        options = WriteOptions(chunks=CHUNK)
        fill = np.asarray(FILL, kind)
        self.layout = planned_layout(node, SHAPE, options, is_open=False, fill=fill)
        self.encoders = Encoders(self.layout.pipeline, 1, self.write, 0, limit)
        self.chunks = OpenChunks(self.layout, self.encoders, self.read)
        self.expected = np.full(SHAPE, FILL, kind)

    def write(self, pieces: Sequence[memoryview], offset: int) -> None:
        for piece in pieces:
            self.content[offset : offset + len(piece)] = piece

    def read(self, number: int) -> tuple[bytes, int] | None:
        one = self.encoders.newest(number)
        if one is None:
            return None
        return bytes(self.content[one.offset : one.offset + one.size]), one.mask

    def put(self, selection: tuple[slice | int, ...], value: int) -> None:
        indexer = BasicIndexer(selection, SHAPE)
        values = np.full(indexer.shape, value, np.uint16)
        self.expected[selection] = value
        for piece in indexer.projections(self.layout.grid):
            self.chunks.put(piece, values)

    def stored(self) -> NDArray[np.uint16]:
        """What would be read now."""
        found = np.full(SHAPE, FILL, np.uint16)
        with self.encoders.changed:
            self.encoders.wait_for(self.encoders.turn)
            for number in range(self.layout.grid.count):
                if (held := self.read(number)) is not None:
                    chunk = np.empty(CHUNK, np.uint16)
                    whole = tuple(map(slice, CHUNK))
                    self.layout.pipeline.decode(held[0], held[1], chunk, whole, Scratch())
                    region = self.layout.grid.region(number)
                    inside = tuple(slice(part.stop - part.start) for part in region)
                    found[region] = chunk[inside]
        return found


@pytest.fixture(params=[10**6, 1])
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(request.param)


def test_full_chunks_go_at_once_others_at_a_checkpoint(bench: Bench) -> None:
    bench.put((slice(0, 2),), 1)
    assert np.array_equal(bench.stored(), bench.expected)
    assert not bench.chunks.has_changed() and bench.chunks.least_dirty() is None
    bench.put((2, 1, slice(1, 3)), 2)
    assert bench.chunks.has_changed() and bench.chunks.least_dirty() == 2
    assert bench.chunks.dirty_bytes() == 48
    assert (bench.stored()[2] == FILL).all()
    with bench.encoders.changed:
        bench.chunks.store_parts()
        assert bench.chunks.parts()[2].within(3).sum() == 2
    assert not bench.chunks.has_changed()
    assert np.array_equal(bench.stored(), bench.expected)
    bench.encoders.stop()


def test_any_order_and_again(bench: Bench) -> None:
    random = np.random.default_rng(4)
    for turn in range(300):
        region = []
        for n in SHAPE:
            low = int(random.integers(0, n))
            region.append(slice(low, int(random.integers(low + 1, n + 1))))
        bench.put(tuple(region), turn)
        if turn % 37 == 0:
            with bench.encoders.changed:
                bench.chunks.store_parts()
            assert np.array_equal(bench.stored(), bench.expected)
    with bench.encoders.changed:
        bench.chunks.store_parts()
        assert bench.chunks.full is not None and bench.chunks.full.all()
    assert np.array_equal(bench.stored(), bench.expected)
    bench.encoders.stop()


def test_a_chunk_that_is_full_may_be_written_into_again(bench: Bench) -> None:
    bench.put((), 1)
    bench.put((0, 0, 0), 5)
    assert bench.chunks.has_changed()  # and not stored for each such value
    with bench.encoders.changed:
        bench.chunks.store_parts()
        assert not bench.chunks.parts()
    assert np.array_equal(bench.stored(), bench.expected)
    bench.encoders.stop()


def test_what_has_no_room_is_refused_before_it_is_taken() -> None:
    bench = Bench(1)
    assert bench.encoders.limit == 3 * 48
    pieces = [*BasicIndexer((), SHAPE).projections(bench.layout.grid)]
    with pytest.raises(QueueFullError, match="288 more are needed"):
        bench.chunks.check_room(pieces)
    bench.chunks.check_room(pieces[:3])
    assert bench.encoders.used == 0
    bench.put((0, 0, 0), 1)
    bench.chunks.check_room(pieces[:3])  # one of them is open
    with pytest.raises(QueueFullError):
        bench.chunks.check_room(pieces[1:4])
    bench.encoders.stop()


def test_a_failure_is_raised_by_who_comes_next() -> None:
    bench = Bench()
    bench.encoders.fail(OSError(28, "full"))
    with pytest.raises(OSError, match="full"):
        bench.put((), 1)
    bench.encoders.stop()
