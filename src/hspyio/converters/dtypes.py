"""numpy dtypes: which ones HDF5 stores as they are, and how the others are carried."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.nodes.json import dtype_from_json, dtype_to_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["as_objects", "from_stored", "same_dtype", "stored_dtype", "to_stored"]


def same_dtype(one: np.dtype[Any], other: np.dtype[Any]) -> bool:
    """Equal down to byte order, offsets and titles."""
    return one is other or bool(dtype_to_json(one) == dtype_to_json(other))


def stored_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype that carries `dtype` in HDF5; a `TypeError` if none does."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        if 0 in shape:
            raise TypeError("a field without items has no form in HDF5")
        return np.dtype((stored_dtype(base), shape))
    if dtype.names is not None:
        return _stored_structure(dtype)
    if dtype.kind in "biufc":
        # h5py writes and reads swapped complex numbers of over 16 bytes as if they were native.
        is_long = dtype.kind == "c" and dtype.itemsize > 16
        return dtype.newbyteorder("=") if is_long else dtype
    if dtype.kind in "Mm":
        return np.dtype(np.int64).newbyteorder(dtype.byteorder)
    if dtype.kind in "SV":
        return dtype if dtype.itemsize else np.dtype(f"{dtype.kind}1")
    if dtype.kind == "U":
        return np.dtype(f"S{max(1, dtype.itemsize)}")
    raise TypeError(f"dtype {dtype} has no form in HDF5")


def _stored_structure(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """As it is where HDF5 can lay it out, ``{r, i}`` as a complex number, all others packed."""
    assert dtype.names is not None and dtype.fields is not None
    if not dtype.names:
        raise TypeError("a structured dtype without fields has no form in HDF5")
    formats = [stored_dtype(dtype.fields[name][0]) for name in dtype.names]
    if _reads_as_complex(dtype):
        return stored_dtype(np.dtype(f"{formats[0].str[0]}c{2 * formats[0].itemsize}"))
    if _lays_out(dtype, formats):
        return _unaligned(dtype)
    labels = list(dtype.names)
    if not all(_is_plain_name(name) for name in labels):
        labels = [f"f{i}" for i in range(len(labels))]
    return np.dtype({"names": labels, "formats": formats})


def _unaligned(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The same layout without numpy's note that it is aligned, which HDF5 does not keep."""
    json = dtype_to_json(dtype)
    return dtype_from_json({**json, "aligned": False}) if json["aligned"] else dtype


def _reads_as_complex(dtype: np.dtype[Any]) -> bool:
    """Programs built on h5py take a compound ``{r, i}`` of two equal floats for a complex one."""
    if dtype.names != ("r", "i") or dtype.fields is None:
        return False
    first, second = (dtype.fields[name][0] for name in dtype.names)
    return first == second and first.kind == "f" and first.itemsize > 2


def _lays_out(dtype: np.dtype[Any], formats: list[np.dtype[Any]]) -> bool:
    """Whether HDF5 can hold the structure: own types, plain names, no overlap, no titles."""
    assert dtype.names is not None and dtype.fields is not None
    end = 0
    for name, stored in zip(dtype.names, formats, strict=True):
        field = dtype.fields[name]
        if len(field) > 2 or field[1] < end or not _is_plain_name(name):
            return False
        if not same_dtype(field[0], stored):
            return False
        end = field[1] + field[0].itemsize
    return True


def _is_plain_name(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return bool(name) and "\0" not in name


def to_stored(array: NDArray[Any]) -> NDArray[Any]:
    """Convert an array to its `stored_dtype`; no copy where it is stored as it is."""
    stored = stored_dtype(array.dtype)
    if same_dtype(stored, array.dtype):
        return array
    if array.dtype.names is not None and stored.names is not None:
        result = np.zeros(array.shape, stored)
        for name, label in zip(array.dtype.names, stored.names, strict=True):
            result[label] = to_stored(array[name])
        return result
    if array.dtype.names is not None:
        parts = np.empty((*array.shape, 2), f"{stored.str[0]}f{stored.itemsize // 2}")
        parts[..., 0], parts[..., 1] = array["r"], array["i"]
        return parts.view(stored)[..., 0]
    if array.dtype.kind == "U":
        return _utf8(array, stored)
    if array.dtype.itemsize == 0:
        return np.zeros(array.shape, stored)
    return array.astype(stored) if array.dtype.kind == "c" else array.view(stored)


def _utf8(array: NDArray[Any], stored: np.dtype[Any]) -> NDArray[Any]:
    texts = [text.encode("utf-8", "surrogatepass") for text in array.ravel().tolist()]
    return np.array(texts, stored).reshape(array.shape)


def from_stored(stored: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Inverse of `to_stored`; a `TypeError` or `ValueError` where it cannot be."""
    if same_dtype(stored.dtype, dtype):
        return stored
    if dtype.names is not None:
        result = np.zeros(stored.shape, dtype)
        if stored.dtype.kind == "c":
            result["r"], result["i"] = stored.real, stored.imag
            return result
        labels = stored.dtype.names
        if labels is None or len(labels) != len(dtype.names):
            raise ValueError(f"{stored.dtype} does not hold {dtype}")
        for name, label in zip(dtype.names, labels, strict=True):
            base, _ = dtype[name].subdtype or (dtype[name], ())
            result[name] = from_stored(stored[label], base)
        return result
    if dtype.kind == "U":
        return _from_utf8(stored, dtype)
    if dtype.itemsize == 0:
        return np.zeros(stored.shape, dtype)
    if dtype.kind in "Mm":
        return (
            np.ascontiguousarray(stored, np.dtype(np.int64).newbyteorder(dtype.byteorder))
            .view(dtype)
            .reshape(stored.shape)
        )
    return stored.astype(dtype)


def _from_utf8(stored: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if stored.dtype.kind == "U":
        return stored.astype(dtype)
    texts = [text.decode("utf-8", "surrogatepass") for text in stored.ravel().tolist()]
    return np.array(texts, dtype).reshape(stored.shape)


def as_objects(values: Iterable[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Object array of any items, none of which numpy unpacks."""
    result = np.empty(int(np.prod(shape)), object)
    for index, value in enumerate(values):
        result[index] = value
    return result.reshape(shape)
