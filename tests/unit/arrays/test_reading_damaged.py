"""Damaged arrays: an error that names the chunk, never a crash, never values that are wrong."""

from __future__ import annotations

import ctypes
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5d, h5s, h5t
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import hspyio
from hspyio.arrays.manifest import ChunkManifest
from hspyio.arrays.reading import read_chunks
from hspyio.arrays.workers import Workers
from hspyio.errors import DamagedFileError
from hspyio.filters import codec_of
from hspyio.hdf5.dataset import Dataset
from support.engine import PLUGINS, Case, assert_same, creation_list, detached, values, written

DECODED = [name for name, (number, _) in PLUGINS.items() if codec_of(number).decode is not None]
"""HDF5 itself, with its plugins, crashes on some of what is here."""

CHECKED = [
    ("fletcher32",),
    ("shuffle", "fletcher32"),
    ("gzip",),
    ("shuffle", "gzip"),
    ("shuffle", "gzip", "fletcher32"),
    *(("shuffle", name, "fletcher32") for name in DECODED),
]
UNCHECKED = [(name,) for name in DECODED]


@pytest.fixture(scope="module", autouse=True)
def _all_on_the_engine() -> Iterator[None]:
    """However small an array is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hspyio.hdf5.dataset.SMALL", -1)
        yield


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "a.h5"


def made(path: Path, filters: tuple[str, ...], **changes: Any) -> NDArray[Any]:
    """An array of (20, 12) with 3 by 2 chunks, the last of them at an edge."""
    case = Case((20, 12), (20, 12), (8, 7), np.dtype("<i4"), filters, "earliest", seed=1)
    return written(path, replace(case, **changes))


def placed(path: Path) -> list[Any]:
    with h5py.File(path) as file:
        data = file["x"].id
        return [data.get_chunk_info(i) for i in range(data.get_num_chunks())]


def assert_names_the_chunk(error: DamagedFileError, path: Path, corner: tuple[int, ...]) -> None:
    assert (error.path, error.where) == (str(path), "/x")
    assert f"its chunk at {corner} cannot be read" in error.message


def read_or_none(lazy: Dataset, path: Path) -> NDArray[Any] | None:
    """What is read; nothing where there is an error, which has to name the place."""
    error = None
    try:
        return lazy.read()
    except DamagedFileError as caught:
        error = caught
    assert (error.path, error.where) == (str(path), "/x")
    return None


# changed bytes


@pytest.mark.parametrize("filters", CHECKED, ids=str)
def test_a_changed_byte_is_found_where_there_is_a_checksum(
    path: Path, filters: tuple[str, ...]
) -> None:
    """Some bytes matter to nobody, so that what is read may also be right."""
    expected = made(path, filters)
    info = placed(path)[3]
    content = path.read_bytes()
    places = {*range(12), *range(0, info.size, 5), info.size - 1}
    found = 0
    for i in places:
        broken = bytearray(content)
        broken[info.byte_offset + i] ^= 1 << i % 8
        path.write_bytes(bytes(broken))
        lazy = detached(path)
        read = read_or_none(lazy, path)
        if read is None:
            found += 1
        else:
            assert_same(read, expected)
        assert_same(lazy.read((slice(0, 8),)), expected[:8])
    assert found >= len(places) - 2


@given(st.sampled_from(CHECKED + UNCHECKED), st.data())
def test_anything_in_the_place_of_a_chunk(
    path: Path, filters: tuple[str, ...], data: st.DataObject
) -> None:
    """Never a crash; an error of ours, or values as they would be."""
    expected = made(path, filters)
    info = data.draw(st.sampled_from(placed(path)))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, info.size - 1))
        junk = data.draw(st.binary(min_size=1, max_size=min(8, info.size - start)))
        content[info.byte_offset + start : info.byte_offset + start + len(junk)] = junk
    path.write_bytes(bytes(content))
    lazy = detached(path)
    read = read_or_none(lazy, path)
    if read is not None and filters in CHECKED:
        assert_same(read, expected)


@pytest.mark.parametrize("filters", CHECKED, ids=str)
def test_a_chunk_of_nonsense(path: Path, filters: tuple[str, ...]) -> None:
    made(path, filters)
    infos = placed(path)
    content = path.read_bytes()
    for info in infos:
        broken = bytearray(content)
        broken[info.byte_offset : info.byte_offset + info.size] = bytes(
            i * 7 % 251 for i in range(info.size)
        )
        path.write_bytes(bytes(broken))
        with pytest.raises(DamagedFileError) as caught:
            detached(path).read()
        assert_names_the_chunk(caught.value, path, info.chunk_offset)


def test_a_wrong_checksum_says_so(path: Path) -> None:
    made(path, ("fletcher32",))
    info = placed(path)[-1]
    with path.open("r+b") as stream:
        stream.seek(info.byte_offset)
        stream.write(b"\xff")
    with pytest.raises(DamagedFileError, match="checksum") as caught:
        detached(path).read()
    assert_names_the_chunk(caught.value, path, (16, 7))
    assert re.search(r"a\.h5: /x: its chunk at \(16, 7\)", str(caught.value))


# cut off


@pytest.mark.parametrize("filters", [(), ("shuffle",), ("gzip",)], ids=str)
@pytest.mark.parametrize("threads", [1, 3])
def test_a_file_that_was_cut_after_it_was_opened(
    path: Path, filters: tuple[str, ...], threads: int
) -> None:
    expected = made(path, filters)
    lazy = detached(path)
    index, stored = lazy.chunk_index(), lazy.stored
    assert stored is not None
    end = int((index.offsets + index.sizes).max())
    for size in range(path.stat().st_size, int(index.offsets.min()) - 9, -7):
        with path.open("r+b") as stream:
            stream.truncate(size)
        with lazy.snapshot.open_source() as source:
            if size >= end:
                assert_same(read_chunks(stored, index, source, (), Workers(threads)), expected)
                continue
            with pytest.raises(DamagedFileError, match="its chunk at"):
                read_chunks(stored, index, source, (), Workers(threads))


def test_a_file_that_was_cut_before_its_index_was_read(path: Path) -> None:
    made(path, ("gzip",))
    for size in (0, 100, 2000, path.stat().st_size - 10):
        made(path, ("gzip",))
        lazy = detached(path)
        with path.open("r+b") as stream:
            stream.truncate(size)
        with pytest.raises(DamagedFileError) as caught:
            lazy.read()
        assert (caught.value.path, caught.value.where) == (str(path), "/x")


# chunks of another size


def replaced_chunk(path: Path, filters: tuple[str, ...], stored: bytes, mask: int = 0) -> Dataset:
    made(path, filters)
    with h5py.File(path, "r+") as file:
        file["x"].id.write_direct_chunk((8, 7), stored, mask)
    return detached(path)


WHOLE = bytes(8 * 7 * 4)


@pytest.mark.parametrize("change", [WHOLE[:-1], WHOLE + b"\0", b"", WHOLE * 1000])
@pytest.mark.parametrize("part", [(), (slice(9, 13), slice(8, 11))])
def test_a_chunk_that_decodes_to_another_size(path: Path, change: bytes, part: Any) -> None:
    cases: list[tuple[tuple[str, ...], bytes, int]] = [
        (("gzip",), zlib.compress(change), 0),
        (("shuffle", "gzip"), zlib.compress(change), 0),
        (("shuffle", "gzip"), change, 0b10),
        (("shuffle", "gzip"), change, 0b11),
        (("shuffle",), change, 0),
    ]
    for filters, stored, mask in cases:
        if not stored:
            continue
        with pytest.raises(DamagedFileError) as caught:
            replaced_chunk(path, filters, stored, mask).read(part)
        assert_names_the_chunk(caught.value, path, (8, 7))


@pytest.mark.parametrize("length", range(1, 9))
def test_a_chunk_that_is_nearly_nothing(path: Path, length: int) -> None:
    for filters in [*CHECKED, *UNCHECKED, ("fletcher32", "gzip"), ("gzip", "shuffle")]:
        for stored in (bytes(length), b"\xff" * length):
            with pytest.raises(DamagedFileError) as caught:
                replaced_chunk(path, filters, stored).read()
            assert (caught.value.path, caught.value.where) == (str(path), "/x")


def test_bytes_behind_the_end_of_a_stream_are_no_damage(path: Path) -> None:
    expected = made(path, ("gzip",))
    whole = np.zeros((8, 7), "<i4")
    whole[:, :5] = expected[8:16, 7:]
    lazy = replaced_chunk(path, ("gzip",), zlib.compress(whole.tobytes()) + b"more")
    assert_same(lazy.read(), expected)


# index entries that make no sense


def with_index(path: Path, change: Callable[[ChunkManifest], ChunkManifest], threads: int) -> Any:
    lazy = detached(path)
    assert lazy.stored is not None
    with lazy.snapshot.open_source() as source:
        return read_chunks(lazy.stored, change(lazy.chunk_index()), source, (), Workers(threads))


@pytest.mark.parametrize("filters", [(), ("gzip",), ("fletcher32",)], ids=str)
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("name", "value"),
    [("offsets", 2**62), ("offsets", -1), ("offsets", 10**9), ("sizes", 2**62), ("sizes", -1),
     ("sizes", 2**40), ("sizes", 0)],
)  # fmt: skip
def test_an_index_that_points_outside(
    path: Path, filters: tuple[str, ...], name: str, value: int, threads: int
) -> None:
    """Nothing is allocated for it."""
    made(path, filters)

    def change(index: ChunkManifest) -> ChunkManifest:
        numbers = getattr(index, name).copy()
        numbers[3] = value
        return replace(index, **{name: numbers})

    with pytest.raises(DamagedFileError, match=re.escape("its chunk at (8, 7)")):
        with_index(path, change, threads)


@pytest.mark.parametrize("offset", [2**40, 2**62, 2**63 - 1])
def test_a_file_whose_index_points_outside(path: Path, offset: int) -> None:
    check_offset(path, offset)


@pytest.mark.parametrize("offset", [2**63, 2**64 - 2])
def test_a_file_whose_index_points_beyond_int64(path: Path, offset: int) -> None:
    check_offset(path, offset)


def check_offset(path: Path, offset: int) -> None:
    expected = made(path, ("gzip",))
    content = path.read_bytes()
    old = struct.pack("<Q", placed(path)[3].byte_offset)
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, struct.pack("<Q", offset)))
    lazy = detached(path)
    with pytest.raises(DamagedFileError) as caught:
        lazy.read()
    assert (caught.value.path, caught.value.where) == (str(path), "/x")
    if "chunk at" in caught.value.message:
        assert_same(lazy.read((slice(0, 8),)), expected[:8])


@given(st.data())
def test_any_change_of_the_file_is_survived(path: Path, data: st.DataObject) -> None:
    """HDF5 finds most of it; what it hands on has to be enough for no crash."""
    made(path, ("shuffle", "gzip"))
    content = bytearray(path.read_bytes())
    # the B-tree of the chunks, whose keys hold sizes, masks and corners
    start = content.index(b"TREE\x01")
    for _ in range(data.draw(st.integers(1, 3))):
        place = start + data.draw(st.integers(24, 24 + 7 * 40))
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content))
    try:
        assert detached(path).read().shape == (20, 12)
    except (DamagedFileError, OverflowError):  # see the test of such offsets
        pass


# through the user's calls


def test_load_names_the_chunk(path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 9, (40, 100, 100), "u2")
    hspyio.save(path, hspyio.Signal(data), overwrite=True, chunks=(10, 100, 100))
    with h5py.File(path) as file:
        [name] = file["Experiments"]
        info = file[f"Experiments/{name}/data"].id.get_chunk_info(2)
    with path.open("r+b") as stream:
        stream.seek(info.byte_offset + 10)
        stream.write(b"\0" * 100)
    with pytest.raises(DamagedFileError, match=r"its chunk at \(20, 0, 0\)") as caught:
        hspyio.load(path, threads=2)
    assert caught.value.where == f"/Experiments/{name}/data"
    with pytest.raises(DamagedFileError, match=r"its chunk at \(20, 0, 0\)"):
        hspyio.load(path, lazy=True).data.compute()
    with pytest.warns(hspyio.HspyWarning, match=r"\(20, 0, 0\)"):
        salvaged = hspyio.load(path, errors="warn").data
    assert not salvaged[20:30].any()
    data[20:30] = 0
    assert np.array_equal(salvaged, data)


# chunks at the edge that are stored without the filters


@pytest.mark.parametrize("filters", [("gzip",), ("shuffle",), ("fletcher32",)], ids=str)
def test_unfiltered_chunks_at_the_edge(path: Path, filters: tuple[str, ...]) -> None:
    """H5Pset_chunk_opts(H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS), which h5py lacks."""
    libraries = list(Path(h5py.__file__).parents[1].glob("h5py.libs/libhdf5-*"))
    if not libraries:
        pytest.skip("h5py has no HDF5 library of its own")
    case = Case((20, 12), (20, 12), (8, 7), np.dtype("<i4"), filters)
    creation = creation_list(case)
    set_options = ctypes.CDLL(str(libraries[0])).H5Pset_chunk_opts
    set_options.argtypes = [ctypes.c_int64, ctypes.c_uint]
    assert set_options(creation.id, 2) >= 0
    expected = values(case.shape, case.dtype, 0)
    with h5py.File(path, "w") as file:
        space = h5s.create_simple(case.shape)
        h5d.create(file.id, b"x", h5t.STD_I32LE, space, creation).write(h5s.ALL, h5s.ALL, expected)
    assert_same(detached(path).read(), expected)
