"""Chunk shapes: pure arithmetic, one function a rule.

What is called the sheet here is section 2.2 of the format's fact sheet, "Storage properties":
the default chunk rule, the automatic chunks of every other array, a dask array's own chunks,
and a user's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hspyio.errors import OptionError

__all__ = [
    "dask_chunks",
    "guess_chunks",
    "lazy_chunks",
    "signal_chunks",
    "stream_chunks",
    "user_chunks",
]

TARGET = 1_000_000
"""Bytes of a default chunk."""

LARGEST_DEFAULT = 256 * 2**20
"""Bytes above which one whole signal is split: a chunk is always read as one piece."""

LARGEST_DASK = 16 * 2**20
"""Bytes up to which a dask chunk is stored as one chunk."""

LIMIT = 2**32
"""Bytes that a chunk has to stay below: HDF5 stores a chunk's size in 32 bits."""

GUESS_BASE, GUESS_LEAST, GUESS_MOST = 16 * 2**10, 8 * 2**10, 2**20
GUESS_UNKNOWN_LENGTH = 1024


def signal_chunks(
    shape: Sequence[int], itemsize: int, signal_dims: Iterable[int]
) -> tuple[int, ...]:
    """Default chunks: whole signals, as many as fit into a megabyte, square in navigation.

    The default chunk rule of the sheet (section 2.2), float power included, so that files come
    out as RosettaSciIO's do. One deviation: a signal over 256 MiB is split, because a chunk is
    decoded as a whole, and because HDF5 can't hold one of 4 GiB.

    Parameters
    ----------
    shape : sequence of int
        The array's shape. A zero-length dimension gives automatic chunks.
    itemsize : int
        Bytes an element takes (8 for a ragged array's references).
    signal_dims : iterable of int
        Indices of the dimensions that make up one signal; the others navigate.

    Returns
    -------
    tuple of int
        The chunk shape.
    """
    if 0 in shape:
        return guess_chunks(shape, itemsize)
    signal = sorted(set(signal_dims))
    navigation = {i: n for i, n in enumerate(shape) if i not in signal}
    signals_per_chunk = TARGET // (itemsize * math.prod(shape[i] for i in signal))
    if signals_per_chunk < 2 or not navigation:
        whole = [1 if i in navigation else n for i, n in enumerate(shape)]
        return _split_signal(whole, itemsize, signal)
    if signals_per_chunk > math.prod(navigation.values()):
        return tuple(shape)
    length, small = _navigation_length(navigation, signals_per_chunk)
    return tuple(length if i in navigation and i not in small else n for i, n in enumerate(shape))


def _navigation_length(navigation: dict[int, int], signals: int) -> tuple[int, set[int]]:
    """Find the length all navigation dimensions share, and those that are shorter than it.

    What a short dimension leaves over goes to the others. It can't come to all being short:
    they hold no fewer signals than a chunk.
    """
    small: set[int] = set()
    while True:
        share = signals / math.prod(navigation[i] for i in small)
        length = math.floor(share ** (1 / (len(navigation) - len(small))))
        shorter = {i for i, n in navigation.items() if i not in small and n < length}
        if not shorter:
            return length, small
        small |= shorter


def _split_signal(chunk: list[int], itemsize: int, signal: list[int]) -> tuple[int, ...]:
    """Cut a chunk to 256 MiB along its slowest signal dimensions, into pieces of even size."""
    for i in signal:
        size = itemsize * math.prod(chunk)
        if size <= LARGEST_DEFAULT:
            break
        rows = max(1, LARGEST_DEFAULT * chunk[i] // size)
        pieces = math.ceil(chunk[i] / rows)
        chunk[i] = math.ceil(chunk[i] / pieces)
    return tuple(chunk)


def stream_chunks(
    shape: Sequence[int], itemsize: int, signal_dims: Iterable[int]
) -> tuple[int, ...]:
    """Chunks of data that come one signal after the other: whole signals, about 1 MB in a row.

    As many signals as `signal_chunks` takes, but those that come after each other rather than a
    square of them: else a whole row of chunks would be open while a scan goes along it.

    Parameters
    ----------
    shape : sequence of int
        The array's shape; a dimension that grows is as long as it may become.
    itemsize : int
        Bytes an element takes.
    signal_dims : iterable of int
        Indices of the dimensions that make up one signal; the others navigate.

    Returns
    -------
    tuple of int
        The chunk shape.
    """
    signal = set(signal_dims)
    within = [n for i, n in enumerate(shape) if i in signal]
    row = math.prod(n for i, n in enumerate(shape) if i not in signal)
    if row == 0 or 0 in within:
        return guess_chunks(shape, itemsize)
    chunk = list(signal_chunks((row, *within), itemsize, range(1, 1 + len(within))))
    left, inside = chunk[0], iter(chunk[1:])
    made = [next(inside) if i in signal else 1 for i in range(len(shape))]
    for i in reversed(range(len(shape))):
        if i not in signal:
            made[i] = min(shape[i], left)
            left //= made[i]
            if left < 2:
                break
    return tuple(made)


def guess_chunks(shape: Sequence[int], itemsize: int) -> tuple[int, ...]:
    """Automatic chunks, as h5py chooses them for ``chunks=True``.

    By the sheet (section 2.2) these are the chunks of every array but a signal's data, and of
    that too if the user says ``chunks=True``. The target grows from 8 KiB to 1 MiB with the
    logarithm of the array's size; the dimensions are halved in turn until it is met.

    Parameters
    ----------
    shape : sequence of int
        The array's shape; a zero-length dimension counts as 1024.
    itemsize : int
        Bytes an element takes.

    Returns
    -------
    tuple of int
        The chunk shape.
    """
    chunk = [n or GUESS_UNKNOWN_LENGTH for n in shape]
    size = itemsize * math.prod(chunk)
    target = min(max(GUESS_BASE * 2 ** math.log10(size / 2**20), GUESS_LEAST), GUESS_MOST)
    turn = 0
    # "Less than half over the target" is written as h5py computes it: 1.5 * target rounds
    # differently now and then.
    while size >= GUESS_MOST or (size >= target and (size - target) / target >= 0.5):
        if all(n == 1 for n in chunk):
            break
        chunk[turn % len(chunk)] = (chunk[turn % len(chunk)] + 1) // 2
        size = itemsize * math.prod(chunk)
        turn += 1
    return tuple(chunk)


def dask_chunks(
    chunks: Sequence[Sequence[int]], itemsize: int, signal_dims: Iterable[int]
) -> tuple[int, ...]:
    """Storage chunks of a dask array: its own, unless they are large.

    By the sheet (section 2.2) the first dask chunk of each dimension. Above 16 MiB that would
    make a file that is slow to read in parts, so such a dask chunk is divided by the default
    rule, fitted so that no storage chunk is shared between two dask chunks.

    Parameters
    ----------
    chunks : sequence of sequences of int
        The dask array's ``chunks``. A zero-length dimension gives automatic chunks.
    itemsize : int
        Bytes an element takes.
    signal_dims : iterable of int
        Indices of the dimensions that make up one signal.

    Returns
    -------
    tuple of int
        The chunk shape.

    Raises
    ------
    OptionError
        If dask doesn't know its chunk sizes.
    """
    shape = tuple(sum(sizes) for sizes in chunks)
    if any(math.isnan(n) for n in shape):
        raise OptionError(
            "the dask array doesn't know its chunk sizes: call its compute_chunk_sizes() first"
        )
    if 0 in shape:
        return guess_chunks(shape, itemsize)
    first = tuple(next(n for n in sizes if n) for sizes in chunks)
    if itemsize * math.prod(first) <= LARGEST_DASK:
        return first
    rule = signal_chunks(first, itemsize, signal_dims)
    return tuple(_fitting(n, most) for n, most in zip(first, rule, strict=True))


def _fitting(length: int, most: int) -> int:
    """Find the largest divisor of a length up to ``most``, or ``most`` if it is under half that.

    A prime has no divisor but 1; then shared chunks are the lesser evil.
    """
    small = [n for n in range(1, math.isqrt(length) + 1) if length % n == 0]
    divisor = max(n for i in small for n in (i, length // i) if n <= most)
    return divisor if 2 * divisor >= most else most


def lazy_chunks(
    shape: Sequence[int],
    itemsize: int,
    stored: Sequence[int] | None,
    signal_dims: Iterable[int],
    target: int,
) -> tuple[int, ...]:
    """Chunks to compute with: whole storage chunks, and whole signals where they fit.

    Parameters
    ----------
    shape : sequence of int
        The array's shape.
    itemsize : int
        Bytes an element takes.
    stored : sequence of int or None
        The storage chunks; ``None`` for an array in one block, of which rows are read best.
    signal_dims : iterable of int
        Indices of the dimensions that make up one signal.
    target : int
        Bytes that a chunk should not exceed; one storage chunk is the least.

    Returns
    -------
    tuple of int
        The chunk shape.
    """
    signal = [i for i in sorted(set(signal_dims), reverse=True) if i < len(shape)]
    navigation = [i for i in range(len(shape)) if i not in signal]
    unit = (
        _rows(shape) if stored is None else [min(n, m) for n, m in zip(stored, shape, strict=True)]
    )
    grid = [-(-n // step) if step else 1 for n, step in zip(shape, unit, strict=True)]
    counts = [1] * len(shape)
    room = target // max(1, itemsize * math.prod(unit))
    for i in signal:
        counts[i] = max(1, min(grid[i], room))
        room //= counts[i]
    while room >= 2 and (growing := [i for i in navigation if counts[i] < grid[i]]):
        # The shortest side first, so that a chunk is about square, as regions of interest are.
        i = min(growing, key=lambda i: (counts[i] * unit[i], -i))
        factor = min(2, grid[i] / counts[i])
        counts[i] = min(grid[i], 2 * counts[i])
        room = int(room / factor)
    return tuple(
        max(1, min(n, count * step)) for n, count, step in zip(shape, counts, unit, strict=True)
    )


def _rows(shape: Sequence[int]) -> list[int]:
    """One row of an array in one block: what lies side by side in the file."""
    return [1] * (len(shape) - 1) + list(shape[-1:])


def user_chunks(chunks: object, shape: Sequence[int], itemsize: int) -> tuple[int, ...] | None:
    """Check a user's chunk shape, and clip it to the array.

    The sheet (section 2.2) has the user's chunks apply to a signal's data only. Larger than the
    array is no error, as it is for h5py: one chunk shape serves signals of several sizes.

    Parameters
    ----------
    chunks : object
        What the user asks for: should be an iterable of int, a length for each dimension.
    shape : sequence of int
        The array's shape.
    itemsize : int
        Bytes an element takes.

    Returns
    -------
    tuple of int or None
        The chunk shape; ``None`` if the array has another number of dimensions than the user's
        chunks, and takes the default.

    Raises
    ------
    OptionError
        If they aren't positive whole numbers, or make a chunk of 4 GiB or more.
    """
    asked = tuple(chunks) if isinstance(chunks, Iterable) else (None,)
    if not all(_is_positive_int(n) for n in asked):
        raise OptionError(
            f"chunks={chunks!r}: expected a positive whole number for each dimension, "
            "such as (20, 20, 256)"
        )
    if len(asked) != len(shape):
        return None
    clipped = tuple(min(int(n), max(length, 1)) for n, length in zip(asked, shape, strict=True))
    size = itemsize * math.prod(clipped)
    if size >= LIMIT:
        raise OptionError(
            f"chunks={chunks!r} makes chunks of {size / 2**30:.1f} GiB: "
            "HDF5 needs less than 4 GiB; choose smaller ones"
        )
    return clipped


def _is_positive_int(value: Any) -> bool:
    """Tell whether this is a whole number above zero, Python's or numpy's, and no bool."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value > 0)
