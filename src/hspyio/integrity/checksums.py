"""Checksums of arrays: one for each chunk, over the bytes that stand in the file.

An array falls into *units*: its chunks, or blocks of 1 MiB where it has none. What the engine
cannot read past HDF5 (text of variable length, rows, filters that only HDF5 has, values in the
object's header) falls into blocks of its first dimension, and values take the place of bytes.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hspyio.arrays.manifest import ChunkManifest
from hspyio.arrays.reading import ChunkConsumer, visit
from hspyio.arrays.workers import Workers
from hspyio.errors import UNREADABLE, FilterError, HspyError, TooLargeError, UnsupportedFeatureError
from hspyio.filters.pipeline import Scratch
from hspyio.hdf5.dataset import Dataset, passing, stored_bytes
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
    found = _Findings(units.count)
    units.visit(found, workers)
    return ArraySums(units.kind, units.step, units.head(), found.sums)


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
        if decode and isinstance(array.source, Dataset):
            array.source.check_chunks()
    except _NOT_CHECKED:
        raise
    except _UNREADABLE as error:
        return [Fault((), _cannot_be_read(error))]
    if units.is_endless:
        return [Fault((), f"is said to have {array.shape[0]:,} items, which the file has not")]
    if differs:
        changed = Fault((), f"{CHANGED}: its type, its shape or the places of its chunks differ")
        return [changed, *(faults_of(array, None, workers, decode=True) if decode else ())]
    found = _Findings(units.count, None if known is None else known.sums, tolerant=True)
    units.visit(found, workers, decode=decode)
    chunk = isinstance(units, _Chunks)
    return [Fault(units.region(row), found.wrong[row], chunk) for row in sorted(found.wrong)]


class _Findings:
    """What the units of an array turn out to be; told by all threads of a visit.

    Attributes
    ----------
    sums : ndarray of uint32
        Of all units.
    wrong : dict
        What is wrong with those that are not as expected, where that is tolerated.
    """

    def __init__(
        self, count: int, expected: NDArray[np.uint32] | None = None, *, tolerant: bool = False
    ) -> None:
        self.sums = np.zeros(count, np.uint32)
        self.wrong: dict[int, str] = {}
        self._expected, self._tolerant = expected, tolerant

    def add(self, row: int, found: int) -> None:
        """Note the checksum of a unit."""
        self.sums[row] = found
        if self._expected is not None and self._expected[row] != found:
            self.wrong[row] = CHANGED

    def lose(self, row: int, error: Exception) -> None:
        """Note that a unit cannot be read, or raise what says so."""
        if not self._tolerant or isinstance(error, _NOT_CHECKED):
            raise error
        if not isinstance(error, _UNREADABLE):
            raise error
        self.wrong[row] = _cannot_be_read(error)


def _cannot_be_read(error: Exception) -> str:
    if not isinstance(error, HspyError):
        return f"cannot be read: {str(error) or type(error).__name__}"
    text = error.message
    return text if text.startswith(("its ", "cannot be read")) else f"cannot be read: {text}"


# units


class _Units(Protocol):
    """What an array falls into, each known by its number."""

    kind: str
    step: int
    count: int

    @property
    def is_endless(self) -> bool:
        """Whether there are far more of them than bytes that they could stand in."""

    def head(self) -> str:
        """Digest of what all units have in common."""

    def visit(self, found: _Findings, workers: Workers, *, decode: bool = False) -> None:
        """Read all units, in the order in which a disk likes it, and decode them where asked."""

    def region(self, row: int) -> tuple[tuple[int, int], ...]:
        """Which part of the array it is."""


def _units(array: Array, known: ArraySums | None = None) -> _Units:
    """The units of an array, in the way in which they were sealed."""
    values = known is not None and known.kind == VALUES
    source = array.source
    if not values and isinstance(source, Dataset) and source.is_for_engine:
        if source.stored.chunks is not None:
            return _Chunks(array, source)
        return _Blocks(array, source, BLOCK if known is None else known.step)
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


class _Stored:
    """Units whose bytes stand in the file, as a manifest of chunks tells."""

    def __init__(self, source: Dataset, unit: int) -> None:
        self._snapshot, self._stored, self._unit = source.snapshot, source.stored, unit
        self.is_endless = False

    def manifest(self) -> ChunkManifest:
        """Where they stand."""
        raise NotImplementedError

    def visit(self, found: _Findings, workers: Workers, *, decode: bool = False) -> None:
        manifest = self.manifest()
        order = np.argsort(manifest.offsets, kind="stable")
        rows, sizes = order.tolist(), manifest.sizes[order].clip(min=0)
        workers.progress.expect(int(sizes.sum()))

        def examiner() -> _Examiner:
            return _Examiner(self, rows, sizes, found, workers, decode=decode)

        with self._snapshot.open_source() as source:
            visit(source, manifest, order, self._unit, workers, examiner)

    def sum(self, row: int, content: memoryview) -> int:
        """The checksum of a unit."""
        return _crc32(content)

    def decode(self, row: int, content: memoryview, scratch: Scratch) -> None:
        """Nothing: the bytes are the values."""


class _Examiner(ChunkConsumer):
    """What one thread does with the bytes of units."""

    def __init__(
        self,
        units: _Stored,
        rows: list[int],
        sizes: NDArray[np.int64],
        found: _Findings,
        workers: Workers,
        *,
        decode: bool,
    ) -> None:
        self._units, self._rows, self._sizes, self._found = units, rows, sizes, found
        self._advance, self._decode = workers.progress.advance, decode
        self._scratch = Scratch()

    def take(self, places: range, contents: Sequence[memoryview]) -> None:
        """Make checksums, and look whether filters find something."""
        units, found = self._units, self._found
        for row, content in zip(self._rows[places.start : places.stop], contents, strict=True):
            found.add(row, units.sum(row, content))
            if self._decode:
                try:
                    units.decode(row, content, self._scratch)
                except _UNREADABLE as error:
                    found.wrong[row] = _cannot_be_read(error)

    def done(self, places: range) -> None:
        """Tell of the bytes that were looked at."""
        self._advance(int(self._sizes[places.start : places.stop].sum()))

    def fail(self, place: int, error: Exception) -> None:
        """Note that a unit cannot be read."""
        self._found.lose(self._rows[place], error)


class _Chunks(_Stored):
    """Chunks, as they stand in the file, each with a bit for every filter that was left out."""

    kind, step = STORED, 0

    def __init__(self, array: Array, source: Dataset) -> None:
        super().__init__(source, source.stored.pipeline.size)
        self._array, self._index = array, source.chunk_index()
        self.count = len(self._index)
        self._masks: list[int] = self._index.masks.tolist()

    def manifest(self) -> ChunkManifest:
        return self._index

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

    def sum(self, row: int, content: memoryview) -> int:
        return chunk_sum(content, self._masks[row])

    def decode(self, row: int, content: memoryview, scratch: Scratch) -> None:
        pipeline = self._stored.pipeline
        inside = tuple(slice(high - low) for low, high in self.region(row))
        shape = tuple(part.stop for part in inside)
        size = math.prod(shape) * pipeline.dtype.itemsize
        target = scratch.take("values", size).view(pipeline.dtype).reshape(shape)
        data = np.frombuffer(content, np.uint8)
        pipeline.decode(data, self._masks[row], target, inside, scratch)

    def region(self, row: int) -> tuple[tuple[int, int], ...]:
        return self._stored.grid.bounds(int(self._index.ids[row]))


class _Blocks(_Stored):
    """Blocks of an array that stands in one piece; nothing if it was never written."""

    kind = STORED

    def __init__(self, array: Array, source: Dataset, step: int) -> None:
        super().__init__(source, max(step, 1))
        self._array, self.step, stored = array, self._unit, source.stored
        self._bytes = math.prod(stored.shape) * stored.dtype.itemsize
        self.count = 0 if stored.address is None else -(-self._bytes // self.step)
        self.is_endless = self.count > _MOST_ROWS and self._bytes > self._snapshot.size

    def manifest(self) -> ChunkManifest:
        starts = np.arange(self.count) * self.step
        sizes = np.minimum(self._bytes - starts, self.step)
        return ChunkManifest(
            np.arange(self.count), (self._stored.address or 0) + starts, sizes, 0 * starts
        )

    def head(self) -> str:
        stored = self._stored
        written = stored.address is not None
        return _digest(
            STORED, type_text(self._array.type), stored.shape, stored.fill.hex(), written
        )

    def region(self, row: int) -> tuple[tuple[int, int], ...]:
        first, *others = self._stored.shape
        length = math.prod(others) * self._stored.dtype.itemsize
        low = row * self.step // length
        high = -(-min((row + 1) * self.step, self._bytes) // length)
        return ((low, min(high, first)), *((0, n) for n in others))


class _Rows:
    """Values, some rows of the first dimension at a time; a scalar is one unit."""

    kind = VALUES

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
        return self.count > max(_MOST_ROWS, stored_bytes(self._array))

    def _chosen_step(self) -> int:
        """About a block of values, and whole chunks."""
        rows = max(1, BLOCK // self._row)
        chunk = self._array.chunks[0] if self._array.chunks else 1
        return -(-rows // chunk) * chunk

    def head(self) -> str:
        return _digest(VALUES, type_text(self._array.type), tuple(self._array.shape))

    def visit(self, found: _Findings, workers: Workers, *, decode: bool = False) -> None:
        workers.progress.expect(self._length * self._row)
        for row in range(self.count):
            low, high = row * self.step, min((row + 1) * self.step, self._length)
            try:
                found.add(row, self._sum(slice(low, high)))
            except Exception as error:
                found.lose(row, error)
            workers.progress.advance((high - low) * self._row)

    def _sum(self, rows: slice) -> int:
        whole = self.count == 1 or not self._array.shape
        total = 0
        with passing(self._array):
            for part in array_bytes(self._array, () if whole else (rows,)):
                total = _crc32(part, _crc32(len(part).to_bytes(8, "little"), total))
        return total

    def region(self, row: int) -> tuple[tuple[int, int], ...]:
        if not self._array.shape or self.count == 1:
            return ()
        high = min((row + 1) * self.step, self._length)
        return ((row * self.step, high), *((0, n) for n in self._array.shape[1:]))
