"""Objects that HDF5 would crash on when it copies them are refused; all others it may copy."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.errors import DamagedFileError, SaveError
from hspyio.filters import lzf
from hspyio.hdf5 import local_snapshot
from hspyio.hdf5.writing import output

ROWS = np.empty((1, 2), object)
ROWS[0, 0], ROWS[0, 1] = np.arange(3.0), np.arange(2.0)
PLACE = "Experiments/A/metadata"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "a.hspy"
    titles = ({"General": {"title": title}, "x": ROWS} for title in "AB")
    signals = [Signal(np.zeros(3), metadata=tree) for tree in titles]
    hspyio.save(made, signals, compression="lzf", durable=False)
    return made


def filters_of(dataset: h5py.Dataset) -> list[Any]:
    creation = dataset.id.get_create_plist()
    return [creation.get_filter(number) for number in range(creation.get_nfilters())]


def replace_rows(path: Path, creation: Any) -> None:
    """Other rows, in one chunk."""
    with h5py.File(path, "r+") as file:
        del file[f"{PLACE}/x"]
        creation.set_chunk((1, 2))
        kind = h5py.h5t.py_create(h5py.vlen_dtype("f8"), logical=True)
        space = h5py.h5s.create_simple((1, 2))
        made = h5py.Dataset(h5py.h5d.create(file[PLACE].id, b"x", kind, space, creation))
        made[...] = ROWS
        if creation.get_filter(0)[0] == h5py.h5z.FILTER_DEFLATE:
            made.id.write_direct_chunk((0, 0), zlib.compress(bytes(2**20)))


def created() -> Any:
    return h5py.h5p.create(h5py.h5p.DATASET_CREATE)


def test_rows_have_no_size_of_chunks_among_the_options_of_lzf(path: Path) -> None:
    with h5py.File(path) as file:
        number, _, options, _ = filters_of(file[f"{PLACE}/x"])[-1]
        assert (number, options) == (lzf.CODEC.id, ())
        assert filters_of(file["Experiments/A/data"])[-1][2][2:] == (24,)
    for _ in range(10):
        hspyio.extract(path, "A", path.with_name("b.hspy"), overwrite=True, durable=False)
    found = hspyio.load(path.with_name("b.hspy")).metadata.x
    assert all(np.array_equal(*pair) for pair in zip(found.flat, ROWS.flat, strict=True))


@pytest.mark.parametrize("size", [16, 8, 40, 2**20])
def test_another_size_of_chunks_than_they_have_is_refused(size: int, path: Path) -> None:
    creation = created()
    creation.set_filter(lzf.CODEC.id, h5py.h5z.FLAG_OPTIONAL, (4, 261, size))
    replace_rows(path, creation)
    with pytest.raises(DamagedFileError, match=f"{PLACE}/x: says of its chunks"):
        hspyio.extract(path, "A", path.with_name("b.hspy"))
    assert not path.with_name("b.hspy").exists()
    assert hspyio.extract(path, "B", path.with_name("b.hspy"), durable=False) == ["B"]


@pytest.mark.parametrize("size", [0, 32])
def test_the_right_size_or_none_is_copied(size: int, path: Path) -> None:
    creation = created()
    creation.set_filter(lzf.CODEC.id, h5py.h5z.FLAG_OPTIONAL, (4, 261, size))
    replace_rows(path, creation)
    assert hspyio.extract(path, "A", path.with_name("b.hspy"), durable=False) == ["A"]


def test_a_chunk_that_inflates_to_more_than_it_holds_is_refused(path: Path) -> None:
    creation = created()
    creation.set_deflate(4)
    replace_rows(path, creation)
    with pytest.raises(DamagedFileError, match=rf"{PLACE}/x: its chunk at \(0, 0\) cannot be read"):
        hspyio.extract(path, "A", path.with_name("b.hspy"))
    assert [entry.name for entry in path.parent.iterdir()] == ["a.hspy"]


def test_a_full_disk_ends_the_copy_and_fills_no_memory(tmp_path: Path, monkeypatch: Any) -> None:
    path, data = tmp_path / "a.hspy", np.random.default_rng(0).random((64, 128, 64))
    hspyio.save(path, Signal(data), chunks=(1, 128, 64), compression=None, durable=False)
    read = 0
    read_up_to = local_snapshot.read_up_to

    def counted(descriptor: int, buffers: Any, offset: int) -> int:
        nonlocal read
        read += sum(buffer.nbytes for buffer in buffers)
        return read_up_to(descriptor, buffers, offset)

    def full(descriptor: int, pieces: Any, offset: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(local_snapshot, "read_up_to", counted)
    monkeypatch.setattr(output, "write_from", full)
    with pytest.raises(SaveError, match="No space left"):
        hspyio.extract(path, "__unnamed__", tmp_path / "b.hspy")
    assert read < data.nbytes / 4
