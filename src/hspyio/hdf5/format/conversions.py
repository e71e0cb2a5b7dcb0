"""Values in forms that numpy has not -> values that it has, as HDF5 converts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.hdf5.format.file_bytes import damaged

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "any_float",
    "complex_of",
    "ended_by_zero",
    "fields_of",
    "padded_with_spaces",
    "part_of_integer",
    "truth_of",
]

Convert = Callable[["NDArray[Any]"], "NDArray[Any]"]
_FLOATS = (np.float16, np.float32, np.float64, np.longdouble)


def part_of_integer(dtype: np.dtype[Any], offset: int, precision: int) -> Convert:
    """What reads integers that take some of the bits of their bytes.

    Parameters
    ----------
    dtype : numpy dtype
        Of the values.
    offset, precision : int
        Bits below the number, and bits of it: fewer than 64.
    """
    return partial(_part_of_integer, dtype, offset, precision)


def _part_of_integer(
    dtype: np.dtype[Any], offset: int, precision: int, stored: NDArray[Any]
) -> NDArray[Any]:
    bits = stored.astype(np.uint64) >> np.uint64(offset)
    bits &= np.uint64(2**precision - 1)
    if dtype.kind == "i":
        sign = 1 << precision - 1
        return np.asarray((bits ^ np.uint64(sign)).view(np.int64) - np.int64(sign)).astype(dtype)
    return bits.astype(dtype)


def any_float(
    facts: tuple[int, ...], sign: int, size: int, order: str, *, implied: bool
) -> tuple[np.dtype[Any], Convert]:
    """The smallest type of numpy that holds any number of a form, and what makes such numbers.

    Parameters
    ----------
    facts : tuple of int
        First bit and bits; place and bits of the exponent; place and bits of the mantissa; bias.
    sign, size : int
        Place of the sign, and bytes of a number.
    order : str
        Byte order.
    implied : bool
        Whether the highest bit of the mantissa is not stored.

    Raises
    ------
    DamagedFileError
        If numpy has none.
    """
    first, precision, exponent, exponent_bits, mantissa, mantissa_bits, bias = facts
    least, most = 1 - bias, 2**exponent_bits - 1 - bias
    inside = first + precision <= 8 * size and max(sign, exponent, mantissa) < 8 * size
    if size not in (1, 2, 4, 8) or not implied or not inside or not exponent_bits:
        raise damaged(f"floating-point numbers of {size} bytes in a rare form are not read here")
    for kind in _FLOATS:
        info = np.finfo(kind)
        if mantissa_bits <= info.nmant and most <= info.maxexp and least >= info.minexp:
            break
    else:
        raise damaged(f"floating-point numbers of {size} bytes in a rare form are not read here")
    dtype = np.dtype(f"{order}f{np.dtype(kind).itemsize}")

    return dtype, partial(_any_float, dtype, facts, sign)


def _any_float(
    dtype: np.dtype[Any], facts: tuple[int, ...], sign: int, stored: NDArray[Any]
) -> NDArray[Any]:
    _, _, exponent, exponent_bits, mantissa, mantissa_bits, bias = facts
    bits = stored.astype(np.uint64)

    def part(place: int, count: int) -> NDArray[Any]:
        return np.asarray(bits >> np.uint64(place) & np.uint64(2**count - 1))

    wide = dtype.newbyteorder("=") if dtype.itemsize > 8 else np.dtype(np.float64)
    power = part(exponent, exponent_bits).astype(np.int32)
    fraction = np.ldexp(part(mantissa, mantissa_bits).astype(wide), -mantissa_bits)
    normal = power > 0
    found = np.ldexp(fraction + normal, np.where(normal, power, 1) - bias)
    special = power == 2**exponent_bits - 1
    found = np.where(special, np.where(fraction == 0, np.inf, np.nan), found)
    found = np.where(part(sign, 1) == 1, -found, found)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(found).astype(dtype)


def complex_of(dtype: np.dtype[Any], convert: Convert | None) -> Convert:
    """What makes complex numbers of structures whose fields are ``r`` and ``i``."""
    return partial(_complex_of, dtype, convert)


def _complex_of(
    dtype: np.dtype[Any], convert: Convert | None, stored: NDArray[Any]
) -> NDArray[Any]:
    values = np.empty(stored.shape, dtype)
    for name, part in (("r", values.real), ("i", values.imag)):
        part[...] = stored[name] if convert is None else convert(stored[name])
    return values


def fields_of(dtype: np.dtype[Any], converts: Mapping[str, Convert | None]) -> Convert:
    """What makes structures of others, field by field."""
    return partial(_fields_of, dtype, converts)


def _fields_of(
    dtype: np.dtype[Any], converts: Mapping[str, Convert | None], stored: NDArray[Any]
) -> NDArray[Any]:
    values = np.zeros(stored.shape, dtype)
    for name, convert in converts.items():
        values[name] = stored[name] if convert is None else convert(stored[name])
    return values


def truth_of(stored: NDArray[Any]) -> NDArray[Any]:
    """Yes or no, of numbers or of bytes that may be neither."""
    if stored.dtype != np.dtype(bool):
        return np.asarray(stored != 0)
    if not stored.shape:
        return np.array(stored.tobytes() != b"\0")
    octets = np.ascontiguousarray(stored).view(np.uint8)
    return np.asarray(octets != 0) if octets.max(initial=0) > 1 else stored


def ended_by_zero(stored: NDArray[Any]) -> NDArray[Any]:
    """Texts of one length that end where a zero stands, whatever comes after it."""
    octets = _octets(stored)
    octets[np.logical_or.accumulate(octets == 0, axis=-1)] = 0
    return octets.view(stored.dtype).reshape(stored.shape)


def padded_with_spaces(stored: NDArray[Any]) -> NDArray[Any]:
    """Texts of one length without the spaces at their ends."""
    octets = _octets(stored)
    spaces = np.logical_and.accumulate((octets == ord(" "))[..., ::-1], axis=-1)[..., ::-1]
    octets[spaces] = 0
    return octets.view(stored.dtype).reshape(stored.shape)


def _octets(stored: NDArray[Any]) -> NDArray[np.uint8]:
    """A copy of texts, a byte an item."""
    copy = np.array(stored, order="C").reshape(*stored.shape, 1)
    return copy.view(np.uint8)
