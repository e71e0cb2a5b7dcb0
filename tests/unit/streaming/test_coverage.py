"""A coverage tells what a mask of the whole chunk would."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hspyio.streaming.coverage import Coverage


@st.composite
def regions(draw: st.DrawFn) -> tuple[tuple[int, ...], list[tuple[slice, ...]]]:
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    made = []
    for _ in range(draw(st.integers(0, 6))):
        region = []
        for n in shape:
            low = draw(st.integers(0, n - 1))
            high = draw(st.integers(low + 1, n))
            step = draw(st.sampled_from([None, 1, 1, 2]))
            region.append(draw(st.sampled_from([slice(0, n, 1), slice(low, high, step)])))
        made.append(tuple(region))
    return shape, made


@given(regions())
def test_it_is_a_mask(given: tuple[tuple[int, ...], list[tuple[slice, ...]]]) -> None:
    shape, marks = given
    coverage, mask = Coverage(shape), np.zeros(shape, bool)
    for region in marks:
        coverage.mark(region)
        mask[region] = True
    rank = len(shape)
    assert np.array_equal(coverage.within(rank), mask)
    assert coverage.is_full == mask.all()
    assert coverage.is_empty == (not mask.any())
    for dims in range(1, rank):
        whole = mask.all(axis=tuple(range(dims, rank)))
        assert np.array_equal(coverage.within(dims), whole)
    values = np.ones([n + 1 for n in shape])
    inside = tuple(map(slice, shape))
    coverage.fill_rest(values, np.asarray(5.0))
    assert np.array_equal(values[inside], np.where(mask, 1, 5))
    assert (values != 1).sum() == (~mask).sum()


def test_a_copy_is_its_own() -> None:
    one = Coverage((2, 3))
    other = one.copy()
    one.mark((slice(0, 2), slice(0, 3)))
    assert one.is_full and other.is_empty


def test_frames_written_whole_need_one_mark_each() -> None:
    one = Coverage((7, 256, 256))
    one.mark((slice(0, 3), slice(0, 256), slice(0, 256, 1)))
    assert one._mask.shape == (7,)
    one.mark((slice(3, 4), slice(0, 128), slice(0, 256)))
    assert one._mask.shape == (7, 256)
    assert one.within(1).tolist() == [True] * 3 + [False] * 4
    assert Coverage((3, 2), full=True).is_full
