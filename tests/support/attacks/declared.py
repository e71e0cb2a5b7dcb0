"""Files that declare far more than their bytes can stand for: in shapes, lists, rows and ranks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t

from support.handmade import skeleton

__all__ = ["FILES"]

Make = Callable[[Path], None]
HUGE = 10**18


def _in_metadata(name: str, shape: tuple[int, ...], dtype: Any = "f8", **options: Any) -> Make:
    def make(path: Path) -> None:
        with skeleton(path) as experiment:
            experiment["metadata"].create_dataset(name, shape, dtype, **options)

    return make


def _as_data(shape: tuple[int, ...], dtype: Any = "f8", **options: Any) -> Make:
    def make(path: Path) -> None:
        with skeleton(path, data=None, shape=shape) as experiment:
            experiment.create_dataset("data", shape, dtype, **options)

    return make


def _rows(kind: Any = "f8") -> Any:
    return h5py.vlen_dtype(np.dtype(kind))


def _shapes_of_rows(values: list[int], item: int) -> Make:
    """A ragged array whose shapes say more than its rows have."""

    def make(path: Path) -> None:
        with skeleton(path) as experiment:
            tree = experiment["metadata"]
            rows = tree.create_dataset("_ragged_array_r", (2,), _rows())
            rows[0] = rows[1] = np.arange(float(item))
            shapes = tree.create_dataset("_ragged_shapes__ragged_array_r", (2,), _rows("i8"))
            shapes[0] = shapes[1] = values
            plain = tree.create_dataset("r", (2,), _rows())
            plain[0] = plain[1] = np.arange(float(item))
            own = tree.create_dataset("_ragged_shapes_r", (2,), _rows("i8"))
            own[0] = own[1] = values

    return make


def _array_type(path: Path) -> None:
    """A type that is an array of billions, in an attribute and in a dataset."""
    with skeleton(path) as experiment:
        tree = experiment["metadata"]
        kind = h5t.array_create(h5t.NATIVE_UINT8, (2**15, 2**15))
        creation = h5p.create(h5p.DATASET_CREATE)
        creation.set_chunk((1,))
        space = h5s.create_simple((2**20,))
        h5d.create(tree.id, b"arrays", kind, space, creation)
        h5d.create(tree.id, b"_list_arrays", kind, space, creation)


def _sizes_of_axes(path: Path) -> None:
    with skeleton(path) as experiment:
        for i in range(2):
            experiment[f"axis-{i}"].attrs["size"] = HUGE


def _list_attributes(path: Path) -> None:
    with skeleton(path) as experiment:
        tree = experiment["metadata"]
        tree.attrs["empties"] = np.empty((0, 2**20, 2**20), "f8")
        tree.attrs["_list_empties"] = np.empty((2**20, 0), "f8")
        tree.attrs["_tuple_empties"] = np.empty((2**10,) * 5 + (0,), "S1")


FILES: dict[str, Make] = {
    "list of 12 dimensions": _in_metadata("_list_a", (10,) * 12, chunks=(1,) * 12),
    "list of 12 dimensions of texts": _in_metadata(
        "_list_a", (30,) * 12, h5py.string_dtype(), chunks=(1,) * 12
    ),
    "list of 12 dimensions of objects": _in_metadata(
        "_list_a", (4,) * 12, _rows(), chunks=(4,) * 12
    ),
    "list of nothing but empty lists": _in_metadata(
        "_list_a", (10**9, 0), chunks=(1, 1), maxshape=(None, None)
    ),
    "list of nothing in 12 dimensions": _in_metadata(
        "_list_a", (10,) * 11 + (0,), maxshape=(None,) * 12, chunks=(1,) * 12
    ),
    "texts of no length": _in_metadata(
        "t", (10**6, 10**6, 0), h5py.string_dtype(), maxshape=(None,) * 3, chunks=(1, 1, 1)
    ),
    "rows that are empty": _in_metadata(
        "r", (10**9, 0), _rows(), maxshape=(None, None), chunks=(1, 1)
    ),
    "no values in many dimensions": _in_metadata(
        "a", (10**9, 10**9, 0), chunks=(1, 1, 1), maxshape=(None,) * 3
    ),
    "10^18 values": _in_metadata("a", (HUGE,), "u1", chunks=(1024,)),
    "10^18 values of one": _in_metadata("a", (HUGE,), "u1", fillvalue=1, chunks=(1024,)),
    "2^30 values in 32 dimensions": _in_metadata("a", (2,) * 30 + (1, 1), "u1", chunks=(1,) * 32),
    "10^18 texts": _in_metadata("t", (HUGE,), h5py.string_dtype(), chunks=(1024,)),
    "a list of one text of 200 MB": _in_metadata("_list_t", (1,), "S200000000", chunks=(1,)),
    "10^18 rows": _in_metadata("r", (HUGE,), _rows(), chunks=(1024,)),
    "10^6 rows that were never written": _in_metadata("r", (1000, 1000), _rows(), chunks=(10, 10)),
    "10^18 data": _as_data((HUGE,), "u1", chunks=(1024,)),
    "10^18 data in chunks of one": _as_data((10**6,) * 3, "u1", chunks=(1, 1, 1)),
    "data of 2^36 bytes": _as_data((2**18, 2**18), "u1", chunks=(2**10, 2**10)),
    "data of 32 dimensions": _as_data((2,) * 32, "f8", chunks=(1,) * 32),
    "no data in huge dimensions": _as_data(
        (10**9, 10**9, 0), "f8", chunks=(1, 1, 1), maxshape=(None,) * 3
    ),
    "10^18 rows as data": _as_data((10**9, 10**9), _rows(), chunks=(100, 100)),
    "10^18 texts as data": _as_data((HUGE,), "S8", chunks=(1024,)),
    "shapes that go round": _shapes_of_rows([2**32, 2**32, 4], 4),
    "shapes of nothing": _shapes_of_rows([10**9, 0, 10**9], 0),
    "shapes of 60 dimensions": _shapes_of_rows([2] * 60, 4),
    "arrays as a type": _array_type,
    "sizes of axes": _sizes_of_axes,
    "attributes of nothing": _list_attributes,
}
