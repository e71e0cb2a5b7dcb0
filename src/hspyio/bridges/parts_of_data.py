"""Data that netCDF and Zarr have no type for, as data that they have, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.errors import ConversionError, Problem
from hspyio.nodes.json import dtype_from_json, dtype_to_spec

if TYPE_CHECKING:
    import xarray
    from numpy.typing import NDArray

__all__ = [
    "FIELD",
    "FIELDS",
    "join_parts",
    "split_complex",
    "split_fields",
    "with_known_floats",
    "with_known_times",
]

_REAL, _IMAGINARY = "_real", "_imag"
_PART = "hspy_part"
FIELDS = "hspy_fields"
FIELD = "field"


def split_complex(array: xarray.DataArray, notes: list[Problem]) -> xarray.Dataset:
    """Make two variables of complex data; others stay one."""
    if array.dtype.kind != "c":
        return array.to_dataset()
    name = str(array.name)
    notes.append(Problem(name, f"is complex: held as {name}{_REAL} and {name}{_IMAGINARY}"))
    real = array.real.assign_attrs({**array.attrs, _PART: "real"})
    imaginary = array.imag.assign_attrs({_PART: "imag"})
    parts = {f"{name}{_REAL}": real, f"{name}{_IMAGINARY}": imaginary}
    made: xarray.Dataset = array.coords.to_dataset().assign(parts)
    return made


def split_fields(array: xarray.DataArray, notes: list[Problem]) -> xarray.DataArray:
    """Make a dimension of the fields of structured data, such as R, G and B."""
    import xarray

    dtype = array.dtype
    if dtype.names is None:
        return array
    assert dtype.fields is not None
    types = [dtype.fields[name][0] for name in dtype.names]
    if any(kind.kind not in "biufc" for kind in types) or FIELD in array.dims:
        raise ConversionError("cannot be held", [Problem("data", f"have the dtype {dtype}")])
    common = np.result_type(*types)
    listed = ", ".join(dtype.names)
    notes.append(Problem(str(array.name), f"has fields: {listed} become a dimension {FIELD!r}"))
    parts = [array.copy(data=array.data[name].astype(common)) for name in dtype.names]
    made: xarray.DataArray = xarray.concat(parts, FIELD, coords="minimal", compat="override")
    made = made.transpose(*array.dims, FIELD).rename(array.name)
    return made.assign_attrs({**array.attrs, FIELDS: json.dumps(dtype_to_spec(dtype))})


def with_known_floats(
    array: xarray.DataArray, notes: list[Problem], *, half: bool
) -> xarray.DataArray:
    """Make the nearest floats of those that few programs know."""
    name = array.dtype.type.__name__
    if name == "float16" and not half:
        new, loss = np.dtype("float32"), ""
    elif name in ("longdouble", "clongdouble"):
        new, loss = np.dtype(f"{array.dtype.kind}{array.dtype.itemsize // 2}"), ", rounded"
    else:
        return array
    notes.append(Problem(str(array.name), f"is {array.dtype}: held as {new}{loss}"))
    return array.astype(new, keep_attrs=True)


_FINE = ("s", "ms", "us", "ns")
_COUNTED = {"M": ("D", "h", "m", *_FINE), "m": _FINE}
"""Units that xarray counts moments and durations in without a remark."""
_COARSE = {
    "M": dict.fromkeys("WMY", "D"),
    "m": dict.fromkeys("WDhm", "s"),
}


def with_known_times(array: xarray.DataArray) -> xarray.DataArray:
    """Make the same moments and durations in the units that netCDF and Zarr count in."""
    dtype = array.dtype
    if dtype.kind not in "mM":
        return array
    unit, step = np.datetime_data(dtype)
    counted_in = _COUNTED[dtype.kind]
    if unit in counted_in and step == 1:
        return array
    word = "datetime64" if dtype.kind == "M" else "timedelta64"
    new = np.dtype(f"{dtype.kind}8[{_COARSE[dtype.kind].get(unit, unit)}]")
    if np.datetime_data(new)[0] not in counted_in:
        known = ", ".join(counted_in)
        message = f"are {dtype}: give a {word} of one of the units {known}, such as {word}[s]"
        raise ConversionError("cannot be held by netCDF and Zarr", [Problem("data", message)])

    def counted(values: NDArray[Any]) -> NDArray[Any]:
        made = values.astype(new)
        if not np.array_equal(made.astype(dtype).view(np.int64), values.view(np.int64)):
            message = f"are {dtype}, some too far off for {new}"
            raise ConversionError("cannot be held by netCDF and Zarr", [Problem("data", message)])
        return made

    return _applied(counted, [array], new, array.attrs)


def join_parts(dataset: xarray.Dataset) -> xarray.Dataset:
    """Inverse of `split_complex` and `split_fields`, where they have left their marks."""
    for name in [name for name in dataset.data_vars if dataset[name].attrs.get(_PART) == "real"]:
        stem = str(name).removesuffix(_REAL)
        other = f"{stem}{_IMAGINARY}"
        if other in dataset:
            whole = _complex_array(dataset[name], dataset[other])
            dataset = dataset.drop_vars([name, other]).assign({stem: whole})
    for name in [name for name in dataset.data_vars if FIELDS in dataset[name].attrs]:
        whole = _structured_array(dataset[name])
        dataset = dataset.drop_vars(name).drop_dims(FIELD, errors="ignore").assign({name: whole})
    return dataset


def _complex_array(real: xarray.DataArray, imaginary: xarray.DataArray) -> xarray.DataArray:
    attributes = {key: value for key, value in real.attrs.items() if key != _PART}
    dtype = np.result_type(real.dtype, np.complex64)
    return _applied(_complex, [real, imaginary], dtype, attributes)


def _complex(real: NDArray[Any], imaginary: NDArray[Any]) -> NDArray[Any]:
    """Without arithmetic, in which an infinite part would spoil the other one."""
    made = np.empty(real.shape, np.result_type(real.dtype, np.complex64))
    made.real, made.imag = real, imaginary
    return made


def _structured_array(array: xarray.DataArray) -> xarray.DataArray:
    attributes = {key: value for key, value in array.attrs.items() if key != FIELDS}
    try:
        dtype = dtype_from_json(json.loads(array.attrs[FIELDS]))
        assert dtype.names is not None
        parts = [array.isel({FIELD: i}, drop=True) for i in range(len(dtype.names))]
    except (AssertionError, IndexError, LookupError, TypeError, ValueError) as error:
        message = f"makes no sense: {error}"
        raise ConversionError(
            "cannot be part of a signal", [Problem(f"attrs[{FIELDS!r}]", message)]
        ) from None

    def structured(*fields: NDArray[Any]) -> NDArray[Any]:
        made = np.empty(fields[0].shape, dtype)
        for name, values in zip(dtype.names or (), fields, strict=True):
            made[name] = values
        return made

    return _applied(structured, parts, dtype, attributes)


def _applied(
    function: Any,
    arrays: Sequence[xarray.DataArray],
    dtype: np.dtype[Any],
    attributes: Mapping[Any, Any],
) -> xarray.DataArray:
    import xarray

    made: xarray.DataArray = xarray.apply_ufunc(
        function, *arrays, dask="parallelized", output_dtypes=[dtype], keep_attrs="override"
    )
    made.attrs = dict(attributes)
    return made
