"""A chunk's way through its filters: stored bytes <-> values in their place in an array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.filters import codec_of, shuffle
from hspyio.filters.codec import Bytes, Codec
from hspyio.forks import derived
from hspyio.nodes.node import Filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Pipeline", "Scratch"]


@dataclass(slots=True)
class Scratch:
    """Buffers that one thread uses again for every chunk, by what they are for."""

    buffers: dict[str, NDArray[np.uint8]] = field(default_factory=dict)

    def take(self, purpose: str, size: int) -> NDArray[np.uint8]:
        """A buffer of just that size; what it held is lost."""
        buffer = self.buffers.get(purpose)
        if buffer is None or buffer.size < size:
            buffer = self.buffers[purpose] = np.empty(size, np.uint8)
        return buffer[:size]


@dataclass(frozen=True)
class Pipeline:
    """The filters of one array.

    Attributes
    ----------
    filters : tuple of Filter
        In the order in which writing applies them, with the options as they stand in the file.
    dtype : numpy dtype
        Of the values; any of a fixed size.
    chunk : tuple of int
        Shape of a chunk.
    """

    filters: tuple[Filter, ...]
    dtype: np.dtype[Any]
    chunk: tuple[int, ...]

    @derived
    def size(self) -> int:
        """Bytes of a chunk."""
        return math.prod(self.chunk) * self.dtype.itemsize

    @derived
    def _codecs(self) -> tuple[Codec, ...]:
        return tuple(codec_of(step.id) for step in self.filters)

    @derived
    def decodes(self) -> bool:
        """Whether chunks can be decoded here; else only HDF5 can.

        Two compressors on top of each other are left to HDF5: nothing tells the size between.
        """
        known = all(codec.decode is not None for codec in self._codecs)
        return known and sum(codec.resizes for codec in self._codecs) <= 1

    @derived
    def encodes(self) -> bool:
        """Whether chunks can be encoded here."""
        return self.decodes and all(codec.encode is not None for codec in self._codecs)

    def decode(
        self,
        stored: Bytes,
        mask: int,
        target: NDArray[Any],
        inside: tuple[slice, ...],
        scratch: Scratch,
    ) -> None:
        """Decode a chunk, or a part of it, into its place.

        Parameters
        ----------
        stored : buffer
            What stands in the file.
        mask : int
            A bit for each filter that was left out for this chunk.
        target : ndarray
            Where the values go: a view of the result.
        inside : tuple of slice
            The part of the chunk that goes there.
        scratch : Scratch
            The thread's own.

        Raises
        ------
        ValueError, RuntimeError
            If the chunk is damaged.
        """
        steps = [i for i in self._busy if not mask >> i & 1]
        whole = target.shape == self.chunk and target.flags.c_contiguous
        data = stored
        for turn, index in enumerate(reversed(steps)):
            last = turn == len(steps) - 1
            if last and self._splits(index):
                self._check_size(data)
                planes = _planes(data, self.dtype.itemsize, self.chunk)
                _merge(planes[(slice(None), *inside)], target, scratch)
                return
            size = self._size_before(index, steps, len(data))
            out = _bytes_of(target) if last and whole else scratch.take(f"step {turn}", size)
            data = self._codecs[index].decode(data, self.filters[index].options, size, out)  # type: ignore[misc]
        self._place(data, target, inside, whole=whole)

    @derived
    def _busy(self) -> tuple[int, ...]:
        """The filters that change anything: bytes are shuffled in vain."""
        idle = (shuffle.CODEC.id, (1,))
        return tuple(i for i, f in enumerate(self.filters) if (f.id, f.options) != idle)

    def _splits(self, index: int) -> bool:
        """Whether a filter is a shuffle of just these values, which is undone in their place."""
        return self.filters[index].id == shuffle.CODEC.id and self.filters[index].options == (
            self.dtype.itemsize,
        )

    def _size_before(self, index: int, steps: Sequence[int], size_after: int) -> int:
        """Bytes that went into a filter, of a chunk with the given filters applied."""
        earlier = [self._codecs[i] for i in steps if i < index]
        if any(codec.resizes for codec in earlier):
            return size_after - self._codecs[index].grows
        return self.size + sum(codec.grows for codec in earlier)

    def _check_size(self, data: Bytes) -> None:
        if len(data) != self.size:
            raise ValueError(f"a chunk has {len(data)} bytes instead of {self.size}")

    def _place(
        self, data: Bytes, target: NDArray[Any], inside: tuple[slice, ...], *, whole: bool
    ) -> None:
        """Copy decoded bytes to their place, unless that is where they were decoded to."""
        self._check_size(data)
        if whole and isinstance(data, np.ndarray) and _same_memory(data, target):
            return
        target[...] = np.frombuffer(data, self.dtype).reshape(self.chunk)[inside]

    def encode(self, values: NDArray[Any], scratch: Scratch) -> tuple[Bytes, int]:
        """Encode a chunk.

        Parameters
        ----------
        values : ndarray
            A view of any strides; smaller than the chunk at the array's edge, and then padded
            with zeros.
        scratch : Scratch
            The thread's own; the result may lie in it, until its next use.

        Returns
        -------
        bytes-like, int
            What is to be stored, and a bit for each filter that was left out since it would
            have made the chunk larger.
        """
        data, start = self._first_step(values, scratch)
        mask = 0
        for index in range(start, len(self.filters)):
            step, codec = self.filters[index], self._codecs[index]
            encode = codec.quick if step.quick and codec.quick is not None else codec.encode
            made = encode(data, step.options)  # type: ignore[misc]
            if codec.resizes and len(made) >= len(data):
                mask |= 1 << index
            else:
                data = made
        return data, mask

    def _first_step(self, values: NDArray[Any], scratch: Scratch) -> tuple[Bytes, int]:
        """A chunk's bytes, shuffled already where that is the first filter."""
        chunk = self._gathered(values, scratch)
        if not (self.filters and self._splits(0) and self.dtype.itemsize > 1):
            return _bytes_of(chunk), 0
        planes = scratch.take("planes", self.size)
        shuffle.split(chunk, _planes(planes, self.dtype.itemsize, self.chunk))
        return planes, 1

    def _gathered(self, values: NDArray[Any], scratch: Scratch) -> NDArray[Any]:
        """A whole chunk in one piece of memory, with zeros beyond the array's edge."""
        whole = values.shape == self.chunk
        if whole and values.flags.c_contiguous:
            return values
        buffer = scratch.take("chunk", self.size)
        if not whole or self.dtype.names:  # between fields too: what was there is nobody's business
            buffer[:] = 0
        chunk = buffer.view(self.dtype).reshape(self.chunk)
        shuffle.copy(values, chunk[tuple(map(slice, values.shape))])
        return chunk


def _bytes_of(values: NDArray[Any]) -> NDArray[np.uint8]:
    return values.reshape(-1).view(np.uint8)


def _planes(data: Bytes, itemsize: int, chunk: tuple[int, ...]) -> NDArray[np.uint8]:
    """Shuffled bytes by their place in an item."""
    return np.frombuffer(data, np.uint8).reshape(itemsize, *chunk)


def _merge(planes: NDArray[np.uint8], target: NDArray[Any], scratch: Scratch) -> None:
    """Unshuffle into a part of an array, by way of a buffer where it is in pieces."""
    frame = scratch.take("frame", shuffle.FRAME)
    if target.flags.c_contiguous:
        shuffle.merge(planes, target, frame)
        return
    buffer = scratch.take("merged", target.nbytes).view(target.dtype).reshape(target.shape)
    shuffle.merge(planes, buffer, frame)
    shuffle.copy(buffer, target)


def _same_memory(data: NDArray[Any], target: NDArray[Any]) -> bool:
    return bool(data.__array_interface__["data"][0] == target.__array_interface__["data"][0])
