"""Chunks and filters of every kind of array."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dask.array as da
import numpy as np
import pytest

from hspyio.arrays.chunk_shapes import guess_chunks, signal_chunks
from hspyio.errors import OptionError
from hspyio.nodes.node import (
    Array,
    Attribute,
    Damaged,
    GraphSource,
    Group,
    Kept,
    MemorySource,
    Text,
    Vlen,
)
from hspyio.options import WriteOptions
from hspyio.transaction.plan import plan

SHAPE = (100, 100, 2048)


def values(shape: tuple[int, ...], dtype: Any = "f8") -> Any:
    """An array of any size that takes no memory."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def array(shape: tuple[int, ...] = SHAPE, kind: Any = "f8", **options: Any) -> Array:
    stored = kind if isinstance(kind, (Text, Vlen)) else np.dtype(kind)
    base = stored if isinstance(stored, np.dtype) else object
    return Array(stored, MemorySource(values(shape, base)), **options)


def planned(node: Array, **options: Any) -> Array:
    made = plan(Group({}, {"x": node}), WriteOptions(**options)).members["x"]
    assert isinstance(made, Array)
    return made


def names(node: Array) -> list[str]:
    return [step.name for step in node.filters]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (None, (7, 7, 2048)),
        ((20, 20, 256), (20, 20, 256)),
        (True, (7, 7, 256)),
        ((500, 1, 9999), (100, 1, 2048)),
    ],
)
def test_data_are_stored_as_the_seed_says(chunks: Any, expected: tuple[int, ...]) -> None:
    assert planned(array(signal_dims=(2,)), chunks=chunks).chunks == expected


def test_other_arrays_take_automatic_chunks() -> None:
    assert planned(array()).chunks == guess_chunks(SHAPE, 8)
    assert planned(array((100, 1000))).chunks == (13, 125)
    assert planned(array((0, 3))).chunks == (512, 2)


def test_a_shape_is_for_every_array_of_its_rank() -> None:
    assert planned(array((50, 10)), chunks=(20, 20)).chunks == (20, 10)
    assert planned(array((50, 10, 2)), chunks=(20, 20)).chunks == guess_chunks((50, 10, 2), 8)
    assert planned(array((0, 10)), chunks=(20, 20)).chunks == (1, 10)
    with pytest.raises(OptionError, match="2 lengths, the data have 3"):
        planned(array(signal_dims=(2,)), chunks=(20, 20))


@pytest.mark.parametrize("chunks", [(0, 1, 1), (-1, 1, 1), (1.5, 1, 1), ("a", 1, 1), (True, 1, 1)])
def test_chunks_that_make_no_sense_are_refused(chunks: Any) -> None:
    with pytest.raises(OptionError, match="chunks"):
        planned(array(signal_dims=(2,)), chunks=chunks)


def test_small_lists_stand_inline_and_large_ones_in_chunks() -> None:
    for kind, size in (("i8", 8), ("?", 1), ("c16", 16), (Text(), 8), (Text(32), 32)):
        small = array((65536 // size,), kind, inline=True)
        assert planned(small) is small
        large = planned(array((65536 // size + 1,), kind, inline=True))
        assert large.chunks is not None
        assert names(large) == ["shuffle", "gzip"]


def test_variable_lengths_count_as_what_points_at_them() -> None:
    for kind in (Vlen(np.dtype("u1")), Vlen(Text()), Text()):
        made = planned(array((1000, 1000), kind, signal_dims=(1,)), fletcher32=True)
        assert made.chunks == signal_chunks((1000, 1000), 8, (1,))
        assert names(made) == ["shuffle", "gzip"]  # HDF5 has no checksum for them
    assert planned(array((100, 100), Text(1000))).chunks == guess_chunks((100, 100), 1000)


def test_filters_stand_in_h5pys_order() -> None:
    made = planned(array(kind="i4"), scaleoffset=0, fletcher32=True)
    assert names(made) == ["scaleoffset", "shuffle", "gzip", "fletcher32"]
    assert names(planned(array(), compression=None)) == []
    assert names(planned(array(), compression=None, shuffle=False)) == []


@pytest.mark.parametrize(
    ("kind", "applies"),
    [("i4", True), (">u2", True), ("f4", True), ("f8", True), ("?", False), ("c16", False),
     ("i4,f8", False), ("V3", False), (Text(3), False), (Vlen(np.dtype("i4")), False)],
)  # fmt: skip
def test_scaleoffset_is_for_numbers(kind: Any, applies: bool) -> None:
    made = planned(replace(array((100,), kind), signal_dims=(0,)), scaleoffset=2)
    assert ("scaleoffset" in names(made)) is applies


def test_scaleoffset_can_be_off() -> None:
    assert names(planned(array(), scaleoffset=None)) == ["shuffle", "gzip"]
    assert names(planned(array(), scaleoffset=False)) == ["shuffle", "gzip"]
    assert planned(array(kind="i4"), scaleoffset=True).filters[0].options == (0,)
    with pytest.raises(OptionError, match="digits"):
        planned(replace(array(), signal_dims=(0,)), scaleoffset=True)


def test_what_rounds_is_for_the_data_alone() -> None:
    assert names(planned(array(), scaleoffset=2)) == ["shuffle", "gzip"]
    assert planned(array(kind="i4"), scaleoffset=2).filters[0].options == (0,)
    data = replace(array(), signal_dims=(0,))
    for number in (32013, 32017, 32024):
        assert [step.id for step in planned(data, compression=number).filters] == [number]
        assert names(planned(array(), compression=number)) == ["shuffle", "gzip"]


@pytest.mark.parametrize(
    ("shape", "kind", "expected"),
    [
        ((100, 100), "f8", "szip"), ((100,), ">i2", "szip"), ((8,), "u1", "szip"),
        ((7,), "u1", "gzip"), ((100,), "?", "gzip"), ((100,), "c16", "gzip"),
        ((100,), "i4,f8", "gzip"), ((100,), "g", "gzip"), ((100,), Text(), "gzip"),
        ((100,), Text(3), "gzip"), ((100,), Vlen(np.dtype("f8")), "gzip"), ((100,), "V4", "gzip"),
    ],
)  # fmt: skip
def test_szip_gives_way_to_gzip_where_it_cannot_be(shape: Any, kind: Any, expected: str) -> None:
    assert names(planned(array(shape, kind), compression="szip"))[-1] == expected


def test_dask_arrays_keep_their_chunks() -> None:
    data = da.zeros((100, 20), chunks=((30, 30, 40), (10, 10)))
    node = Array(data.dtype, GraphSource(data), signal_dims=(1,))
    assert planned(node).chunks == (30, 10)
    assert planned(node, chunks=(5, 5)).chunks == (5, 5)
    assert planned(node, chunks=True).chunks == guess_chunks((100, 20), 8)


def test_the_rest_of_the_tree_stays() -> None:
    attribute = Attribute(Text(), b"x")
    inner = Group({"a": attribute}, {"kept": Kept("/x"), "bad": Damaged("why"), "x": array((3,))})
    made = plan(Group({"v": attribute}, {"inner": inner}), WriteOptions()).members["inner"]
    assert isinstance(made, Group)
    assert made.attributes == inner.attributes
    assert list(made.members) == ["kept", "bad", "x"]
    assert made.members["kept"] is inner.members["kept"]
    assert made.members["bad"] is inner.members["bad"]
    assert getattr(made.members["x"], "chunks", None) == (3,)
    assert getattr(inner.members["x"], "chunks", None) is None


def test_options_are_checked_even_where_there_is_no_array() -> None:
    with pytest.raises(OptionError, match="compression"):
        plan(Group(), WriteOptions(compression="nonsense"))
