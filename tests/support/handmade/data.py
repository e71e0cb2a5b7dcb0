"""Data of every storage and dtype, ragged data among them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from support.handmade.tools import (
    DATA,
    FLAT_RAGGED,
    GARBAGE,
    RAGGED,
    VECTOR,
    put,
    put_ragged,
    skeleton,
)


def contiguous_data(path: Path) -> None:
    """Data that are not chunked."""
    with skeleton(path, data=None, shape=DATA.shape) as experiment:
        experiment.create_dataset("data", data=DATA)


def scalar_data(path: Path) -> None:
    """A scalar dataset as data, without axes."""
    with skeleton(path, data=np.array(2.5), signal_dimension=0):
        pass


def big_endian_data(path: Path) -> None:
    """Data and a metadata array of big-endian numbers."""
    with skeleton(path, data=DATA.astype(">i2")) as experiment:
        put(experiment["metadata"], "array", VECTOR.astype(">f4"))


def rgb_data(path: Path) -> None:
    """Data of a structured dtype, one field a colour."""
    pixels = np.zeros((2, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    pixels["G"] = DATA[..., 1]
    with skeleton(path, data=pixels, signal_dimension=2):
        pass


def bad_data_chunk(path: Path) -> None:
    """Compressed data in two chunks, the second of which is garbage."""
    with skeleton(path, data=None, shape=DATA.shape) as experiment:
        data = experiment.create_dataset("data", data=DATA, chunks=(1, 3, 4), compression="gzip")
        data.id.write_direct_chunk((1, 0, 0), GARBAGE)


def ragged_data_without_shapes(path: Path) -> None:
    """Ragged data as versions before 3.1 had them: rows only, each of them flat."""
    with skeleton(path, version="3.0", data=None, shape=(3,), signal_dimension=0) as experiment:
        put_ragged(experiment, "data", FLAT_RAGGED, None)


def ragged_data_with_ragged_shapes(path: Path) -> None:
    """Ragged data of version 3.1, with one dataset `ragged_shapes`."""
    with skeleton(path, version="3.1", data=None, shape=(4,), signal_dimension=0) as experiment:
        put_ragged(experiment, "data", RAGGED, "ragged_shapes")


def ragged_data(path: Path) -> None:
    """Ragged data of version 3.3, with the shapes in `_ragged_shapes_data`."""
    with skeleton(path, data=None, shape=(4,), signal_dimension=0) as experiment:
        put_ragged(experiment, "data", RAGGED, "_ragged_shapes_data")
        put(experiment, "attributes", {"_lazy": False, "ragged": True})


def ragged_data_without_axes(path: Path) -> None:
    """One ragged element and an empty list of axes."""
    with skeleton(path, data=None, axes="none", signal_dimension=0) as experiment:
        put_ragged(experiment, "data", RAGGED[:1], "_ragged_shapes_data")
        put(experiment, "_list_1_axes", {})


def ragged_data_of_strings(path: Path) -> None:
    """Ragged data whose rows are strings."""
    with skeleton(path, data=None, shape=(2,), signal_dimension=0) as experiment:
        rows = experiment.create_dataset(
            "data", (2,), h5py.vlen_dtype(h5py.string_dtype()), chunks=(2,)
        )
        shapes = experiment.create_dataset(
            "_ragged_shapes_data", (2,), h5py.vlen_dtype(np.dtype(np.int64)), chunks=(2,)
        )
        for index, row in enumerate((["Fe", "Å"], ["O"])):
            rows[index] = np.array(row, object)
            shapes[index] = np.array([len(row)], np.int64)


def contiguous_ragged_data(path: Path) -> None:
    """Ragged data without shapes in datasets that are not chunked."""
    with skeleton(path, version="3.0", data=None, shape=(3,), signal_dimension=0) as experiment:
        rows = experiment.create_dataset("data", (3,), h5py.vlen_dtype(FLAT_RAGGED[0].dtype))
        for index, item in enumerate(FLAT_RAGGED):
            rows[index] = item
