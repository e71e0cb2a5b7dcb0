"""A chunk's way through its filters: stored bytes <-> values in their place in an array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hspyio.filters import codec_of, shuffle
from hspyio.filters.codec import Bytes, Codec, Decode
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
        return tuple(map(codec_of, map(attrgetter("id"), self.filters)))

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
        steps = self._steps(mask)
        splits = bool(steps) and self._splits(steps[0])
        whole = target.shape == self.chunk and target.flags.c_contiguous
        out = _bytes_of(target) if whole and not splits else None
        data = _undone(stored, self._plan(steps, splits), out, scratch)
        if splits:
            self._check_size(data)
            planes = _planes(data, self.dtype.itemsize, self.chunk)
            _merge(planes[(slice(None), *inside)], target, scratch)
        else:
            self._place(data, target, inside, whole=whole)

    def decode_batch(
        self, stored: Sequence[Bytes], mask: int, out: NDArray[np.uint8], scratch: Scratch
    ) -> None:
        """Decode whole chunks, one after the other.

        Parameters
        ----------
        stored : sequence of buffer
            What stands in the file.
        mask : int
            A bit for each filter that was left out for all of them.
        out : ndarray of uint8
            Receives the bytes of their values.
        scratch : Scratch
            The thread's own.

        Raises
        ------
        ValueError, RuntimeError
            If one of them is damaged.
        """
        steps = self._steps(mask)
        splits = bool(steps) and self._splits(steps[0])
        plan = self._plan(steps, splits)
        count = len(stored)
        buffer, rows = out, out.reshape(count, self.size)
        if splits:
            buffer = scratch.take("stack", shuffle.stack_bytes(count, self.size))
            rows = shuffle.stack(buffer, count, self.size)
        for data, row in zip(stored, rows, strict=True):
            made = _undone(data, plan, row, scratch)
            if made is not row:
                self._check_size(made)
                row[:] = np.frombuffer(made, np.uint8)
        if splits:
            shuffle.merge_stack(buffer, rows, self.dtype.itemsize, out)

    def _steps(self, mask: int) -> list[int]:
        """The filters that were applied, but for those that change nothing: shuffles of bytes."""
        return [i for i in self._busy if not mask >> i & 1]

    @derived
    def _busy(self) -> tuple[int, ...]:
        idle = (shuffle.CODEC.id, (1,))
        return tuple(i for i, f in enumerate(self.filters) if (f.id, f.options) != idle)

    def _plan(self, steps: Sequence[int], after: int) -> list[_Undo]:
        """How to undo filters, but for the first few, in the order in which that is done."""
        return [
            _Undo(
                self._codecs[i].decode,  # type: ignore[arg-type]
                self.filters[i].options,
                self._size_before(steps[:turn]),
                self._codecs[i].grows,
            )
            for turn, i in reversed(list(enumerate(steps))[after:])
        ]

    def _size_before(self, earlier: Sequence[int]) -> int | None:
        """Bytes of a chunk after some filters; ``None`` if nobody knows."""
        codecs = [self._codecs[i] for i in earlier]
        if any(codec.resizes for codec in codecs):
            return None
        return self.size + sum(codec.grows for codec in codecs)

    def _splits(self, index: int) -> bool:
        """Whether a filter is a shuffle of just these values, which is undone in their place."""
        return self.filters[index].id == shuffle.CODEC.id and self.filters[index].options == (
            self.dtype.itemsize,
        )

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
        return self._filtered(data, start)

    def encode_batch(self, chunks: NDArray[Any], scratch: Scratch) -> list[tuple[bytes, int]]:
        """Encode whole chunks: an array of ``(n, *chunk)`` in one piece of memory."""
        count = len(chunks)
        rows, start = _bytes_of(chunks).reshape(count, self.size), 0
        if self.filters and self._splits(0) and self.dtype.itemsize > 1:
            planes, start = scratch.take("planes", count * self.size).reshape(rows.shape), 1
            shuffle.split_stack(rows, planes, self.dtype.itemsize)
            rows = planes
        made = (self._filtered(row, start) for row in rows)
        return [(data if isinstance(data, bytes) else bytes(data), mask) for data, mask in made]

    def _filtered(self, data: Bytes, start: int) -> tuple[Bytes, int]:
        """Apply filters, but for the first few; and which were left out."""
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
        chunk = scratch.take("chunk", self.size).view(self.dtype).reshape(self.chunk)
        self.pad(values, chunk)
        return chunk

    def pad(self, values: NDArray[Any], chunk: NDArray[Any]) -> None:
        """Copy values into a chunk in one piece of memory, with zeros beyond the array's edge."""
        # Between fields too: what was in memory is nobody's business.
        if values.shape != self.chunk or self.dtype.names:
            _bytes_of(chunk)[:] = 0
        shuffle.copy(values, chunk[tuple(map(slice, values.shape))])


class _Undo(NamedTuple):
    """How one filter of a chunk is undone; the size of the result is `size`, if that is known."""

    decode: Decode
    options: tuple[int, ...]
    size: int | None
    grows: int


def _undone(
    data: Bytes, plan: Sequence[_Undo], out: NDArray[np.uint8] | None, scratch: Scratch
) -> Bytes:
    """Undo filters; the last of them into `out`, where that is given, if it can."""
    last = len(plan) - 1
    for turn, (decode, options, size, grows) in enumerate(plan):
        before = len(data) - grows if size is None else size
        into = scratch.take(f"step {turn}", before) if out is None or turn < last else out
        data = decode(data, options, before, into)
    return data


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
