"""What callers give in the place of arrays, dicts and axes: told by its type, never walked.

The packages that it comes from are not imported: who has such an object has done so.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hspyio.errors import ArgumentError
from hspyio.suggestions import quoted

__all__ = [
    "as_array",
    "as_mapping",
    "as_text",
    "is_dask",
    "is_data_array",
    "is_hyperspy",
    "kind_of",
    "more_than_an_array",
]


def kind_of(value: object) -> str:
    """The type of a value as it is called: ``numpy.ndarray``, ``pandas.DataFrame``, ``list``."""
    kind = type(value)
    name = kind.__qualname__
    if kind.__module__ == "builtins":
        return name
    return f"{kind.__module__.partition('.')[0]}.{name}"


def is_dask(value: object) -> bool:
    """Whether it is a dask array: `Delayed` is none, which has any attribute one asks for."""
    return _is_a(value, "dask", "Array")


def is_hyperspy(value: object) -> bool:
    """Whether it is a signal of HyperSpy, or of one of its extensions."""
    return _is_a(value, "hyperspy", "BaseSignal")


def is_data_array(value: object) -> bool:
    """Whether it is a DataArray of xarray."""
    return _is_a(value, "xarray", "DataArray")


def _is_a(value: object, package: str, name: str) -> bool:
    for kind in type(value).__mro__:
        if kind.__name__ == name and kind.__module__.partition(".")[0] == package:
            return True
    return False


_MEANT: tuple[tuple[str, str, str], ...] = (
    ("hspyio", "Signal", "its array is signal.data"),
    ("hyperspy", "BaseSignal", "hspyio.from_hyperspy(signal) makes a Signal of it"),
    ("hyperspy", "BaseModel", "model.store() keeps it in its signal: hspyio.from_hyperspy(signal)"),
    ("hyperspy", "AxesManager", "axes are given beside data: Signal(data, axes_manager)"),
    ("hyperspy", "BaseDataAxis", "axes are given beside data: Signal(data, [axis])"),
    ("hyperspy", "DictionaryTreeBrowser", "give it beside data: Signal(data, metadata=tree)"),
    ("xarray", "DataArray", "hspyio.from_xarray(array) makes a Signal of it"),
    ("xarray", "Dataset", "hspyio.from_xarray(dataset['name']) makes a Signal of a variable"),
    ("xarray", "Variable", "give its values: Signal(variable.values)"),
    ("xarray", "DataTree", "hspyio.from_xarray(tree['path']) makes a Signal of a variable"),
    ("pandas", "DataFrame", "its labels would be lost: Signal(frame.to_numpy(), axes)"),
    ("pandas", "Series", "its labels would be lost: Signal(series.to_numpy(), axes)"),
    ("pandas", "Index", "give its values: Signal(index.to_numpy())"),
    ("polars", "DataFrame", "its labels would be lost: Signal(frame.to_numpy(), axes)"),
    ("polars", "Series", "give its values: Signal(series.to_numpy())"),
    ("astropy", "Quantity", "its unit would be lost: Signal(quantity.value), the unit in metadata"),
    ("unyt", "unyt_array", "its unit would be lost: Signal(quantity.value), the unit in metadata"),
    ("pint", "PlainQuantity", "its unit would be lost: Signal(quantity.magnitude)"),
    ("scipy", "spmatrix", "it is sparse: Signal(matrix.toarray())"),
    ("scipy", "sparray", "it is sparse: Signal(array.toarray())"),
    ("sparse", "SparseArray", "it is sparse: Signal(array.todense())"),
    ("h5py", "Group", "hspyio.load(path) reads a file; a dataset of it goes as Signal(group['x'])"),
)
"""Package, class and what was meant, for what holds more than an array, or none."""


def more_than_an_array(value: object) -> str:
    """What to do with a value that holds more than an array does; ``""`` for others."""
    if type(value) is np.ndarray:
        return ""
    for package, name, meant in _MEANT:
        if _is_a(value, package, name):
            return meant
    return ""


def as_array(value: Any) -> Any:
    """Data of a signal: arrays and dask arrays as they are, others as arrays if nothing is lost."""
    if type(value) is np.ndarray or is_dask(value):
        return value
    meant = more_than_an_array(value) or _no_array(value)
    if meant:
        raise ArgumentError(f"data are a {kind_of(value)}; {meant}")
    if issubclass(type(value), np.ndarray):
        return value
    try:
        masked = _stacked(value)
        array = np.asarray(value) if masked is None else masked
    except (ValueError, TypeError, RuntimeError) as error:
        raise ArgumentError(
            f"data are a {kind_of(value)} that is no array: {error}. Ragged data are an array of "
            "arrays: data = np.empty(n, object), data[0] = ..."
        ) from None
    if array.dtype == object and array.ndim == 0:
        raise ArgumentError(f"data are a {kind_of(value)}, which is no array; give an array")
    return array


def _no_array(value: object) -> str:
    """What was probably meant with something that no array is made of; ``""`` if one may be."""
    if isinstance(value, str | os.PathLike) and not isinstance(value, np.generic):
        return f"hspyio.load({quoted(str(value))}) loads a file"
    if value is None:
        return "give an array"
    if isinstance(value, Mapping):
        if "data" in value:
            return "of a dict: Signal(d['data'], d['axes'], metadata=d['metadata'])"
        return "give an array, one Signal for each"
    if isinstance(value, set | frozenset):
        return "give a list, which has an order"
    if isinstance(value, Iterator):
        return "give np.array(list(...)) of it"
    if isinstance(value, list | tuple) and value and (inside := more_than_an_array(value[0])):
        return f"of {kind_of(value[0])}; {inside}, each; save(path, [...]) saves several"
    return ""


def as_mapping(value: Any, name: str) -> Mapping[Any, Any]:
    """A mapping that is given for a tree, HyperSpy's own trees among them."""
    if type(value) is dict or isinstance(value, Mapping):
        return value
    if value is None:
        return {}
    if _is_a(value, "hyperspy", "DictionaryTreeBrowser"):
        made: Mapping[Any, Any] = value.as_dictionary()
        return made
    raise ArgumentError(f"{name} is a {kind_of(value)}; give a dict")


def as_text(value: Any, name: str) -> str:
    """Text that is given for what has to be text."""
    if isinstance(value, str):
        return value
    raise ArgumentError(f"{name} is {quoted(value)}; give text")


# lists that hold masked arrays: numpy's own ways drop what is masked


def _stacked(value: Any) -> Any:
    """The masked array that nested lists make, or ``None`` where nothing in them is masked."""
    if "numpy.ma" not in sys.modules:  # before it is imported, no value can be masked
        return None
    found = list(_masked_in(value))
    if not found:
        return None
    made: Any = _joined(value)
    known = [part for part in found if part is not np.ma.masked]
    fills = {np.asarray(part.fill_value, made.dtype).tobytes() for part in known}
    if len(fills) == 1:
        made.fill_value = known[0].fill_value
    return made


def _masked_in(value: Any) -> Iterator[Any]:
    if isinstance(value, np.ma.MaskedArray):
        yield value
    elif isinstance(value, (list, tuple)):
        kinds = set(map(type, value))  # quick: of a million numbers it is one
        wanted = tuple(kind for kind in kinds if issubclass(kind, (list, tuple, np.ma.MaskedArray)))
        for part in value if wanted else ():
            if type(part) in wanted:
                yield from _masked_in(part)


def _joined(value: Any) -> Any:
    if isinstance(value, (list, tuple)) and any(True for _ in _masked_in(value)):
        return np.ma.stack([np.ma.asarray(_joined(part)) for part in value])
    return value if isinstance(value, np.ma.MaskedArray) else np.asarray(value)
