"""numpy dtypes in the dtypes that HDF5 stores."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hspyio import Signal, load, save
from hspyio.compare import value_differences
from hspyio.converters.dtypes import from_stored, same_dtype, stored_dtype, to_stored
from hspyio.errors import UnsupportedTypeError
from hspyio.testing.strategies import dtypes
from support.dtypes import ODD

shapes = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)
arrays = dtypes().flatmap(lambda dtype: hnp.arrays(dtype, shapes))


def comes_back(array: np.ndarray) -> None:
    stored = to_stored(array)
    assert same_dtype(stored.dtype, stored_dtype(array.dtype))
    assert stored.shape == array.shape
    assert not value_differences(from_stored(stored, array.dtype), array)


@given(arrays)
def test_an_array_comes_back_from_its_stored_dtype(array: np.ndarray) -> None:
    comes_back(array)


def filled(dtype: np.dtype[Any], shape: tuple[int, ...] = (2, 2)) -> np.ndarray:
    """Some values, each other than zero."""
    array = np.zeros(shape, dtype)
    if dtype.names is not None:
        for name in dtype.names:
            base, inner = dtype[name].subdtype or (dtype[name], ())
            array[name] = filled(base, shape + inner)
    elif dtype.itemsize and dtype.kind in "SUV":
        array[...] = {"S": b"a", "U": "é", "V": b"a\0b"}[dtype.kind]
    elif dtype.itemsize:
        array[...] = np.arange(1, array.size + 1).reshape(array.shape).astype(dtype)
    return array


ODD_ARRAYS = [filled(dtype, shape) for dtype in ODD for shape in ((2, 2), (), (0, 3))]


@pytest.mark.parametrize("index", range(len(ODD_ARRAYS)))
def test_an_array_of_an_odd_dtype_comes_back(index: int) -> None:
    comes_back(ODD_ARRAYS[index])


@given(arrays)
def test_strides_make_no_difference(array: np.ndarray) -> None:
    comes_back(np.asfortranarray(array))
    comes_back(np.repeat(array.ravel(), 2)[::2])
    comes_back(array.ravel()[::-1])
    if array.ndim:
        comes_back(np.broadcast_to(array.ravel()[:1], (3, array[:1].size and 1)))


@given(st.one_of(dtypes(), st.sampled_from(ODD)))
def test_the_stored_dtype_is_stored_as_it_is(dtype: np.dtype[Any]) -> None:
    stored = stored_dtype(dtype)
    assert same_dtype(stored_dtype(stored), stored)
    array = np.zeros(2, stored)
    if stored.subdtype is None:
        assert to_stored(array) is array
        assert from_stored(array, stored) is array


@given(st.one_of(arrays, st.sampled_from(ODD_ARRAYS)))
def test_hdf5_takes_the_stored_dtype_and_gives_it_back(array: np.ndarray) -> None:
    stored = to_stored(array)
    with h5py.File(io.BytesIO(), "w") as file:
        file.create_dataset("x", data=stored, dtype=stored.dtype)
        dataset = file["x"]
        assert dataset.dtype == stored.dtype  # but for numpy's note that it is aligned
        if array.size:
            read = np.empty(dataset.shape, stored.dtype)
            dataset.read_direct(read)
            assert not value_differences(from_stored(read, array.dtype), array)


@pytest.mark.parametrize(
    "dtype",
    [np.dtype("O"), np.dtype([("a", "O")]), np.dtype([]), np.dtypes.StringDType(),
     np.dtype([("a", "i1"), ("b", "f8", (0, 2))]),
     np.dtype([("a", [("b", "O", (2,))])])],
)  # fmt: skip
def test_what_nothing_carries_is_a_type_error(dtype: np.dtype[Any]) -> None:
    with pytest.raises(TypeError, match="no form in HDF5"):
        stored_dtype(dtype)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<f8", ">f8"),
        ("M8[s]", "M8[ms]"),
        ("S2", "S3"),
        (np.dtype("i1,f8"), np.dtype("i1,f8", align=True)),
        (ODD[2], np.dtype([("x", "f8"), ("/y", "i2")])),
        (ODD[6], np.dtype("c16")),
        (np.dtype([("a", "i1")]), np.dtype([("b", "i1")])),
        (np.dtype(("i4", (2,))), np.dtype(("i4", (3,)))),
    ],
)
def test_dtypes_differ_down_to_offsets_and_titles(one: Any, other: Any) -> None:
    assert same_dtype(np.dtype(one), np.dtype(one))
    assert not same_dtype(np.dtype(one), np.dtype(other))


def test_what_does_not_hold_a_dtype_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not hold"):
        from_stored(np.zeros(2), np.dtype("i4,M8[s]"))
    with pytest.raises((ValueError, TypeError, AttributeError)):
        from_stored(np.zeros(2), np.dtype([("a", "U2")]))


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("dtype", [">G", np.dtype([("r", "g"), ("i", "g")])], ids=str)
def test_data_of_long_complex_numbers(dtype: Any, lazy: bool, tmp_path: Path) -> None:
    """h5py takes swapped ones for native ones, when it writes and when it reads."""
    data = filled(np.dtype(dtype))
    save(tmp_path / "a.hspy", Signal(da.from_array(data) if lazy else data))
    loaded = load(tmp_path / "a.hspy", lazy=lazy).data
    assert loaded.dtype == data.dtype
    assert not value_differences(np.asarray(loaded), data)
    if dtype == ">G":
        with h5py.File(tmp_path / "a.hspy") as file:
            assert np.array_equal(file["Experiments/__unnamed__/data"][()], data)


def test_more_dimensions_than_hdf5_has(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedTypeError, match="data: has 33 dimensions, and HDF5 at most 32"):
        save(tmp_path / "a.hspy", Signal(np.zeros((1,) * 33)))
