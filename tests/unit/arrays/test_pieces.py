"""Which pieces of memory a chunk's bytes fill."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.arrays import reading as pieces
from hspyio.arrays.reading import buffers_of, pieces_of, unwanted_bytes


@st.composite
def parts(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...], tuple[int, ...]]:
    """A chunk, a part of it, and the shape of an array that the part lies in."""
    chunk = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    bounds = tuple(
        (low, draw(st.integers(low + 1, n))) for n in chunk for low in [draw(st.integers(0, n - 1))]
    )
    sizes = [high - low for low, high in bounds]
    return chunk, bounds, tuple(draw(st.integers(n, n + 3)) for n in sizes)


@given(drawn=parts(), data=st.data())
def test_a_chunk_goes_to_its_place(drawn: object, data: st.DataObject) -> None:
    chunk, bounds, shape = drawn  # type: ignore[misc]
    array = np.zeros(shape, "<i4")
    lengths = [high - low for low, high in bounds]
    corner = [data.draw(st.integers(0, n - m)) for n, m in zip(shape, lengths, strict=True)]
    place = tuple(slice(a, a + n) for a, n in zip(corner, lengths, strict=True))
    stored = np.arange(1, 1 + np.prod(chunk), dtype="<i4").reshape(chunk)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "_LEAST_PIECE", 0)
        found = pieces_of(chunk, bounds, array.strides, array.itemsize)
    assert sum(size for _, size in found) == stored.nbytes
    memory = array.reshape(-1).view("u1").data
    start = sum(a * step for a, step in zip(corner, array.strides, strict=True))
    unwanted = memoryview(bytearray(unwanted_bytes(found)))
    content, begin = stored.tobytes(), 0
    for buffer in buffers_of(found, memory, start, unwanted):
        buffer[:] = content[begin : begin + len(buffer)]
        begin += len(buffer)
    expected = np.zeros(shape, "<i4")
    expected[place] = stored[tuple(slice(*bound) for bound in bounds)]
    assert np.array_equal(array, expected)


def test_neighbours_are_one_piece() -> None:
    assert pieces_of((3, 4, 512), ((0, 3), (0, 4), (0, 512)), (16384, 4096, 8), 8) == [(0, 49152)]
    assert pieces_of((2, 4, 512), ((0, 2), (0, 2), (0, 512)), (32768, 4096, 8), 8) == [
        (0, 8192),
        (-1, 8192),
        (32768, 8192),
        (-1, 8192),
    ]


def test_small_pieces_and_many_are_none() -> None:
    assert pieces_of((10, 10), ((0, 10), (0, 10)), (800, 8), 8) == []
    assert pieces_of((1001, 512), ((0, 1001), (0, 512)), (8192, 8), 8) == []
    assert len(pieces_of((1000, 512), ((0, 1000), (0, 512)), (8192, 8), 8)) == 1000
