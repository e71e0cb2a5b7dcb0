"""Rows of variable length for tests: made, written by h5py and by us, and looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5s, h5t
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hspyio.hdf5.ragged import REFERENCE, read_rows
from hspyio.hdf5.writing.h5types import to_h5py
from hspyio.hdf5.writing.row_writer import row_access, write_rows
from hspyio.nodes.node import Array, RaggedArray
from hspyio.system.byte_source import LocalBytes

BASES = ("f8", ">f8", "f4", "u1", "?", "c16", "i2", "V3", "i4,f8", "g")
same_files = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)

bases = st.sampled_from(BASES).map(np.dtype)
shapes = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


def rows_of(base: np.dtype[Any]) -> st.SearchStrategy[np.ndarray]:
    sizes = st.one_of(st.integers(0, 5), st.integers(0, 600))
    return st.builds(lambda size, seed: row(base, size, seed), sizes, st.integers(0, 2**32 - 1))


def row(base: np.dtype[Any], size: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if base.kind in "fc":
        return rng.normal(size=size).astype(base)
    if base.kind == "b":
        return rng.integers(0, 2, size).astype(base)
    return np.frombuffer(rng.bytes(size * base.itemsize), base).copy()


@st.composite
def arrays(draw: st.DrawFn) -> tuple[np.dtype[Any], np.ndarray]:
    """A dtype, and an object array of rows of it."""
    base, shape = draw(bases), draw(shapes)
    size = int(np.prod(shape))
    return base, objects(draw(st.lists(rows_of(base), min_size=size, max_size=size)), shape)


def objects(items: list[Any], shape: tuple[int, ...] | None = None) -> np.ndarray:
    array = np.empty(len(items), object)
    for index, item in enumerate(items):
        array[index] = item
    return array if shape is None else array.reshape(shape)


def some_rows(count: int, longest: int, base: str = "f8", seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return objects(
        [row(np.dtype(base), int(n), i) for i, n in enumerate(rng.integers(0, longest, count))]
    )


def h5py_reads(path: Path, base: np.dtype[Any], values: np.ndarray) -> bool:
    """Whether h5py finds these rows."""
    if base.kind == "V":
        return True  # some versions cannot read empty ones
    with h5py.File(path) as file:
        found = file["x"][()]
    # It gives big-endian rows as they are, but calls them native.
    return same(objects([item.view(base) for item in found.ravel()], found.shape), values)


def same(read: np.ndarray, expected: np.ndarray) -> bool:
    return read.shape == expected.shape and all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(read.ravel(), expected.ravel(), strict=True)
    )


def references(path: Path, name: str = "x") -> np.ndarray:
    """What stands in an unchunked dataset."""
    with h5py.File(path) as file:
        offset, shape = file[name].id.get_offset(), file[name].shape
    if offset is None:
        return np.zeros(shape, REFERENCE)
    return np.fromfile(path, REFERENCE, int(np.prod(shape)), offset=offset).reshape(shape)


def read(path: Path, found: np.ndarray, base: Any) -> RaggedArray:
    with path.open("rb", buffering=0) as stream:
        return read_rows(found, LocalBytes(stream.fileno()), np.dtype(base))


def put(path: Path, values: np.ndarray, base: Any = "f8", **options: Any) -> None:
    """Write as h5py does."""
    with h5py.File(path, "w", **options) as file:
        dataset = file.create_dataset("x", values.shape, h5py.vlen_dtype(np.dtype(base)))
        for index in np.ndindex(values.shape):
            dataset[index] = values[index]


def put_rows(path: Path, array: Array) -> None:
    """Write as we do."""
    dtype = to_h5py(array.type)
    kind = h5t.py_create(dtype, logical=True)
    with h5py.File(path, "w") as file:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        if array.chunks:
            creation.set_chunk(array.chunks)
            creation.set_deflate(4)
        space = h5s.create_simple(array.shape)
        dataset = h5d.create(file.id, b"x", kind, space, creation, None, row_access(array))
        write_rows(dataset, array)
