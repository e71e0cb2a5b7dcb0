"""Chunk shapes against the fact sheet's table, h5py and RosettaSciIO."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hspyio.arrays.chunk_shapes import (
    dask_chunks,
    guess_chunks,
    lazy_chunks,
    signal_chunks,
    user_chunks,
)
from hspyio.errors import OptionError

MIB = 2**20
GIB = 2**30

lengths = st.one_of(st.integers(1, 20), st.integers(1, 3000))
shapes = st.lists(lengths, min_size=1, max_size=5).map(tuple)
itemsizes = st.sampled_from([1, 2, 4, 8, 16, 3, 120])


@st.composite
def arrays(draw: st.DrawFn) -> tuple[tuple[int, ...], int, tuple[int, ...]]:
    """Shape, itemsize and signal dimensions."""
    shape = draw(shapes)
    signal = tuple(sorted(draw(st.sets(st.integers(0, len(shape) - 1)))))
    return shape, draw(itemsizes), signal


SHEET = [
    ((100, 100, 2048), 8, (2,), (7, 7, 2048)),
    ((100, 100, 2048), 4, (2,), (11, 11, 2048)),
    ((48, 48, 128, 128), 2, (2, 3), (5, 5, 128, 128)),
    ((4, 1000, 1024), 8, (2,), (4, 30, 1024)),
    ((2, 150, 3, 200, 1, 600, 1), 8, (2, 3), (2, 10, 3, 200, 1, 10, 1)),
    ((3, 1000, 1000), 8, (1, 2), (1, 1000, 1000)),
    ((2000, 2000), 8, (0, 1), (2000, 2000)),
    ((2000, 2000), 8, (), (353, 353)),
    ((20, 20, 20, 1000), 8, (3,), (4, 4, 4, 1000)),
    ((1, 100, 62500), 8, (2,), (1, 1, 62500)),
    ((0,), 8, (0,), (1024,)),
]


@pytest.mark.parametrize(("shape", "itemsize", "signal", "chunk"), SHEET)
def test_the_default_rule_gives_the_sheets_table(
    shape: tuple[int, ...], itemsize: int, signal: tuple[int, ...], chunk: tuple[int, ...]
) -> None:
    assert signal_chunks(shape, itemsize, signal) == chunk


@pytest.mark.parametrize(
    ("shape", "itemsize", "signal", "chunk"),
    [
        ((10, 10), 8, (1,), (10, 10)),  # all of it fits
        ((10, 12500), 8, (1,), (10, 12500)),  # exactly as many signals as a chunk holds
        ((), 8, (), ()),
        ((3, 0, 4), 8, (2,), guess_chunks((3, 0, 4), 8)),
        ((5, 3), 8, (0,), (5, 3)),  # signal dimensions come first
    ],
)
def test_the_default_rule_at_its_edges(
    shape: tuple[int, ...], itemsize: int, signal: tuple[int, ...], chunk: tuple[int, ...]
) -> None:
    assert signal_chunks(shape, itemsize, signal) == chunk


@pytest.mark.parametrize(
    ("shape", "itemsize", "signal", "chunk"),
    [
        ((8192, 4096), 8, (0, 1), (8192, 4096)),  # 256 MiB sharp
        ((8193, 4096), 8, (0, 1), (4097, 4096)),
        ((2, 16384, 8192), 8, (1, 2), (1, 4096, 8192)),
        ((1, 16384, 8192), 8, (0, 1, 2), (1, 4096, 8192)),  # a length of 1 can't be split
        ((2**30,), 8, (0,), (2**25,)),
        ((3, 2**26), 8, (0, 1), (1, 2**25)),  # one row is over as well
        ((16384, 5, 8192), 8, (0, 2), (4096, 1, 8192)),
    ],
)
def test_a_huge_signal_is_split_along_its_slowest_dimensions(
    shape: tuple[int, ...], itemsize: int, signal: tuple[int, ...], chunk: tuple[int, ...]
) -> None:
    assert signal_chunks(shape, itemsize, signal) == chunk


@given(
    shape=st.lists(st.one_of(st.integers(1, 5), st.integers(1, 2**20)), min_size=1, max_size=5),
    itemsize=st.sampled_from([1, 8, 2**20, 2**29]),
    data=st.data(),
)
def test_default_chunks_lie_inside_the_array_and_under_the_cap(
    shape: list[int], itemsize: int, data: st.DataObject
) -> None:
    signal = data.draw(st.sets(st.integers(0, len(shape) - 1)))
    chunk = signal_chunks(shape, itemsize, signal)
    assert all(1 <= n <= length for n, length in zip(chunk, shape, strict=True))
    assert math.prod(chunk) * itemsize <= 256 * MIB or set(chunk) == {1}


@given(array=arrays().filter(lambda a: math.prod(a[0]) * a[1] < 4_000_000 and a[1] in {1, 2, 4, 8}))
@settings(max_examples=25, deadline=None)
def test_the_default_rule_is_rosettasciios(
    array: tuple[tuple[int, ...], int, tuple[int, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    hspy = pytest.importorskip("rsciio.hspy")
    shape, itemsize, signal = array
    path = tmp_path_factory.getbasetemp() / "chunks.hspy"
    hspy.file_writer(
        path, exchange_dict(np.zeros(shape, f"u{itemsize}"), signal), show_progressbar=False
    )
    assert stored_chunks(path) == signal_chunks(shape, itemsize, signal)


def exchange_dict(data: np.ndarray[Any, Any], signal: tuple[int, ...]) -> dict[str, Any]:
    axes = [
        {"size": n, "navigate": i not in signal, "offset": 0.0, "scale": 1.0, "name": str(i)}
        for i, n in enumerate(data.shape)
    ]
    return {
        "data": data,
        "axes": axes,
        "metadata": {"General": {"title": "s"}},
        "original_metadata": {},
        "learning_results": {},
        "models": {},
        "tmp_parameters": {},
        "package_info": {"package": "", "package_version": ""},
        "attributes": {"_lazy": False, "ragged": False},
    }


def stored_chunks(path: Path) -> Any:
    with h5py.File(path) as file:
        return file["Experiments/s/data"].chunks


GUESSES = [
    ((100, 100, 2048), 8, (7, 7, 256)),
    ((50, 100, 100), 8, (7, 25, 25)),
    ((100, 1000), 8, (13, 125)),
    ((0, 3), 8, (512, 2)),
    ((0,), 8, (1024,)),
    ((), 8, ()),
    ((1, 1), 2**21, (1, 1)),  # a single element over h5py's largest chunk
]


@pytest.mark.parametrize(("shape", "itemsize", "chunk"), GUESSES)
def test_automatic_chunks(shape: tuple[int, ...], itemsize: int, chunk: tuple[int, ...]) -> None:
    assert guess_chunks(shape, itemsize) == chunk


@given(
    shape=st.lists(
        st.one_of(st.integers(0, 9), st.integers(0, 3000), st.integers(0, 2**24)),
        min_size=1,
        max_size=6,
    ),
    dtype=st.sampled_from(["u1", "i2", "f4", "f8", "c16", "S3", "S200", "S70000", "S3000000"]),
)
@settings(max_examples=300, deadline=None)
def test_automatic_chunks_are_h5pys(shape: list[int], dtype: str) -> None:
    shape = shape[: next((i for i in range(len(shape)) if math.prod(shape[: i + 1]) > 2**36), 6)]
    if not shape:
        shape = [5]
    with h5py.File("chunks", "w", driver="core", backing_store=False) as file:
        dataset = file.create_dataset("a", tuple(shape), dtype, chunks=True)
        assert guess_chunks(shape, np.dtype(dtype).itemsize) == dataset.chunks


def test_a_dask_array_keeps_its_first_chunks() -> None:
    assert dask_chunks(((2, 5, 3), (20,)), 8, (1,)) == (2, 20)
    assert dask_chunks(((0, 2, 5), (20,)), 8, (1,)) == (2, 20)
    assert dask_chunks(((1024, 1024), (2048,)), 8, (1,)) == (1024, 2048)  # 16 MiB sharp


def test_a_dask_array_without_elements_gets_automatic_chunks() -> None:
    assert dask_chunks(((0,), (3,)), 8, (1,)) == guess_chunks((0, 3), 8)


@pytest.mark.parametrize(
    ("chunks", "itemsize", "signal", "chunk"),
    [
        # the rule says (7, 7, 2048): 5 and 4 are the divisors next to 7
        (((50, 50), (64, 36), (2048,)), 8, (2,), (5, 4, 2048)),
        # no divisor of a prime is near: the rule's 7 it is
        (((101,), (49,), (2048,)), 8, (2,), (7, 7, 2048)),
        # signals that dask itself has split; the rule says (15, 15, 512)
        (((128, 128), (64, 64), (512, 512)), 8, (2,), (8, 8, 512)),
        (((1, 1), (4096,), (4096,)), 8, (1, 2), (1, 4096, 4096)),
        (((1,), (16384,), (8192,)), 8, (1, 2), (1, 4096, 8192)),
    ],
)
def test_a_large_dask_chunk_is_divided(
    chunks: tuple[tuple[int, ...], ...], itemsize: int, signal: tuple[int, ...], chunk: Any
) -> None:
    assert dask_chunks(chunks, itemsize, signal) == chunk


@given(array=arrays())
def test_storage_chunks_lie_inside_the_dask_chunk(
    array: tuple[tuple[int, ...], int, tuple[int, ...]],
) -> None:
    shape, itemsize, signal = array
    chunk = dask_chunks([(n,) for n in shape], itemsize, signal)
    if math.prod(shape) * itemsize <= 16 * MIB:
        assert chunk == shape
        return
    rule = signal_chunks(shape, itemsize, signal)
    for n, most, length in zip(chunk, rule, shape, strict=True):
        assert n == most or (length % n == 0 and most / 2 <= n <= most)


def test_a_dask_array_of_unknown_size_is_an_error() -> None:
    with pytest.raises(OptionError, match="compute_chunk_sizes"):
        dask_chunks(((math.nan, math.nan), (3,)), 8, (1,))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("chunks", "shape", "chunk"),
    [
        ((20, 20, 256), (100, 100, 2048), (20, 20, 256)),
        ([20, np.int64(20), np.uint8(200)], (100, 100, 2048), (20, 20, 200)),
        (np.array([2, 3]), (10, 10), (2, 3)),
        ((20, 20, 256), (10, 100, 100), (10, 20, 100)),  # clipped
        ((2, 3), (0, 3), (1, 3)),
        ((20, 20, 256), (100, 2048), None),
        ((), (), ()),
        ((), (3,), None),
    ],
)
def test_user_chunks(chunks: Any, shape: tuple[int, ...], chunk: Any) -> None:
    found = user_chunks(chunks, shape, 8)
    assert found == chunk
    assert found is None or {type(n) for n in found} <= {int}


@pytest.mark.parametrize(
    "chunks", [(0, 1), (-1, 1), (1.0, 1), (True, 1), (np.True_, 1), ("a", "b"), "ab", 5, (None, 1)]
)
@pytest.mark.parametrize("shape", [(10, 10), (10,)])
def test_chunks_that_make_no_sense(chunks: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(OptionError, match="positive whole number"):
        user_chunks(chunks, shape, 8)


def test_user_chunks_stay_below_4_gib() -> None:
    shape = (2 * GIB,)
    assert user_chunks((GIB // 2 - 1,), shape, 8) == (GIB // 2 - 1,)
    with pytest.raises(OptionError, match=r"4\.0 GiB: HDF5 needs less than 4 GiB"):
        user_chunks((GIB // 2,), shape, 8)
    assert user_chunks((2 * GIB,), (10,), 8) == (10,)  # clipped first


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=4),
    st.integers(1, 16),
    st.data(),
    st.integers(1, 10**7),
)
def test_lazy_chunks_are_whole_storage_chunks_within_their_size(
    shape: list[int], itemsize: int, data: Any, target: int
) -> None:
    stored = [data.draw(st.integers(1, n)) for n in shape]
    signal = data.draw(st.sets(st.integers(0, len(shape) - 1)))
    chunks = lazy_chunks(shape, itemsize, stored, signal, target)
    for chunk, step, n in zip(chunks, stored, shape, strict=True):
        assert chunk == n or chunk % step == 0
    grown = any(chunk > step for chunk, step in zip(chunks, stored, strict=True))
    assert not grown or itemsize * math.prod(chunks) <= target


def test_lazy_chunks_hold_whole_signals_and_are_square() -> None:
    assert lazy_chunks((128, 128, 64, 64), 2, (11, 11, 64, 64), (2, 3), 2**24) == (44, 44, 64, 64)
    assert lazy_chunks((100, 100, 2048), 4, (20, 20, 256), (2,), 2**25)[2] == 2048
    assert lazy_chunks((4000, 4000), 8, None, (0, 1), 2**20) == (32, 4000)
    assert lazy_chunks((0, 5), 8, (1, 5), (1,), 2**20) == (1, 5)
    assert lazy_chunks((3,), 8, (3,), (0,), 1) == (3,)
