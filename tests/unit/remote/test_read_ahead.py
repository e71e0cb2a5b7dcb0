"""Which requests ranges become."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hspyio.remote.read_ahead import fill, spans_of

ranges = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(1, 500)), min_size=1, max_size=40
).map(sorted)


@given(ranges, st.integers(0, 300), st.integers(1, 900))
def test_spans_hold_all_ranges_and_no_wide_gap(
    wanted: list[tuple[int, int]], gap: int, most: int
) -> None:
    offsets, sizes = (np.array([one[i] for one in wanted], np.int64) for i in (0, 1))
    begins, ends = spans_of(offsets, sizes, gap, most)
    assert (begins < ends).all() and (begins[1:] >= ends[:-1]).all()
    assert (ends - begins <= most).all()
    inside = {at for low, high in zip(begins, ends, strict=True) for at in range(low, high)}
    used = {at for offset, size in wanted for at in range(offset, offset + size)}
    assert used <= inside
    near = {at + step for at in used for step in range(-gap, gap + 1)}
    assert inside <= near
    # No request more than needed: neighbours that could be one are one.
    joined = sum(1 for low, high in zip(ends, begins[1:], strict=False) if high - low <= gap)
    full = sum(1 for low, high in zip(begins, ends, strict=True) if high - low == most)
    assert joined <= full


@given(st.binary(min_size=1, max_size=60), st.data())
def test_a_range_is_filled_from_pieces(content: bytes, data: st.DataObject) -> None:
    cuts = sorted({0, len(content), *data.draw(st.lists(st.integers(0, len(content))))})
    pieces = [(a, memoryview(content)[a:b]) for a, b in pairwise(cuts)]
    offset = data.draw(st.integers(0, len(content) - 1))
    size = data.draw(st.integers(0, len(content) - offset))
    cut = data.draw(st.integers(0, size))
    buffers = [bytearray(cut), bytearray(size - cut)]
    fill([memoryview(one) for one in buffers], offset, pieces)
    assert b"".join(buffers) == content[offset : offset + size]
