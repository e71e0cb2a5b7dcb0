"""Arrays in one block, past HDF5: the same as h5py reads, and only what is asked for."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.arrays import contiguous as gather
from hspyio.arrays.contiguous import read_block
from hspyio.arrays.workers import Workers
from hspyio.errors import DamagedFileError
from hspyio.system import byte_source
from hspyio.system.byte_source import FileObjectBytes
from support.engine import (
    DTYPES,
    Case,
    assert_same,
    detached,
    part,
    selections,
    written,
)


@pytest.fixture(scope="module", autouse=True)
def _all_on_the_engine() -> Iterator[None]:
    """However small an array is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hspyio.hdf5.dataset.SMALL", -1)
        yield


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gather") / "a.h5"


class Counted:
    """Stands in for `read_into`, and notes where it was asked to read."""

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.ends: list[int] = []
        self._read = byte_source.read_into

    def __call__(self, descriptor: int, buffers: Any, offset: int) -> None:
        self.offsets.append(offset)
        self.ends.append(offset + sum(map(len, buffers)))
        self._read(descriptor, buffers, offset)


@given(st.data(), st.lists(st.integers(0, 23), min_size=1, max_size=3), st.booleans())
def test_unchunked_arrays(
    path: Path, data: st.DataObject, shape: list[int], somewhere: bool
) -> None:
    lengths, filled = tuple(shape), data.draw(st.booleans())
    dtype = data.draw(st.sampled_from(DTYPES))
    boxes = None if somewhere else ()
    case = Case(lengths, lengths, None, dtype, filled=filled, boxes=boxes)
    expected = written(path, case)
    selection = data.draw(selections(case.shape))
    lazy = detached(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gather, "_BLOCK", 16)
        assert_same(lazy.read(selection), part(expected, selection))
        if lazy.stored is None:
            return
        with lazy.snapshot.open_source() as source:
            read = read_block(lazy.stored, source, selection, Workers(3))
        elsewhere = FileObjectBytes(io.BytesIO(path.read_bytes()))
        assert_same(read_block(lazy.stored, elsewhere, selection, Workers(2)), read)
    assert_same(read, part(expected, selection))


def test_rows_of_a_block_are_read_alone(path: Path, monkeypatch: Any) -> None:
    expected = written(path, Case((10, 7), (10, 7), None, np.dtype("<i4")))
    lazy = detached(path)
    assert lazy.stored is not None
    assert lazy.stored.address is not None
    monkeypatch.setattr(byte_source, "read_into", counted := Counted())
    assert_same(lazy.read((slice(3, 5),)), expected[3:5])
    assert counted.offsets == [lazy.stored.address + 3 * 28]
    for selection in ((slice(0, 9, 2),), (slice(0, 3), slice(0, 3)), (2, 2)):
        assert_same(lazy.read(selection), part(expected, selection))
    assert len(counted.offsets) == 4
    assert counted.offsets[-1] + 4 == counted.ends[-1]


@given(st.data(), st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple))
def test_parts_of_a_block_are_read_without_most_of_the_rest(
    path: Path, data: st.DataObject, shape: tuple[int, ...]
) -> None:
    expected = written(path, Case(shape, shape, None, np.dtype("<i4")))
    lazy = detached(path)
    if lazy.stored is None or lazy.stored.address is None:
        return
    selection = data.draw(selections(shape))
    with pytest.MonkeyPatch.context() as patch, lazy.snapshot.open_source() as source:
        patch.setattr(gather, "_NEAR", 0)
        patch.setattr(gather, "_WASTE", 2)
        patch.setattr(byte_source, "read_into", counted := Counted())
        read = read_block(lazy.stored, source, selection, Workers(1))
    assert_same(read, expected[selection] if read.ndim else part(expected, selection))
    assert sum(counted.ends) - sum(counted.offsets) <= 2 * read.nbytes


def test_a_block_that_is_cut_off_is_an_error(path: Path) -> None:
    written(path, Case((1000,), (1000,), None, np.dtype("<i4")))
    lazy = detached(path)
    with path.open("r+b") as stream:
        stream.truncate(lazy.stored.address + 1000)  # type: ignore[union-attr, operator]
    with pytest.raises(DamagedFileError, match="the file before that") as caught:
        lazy.read()
    assert (caught.value.path, caught.value.where) == (str(path), "/x")
    assert lazy.read((slice(0, 250),)).shape == (250,)
    with pytest.raises(DamagedFileError):
        lazy.read((slice(249, 251),))
