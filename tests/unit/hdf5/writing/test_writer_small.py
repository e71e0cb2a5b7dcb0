"""Lists: small datasets, written and read by the thousand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hspyio.hdf5.writing.h5types import WriteTypes
from hspyio.hdf5.writing.writer import _SmallWriter as SmallWriter
from hspyio.nodes.node import Array, Filter, GraphSource, MemorySource, Text, Vlen


@pytest.fixture
def file(tmp_path: Path) -> Iterator[h5py.File]:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        yield file


def objects(*items: bytes) -> np.ndarray:
    values = np.empty(len(items), object)
    values[:] = items
    return values


def array(values: Any, kind: Any = None, **options: Any) -> Array:
    values = np.asarray(values)
    return Array(values.dtype if kind is None else kind, MemorySource(values), **options)


# writing


def test_what_is_written_is_what_h5py_reads(file: h5py.File) -> None:
    writer = SmallWriter(WriteTypes())
    arrays = {
        "float": array([1.5, 2]), "more": array([3.5, 4]), "one": array([5.5]),
        "bool": array([True]),
        "big": array(np.arange(3, dtype=">i4")), "strided": array(np.arange(6)[::2]),
        "turned": array(np.arange(6).reshape(2, 3).T), "none": array(np.zeros(0)),
        "text": array(objects(b"a", "µ".encode()), Text()),
        "ascii": array(objects(b"a"), Text(utf8=False)),
        "fixed": array(np.array([b"a\0b", b"c"]), Text(3)),
    }  # fmt: skip
    for name, node in arrays.items():
        assert writer.write(file.id, name.encode(), node)
    for name, node in arrays.items():
        dataset = file[name]
        assert dataset.chunks is None
        assert dataset[...].tolist() == node.source.read().tolist()
    assert file["bool"].dtype == bool
    assert file["big"].dtype == np.dtype(">i4")
    flags = {name: h5py.check_string_dtype(file[name].dtype) for name in ("text", "ascii", "fixed")}
    assert flags == {"text": ("utf-8", None), "ascii": ("ascii", None), "fixed": ("utf-8", 3)}


def test_only_small_arrays_in_memory_are_taken(file: h5py.File) -> None:
    import dask.array

    values = np.zeros(4)
    rows = np.empty(1, object)
    rows[0] = values
    others = (
        array(values, chunks=(2,)),
        array(values, chunks=(2,), filters=(Filter(1, (4,), "gzip"),)),
        array(values, maxshape=(None,)),
        array(rows, Vlen(values.dtype)),
        Array(values.dtype, GraphSource(dask.array.zeros(4))),
    )
    writer = SmallWriter(WriteTypes())
    for node in others:
        assert not writer.write(file.id, b"x", node)
    assert not list(file)
