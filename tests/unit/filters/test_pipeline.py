"""Chunks -> stored bytes -> the same values in their place, whatever the filters."""

from __future__ import annotations

import math
import zlib
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hspyio.filters import CODECS, codec_of, gzip
from hspyio.filters.pipeline import Pipeline, Scratch
from hspyio.nodes.node import Filter
from support.engine import DTYPES, ENCODED, STRUCTURE, assert_same, encoders, selections, values

SHUFFLE, FLETCHER, GZIP = Filter(2, (), "shuffle"), Filter(3, (), "fletcher32"), Filter(1, (4,))
PLAIN = [dtype for dtype in DTYPES if dtype.metadata is None]
BOTH = [codec for codec in CODECS if codec.encode is not None and codec.decode is not None]


def pipeline_of(
    filters: tuple[Filter, ...], dtype: np.dtype[Any], chunk: tuple[int, ...]
) -> Pipeline:
    """With the options as they stand in a file."""
    size = math.prod(chunk) * dtype.itemsize
    stored = []
    for step in filters:
        complete = codec_of(step.id).stored_options
        options = step.options
        if complete is not None:
            options = complete(options, dtype.itemsize, size)
        stored.append(Filter(step.id, options, step.name, step.quick))
    return Pipeline(tuple(stored), dtype, chunk)


def decoded(
    pipeline: Pipeline, stored: Any, mask: int, scratch: Scratch | None = None
) -> NDArray[Any]:
    target = np.empty(pipeline.chunk, pipeline.dtype)
    inside = tuple(slice(0, n) for n in pipeline.chunk)
    pipeline.decode(stored, mask, target, inside, scratch or Scratch())
    return target


def padded(part: NDArray[Any], chunk: tuple[int, ...]) -> NDArray[Any]:
    whole = np.zeros(chunk, part.dtype)
    whole[tuple(map(slice, part.shape))] = part
    return whole


@st.composite
def chunks(draw: st.DrawFn) -> tuple[tuple[int, ...], NDArray[Any]]:
    """A chunk shape, and values for it: fewer at an edge, and in any memory order."""
    shape = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple))
    edge = draw(st.booleans())
    part = tuple(draw(st.integers(1, n)) for n in shape) if edge else shape
    base = values(part, draw(st.sampled_from(PLAIN)), draw(st.integers(0, 99)))
    how = draw(st.sampled_from(["C", "F", "strided", "broadcast", "fixed"]))
    if how == "F":
        base = np.asfortranarray(base)
    elif how == "strided":
        base = base[tuple(slice(None, None, -1) for _ in part)]
    elif how == "broadcast":
        base = np.broadcast_to(base[:1], part)
    elif how == "fixed":
        base.flags.writeable = False
    return shape, base


# there and back


@given(chunks(), encoders(), st.data())
def test_decode_is_the_inverse_of_encode(
    made: tuple[tuple[int, ...], NDArray[Any]], filters: tuple[Filter, ...], data: st.DataObject
) -> None:
    shape, part = made
    before = part.copy()
    pipeline = pipeline_of(filters, part.dtype, shape)
    assert pipeline.decodes
    assert pipeline.encodes
    encoded, mask = pipeline.encode(part, Scratch())
    stored = np.frombuffer(bytes(encoded), np.uint8)
    expected = padded(before, shape)
    assert_same(np.asarray(part), before)
    assert_same(decoded(pipeline, stored, mask), expected)
    assert mask or len(stored) <= pipeline.size + sum(codec_of(s.id).grows for s in filters)

    # a part of it, into memory of any strides
    selection = data.draw(selections(shape))
    inside = tuple(slice(s, s + 1) if isinstance(s, int) else s for s in selection)
    inside = tuple(
        slice(*s.indices(n)) for s, n in zip((*inside, *[slice(None)] * 9), shape, strict=False)
    )
    wanted = expected[inside]
    if wanted.size:
        turned = np.zeros([2 * n for n in wanted.shape], part.dtype)
        target = turned[tuple(slice(0, 2 * n, 2) for n in wanted.shape)]
        pipeline.decode(stored, mask, target, inside, Scratch())
        assert_same(target, wanted)
        target[...] = np.zeros((), part.dtype)
        assert not np.asarray(turned).view(np.uint8).any() or part.dtype.names is not None


@given(chunks(), encoders(), st.data())
def test_a_part_of_a_chunk_goes_into_a_block_of_an_array(
    made: tuple[tuple[int, ...], NDArray[Any]], filters: tuple[Filter, ...], data: st.DataObject
) -> None:
    shape, part = made
    pipeline = pipeline_of(filters, part.dtype, shape)
    encoded, mask = pipeline.encode(part, Scratch())
    stored = np.frombuffer(bytes(encoded), np.uint8)
    bounds = [sorted(data.draw(st.tuples(*[st.integers(0, n)] * 2))) for n in shape]
    inside = tuple(slice(*bound) for bound in bounds)
    wanted = padded(part, shape)[inside]
    if not wanted.size:
        return
    room = [data.draw(st.integers(n, n + 2)) for n in wanted.shape]
    array = np.zeros(room, part.dtype)
    place = tuple(slice(m - n, m) for n, m in zip(wanted.shape, room, strict=True))
    pipeline.decode(stored, mask, array[place], inside, Scratch())
    assert_same(array[place], wanted)
    array[place] = np.zeros((), part.dtype)
    assert not array.view(np.uint8).any() or part.dtype.names is not None


@given(chunks(), encoders(), st.data())
def test_filters_that_were_left_out(
    made: tuple[tuple[int, ...], NDArray[Any]], filters: tuple[Filter, ...], data: st.DataObject
) -> None:
    shape, part = made
    mask = data.draw(st.integers(0, 2 ** len(filters) - 1))
    applied = [i for i in range(len(filters)) if not mask >> i & 1]
    short = pipeline_of(tuple(filters[i] for i in applied), part.dtype, shape)
    encoded, inner = short.encode(part, Scratch())
    for place, i in enumerate(applied):
        mask |= (inner >> place & 1) << i
    pipeline = pipeline_of(filters, part.dtype, shape)
    assert_same(decoded(pipeline, encoded, mask), padded(part, shape))


@pytest.mark.parametrize("codec", BOTH, ids=lambda codec: codec.name)
@pytest.mark.parametrize("dtype", PLAIN, ids=str)
def test_every_codec_in_every_place(codec: Any, dtype: np.dtype[Any]) -> None:
    """One scratch for all of them, as a thread has it."""
    part = values((7, 11), dtype, 0)
    encoding, decoding = Scratch(), Scratch()
    for options in ENCODED.get(codec.name, [()]):
        step = Filter(codec.id, options)
        for others in ((), (SHUFFLE,), (FLETCHER,), (SHUFFLE, FLETCHER), (FLETCHER, FLETCHER)):
            for filters in set(permutations((step, *others))):
                pipeline = pipeline_of(filters, dtype, (8, 11))
                stored, mask = pipeline.encode(part, encoding)
                assert_same(decoded(pipeline, bytes(stored), mask, decoding), padded(part, (8, 11)))


@pytest.mark.parametrize("length", [100, 300_000])
@pytest.mark.parametrize(
    "filters",
    [
        (GZIP, FLETCHER, SHUFFLE, FLETCHER),
        (FLETCHER, SHUFFLE, FLETCHER, GZIP),
        (FLETCHER, FLETCHER, GZIP, FLETCHER, SHUFFLE),
        (SHUFFLE, FLETCHER, FLETCHER, GZIP, FLETCHER),
    ],
    ids=lambda filters: "-".join(str(step.id) for step in filters),
)
def test_no_step_works_in_the_memory_of_the_one_before(
    filters: tuple[Filter, ...], length: int
) -> None:
    """A checksum gives back a part of its input."""
    part = values((length,), np.dtype("<u4"), 0)
    pipeline = pipeline_of(filters, part.dtype, part.shape)
    scratch = Scratch()
    for _ in range(3):
        stored, mask = pipeline.encode(part, Scratch())
        assert_same(decoded(pipeline, bytes(stored), mask, scratch), part)
        target = np.empty(length // 7, part.dtype)
        pipeline.decode(bytes(stored), mask, target, (slice(0, length // 7 * 7, 7),), scratch)
        assert_same(target, part[: length // 7 * 7 : 7])


def test_padding_bytes_of_structures_do_not_matter() -> None:
    part = np.frombuffer(np.random.default_rng(0).bytes(STRUCTURE.itemsize * 12), STRUCTURE)
    pipeline = pipeline_of((SHUFFLE, GZIP), STRUCTURE, (4, 4))
    stored, mask = pipeline.encode(part.reshape(4, 3), Scratch())
    found = decoded(pipeline, stored, mask)[:, :3]
    for name in ("a", "c", "d"):
        assert found[name].tobytes() == part.reshape(4, 3)[name].tobytes()


# what can be done


def test_what_is_decoded_and_encoded_here() -> None:
    def told(*numbers: int) -> tuple[bool, bool]:
        pipeline = pipeline_of(tuple(Filter(n, (4,)) for n in numbers), np.dtype("u2"), (5,))
        return pipeline.decodes, pipeline.encodes

    assert told() == (True, True)
    assert told(2, 1, 3) == told(3, 3, 1) == (True, True)
    assert told(1, 1) == (False, False)  # nothing tells the size between
    assert told(1, 2, 1) == (False, False)
    assert told(31999) == told(2, 31999) == (False, False)
    assert told(6) == (False, False)
    for codec in CODECS:
        able = codec.decode is not None
        assert told(codec.id) == (able, able and codec.encode is not None)
        if codec.resizes:
            assert told(codec.id, 1) == (False, False)


@pytest.mark.parametrize("dtype", PLAIN, ids=str)
@pytest.mark.parametrize("chunk", [(1,), (7,), (3, 5), (1, 1, 1)])
def test_size_is_that_of_a_chunk(dtype: np.dtype[Any], chunk: tuple[int, ...]) -> None:
    assert Pipeline((), dtype, chunk).size == np.empty(chunk, dtype).nbytes


def test_a_chunk_that_does_not_compress_is_left_as_it_is() -> None:
    part = np.random.default_rng(0).integers(0, 256, 5000, "u1")
    for quick in (False, True):
        pipeline = pipeline_of((Filter(1, (9,), quick=quick), FLETCHER), part.dtype, part.shape)
        stored, mask = pipeline.encode(part, Scratch())
        assert mask == 0b01
        assert bytes(stored)[:-4] == part.tobytes()
        assert_same(decoded(pipeline, stored, mask), part)


def test_quick_is_for_those_who_asked_for_no_level(monkeypatch: Any) -> None:
    part = np.arange(5000, dtype="<u4") % 7
    levels = {}
    for quick in (False, True):
        for level in (1, 4, 9):
            pipeline = pipeline_of((Filter(1, (level,), quick=quick),), part.dtype, part.shape)
            stored, mask = pipeline.encode(part, Scratch())
            assert not mask
            assert zlib.decompress(bytes(stored)) == part.tobytes()
            levels[quick, level] = len(stored)
    assert levels[True, 1] == levels[True, 4] == levels[True, 9]
    assert levels[False, 9] <= levels[False, 1]
    assert gzip.CODEC.quick is not None


def test_scratch_gives_the_size_that_is_asked_for() -> None:
    scratch = Scratch()
    large = scratch.take("a", 100)
    assert len(large) == 100
    assert np.shares_memory(scratch.take("a", 10), large)
    assert len(scratch.take("a", 10)) == 10
    assert len(scratch.take("a", 200)) == 200
    assert not np.shares_memory(scratch.take("b", 10), scratch.take("a", 10))
    assert len(scratch.take("c", 0)) == 0


# damage


@given(chunks(), encoders(), st.data())
def test_another_number_of_bytes_is_an_error_or_decodes(
    made: tuple[tuple[int, ...], NDArray[Any]], filters: tuple[Filter, ...], data: st.DataObject
) -> None:
    """Any error but these two would not be told as damage."""
    shape, part = made
    pipeline = pipeline_of(filters, part.dtype, shape)
    encoded, mask = pipeline.encode(part, Scratch())
    stored = bytes(encoded)
    change = data.draw(st.integers(0, 9999))
    cut = data.draw(st.booleans())
    stored = stored[: change % len(stored)] if cut else stored + bytes(change % 20 + 1)
    if data.draw(st.booleans()):
        mask = data.draw(st.integers(0, 2 ** len(filters) - 1))
    compressed = any(codec_of(s.id).resizes and not mask >> i & 1 for i, s in enumerate(filters))
    try:
        decoded(pipeline, stored, mask)
    except (ValueError, RuntimeError):
        return
    assert compressed or len(stored) == pipeline.size + 4 * sum(
        s.id == 3 and not mask >> i & 1 for i, s in enumerate(filters)
    )


@given(st.binary(max_size=80), encoders(), st.sampled_from(["u1", "<u4", "S5"]))
def test_any_bytes_are_an_error_or_decode(
    stored: bytes, filters: tuple[Filter, ...], dtype: str
) -> None:
    pipeline = pipeline_of(filters, np.dtype(dtype), (3, 4))
    scratch = Scratch()
    for length in (len(stored), pipeline.size, pipeline.size + 4):
        try:
            found = decoded(pipeline, stored[:length].ljust(length, b"\0"), 0, scratch)
        except (ValueError, RuntimeError):
            continue
        assert found.shape == (3, 4)
