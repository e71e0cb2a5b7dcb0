"""Arrays in Zarr's terms; `test_references` reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hspyio.bridges.exporting.virtual_zarr import ZarrArray, _block_chunks


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [((10,), (10,)), ((0, 3), (1, 3)), ((2**20 + 7, 64), None), ((30, 256, 256, 16), (2, 256))],
)
def test_chunks_of_a_block_divide_it(shape: tuple[int, ...], chunks: Any) -> None:
    found = _block_chunks(shape, 2, evenly=True)
    assert chunks is None or found[: len(chunks)] == chunks
    assert all(n % step == 0 for n, step in zip(shape, found, strict=True))
    inner = [i for i, (n, step) in enumerate(zip(shape, found, strict=True)) if n != step]
    assert all(step == 1 for step in found[: max(inner, default=0)])


def test_blocks_of_nothing_need_not_be_divided() -> None:
    assert _block_chunks((2**61 + 1,), 2, evenly=False) == (2**21,)


def test_what_is_missing_is_neither_in_the_file_nor_here() -> None:
    array = ZarrArray(("x",), (10,), (4,), np.dtype("u2"), {}, b"\1\0", inline={1: b""})
    assert array.missing().tolist() == [0, 2]
    assert array.filled_chunk() == b"\1\0" * 4
