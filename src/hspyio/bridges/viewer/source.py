"""What reads a signal for the viewer: chunk by chunk, each once, the last ones kept in memory."""

from __future__ import annotations

import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hspyio.arrays.lazy import source_of
from hspyio.bridges.plotting.choose import navigator_and_signal
from hspyio.errors import ConversionError
from hspyio.hdf5.dataset import Dataset
from hspyio.model.axes import Axis, default_axes
from hspyio.model.signal import Signal
from hspyio.printable import dtype_text
from hspyio.records import record

__all__ = ["Block", "BlockCache", "Cube", "Part", "group_means", "numbers"]

Part: TypeAlias = tuple[slice, ...]
"""A part of one signal: a slice for each of its axes."""
Read: TypeAlias = Callable[[tuple[slice, ...]], NDArray[Any]]

_BLOCK = 16 * 2**20
"""Bytes up to which all that is decoded for one position is kept; a larger signal is read alone."""
_SLAB = 32 * 2**20
"""Bytes that are read at a time of what is only summed."""
_COLOURS = ("R", "G", "B", "A")


class BlockCache:
    """The arrays that were read last, within a limit of bytes; for any number of threads.

    Parameters
    ----------
    limit : int
        Bytes of all of them together.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Any, NDArray[Any]] = OrderedDict()

    def get(self, key: Any) -> NDArray[Any] | None:
        """What is kept under a key, which is the last to go from now on."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key]

    def put(self, key: Any, values: NDArray[Any]) -> None:
        """Keep an array, and let go of those that were used least lately."""
        with self._lock:
            if key in self._kept or values.nbytes > self.limit:
                return
            self._kept[key] = values
            self.size += values.nbytes
            while self.size > self.limit:
                self.size -= self._kept.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._kept.clear()
            self.size = 0


@record
class Block:
    """Positions that are read together.

    Attributes
    ----------
    corner : tuple of int
        Its place in the grid of blocks.
    ranges : tuple of slice
        Along each navigation axis.
    """

    corner: tuple[int, ...]
    ranges: tuple[slice, ...]


class Cube:
    """The data of a signal as positions, with a signal of one or two axes at each.

    Parameters
    ----------
    signal : Signal
        Of numbers, booleans or colours; in memory or not.
    cache : BlockCache
        What keeps the blocks that were read.

    Attributes
    ----------
    navigation, inner : tuple of int
        The dimensions that navigate, and those of one signal, in the order of the array. Of others
        there is one point only.

    Raises
    ------
    ConversionError
        If there is nothing in it that can be shown.
    """

    def __init__(self, signal: Signal, cache: BlockCache) -> None:
        data, axes = signal.data, signal.axes
        if not math.prod(data.shape):
            raise ConversionError(f"there are no values to show: the shape is {data.shape}")
        if not data.ndim:
            data, axes = data.reshape(1), default_axes((1,), 1)
        self.dtype: np.dtype[Any] = data.dtype
        if not is_shown(self.dtype):
            kind = dtype_text(self.dtype)
            raise ConversionError(f"the values are no numbers, {kind}: nothing to show")
        navigation, inner = navigator_and_signal(axes)
        self.navigation, self.inner = tuple(navigation), tuple(inner)
        self.shape = tuple(data.shape)
        self.axes: tuple[Axis, ...] = tuple(axes)
        self._cache = cache
        self._read, chunks = _reader(data)
        self._is_stored = not isinstance(data, np.ndarray)
        self.steps = self._steps(chunks)

    # what it is like

    @property
    def navigation_shape(self) -> tuple[int, ...]:
        """How many positions there are along each navigation axis."""
        return tuple(self.shape[axis] for axis in self.navigation)

    @property
    def inner_shape(self) -> tuple[int, ...]:
        """How many points one signal has along each axis."""
        return tuple(self.shape[axis] for axis in self.inner)

    @property
    def is_complex(self) -> bool:
        """Whether values have a modulus and a phase."""
        return self.dtype.kind == "c"

    @property
    def is_coloured(self) -> bool:
        """Whether values are red, green and blue."""
        return bool(self.dtype.names)

    @property
    def navigation_axes(self) -> tuple[Axis, ...]:
        """The axes of `navigation`."""
        return tuple(self.axes[axis] for axis in self.navigation)

    @property
    def inner_axes(self) -> tuple[Axis, ...]:
        """The axes of `inner`."""
        return tuple(self.axes[axis] for axis in self.inner)

    @property
    def signal_bytes(self) -> int:
        """Bytes of the signal at one position."""
        return math.prod(self.inner_shape) * self.dtype.itemsize

    @property
    def is_small(self) -> bool:
        """Whether all of it can be kept."""
        size: int = math.prod(self.shape) * self.dtype.itemsize
        return size <= self._cache.limit // 2

    def _steps(self, chunks: tuple[int, ...] | None) -> tuple[int, ...]:
        """Positions of a block: those of a storage chunk, unless that would be too much."""
        if chunks is None:
            return (1,) * len(self.navigation)
        steps = [min(chunks[axis], self.shape[axis]) for axis in self.navigation]
        while math.prod(steps) * self.signal_bytes > _BLOCK and max(steps, default=1) > 1:
            longest = steps.index(max(steps))
            steps[longest] = -(-steps[longest] // 2)
        return tuple(steps)

    # reading

    def at(self, position: Sequence[int], window: Part = ()) -> NDArray[Any]:
        """The signal at a position, or a part of it, as it stands in the file.

        Raises
        ------
        HspyError
            If it cannot be read.
        """
        whole = math.prod(self.steps) * self.signal_bytes
        if whole > _BLOCK or not self._is_stored:
            ranges = tuple(slice(place, place + 1) for place in position)
            return np.asanyarray(self.values(ranges, window)[(0,) * len(ranges)])
        corner = tuple(at // step for at, step in zip(position, self.steps, strict=True))
        block = self.block(self._block(corner), keep=True)
        inside = tuple(at % step for at, step in zip(position, self.steps, strict=True))
        place: Any = (*inside, *window)
        return np.asanyarray(block[place])

    def reduced(self, position: Sequence[int], window: Part, steps: Sequence[int]) -> NDArray[Any]:
        """A part of the signal at a position, with means over groups of neighbours, as numbers.

        Read in slabs where it is large.
        """
        window = window or tuple(slice(0, n) for n in self.inner_shape)
        rows = math.prod(part.stop - part.start for part in window[1:]) * self.dtype.itemsize
        each = max(1, _SLAB // max(1, rows) // steps[0]) * steps[0]
        parts = []
        for start in range(window[0].start, window[0].stop, each):
            part = (slice(start, min(start + each, window[0].stop)), *window[1:])
            values = numbers(self.at(position, part))
            made = group_means(values, steps)
            parts.append(made.astype(np.uint8) if self.is_coloured else made)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def block(self, block: Block, window: Part = (), *, keep: bool | None = None) -> NDArray[Any]:
        """The signals of a block, navigation axes first.

        Parameters
        ----------
        block : Block
            Which.
        window : tuple of slice
            The part of each signal.
        keep : bool, optional
            Whether it is kept; without it if all others can be, too.
        """
        key = (self, block.corner)  # itself, not its id: another might have that later
        found = self._cache.get(key) if self._is_stored else None
        if found is None and (self.is_small if keep is None else keep) and self._is_stored:
            found = self.values(block.ranges)
            self._cache.put(key, found)
        if found is None:
            return self.values(block.ranges, window)
        part: Any = (..., *window)
        return np.asanyarray(found[part])

    def values(self, ranges: tuple[slice, ...], window: Part = ()) -> NDArray[Any]:
        """What stands at some positions, navigation axes first."""
        selection = [slice(0, 1)] * len(self.shape)
        for axis, part in zip(self.navigation, ranges, strict=True):
            selection[axis] = part
        for index, axis in enumerate(self.inner):
            selection[axis] = window[index] if window else slice(0, self.shape[axis])
        values = self._read(tuple(selection))
        order = (*self.navigation, *self.inner)
        others = tuple(axis for axis in range(values.ndim) if axis not in order)
        moved = values.transpose(*order, *others)
        return moved.reshape(moved.shape[: len(order)])

    def _block(self, corner: tuple[int, ...]) -> Block:
        ranges = (
            slice(at * step, min((at + 1) * step, size))
            for at, step, size in zip(corner, self.steps, self.navigation_shape, strict=True)
        )
        return Block(corner, tuple(ranges))

    def grid(self, outer: Sequence[int]) -> tuple[int, ...]:
        """How many blocks there are along the navigation axes behind those that are fixed."""
        shown = zip(self.steps[len(outer) :], self.navigation_shape[len(outer) :], strict=True)
        return tuple(-(-size // step) for step, size in shown)

    def block_at(self, outer: Sequence[int], corner: Sequence[int]) -> Block:
        """A block of the map at a fixed place of the first navigation axes."""
        if not outer:
            return self._block(tuple(corner))
        fixed = tuple(at // step for at, step in zip(outer, self.steps, strict=False))
        block = self._block((*fixed, *corner))
        exact = tuple(slice(at, at + 1) for at in outer)
        return Block((*outer, -1, *corner), (*exact, *block.ranges[len(outer) :]))

    def slabs(self, ranges: tuple[slice, ...]) -> Iterator[tuple[slice, ...]]:
        """Positions of a region in parts that fit into memory, along the borders of blocks."""
        most = max(1, _SLAB // max(1, self.signal_bytes))
        parts = []
        for step, part in zip(self.steps, ranges, strict=True):
            each = step * max(1, int(most ** (1 / len(ranges))) // step)
            edges = [
                part.start,
                *range((part.start // each + 1) * each, part.stop, each),
                part.stop,
            ]
            parts.append([slice(*pair) for pair in itertools.pairwise(edges)])
        return itertools.product(*parts)


def is_shown(dtype: np.dtype[Any]) -> bool:
    """Whether values of a dtype can be drawn: numbers, booleans and colours."""
    names = dtype.names or ()
    if {"R", "G", "B"} <= set(names) <= set("RGBA"):
        return all(dtype[name].kind == "u" for name in names)
    return dtype.kind in "biufc"


def _reader(data: Any) -> tuple[Read, tuple[int, ...] | None]:
    """How parts of an array are read, and its chunks; what is in a file without dask."""
    if isinstance(data, np.ndarray):
        return (lambda selection: data[selection]), None
    source = source_of(data)
    if isinstance(source, Dataset):
        return source.read, source.stored.chunks
    chunks = tuple(max(sizes) for sizes in data.chunks)
    return (lambda selection: data[selection].compute()), chunks


# values


def numbers(values: NDArray[Any]) -> NDArray[Any]:
    """Values in a dtype that every browser knows; colours have one more axis, of four bytes."""
    if values.dtype.names:
        return _rgba(values)
    if np.ma.isMaskedArray(values):
        is_float = values.dtype.kind in "fc"
        values = np.ma.filled(values if is_float else values.astype(np.float64), np.nan)
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind == "b":
        return values.astype(np.uint8)
    if kind == "c":
        return np.asarray(values, np.complex128)
    if (kind in "iu" and size > 4) or (kind == "f" and size > 8):
        return values.astype(np.float64)
    if kind == "f" and size < 4:
        return values.astype(np.float32)
    return np.ascontiguousarray(values, values.dtype.newbyteorder("="))


def _rgba(values: NDArray[Any]) -> NDArray[Any]:
    made = np.full((*values.shape, 4), 255, np.uint8)
    for index, name in enumerate(_COLOURS):
        if name in (values.dtype.names or ()):
            part = np.asarray(values[name])
            made[..., index] = part >> 8 * (part.dtype.itemsize - 1)
    return made


def group_means(values: NDArray[Any], steps: Sequence[int]) -> NDArray[Any]:
    """Means over groups of neighbours along the first axes; what is no number is left out."""
    if max(steps, default=1) == 1:
        return values
    finite = np.isfinite(values)
    total = np.where(finite, values, 0)
    count = finite.astype(np.int64)
    dtype = np.complex128 if values.dtype.kind == "c" else np.float64
    for axis, step in enumerate(steps):
        edges = np.arange(0, values.shape[axis], step)
        total = np.add.reduceat(total, edges, axis=axis, dtype=dtype)
        count = np.add.reduceat(count, edges, axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
