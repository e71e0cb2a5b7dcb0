"""How the array of a stream is stored."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hspyio.errors import FilterError, OptionError
from hspyio.nodes.node import Array, IndexedSource, MemorySource
from hspyio.options import WriteOptions
from hspyio.streaming.layout import StreamLayout, planned_layout


def layout(shape: tuple[int, ...], signal: int = 2, dtype: str = "u2", **options: Any) -> Any:
    kind = np.dtype(dtype)
    is_open = shape[0] == 0
    dims = tuple(range(len(shape) - signal, len(shape)))
    node = Array(kind, MemorySource(np.broadcast_to(np.zeros((), kind), shape)), signal_dims=dims)
    given = WriteOptions(**options)
    return planned_layout(node, shape, given, is_open=is_open, fill=np.zeros((), kind))


@pytest.mark.parametrize(
    ("shape", "chunk"),
    [
        ((0, 256, 256), (7, 256, 256)),
        ((0, 1024, 1024), (1, 1024, 1024)),
        ((0, 256, 256, 256), (1, 7, 256, 256)),
        ((3, 5, 16, 16), (3, 5, 16, 16)),
        ((300, 300, 32, 32), (1, 300, 32, 32)),
        ((300, 30, 32, 32), (16, 30, 32, 32)),
    ],
)
def test_chunks_are_signals_in_a_row(shape: tuple[int, ...], chunk: tuple[int, ...]) -> None:
    made = layout(shape)
    assert made.chunk == chunk
    assert math.prod(chunk) * 2 <= 2 * 10**6 or chunk[0] == 1


def test_numbers_do_not_change_as_it_grows() -> None:
    made = layout((0, 10, 12), chunks=(2, 5, 12))
    assert made.grid.counts[1:] == (2, 1)
    assert made.grid.number((7, 1, 0)) == 15
    assert made.grid.corner(15) == (14, 5, 0)
    assert made.frame_bytes == 240
    assert made.navigation_dims == (0,)


def test_a_state_has_its_length_and_its_index() -> None:
    made = layout((0, 4, 4))
    node = made.node(6, 1234)
    assert node.shape == (6, 4, 4) and node.maxshape == (None, 4, 4)
    assert isinstance(node.source, IndexedSource) and node.source.address == 1234
    assert (node.source.read((slice(2),)) == 0).all()
    fixed = layout((5, 4, 4))
    assert fixed.node(5, None).maxshape is None
    assert isinstance(fixed, StreamLayout) and fixed.grid.shape == (5, 4, 4)


def test_filters_are_those_of_save() -> None:
    assert [step.name for step in layout((0, 8, 8)).pipeline.filters] == ["shuffle", "gzip"]
    assert layout((0, 8, 8), compression=None).pipeline.filters == ()
    assert [step.name for step in layout((0, 8, 8), compression="lzf").pipeline.filters][-1] == (
        "lzf"
    )


def test_what_only_hdf5_can_apply_is_refused() -> None:
    with pytest.raises(FilterError, match="take gzip"):
        layout((0, 64, 64), compression="szip")


def test_chunks_of_another_rank_are_refused() -> None:
    with pytest.raises(OptionError, match="2 lengths"):
        layout((0, 64, 64), chunks=(2, 64))
    assert layout((0, 64, 64), chunks=(9, 99, 64)).chunk == (9, 64, 64)
    assert len(layout((0, 64, 64), chunks=True).chunk) == 3
