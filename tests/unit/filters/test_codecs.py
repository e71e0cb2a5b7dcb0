"""Codecs: bytes <-> bytes, held against what HDF5 and its plugins write and read."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import h5py
import hdf5plugin
import imagecodecs
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hspyio.errors import OptionError
from hspyio.filters import CODECS, Codec, chosen, codec_of, describe, everywhere
from hspyio.filters.codec import Bytes
from hspyio.nodes.node import Filter

GZIP, SHUFFLE, FLETCHER32, SZIP, LZF = (codec_of(n) for n in (1, 2, 3, 4, 32000))
BLOSC, LZ4, BITSHUFFLE, ZSTD = (codec_of(n) for n in (32001, 32004, 32008, 32015))
BOTH_WAYS = tuple(codec for codec in CODECS if codec.encode)
DECODING = tuple(codec for codec in CODECS if codec.decode)
DAMAGED = (ValueError, RuntimeError)

_BLOSC = [
    hdf5plugin.Blosc(name, level, mode)
    for name in ("blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd")
    for level, mode in ((0, 1), (5, 0), (5, 1), (9, 2))
]
_BITSHUFFLE = [
    hdf5plugin.Bitshuffle(nelems, name) for nelems in (0, 8, 64) for name in ("none", "lz4", "zstd")
]
WRITTEN: list[dict[str, Any]] = [
    {"compression": "gzip"},
    {"compression": "gzip", "compression_opts": 0},
    {"compression": "lzf"},
    {"shuffle": True},
    {"fletcher32": True},
    {"compression": 32001},
    {"compression": 32015},
    *map(dict, [*_BLOSC, *_BITSHUFFLE]),
    *map(dict, [hdf5plugin.LZ4(), hdf5plugin.LZ4(64), hdf5plugin.Zstd(), hdf5plugin.Zstd(-3)]),
]
SZIPPED: list[dict[str, Any]] = [
    {"compression": "szip", "compression_opts": (coding, pixels)}
    for coding in ("ec", "nn")
    for pixels in (2, 8, 32)
]
TYPES = ("u1", "<i2", ">u2", "<f4", "<f8", ">f8", "<c16", "V3", "S5", "V12", "V300")
SZIP_TYPES = ("i1", "u1", "<i2", ">u2", "<i4", "<f4", "<f8", ">f8")
SHAPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((1,), (1,)),
    ((7,), (7,)),
    ((40, 33), (16, 10)),
    ((3, 40, 17), (2, 40, 17)),
    ((9000,), (9000,)),
]


class Chunk(NamedTuple):
    """A chunk as HDF5 wrote it."""

    codec: Codec
    options: tuple[int, ...]
    stored: bytes
    plain: bytes

    def decode(self, out: NDArray[np.uint8] | None = None) -> bytes:
        return decode(self.codec, self.stored, self.options, len(self.plain), out)


def decode(
    codec: Codec,
    stored: Bytes,
    options: tuple[int, ...],
    size: int,
    out: NDArray[np.uint8] | None = None,
) -> bytes:
    assert codec.decode is not None
    decoded = codec.decode(stored, options, size, out)
    assert len(decoded) == size
    return bytes(decoded)


def encode(codec: Codec, plain: Bytes, options: tuple[int, ...]) -> bytes:
    assert codec.encode is not None
    return bytes(codec.encode(plain, options))


@contextmanager
def in_memory() -> Iterator[h5py.File]:
    with h5py.File("chunks", "w", driver="core", backing_store=False) as file:
        yield file


def values_of(kind: str, shape: tuple[int, ...], seed: int = 0) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    dtype = np.dtype(kind)
    if dtype.kind in "iuf":
        return rng.poisson(5, shape).astype(dtype)
    octets = rng.poisson(1, (*shape, dtype.itemsize)).astype(np.uint8)
    return octets.view(dtype)[..., 0]


def filter_of(dataset: h5py.Dataset) -> tuple[int, tuple[int, ...]]:
    creation = dataset.id.get_create_plist()
    assert creation.get_nfilters() == 1
    return creation.get_filter(0)[0], creation.get_filter(0)[2]


def chunks_of(
    kind: str, shape: tuple[int, ...], chunk: tuple[int, ...], options: dict[str, Any]
) -> list[Chunk]:
    """Everything that HDF5 makes of an array, but what a filter was left out of."""
    values = values_of(kind, shape)
    made = []
    with in_memory() as file:
        dataset = file.create_dataset("x", data=values, chunks=chunk, **options)
        number, client_data = filter_of(dataset)
        for index in range(dataset.id.get_num_chunks()):
            where = dataset.id.get_chunk_info(index).chunk_offset
            mask, stored = dataset.id.read_direct_chunk(where)
            part = values[tuple(slice(a, a + n) for a, n in zip(where, chunk, strict=True))]
            plain = np.zeros(chunk, values.dtype)
            plain[tuple(map(slice, part.shape))] = part
            if not mask:
                made.append(Chunk(codec_of(number), client_data, stored, plain.tobytes()))
    return made


@cache
def samples(number: int) -> tuple[Chunk, ...]:
    return tuple(
        chunk
        for options in (*WRITTEN, *SZIPPED)
        for kind, n in (("<i2", 40), ("<f8", 333), ("u1", 2000))
        for chunk in chunks_of(kind, (n,), (n,), options)
        if chunk.codec.id == number
    )


def check_decoding(chunk: Chunk) -> None:
    assert chunk.decode() == chunk.plain
    out = np.full(len(chunk.plain), 0xAA, np.uint8)
    assert chunk.decode(out) == chunk.plain
    for stored in (memoryview(chunk.stored), np.frombuffer(chunk.stored, np.uint8)):
        again = decode(chunk.codec, stored, chunk.options, len(chunk.plain))
        assert again == chunk.plain


@pytest.mark.parametrize("codec", DECODING, ids=lambda codec: codec.name)
def test_hdf5_has_made_chunks_of_each_that_is_decoded(codec: Codec) -> None:
    assert samples(codec.id), "a line for it in WRITTEN: how h5py is asked for it"


@pytest.mark.parametrize("codec", BOTH_WAYS, ids=lambda codec: codec.name)
def test_those_that_resize_say_so(codec: Codec) -> None:
    random = np.random.default_rng(0).bytes(4000)
    options = in_file(codec, None, 4, 4000)
    sizes = {len(encode(codec, plain, options)) for plain in (bytes(4000), random)}
    assert sizes != {4000 + codec.grows} if codec.resizes else sizes == {4000 + codec.grows}


@pytest.mark.parametrize("options", WRITTEN, ids=str)
def test_what_hdf5_writes_is_decoded(options: dict[str, Any]) -> None:
    for kind in TYPES:
        for shape, chunk in SHAPES:
            for made in chunks_of(kind, shape, chunk, options):
                check_decoding(made)


@pytest.mark.parametrize("options", SZIPPED, ids=str)
def test_what_hdf5_writes_with_szip_is_decoded(options: dict[str, Any]) -> None:
    shapes = [
        ((5, 32), (5, 32)),
        ((40, 33), (16, 10)),
        ((2, 3, 77), (1, 3, 77)),
        ((9000,), (9000,)),
    ]
    for kind in SZIP_TYPES:
        for shape, chunk in shapes:
            for made in chunks_of(kind, shape, chunk, options):
                check_decoding(made)


@given(
    size=st.integers(1, 300),
    pixels=st.sampled_from(["ec", "nn"]),
    half=st.integers(1, 16),
    kind=st.sampled_from(SZIP_TYPES),
)
@settings(max_examples=60, deadline=None)
def test_any_line_of_szip_is_decoded(size: int, pixels: str, half: int, kind: str) -> None:
    shape = (3, size)
    assume(3 * size >= 2 * half)
    options = {"compression": "szip", "compression_opts": (pixels, 2 * half)}
    for made in chunks_of(kind, shape, shape, options):
        check_decoding(made)


def encodings(codec: Codec) -> list[tuple[Callable[[Bytes, tuple[int, ...]], Bytes], Any]]:
    """Each way to encode, with the ``compression_opts`` that it takes."""
    assert codec.encode is not None
    ways: dict[int, list[Any]] = {
        GZIP.id: [None, 0, 1, 9],
        ZSTD.id: [None, (), 1, 22, -5],
        BLOSC.id: [None, (), 9, *(filter_.filter_options for filter_ in _BLOSC)],
    }
    found = [(codec.encode, way) for way in ways.get(codec.id, [None])]
    return found if codec.quick is None else [*found, (codec.quick, None)]


def in_file(codec: Codec, value: Any, itemsize: int, size: int) -> tuple[int, ...]:
    options = () if codec.options is None else codec.options(value)
    return (
        options if codec.stored_options is None else codec.stored_options(options, itemsize, size)
    )


@given(
    values=st.binary(min_size=1, max_size=600),
    repeats=st.sampled_from([1, 2, 40]),
    itemsize=st.sampled_from([1, 2, 3, 4, 8, 12, 16, 300]),
)
@example(b"\0", 1, 1)
@example(b"\0", 40, 300)
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("codec", BOTH_WAYS, ids=lambda codec: codec.name)
def test_decode_undoes_encode(codec: Codec, values: bytes, repeats: int, itemsize: int) -> None:
    plain = values * repeats
    for way, value in encodings(codec):
        options = in_file(codec, value, itemsize, len(plain))
        stored = bytes(way(plain, options))
        assert decode(codec, stored, options, len(plain)) == plain
        assert codec.resizes or len(stored) == len(plain) + codec.grows
        for form in (memoryview(plain), bytearray(plain), np.frombuffer(plain, np.uint8)):
            assert bytes(way(form, options)) == stored


def as_options(codec: Codec, value: Any) -> dict[str, Any]:
    """What h5py is told, so that HDF5 uses a filter."""
    if codec in (SHUFFLE, FLETCHER32):
        return {codec.name: True}
    if codec is GZIP:
        return {"compression": "gzip", "compression_opts": value}
    assert codec.options is not None
    return {"compression": codec.id, "compression_opts": codec.options(value)}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("codec", BOTH_WAYS, ids=lambda codec: codec.name)
def test_what_is_encoded_here_hdf5_reads(codec: Codec, kind: str) -> None:
    values = values_of(kind, (30, 11))
    for way, value in encodings(codec):
        with in_memory() as file:
            made = as_options(codec, value)
            dataset = file.create_dataset("x", values.shape, kind, chunks=values.shape, **made)
            options = in_file(codec, value, values.dtype.itemsize, values.nbytes)
            assert filter_of(dataset) == (codec.id, options)
            dataset.id.write_direct_chunk((0, 0), bytes(way(values.tobytes(), options)))
            assert dataset[:].tobytes() == values.tobytes()


# damage


def check_damage(chunk: Chunk, stored: bytes, size: int) -> None:
    """Damaged bytes are refused, or give just what was asked for, and nothing by chance."""
    results = []
    for filled in (0x00, 0xFF):
        out = np.full(size, filled, np.uint8)
        try:
            results.append(decode(chunk.codec, stored, chunk.options, size, out))
        except DAMAGED as error:
            results.append(str(error).encode())
    assert results[0] == results[1]


@given(data=st.data())
@settings(max_examples=150, deadline=None)
@pytest.mark.parametrize("codec", DECODING, ids=lambda codec: codec.name)
def test_damage_is_refused_or_harmless(codec: Codec, data: st.DataObject) -> None:
    chunk = data.draw(st.sampled_from(samples(codec.id)))
    stored = bytearray(chunk.stored)
    where = st.integers(0, len(stored) - 1) | st.integers(0, min(24, len(stored) - 1))
    for index in data.draw(st.lists(where, max_size=4)):
        stored[index] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(stored)) | st.none())
    more = data.draw(st.binary(max_size=20))
    size = len(chunk.plain) + data.draw(st.sampled_from([0, 0, 0, -1, 1, 8, -8]))
    check_damage(chunk, bytes(stored[:cut]) + more, size)


@pytest.mark.parametrize("codec", DECODING, ids=lambda codec: codec.name)
def test_another_size_or_an_early_end_is_damage(codec: Codec) -> None:
    for chunk in samples(codec.id):
        size = len(chunk.plain)
        for wrong in (1, size - 8, size - 1, size + 1, size + 8, 2 * size):
            with pytest.raises(DAMAGED):
                decode(codec, chunk.stored, chunk.options, wrong)
        almost = len(chunk.stored) - (8 if codec is not SZIP else 99)  # szip pads its last line
        for end in (0, 1, 11, len(chunk.stored) // 2, max(0, almost)):
            with pytest.raises(DAMAGED):
                decode(codec, chunk.stored[:end], chunk.options, size)


@pytest.mark.parametrize("name", ["lzf", "deflate", "zstd", "lz4h5", "blosc"])
def test_a_bomb_does_not_go_off(name: str) -> None:
    numbers = {"lzf": LZF, "deflate": GZIP, "zstd": ZSTD, "lz4h5": LZ4, "blosc": BLOSC}
    bomb = getattr(imagecodecs, f"{name}_encode")(bytes(1 << 26))
    with pytest.raises(DAMAGED):
        decode(numbers[name], bomb, (4, 261, 1000), 1000)


@pytest.mark.parametrize("size", [0, 8, 2**31, 2**32 - 1, 2**40, 2**63, 2**64 - 1])
@pytest.mark.parametrize("codec", [LZ4, BITSHUFFLE, BLOSC, SZIP], ids=lambda codec: codec.name)
def test_a_header_that_announces_another_size_is_damage(codec: Codec, size: int) -> None:
    for chunk in samples(codec.id):
        if codec is BITSHUFFLE and chunk.options[4] == 0:
            continue
        stored = bytearray(chunk.stored)
        if codec in (LZ4, BITSHUFFLE):
            stored[:8] = size.to_bytes(8, "big")
        else:
            at = 4 if codec is BLOSC else 0
            stored[at : at + 4] = (size % 2**32).to_bytes(4, "little")
        with pytest.raises(ValueError, match="announces"):
            decode(codec, bytes(stored), chunk.options, len(chunk.plain))


def test_blosc_that_goes_on_after_its_end_is_damage() -> None:
    stored = bytearray(encode(BLOSC, bytes(range(200)), (2, 2, 1, 200, 5, 1, 1)))
    stored[12:16] = (len(stored) + 1).to_bytes(4, "little")
    with pytest.raises(ValueError, match="header"):
        decode(BLOSC, bytes(stored), (), 200)


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        (SHUFFLE, ()), (SHUFFLE, (0,)), (SHUFFLE, (2, 2)), (SZIP, ()), (SZIP, (32, 8, 16)),
        (SZIP, (32, 0, 16, 16)), (SZIP, (32, 8, 16, 7)), (SZIP, (32, 8, 16, 2**31)),
        (SZIP, (32, 8, 64, 12)), (SZIP, (32, 8, 0, 16)), (SZIP, (32, 8, 200, 16)),
        (BITSHUFFLE, ()), (BITSHUFFLE, (0, 4, 0, 0, 2)), (BITSHUFFLE, (0, 4, 3, 0, 2)),
        (BITSHUFFLE, (0, 4, 1, 0, 9)), (BITSHUFFLE, (0, 4, 1, 3, 0)),
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense_are_damage(codec: Codec, options: tuple[int, ...]) -> None:
    with pytest.raises(DAMAGED):
        decode(codec, (20).to_bytes(4, "little") + bytes(16), options, 20)


# one by one


def test_gzip_is_zlibs() -> None:
    plain = bytes(1000) + bytes(range(256))
    assert GZIP.quick is not None
    for stored in (GZIP.quick(plain, (4,)), GZIP.encode(plain, (0,)), GZIP.encode(plain, (9,))):  # type: ignore[misc]
        assert zlib.decompress(stored) == plain
        with pytest.raises(RuntimeError):
            decode(GZIP, bytes(stored)[:-1] + b"\0", (), len(plain))
    assert decode(GZIP, zlib.compress(plain) + b"more", (4,), len(plain)) == plain


@given(plain=st.binary(min_size=1, max_size=99))
@settings(max_examples=40, deadline=None)
@example(plain=b"\xff" * 721)
def test_fletcher32_is_hdf5s(plain: bytes) -> None:
    with in_memory() as file:
        values = np.frombuffer(plain, np.uint8)
        dataset = file.create_dataset("x", data=values, chunks=values.shape, fletcher32=True)
        _, stored = dataset.id.read_direct_chunk((0,))
        assert encode(FLETCHER32, plain, ()) == stored
        *body, a, b, c, d = stored
        old = bytes([*body, b, a, d, c])
        dataset.id.write_direct_chunk((0,), old)
        assert dataset[:].tobytes() == plain
    assert decode(FLETCHER32, old, (), len(plain)) == plain
    wrong = bytes([*body, a ^ 1, b ^ 2, c, d])
    with pytest.raises(ValueError, match="checksum"):
        decode(FLETCHER32, wrong, (), len(plain))


def test_blosc_shuffles_the_items_of_the_array() -> None:
    plain = values_of("<f4", (5000,)).tobytes()
    for mode, flag in ((0, 0), (1, 1), (2, 4)):
        stored = encode(BLOSC, plain, (2, 2, 4, len(plain), 5, mode, 5))
        assert stored[2] & 0b101 == flag
        assert stored[2] >> 5 == 4  # zstd
        assert stored[3] == 4
    assert BLOSC.stored_options is not None
    assert BLOSC.stored_options((0, 0, 0, 0, 5, 1, 1), 256, 9) == (2, 2, 1, 9, 5, 1, 1)
    assert BLOSC.stored_options((), 255, 9) == (2, 2, 255, 9)


def test_bitshuffle_takes_lz4_of_the_length_of_its_block() -> None:
    """Such a block is still LZ4; the lz4 filter would take it for uncompressed."""
    rng = np.random.default_rng(0)
    tries = (rng.bytes(80) + bytes(zeros) + rng.bytes(128 - 80 - zeros) for zeros in range(48))
    found = [block for block in tries if len(imagecodecs.lz4_encode(block)) == 128]
    blocks = [found[0], bytes(128), found[0]]
    parts = [imagecodecs.lz4_encode(block) for block in blocks]
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    stored = (3 * 128).to_bytes(8, "big") + (128).to_bytes(4, "big") + framed
    with in_memory() as file:
        dataset = file.create_dataset(
            "x", (384,), "u1", chunks=(384,), **hdf5plugin.Bitshuffle(128)
        )
        dataset.id.write_direct_chunk((0,), stored)
        _, options = filter_of(dataset)
        assert decode(BITSHUFFLE, stored, options, 384) == dataset[:].tobytes()


def test_codecs_work_side_by_side() -> None:
    chunks = [chunk for codec in DECODING for chunk in samples(codec.id)]
    with ThreadPoolExecutor(8) as pool:
        decoded = list(pool.map(Chunk.decode, chunks * 5))
    assert decoded == [chunk.plain for chunk in chunks * 5]


@given(plain=st.binary(max_size=99), itemsize=st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_shuffle_leaves_what_is_over_at_the_end(plain: bytes, itemsize: int) -> None:
    whole = len(plain) // itemsize * itemsize
    shuffled = b"".join(plain[:whole][k::itemsize] for k in range(itemsize)) + plain[whole:]
    assert encode(SHUFFLE, plain, (itemsize,)) == shuffled
    assert decode(SHUFFLE, shuffled, (itemsize,), len(plain)) == plain


# choosing and telling


@pytest.mark.parametrize(
    ("compression", "opts", "options", "quick"),
    [
        ("gzip", None, (4,), True),
        ({"compression": "gzip"}, None, (4,), True),
        ("gzip", 4, (4,), False),
        (4, None, (4,), False),
        ("zstd", None, (3,), False),
        ("zstd", -1, (2**32 - 1,), False),
        (hdf5plugin.Zstd(-7), None, (2**32 - 7,), False),
        ("blosc", None, hdf5plugin.Blosc().filter_options, False),
        ("blosc", 9, hdf5plugin.Blosc(clevel=9).filter_options, False),
        (32001, None, (), False),
        (hdf5plugin.Blosc("zstd", 1, 2), None, (0, 0, 0, 0, 1, 2, 5), False),
    ],
)
def test_defaults(compression: Any, opts: Any, options: tuple[int, ...], quick: bool) -> None:
    step = chosen(compression, opts)
    assert step is not None
    assert (step.options, step.quick) == (options, quick)


@pytest.mark.parametrize(
    ("compression", "opts"),
    [
        ("zstd", 23), ("zstd", (1, 2)), ("zstd", -200_000), ("blosc", 10), ("blosc", -1),
        ("blosc", (0, 0, 0, 0, 5, 3)), ("blosc", (0, 0, 0, 0, 5, 1, 6)), ("blosc", "lz4"),
        ("blosc", (0, 0, 0, 0, 5, 1, 1, 0)),
    ],
)  # fmt: skip
def test_details_that_a_filter_does_not_have_are_refused(compression: str, opts: Any) -> None:
    with pytest.raises(OptionError, match="compression_opts"):
        chosen(compression, opts)


def test_people_are_told_what_reading_needs() -> None:
    assert everywhere(()) == ""
    assert everywhere((Filter(2), Filter(1, (4,)), Filter(3))) == ""
    assert everywhere((Filter(2), Filter(32015))) == "needs hdf5plugin to be read by other programs"
    assert everywhere((Filter(32000),)) == "needs h5py to be read by other programs"
    several = everywhere((Filter(32001), Filter(32015), Filter(32000)))
    assert several == "needs hdf5plugin and h5py to be read by other programs"
    assert "its HDF5 plugin" in everywhere((Filter(31999),))


def test_details_are_described() -> None:
    blosc = Filter(32001, (2, 2, 4, 4000, 5, 1, 5), "blosc")
    bitshuffle = Filter(32008, (0, 4, 4, 0, 2), "bitshuffle")
    assert describe((blosc, bitshuffle)) == ("blosc zstd 5", "bitshuffle lz4")
    bare = (Filter(32001, (2, 2, 4, 9, 5, 1, 77), "blosc"), Filter(32008, (), "bitshuffle"))
    assert describe(bare) == ("blosc", "bitshuffle")
