"""What was written, told for each signal, is what a mask of all values says."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hspyio.nodes.node import Array, MemorySource
from hspyio.options import WriteOptions
from hspyio.streaming.coverage import Coverage
from hspyio.streaming.layout import StreamLayout, planned_layout
from hspyio.streaming.written import covered_chunks, written_mask


def layout(shape: tuple[int, ...], chunk: tuple[int, ...], signal: int) -> StreamLayout:
    kind = np.dtype("u1")
    dims = tuple(range(len(shape) - signal, len(shape)))
    node = Array(kind, MemorySource(np.zeros(shape, kind)), signal_dims=dims)
    return planned_layout(
        node, shape, WriteOptions(chunks=chunk), is_open=False, fill=np.zeros((), kind)
    )


@st.composite
def arrays(draw: st.DrawFn) -> tuple[StreamLayout, np.ndarray]:
    rank = draw(st.integers(1, 4))
    shape = tuple(draw(st.integers(1, 5)) for _ in range(rank))
    chunk = tuple(draw(st.integers(1, n)) for n in shape)
    mask = np.ones(shape, bool)
    for _ in range(draw(st.integers(0, 5))):
        mask[tuple(draw(st.integers(0, n - 1)) for n in shape)] = False
    return layout(shape, chunk, draw(st.integers(0, rank))), mask


@given(arrays())
def test_a_signal_counts_when_all_of_it_was_written(
    given: tuple[StreamLayout, np.ndarray],
) -> None:
    made, mask = given
    full = np.zeros(made.grid.count, bool)
    parts = {}
    for number in range(made.grid.count):
        inside = mask[made.grid.region(number)]
        full[number] = inside.all()
        if inside.any() and not inside.all():
            parts[number] = Coverage(inside.shape)
            for place in np.argwhere(inside).tolist():
                parts[number].mark(tuple(slice(i, i + 1) for i in place))
    found = written_mask(made, full, parts, made.shape[0])
    signal = tuple(made.signal_dims)
    assert np.array_equal(found, mask.all(axis=signal) if signal else mask)


@given(arrays())
def test_a_file_that_says_what_was_written_is_gone_on_with(
    given: tuple[StreamLayout, np.ndarray],
) -> None:
    made, mask = given
    signal = tuple(made.signal_dims)
    written = mask.all(axis=signal) if signal else mask
    full, parts = covered_chunks(made, np.asarray(written))
    assert np.array_equal(written_mask(made, full, parts, made.shape[0]), written)
    assert all(not part.is_full and not part.is_empty for part in parts.values())
    assert math.prod(made.grid.counts) == len(full)


def test_what_is_appended_is_written() -> None:
    kind = np.dtype("u1")
    node = Array(kind, MemorySource(np.zeros((0, 3, 4), kind)), signal_dims=(2,))
    made = planned_layout(node, (0, 3, 4), WriteOptions(), is_open=True, fill=np.zeros((), kind))
    assert written_mask(made, None, {}, 5).shape == (5, 3)
    assert written_mask(made, None, {}, 5).all()
