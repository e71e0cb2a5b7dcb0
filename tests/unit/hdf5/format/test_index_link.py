"""A header that HDF5 has made leads to an index, or says that it is none for that."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hspyio
from hspyio.errors import SaveError
from hspyio.hdf5.format.index_link import lead_to_index, linked
from hspyio.hdf5.format.superblock import lookup3
from hspyio.hdf5.writing import dataset_writer


def header(path: Path, libver: Any, **options: Any) -> int:
    with h5py.File(path, "w", libver=libver) as file:
        data = file.create_dataset("data", (4, 4), "u2", **options)
        return int(h5py.h5o.get_info(data.id).addr)


@pytest.mark.parametrize("options", [{}, {"compression": "gzip", "shuffle": True, "fillvalue": 3}])
def test_only_the_address_and_the_checksum_change(tmp_path: Path, options: Any) -> None:
    path = tmp_path / "a.h5"
    place = header(path, ("v108", "latest"), chunks=(2, 2), maxshape=(None, 4), **options)
    before = path.read_bytes()
    descriptor = os.open(path, os.O_RDWR)
    lead_to_index(descriptor, place, 0x123456)
    os.close(descriptor)
    after = path.read_bytes()
    changed = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    assert place < changed[0] and changed[-1] < place + 400
    assert len(changed) <= 12
    assert (0x123456).to_bytes(8, "little") in after[place:]
    block = linked(before[place:], 0x123456)
    assert block is not None and lookup3(block[:-4]) == int.from_bytes(block[-4:], "little")


@pytest.mark.parametrize(
    ("libver", "options"),
    [
        ("earliest", {"chunks": (2, 2)}),
        ("latest", {"chunks": (2, 2), "maxshape": (None, 4)}),
        (("v108", "latest"), {}),
    ],
)
def test_another_header_is_refused(tmp_path: Path, libver: Any, options: Any) -> None:
    path = tmp_path / "a.h5"
    place = header(path, libver, **options)
    descriptor = os.open(path, os.O_RDWR)
    try:
        with pytest.raises(SaveError, match="does not lead to chunks"):
            lead_to_index(descriptor, place, 5)
    finally:
        os.close(descriptor)
    assert linked(b"OHDR\x02\x00\x00", 5) is None


# many small chunks, which HDF5 never sees


def places(path: Path) -> tuple[list[tuple[int, ...]], list[int], int]:
    """Corners and offsets of the chunks of the data, and where the first node of their index is."""
    with h5py.File(path) as file:
        low = next(iter(file["Experiments"].values()))["data"].id
        infos = [low.get_chunk_info(i) for i in range(low.get_num_chunks())]
    corners = [tuple(info.chunk_offset) for info in infos]
    return corners, [info.byte_offset for info in infos], path.read_bytes().index(b"TREE\x01")


SHAPES = st.lists(st.integers(1, 13), min_size=1, max_size=3)


@given(
    shape=SHAPES, chunk=SHAPES, threads=st.integers(1, 3),
    options=st.sampled_from([{}, {"compression_opts": 9}, {"shuffle": False}]),
)  # fmt: skip
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_program_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: list[int], chunk: list[int],
    threads: int, options: dict[str, Any],
) -> None:  # fmt: skip
    monkeypatch.setattr(dataset_writer, "_MANY_CHUNKS", 1)
    path = tmp_path / "a.hspy"
    chunks = tuple(min(n, step) for n, step in zip(shape, [*chunk, 1, 1], strict=False))
    data = np.random.default_rng(0).integers(0, 9, shape).astype("u2")
    signal = hspyio.Signal(data)
    hspyio.save(path, signal, chunks=chunks, overwrite=True, threads=threads, **options)
    with h5py.File(path) as file:
        dataset = next(iter(file["Experiments"].values()))["data"]
        assert dataset.chunks == chunks
        np.testing.assert_array_equal(dataset[...], data)
    np.testing.assert_array_equal(hspyio.load(path).data, data)
    assert hspyio.info(path).unused_bytes == 0
    corners, offsets, _ = places(path)
    assert corners == sorted(corners)
    assert offsets == sorted(offsets)


MANY = np.random.default_rng(0).poisson(20, (40, 50, 16)).astype("u2")


@pytest.fixture
def many(tmp_path: Path) -> Path:
    path = tmp_path / "many.hspy"
    hspyio.save(path, hspyio.Signal(MANY, signal_dimension=1), chunks=(1, 1, 16))
    return path


def test_the_index_stands_before_the_chunks_and_nothing_behind_them(many: Path) -> None:
    _, offsets, index = places(many)
    assert len(offsets) == 2000
    assert index < min(offsets)
    content = many.read_bytes()
    assert content.rindex(b"OHDR") < index
    assert content.rindex(b"TREE\x01") < min(offsets)
    with h5py.File(many) as file:
        low = next(iter(file["Experiments"].values()))["data"].id
        last = low.get_chunk_info(1999)
    assert last.byte_offset + last.size == len(content)


def test_hdf5_goes_on_with_them(many: Path) -> None:
    with h5py.File(many, "r+") as file:
        data = next(iter(file["Experiments"].values()))["data"]
        data[3] = 0
        file.create_dataset("more", data=np.arange(100_000), chunks=(10,), compression="gzip")
    expected = MANY.copy()
    expected[3] = 0
    np.testing.assert_array_equal(hspyio.load(many).data, expected)
    with h5py.File(many) as file:
        np.testing.assert_array_equal(file["more"][...], np.arange(100_000))


def test_what_comes_after_them_finds_them(many: Path, tmp_path: Path) -> None:
    signal = hspyio.load(many)
    signal.metadata.set_item("General.note", "x")
    hspyio.update(many, signal)
    hspyio.append(many, hspyio.Signal(MANY[:, :, 0], metadata={"General": {"title": "image"}}))
    new = tmp_path / "new.hspy"
    hspyio.repack(many, new)
    for path in (many, new):
        loaded = hspyio.load(path, name=next(iter(hspyio.open(path))))
        np.testing.assert_array_equal(loaded.data, MANY)
    assert hspyio.verify(new).ok
    assert hspyio.validate(new).ok


def test_a_sealed_file_is_written_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "sealed.hspy"
    signal = hspyio.Signal(MANY, signal_dimension=1)
    hspyio.save(path, signal, chunks=(1, 1, 16), checksum=True)
    assert hspyio.verify(path).ok
    np.testing.assert_array_equal(hspyio.load(path).data, MANY)


def test_a_file_that_was_cut_keeps_the_chunks_it_has(many: Path, tmp_path: Path) -> None:
    _, offsets, _ = places(many)
    with many.open("r+b") as file:
        file.truncate(offsets[1500])
    hspyio.rescue(many, tmp_path / "new.hspy")
    found = hspyio.load(tmp_path / "new.hspy").data
    np.testing.assert_array_equal(found[:30], MANY[:30])
    assert not found[30:].any()


def test_a_header_without_a_place_for_an_index_leaves_them_to_hdf5(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_writer, "can_lead_to_index", lambda *_: False)
    path = tmp_path / "a.hspy"
    hspyio.save(path, hspyio.Signal(MANY, signal_dimension=1), chunks=(1, 1, 16))
    np.testing.assert_array_equal(hspyio.load(path).data, MANY)
