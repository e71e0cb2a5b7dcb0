"""Checksums of arrays: one for each chunk, over the bytes that stand in the file.

An array falls into *units*: its chunks, or blocks of 1 MiB where it has none. What the engine
cannot read past HDF5 (text of variable length, rows, filters that only HDF5 has, values in the
object's header) falls into blocks of its first dimension, and values take the place of bytes.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hspyio.arrays.manifest import StoredArray
from hspyio.arrays.workers import Workers, run
from hspyio.errors import UNREADABLE, FilterError, HspyError, TooLargeError, UnsupportedFeatureError
from hspyio.filters.pipeline import Scratch
from hspyio.hdf5.dataset import Dataset, passing
from hspyio.hdf5.snapshot import Snapshot
from hspyio.nodes.digest import array_bytes, type_text
from hspyio.nodes.node import Array, Filter
from hspyio.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CHANGED", "STORED", "ArraySums", "Fault", "chunk_sum", "faults_of", "sums_of"]

BLOCK = 2**20
_FACTS = struct.Struct("<qq")
_POINTER = 16
_MOST_ROWS = 2**20
"""Units of an array that the file need not have the bytes of."""
_NOT_CHECKED = (FilterError, TooLargeError, UnsupportedFeatureError)
"""What says that an array was not looked at, not that it is damaged."""
_UNREADABLE = (*UNREADABLE, HspyError)
STORED, VALUES = "stored", "values"


@record
class ArraySums:
    """What tells whether an array is still the same.

    Attributes
    ----------
    kind : str
        ``"stored"``: the sums are over bytes as they stand in the file; ``"values"``: over values.
    step : int
        Of an array without chunks: bytes a unit; of values: rows of the first dimension.
    head : str
        Digest of type and shape; of what is stored also of chunk shape, filters and their
        options, fill value, and which chunks there are.
    sums : ndarray of uint32
        CRC-32 of each unit, in C order of their places.
    """

    kind: str
    step: int
    head: str
    sums: NDArray[np.uint32]


@record
class Fault:
    """A part of an array that is not right.

    Attributes
    ----------
    region : tuple of (int, int)
        First index and the one after the last, for each dimension; ``()`` for the whole array.
    message : str
        What is wrong.
    chunk : bool
        Whether it is a chunk.
    """

    region: tuple[tuple[int, int], ...]
    message: str
    chunk: bool = False

    def __str__(self) -> str:
        """As the end of a sentence that begins with the array."""
        if not self.region:
            return self.message
        if self.chunk:
            return f"its chunk at {tuple(low for low, _ in self.region)} {self.message}"
        low, high = self.region[0]
        rows = str(low) if high == low + 1 else f"{low} to {high - 1}"
        return f"index {rows} of its first dimension {self.message}"


CHANGED = "is not what was sealed"


def sums_of(array: Array, workers: Workers) -> ArraySums:
    """Read an array and make its checksums.

    Parameters
    ----------
    array : Array
        Of a file that is open.
    workers : Workers
        Threads, and who is told of the progress.

    Raises
    ------
    DamagedFileError, OSError
        If it cannot be read.
    """
    units = _units(array)
    sums = np.zeros(units.count, np.uint32)

    def summer() -> Callable[[int], None]:
        scratch = Scratch()

        def add(row: int) -> None:
            sums[row] = units.read(row, scratch)
            workers.progress.advance(units.size(row))

        return add

    workers.progress.expect(sum(map(units.size, range(units.count))))
    run(units.order(), summer, units.most_threads or workers.threads)
    return ArraySums(units.kind, units.step, units.head(), sums)


def faults_of(
    array: Array, known: ArraySums | None, workers: Workers, *, decode: bool = False
) -> list[Fault]:
    """Read an array and find what is wrong with it.

    Parameters
    ----------
    array : Array
        Of a file that is open.
    known : ArraySums or None
        What it has to be.
    workers : Workers
        Threads, and who is told of the progress.
    decode : bool
        Whether chunks are decompressed too, in a little memory, so that what filters find is
        found.

    Returns
    -------
    list of Fault
        In the order of their places; nothing for an array that is right.

    Raises
    ------
    FilterError, TooLargeError
        If its filter is not available here, or not enough memory.
    """
    try:
        units = _units(array, known)
        differs = known is not None and (units.head(), units.count) != (known.head, len(known.sums))
    except _NOT_CHECKED:
        raise
    except _UNREADABLE as error:
        return [Fault((), _cannot_be_read(error))]
    if isinstance(units, _Rows) and units.is_endless:
        return [Fault((), f"is said to have {array.shape[0]:,} items, which the file has not")]
    if differs:
        changed = Fault((), f"{CHANGED}: its type, its shape or the places of its chunks differ")
        return [changed, *(faults_of(array, None, workers, decode=True) if decode else ())]
    found: dict[int, str] = {}

    def examiner() -> Callable[[int], None]:
        scratch = Scratch()

        def examine(row: int) -> None:
            expected = None if known is None else int(known.sums[row])
            if message := _examined(units, row, expected, scratch, decode=decode):
                found[row] = message
            workers.progress.advance(units.size(row))

        return examine

    workers.progress.expect(sum(map(units.size, range(units.count))))
    run(units.order(), examiner, units.most_threads or workers.threads)
    chunk = isinstance(units, _Chunks)
    return [Fault(units.region(row), found[row], chunk) for row in sorted(found)]


def _examined(
    units: _Units, row: int, expected: int | None, scratch: Scratch, *, decode: bool
) -> str:
    """What is wrong with one unit, ``""`` for nothing."""
    try:
        changed = units.read(row, scratch) != expected and expected is not None
    except _NOT_CHECKED:
        raise
    except _UNREADABLE as error:
        return _cannot_be_read(error)
    if decode:
        try:
            units.decode(row, scratch)
        except _UNREADABLE as error:
            return _cannot_be_read(error)
    return CHANGED if changed else ""


def _cannot_be_read(error: Exception) -> str:
    text = error.message if isinstance(error, HspyError) else str(error) or type(error).__name__
    return text if text.startswith(("its ", "cannot be read")) else f"cannot be read: {text}"


# units


class _Units(Protocol):
    """What an array falls into, each known by its number."""

    kind: str
    step: int
    count: int
    most_threads: int

    def head(self) -> str:
        """Digest of what all units have in common."""

    def order(self) -> list[int]:
        """Their numbers, in the order in which a disk likes to read them."""

    def size(self, row: int) -> int:
        """Bytes of a unit, for the progress."""

    def read(self, row: int, scratch: Scratch) -> int:
        """Read a unit; its checksum."""

    def decode(self, row: int, scratch: Scratch) -> None:
        """Decode what was just read; raises if that cannot be done."""

    def region(self, row: int) -> tuple[tuple[int, int], ...]:
        """Which part of the array it is."""


def _units(array: Array, known: ArraySums | None = None) -> _Units:
    """The units of an array, in the way in which they were sealed."""
    values = known is not None and known.kind == VALUES
    source = array.source
    if not values and isinstance(source, Dataset) and source.is_for_engine:
        if source.stored.chunks is not None:
            return _Chunks(array, source)
        step = BLOCK if known is None else known.step
        return _Blocks(array, source.stored, source.snapshot, step)
    return _Rows(array, known.step if known is not None and values else 0)


def _crc32(data: Any, before: int = 0) -> int:
    isal: Any = import_module("isal.isal_zlib")
    return int(isal.crc32(data, before))


def chunk_sum(content: memoryview, mask: int) -> int:
    """Checksum of a chunk as it stands in a file.

    Parameters
    ----------
    content : bytes-like
        All of it.
    mask : int
        A bit for each filter that was left out.
    """
    return _crc32(content, _crc32(_FACTS.pack(mask, len(content))))


def _digest(*facts: object, content: bytes = b"") -> str:
    return hashlib.blake2b(repr(facts).encode() + content, digest_size=16).hexdigest()


def _facts(filters: tuple[Filter, ...]) -> list[tuple[int, tuple[int, ...]]]:
    return [(step.id, step.options) for step in filters]


class _Chunks:
    """Chunks, as they stand in the file, each with a bit for every filter that was left out."""

    kind, step = STORED, 0
    most_threads = 0  # as many as there are

    def __init__(self, array: Array, source: Dataset) -> None:
        self._array, self._snapshot, self._stored = array, source.snapshot, source.stored
        self._index = index = source.chunk_index()
        self._sizes, self._offsets, self._masks = (
            numbers.tolist() for numbers in (index.sizes, index.offsets, index.masks)
        )
        self.count = len(index)

    def head(self) -> str:
        stored = self._stored
        return _digest(
            STORED,
            type_text(self._array.type),
            stored.shape,
            stored.chunks,
            _facts(stored.filters),
            stored.fill.hex(),
            content=self._index.ids.astype("<i8").tobytes(),
        )

    def order(self) -> list[int]:
        order: list[int] = np.argsort(self._index.offsets, kind="stable").tolist()
        return order

    def size(self, row: int) -> int:
        size: int = self._sizes[row]
        return size

    def read(self, row: int, scratch: Scratch) -> int:
        size, offset, mask = self._sizes[row], self._offsets[row], self._masks[row]
        with self._snapshot.open_source() as source:
            if size < 0 or offset < 0 or offset + size > source.size:
                raise ValueError(f"it is said to be {size} bytes at {offset}, outside the file")
            buffer = scratch.take("stored", size)
            source.read_into([buffer.data], offset)
        return chunk_sum(buffer.data, mask)

    def decode(self, row: int, scratch: Scratch) -> None:
        pipeline = self._stored.pipeline
        inside = tuple(slice(high - low) for low, high in self.region(row))
        shape = tuple(part.stop for part in inside)
        size = math.prod(shape) * pipeline.dtype.itemsize
        target = scratch.take("values", size).view(pipeline.dtype).reshape(shape)
        data = scratch.take("stored", self._sizes[row])
        pipeline.decode(data, self._masks[row], target, inside, scratch)

    def region(self, row: int) -> tuple[tuple[int, int], ...]:
        return self._stored.grid.bounds(int(self._index.ids[row]))


class _Blocks:
    """Blocks of an array that stands in one piece; nothing if it was never written."""

    kind = STORED
    most_threads = 0

    def __init__(self, array: Array, stored: StoredArray, handle: Snapshot, step: int) -> None:
        self._array, self._stored, self._handle, self.step = array, stored, handle, max(step, 1)
        self._bytes = math.prod(stored.shape) * stored.dtype.itemsize
        self.count = 0 if stored.address is None else -(-self._bytes // self.step)

    def head(self) -> str:
        stored = self._stored
        written = stored.address is not None
        return _digest(
            STORED, type_text(self._array.type), stored.shape, stored.fill.hex(), written
        )

    def order(self) -> list[int]:
        return list(range(self.count))

    def size(self, row: int) -> int:
        return min(self.step, self._bytes - row * self.step)

    def read(self, row: int, scratch: Scratch) -> int:
        assert self._stored.address is not None
        buffer = scratch.take("stored", self.size(row))
        with self._handle.open_source() as source:
            source.read_into([buffer.data], self._stored.address + row * self.step)
        return _crc32(buffer.data)

    def decode(self, row: int, scratch: Scratch) -> None:
        """Nothing: the bytes are the values."""

    def region(self, row: int) -> tuple[tuple[int, int], ...]:
        first, *others = self._stored.shape
        length = math.prod(others) * self._stored.dtype.itemsize
        low = row * self.step // length
        high = -(-(row * self.step + self.size(row)) // length)
        return ((low, min(high, first)), *((0, n) for n in others))


class _Rows:
    """Values, some rows of the first dimension at a time; a scalar is one unit."""

    kind = VALUES
    most_threads = 1  # HDF5 does one thing at a time

    def __init__(self, array: Array, step: int) -> None:
        self._array = array
        item = array.type.itemsize if isinstance(array.type, np.dtype) else _POINTER
        self._row = max(1, math.prod(array.shape[1:]) * item)
        self._length = array.shape[0] if array.shape else 1
        self.step = step or self._chosen_step()
        self.count = -(-self._length // self.step)

    @property
    def is_endless(self) -> bool:
        """Whether there are far more units than bytes that they could stand in."""
        stored = getattr(self._array.source, "stored_bytes", 0)
        return self.count > max(_MOST_ROWS, stored)

    def _chosen_step(self) -> int:
        """About a block of values, and whole chunks."""
        rows = max(1, BLOCK // self._row)
        chunk = self._array.chunks[0] if self._array.chunks else 1
        return -(-rows // chunk) * chunk

    def head(self) -> str:
        return _digest(VALUES, type_text(self._array.type), tuple(self._array.shape))

    def order(self) -> list[int]:
        return list(range(self.count))

    def size(self, row: int) -> int:
        return (min(self._length, (row + 1) * self.step) - row * self.step) * self._row

    def read(self, row: int, scratch: Scratch) -> int:
        whole = self.count == 1 or not self._array.shape
        rows = slice(row * self.step, min((row + 1) * self.step, self._length))
        total = 0
        with passing(self._array):
            for part in array_bytes(self._array, () if whole else (rows,)):
                total = _crc32(part, _crc32(len(part).to_bytes(8, "little"), total))
        return total

    def decode(self, row: int, scratch: Scratch) -> None:
        """Nothing: reading was it."""

    def region(self, row: int) -> tuple[tuple[int, int], ...]:
        if not self._array.shape or self.count == 1:
            return ()
        high = min((row + 1) * self.step, self._length)
        return ((row * self.step, high), *((0, n) for n in self._array.shape[1:]))
