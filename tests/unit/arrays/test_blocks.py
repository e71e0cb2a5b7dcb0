"""Blocks in any order -> chunks."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.arrays.blocks import BlockEncoder, ChunkTarget
from hspyio.arrays.workers import Workers
from hspyio.arrays.writing import Encoded
from hspyio.filters.pipeline import Pipeline, Scratch
from hspyio.nodes.node import Filter

GZIP = (Filter(2, (4,), "shuffle"), Filter(1, (4,), "gzip"))


class Sink:
    """What the file would get."""

    def __init__(self) -> None:
        self.chunks: dict[int, tuple[bytes, int]] = {}

    def write(self, numbers: Sequence[int], chunks: Sequence[Encoded]) -> None:
        for number, (data, mask) in zip(numbers, chunks, strict=True):
            assert number not in self.chunks, "written twice"
            self.chunks[number] = (bytes(data), mask)


def array_of(sink: Sink, encoder: BlockEncoder) -> np.ndarray:
    values = np.full(encoder.shape, -1, encoder.pipeline.dtype)
    for number in range(encoder.grid.count):
        data, mask = sink.chunks[number]
        region = encoder.grid.region(number)
        inside = tuple(slice(0, part.stop - part.start) for part in region)
        encoder.pipeline.decode(data, mask, values[region], inside, Scratch())
    return values


@st.composite
def cuts(draw: Any, length: int) -> list[slice]:
    edges = sorted(draw(st.sets(st.integers(1, length - 1), max_size=4))) if length > 1 else []
    return [slice(a, b) for a, b in zip([0, *edges], [*edges, length], strict=True)]


@given(st.data(), st.integers(1, 3))
def test_any_blocks_in_any_order_also_twice(data: Any, rank: int) -> None:
    shape = tuple(data.draw(st.integers(1, 12)) for _ in range(rank))
    chunk = tuple(data.draw(st.integers(1, n + 2)) for n in shape)
    filters = data.draw(st.sampled_from([GZIP, ()]))
    values = np.arange(np.prod(shape), dtype="i4").reshape(shape)
    encoder = BlockEncoder(Pipeline(filters, values.dtype, chunk), shape)
    encoder = pickle.loads(pickle.dumps(encoder))
    per_axis = [data.draw(cuts(n)) for n in shape]
    blocks = [
        tuple(axis[i] for axis, i in zip(per_axis, place, strict=True))
        for place in np.ndindex(*map(len, per_axis))
    ]
    again = data.draw(st.lists(st.sampled_from(blocks), max_size=3))
    order = data.draw(st.permutations(blocks + again))
    sink = Sink()
    target = ChunkTarget(sink, encoder, Workers())
    for block in order:
        target[block] = values[block]
    assert target.missing() == 0
    assert not target._shared
    assert np.array_equal(array_of(sink, encoder), values)


def test_blocks_of_another_dtype_are_cast() -> None:
    encoder = BlockEncoder(Pipeline(GZIP, np.dtype("i4"), (2, 2)), (4, 4))
    sink = Sink()
    ChunkTarget(sink, encoder, Workers())[:, :] = np.eye(4, dtype="u1")
    assert np.array_equal(array_of(sink, encoder), np.eye(4))


@pytest.mark.parametrize("threads", [1, 3])
def test_a_block_that_is_the_whole_array_is_encoded_on_all_threads(threads: int) -> None:
    encoder = BlockEncoder(Pipeline(GZIP, np.dtype("i4"), (2, 3)), (40, 10))
    values = np.arange(400, dtype="u2").reshape(40, 10)
    one, other = Sink(), Sink()
    target = ChunkTarget(one, encoder, Workers())
    target.write(values, threads)
    ChunkTarget(other, encoder, Workers())[:, :] = values
    assert target.missing() == 0
    assert list(one.chunks.items()) == list(other.chunks.items())
    target[:, :] = values  # a second time, which is left out
    assert np.array_equal(array_of(one, encoder), values)
