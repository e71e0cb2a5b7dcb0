"""Where HDF5 has put the chunks of a dataset that is being written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t

from hspyio.arrays.grid import ChunkGrid
from hspyio.hdf5.writing.dataset_writer import allocated_chunks, takes_bytes

SHAPE, CHUNK = (10, 7), (4, 3)
GRID = ChunkGrid(SHAPE, CHUNK)


def made(file: h5py.File, limits: Any = None) -> h5d.DatasetID:
    """A dataset whose chunks all have their places with the first of them."""
    creation = h5p.create(h5p.DATASET_CREATE)
    creation.set_chunk(CHUNK)
    creation.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    space = h5s.create_simple(SHAPE, limits)
    return h5d.create(file.id, b"x", h5t.NATIVE_INT32, space, creation)


@pytest.mark.parametrize("libver", ["earliest", ("v108", "latest"), "latest"])
@pytest.mark.parametrize("limits", [None, (h5s.UNLIMITED, 7), (h5s.UNLIMITED, h5s.UNLIMITED)])
def test_values_that_are_put_there_are_what_hdf5_reads(
    tmp_path: Path, libver: Any, limits: Any
) -> None:
    path = tmp_path / "a.h5"
    values = np.arange(70, dtype="i4").reshape(SHAPE)
    with h5py.File(path, "w", libver=libver) as file:
        dataset = made(file, limits)
        assert takes_bytes(dataset, GRID)
        places = allocated_chunks(dataset, GRID)
    assert places.ids.tolist() == list(range(9))
    with path.open("r+b") as stream:
        for number, offset in zip(places.ids.tolist(), places.offsets.tolist(), strict=True):
            chunk = np.zeros(CHUNK, "i4")
            part = values[GRID.region(number)]
            chunk[tuple(map(slice, part.shape))] = part
            stream.seek(offset)
            stream.write(chunk.tobytes())
    with h5py.File(path) as file:
        assert (file["x"][:] == values).all()


def test_what_hdf5_lists_wrongly_is_left_to_it(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        assert not takes_bytes(made(file, (10, h5s.UNLIMITED)), GRID)


def test_a_file_with_a_user_block_is_left_to_it(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=512) as file:
        assert not takes_bytes(made(file), GRID)


def test_values_that_it_converts_are_left_to_it(tmp_path: Path) -> None:
    kind = h5t.STD_U16LE.copy()
    kind.set_precision(14)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = h5d.create(file.id, b"x", kind, h5s.create_simple(SHAPE))
        assert not takes_bytes(dataset, GRID)
