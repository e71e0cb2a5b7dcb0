"""HDF5's filters by numcodecs' names; `bridges/test_references` reads by them."""

from __future__ import annotations

import bz2
from typing import Any

import pytest

from hspyio.filters import codec_of
from hspyio.filters.numcodecs import config_of, encoded, hindrance
from hspyio.nodes.node import Filter


@pytest.mark.parametrize(
    "filters",
    [(), ((2, (2,)), (1, (4,))), ((32015, (3,)),), ((307, (9,)),)],
)
def test_chunks_are_encoded_as_their_filters_do(filters: Any) -> None:
    steps = tuple(Filter(number, options) for number, options in filters)
    plain = bytes(range(200)) * 2
    made = encoded(steps, plain)
    if filters and filters[0][0] == 307:
        assert bz2.decompress(made) == plain
        return
    for step in reversed(steps):
        decode = codec_of(step.id).decode
        assert decode is not None
        made = bytes(decode(made, step.options, len(plain), None))
    assert made == plain


@pytest.mark.parametrize("number", [4, 5, 6, 32000, 32004, 32008, 32013, 32026])
def test_what_numcodecs_has_not_is_named(number: int) -> None:
    step = Filter(number, (), codec_of(number).name)
    assert config_of(step) is None
    assert step.name in hindrance((step,), 8)


def test_blosc_by_its_compressor() -> None:
    found = config_of(Filter(32001, (2, 2, 2, 400, 7, 2, 5)))
    assert found is not None
    assert (found["cname"], found["clevel"], found["shuffle"]) == ("zstd", 7, 2)
    assert config_of(Filter(32001, (2, 2, 2, 400, 7, 2, 3))) is None  # snappy


@pytest.mark.parametrize(
    ("filters", "size"),
    [([(2, (4,))], 6), ([(3, ()), (2, (2,))], 6), ([(2, ())], 6), ([(2, (0,))], 6)],
)
def test_other_shuffles_are_told(filters: Any, size: int) -> None:
    steps = tuple(Filter(number, options, "shuffle") for number, options in filters)
    assert "shuffle" in hindrance(steps, size)
