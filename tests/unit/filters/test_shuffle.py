"""Shuffle: values <-> planes of bytes, wherever they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hspyio.filters import shuffle

_KINDS = ("u1", "<u2", ">i2", "<f4", "<f8", ">c8", "<c16", "V3", "S6", "V12", "<U5", "M8[s]")
_PARTS = st.tuples(st.integers(0, 3), st.integers(0, 9), st.sampled_from([-2, -1, 1, 2, 3]))


def strided(parts: list[tuple[int, int, int]], kind: str, turn: bool) -> NDArray[Any]:
    """A view with gaps, steps and turned axes."""
    whole = np.zeros([start + count * abs(step) for start, count, step in parts], kind)
    if whole.size:
        whole.reshape(-1).view(np.uint8)[:] = np.arange(whole.nbytes) * 7 % 251
    view = whole[(..., *(slice(None, None, step) for *_, step in parts))]
    view = view[(..., *(slice(start, None) for start, *_ in parts))]
    return view.T if turn else view


@given(
    parts=st.lists(_PARTS, max_size=3),
    kind=st.sampled_from(_KINDS),
    turn=st.booleans(),
    gaps=st.booleans(),
    blosc=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_merge_undoes_split_in_any_place(
    parts: list[tuple[int, int, int]], kind: str, turn: bool, gaps: bool, blosc: bool
) -> None:
    values = strided(parts, kind, turn)
    itemsize = values.dtype.itemsize
    room = np.full([itemsize, *(n + 2 * gaps for n in values.shape)], 0xAA, np.uint8)
    planes = room[(slice(None), *(slice(gaps, gaps + n) for n in values.shape))]
    shuffle.split(values, planes)
    expected = np.frombuffer(values.tobytes(), np.uint8).reshape(-1, itemsize).T
    assert np.array_equal(planes.reshape(itemsize, -1), expected)
    assert np.count_nonzero(room != 0xAA) <= planes.size

    target = np.zeros_like(strided(parts, kind, turn), subok=False)
    around = np.zeros([*target.shape, 3], kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shuffle, "_has_blosc", lambda: blosc)
        shuffle.merge(planes, target)
        shuffle.merge(planes, around[..., 1])
    assert target.tobytes() == values.tobytes() == around[..., 1].tobytes()
    assert not any(around[..., side].tobytes().strip(b"\0") for side in (0, 2))


@pytest.mark.parametrize("kind", ["<u2", "<f4", "<f8", "<c16", "V6"])
def test_large_arrays_are_merged_piece_by_piece(kind: str) -> None:
    values = np.frombuffer(np.random.default_rng(0).bytes(210_003 * np.dtype(kind).itemsize), kind)
    values = values.reshape(3, 70_001)
    planes = np.empty((values.dtype.itemsize, *values.shape), np.uint8)
    shuffle.split(values, planes)
    again = np.empty_like(values)
    shuffle.merge(planes, again)
    assert again.tobytes() == values.tobytes()
