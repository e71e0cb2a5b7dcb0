"""Chunks go to the file at places of their own, in any order; a failure wakes all who wait."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from hspyio.filters.pipeline import Pipeline, Scratch
from hspyio.nodes.node import Filter
from hspyio.streaming.encoders import Encoders

GZIP = Pipeline((Filter(2, (2,)), Filter(1, (4,))), np.dtype("u2"), (4, 8))


class Memory:
    """A file in memory."""

    def __init__(self) -> None:
        self.content = bytearray(10_000)
        self.pieces: list[tuple[int, int]] = []
        self.gate = threading.Event()
        self.gate.set()

    def write(self, pieces: Sequence[memoryview], offset: int) -> None:
        assert self.gate.wait(10)
        for piece in pieces:
            self.content[offset : offset + len(piece)] = piece
            self.pieces.append((offset, len(piece)))


@pytest.fixture(params=[1, 3])
def threads(request: Any) -> int:
    return int(request.param)


def given(encoders: Encoders, number: int, value: int) -> None:
    with encoders.changed:
        buffer = encoders.buffer()
    buffer[...] = value
    with encoders.changed:
        encoders.submit(number, buffer)


def test_all_is_written_once_and_apart(threads: int) -> None:
    memory = Memory()
    encoders = Encoders(GZIP, threads, memory.write, 500, 10**6)
    for number in range(40):
        given(encoders, number, number)
    with encoders.changed:
        encoders.wait_for(encoders.turn)
        placed = encoders.take(encoders.turn)
        assert encoders.used == 0 and not encoders.is_busy
    assert [one.number for one in placed] == list(range(40))
    ends = sorted((one.offset, one.offset + one.size) for one in placed)
    assert ends[0][0] == 500 and ends[-1][1] == encoders.place
    assert all(a[1] == b[0] for a, b in pairwise(ends))
    for one in placed:
        found = np.empty((4, 8), np.uint16)
        stored = bytes(memory.content[one.offset : one.offset + one.size])
        GZIP.decode(stored, one.mask, found, (slice(4), slice(8)), Scratch())
        assert (found == one.number).all()
    encoders.stop()


def test_what_comes_again_counts_from_its_turn_on() -> None:
    encoders = Encoders(GZIP, 2, Memory().write, 0, 10**6)
    given(encoders, 7, 1)
    with encoders.changed:
        first = encoders.turn
    given(encoders, 7, 2)
    with encoders.changed:
        assert encoders.is_pending(7) or encoders.newest(7) is not None
        encoders.wait_for(encoders.turn)
        newest = encoders.newest(7)
        assert newest is not None and newest.turn == first + 1
        assert [one.turn for one in encoders.take(first)] == [first]
        assert encoders.newest(7) is newest  # which the tree does not know yet
        assert [one.turn for one in encoders.take(first + 1)] == [first + 1]
        assert encoders.newest(7) is None
    encoders.stop()


def test_nothing_is_written_while_it_is_frozen() -> None:
    memory = Memory()
    encoders = Encoders(GZIP, 2, memory.write, 0, 10**6)
    with encoders.frozen():
        given(encoders, 0, 1)
        given(encoders, 1, 1)
        assert not memory.pieces
        place = encoders.place
    with encoders.changed:
        encoders.wait_for(encoders.turn)
    assert place == 0 and len(memory.pieces) == 2
    encoders.stop()


def test_it_freezes_when_what_has_begun_is_written() -> None:
    memory = Memory()
    encoders = Encoders(GZIP, 1, memory.write, 0, 10**6)
    memory.gate.clear()
    given(encoders, 0, 1)
    while not encoders._writing:
        pass
    threading.Timer(0.05, memory.gate.set).start()
    with encoders.frozen():
        assert len(memory.pieces) == 1
    encoders.stop()


def test_a_failure_is_kept_and_wakes_who_waits() -> None:
    error = OSError(28, "No space left on device")

    def write(pieces: Sequence[memoryview], offset: int) -> None:
        raise error

    encoders = Encoders(GZIP, 2, write, 0, 10**6)
    given(encoders, 0, 1)
    with encoders.changed:
        encoders.wait_for(encoders.turn)
        assert encoders.failure is error
    encoders.fail(ValueError("a second one"))
    assert encoders.failure is error
    encoders.stop()


def test_there_is_room_for_every_thread() -> None:
    encoders = Encoders(GZIP, 3, Memory().write, 0, 1)
    assert encoders.limit == 5 * GZIP.size
    with encoders.changed:
        buffers = [encoders.buffer() for _ in range(5)]
        assert not encoders.has_room()
        encoders.release(buffers[0])
        assert encoders.has_room()
        assert encoders.buffer() is buffers[0]
        for buffer in buffers:
            encoders.release(buffer)
        assert len(encoders._spare) == 5
        encoders.used = 3 * GZIP.size
        encoders._spare.clear()
        for buffer in buffers[:3]:
            encoders.release(buffer)
        assert len(encoders._spare) == 3
        encoders.used = 0
        assert encoders.queued == 0
    encoders.stop()
