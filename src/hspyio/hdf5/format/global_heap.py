"""What has variable length: HDF5's global heaps (file format specification, III.E)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.errors import DamagedFileError
from hspyio.hdf5.format.file_bytes import FileBytes, damaged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hspyio.hdf5.format.datatypes import DiskType

__all__ = ["GlobalHeaps", "text_array"]

_ALIGNED = 8
_HEAD_SIZE = 16
"""Bytes of what precedes the items of a heap, and each of them, whatever a length takes."""
_MOST_KEPT = 16 * 2**20
"""Bytes of heaps that are kept."""
_MOST_ITEMS = 4_000_000
"""Items that are passed on the way to those that are wanted."""

Heap = tuple[bytes, dict[int, tuple[int, int]]]
"""What stands in it, and where, by number."""


class GlobalHeaps:
    """The heaps of one file, each read once or so.

    Parameters
    ----------
    content : FileBytes
        The file.

    Attributes
    ----------
    taken : dict
        Bytes of the heaps that were read, by their addresses.
    """

    def __init__(self, content: FileBytes) -> None:
        self.content = content
        self.taken: dict[int, int] = {}
        self._known: dict[int, Heap] = {}
        self._kept = 0
        self._passed = 0

    def texts(self, references: bytes) -> list[bytes]:
        """The texts that references lead to; each ends where a zero stands.

        Raises
        ------
        DamagedFileError
            If one is not there, or all together are longer than the file.
        """
        return [_ended(text) for text in self.items(references, 1)]

    def text(self, reference: bytes) -> bytes:
        """The one text that a reference leads to; see `texts`."""
        length, address, number = self.content.reference.unpack(reference)
        if not address or not length:
            return b""
        heap, places = self._known.get(address) or self._heap(address)
        place, size = places.get(number, (0, -1))
        if size != length:
            raise _misplaced()
        return _ended(heap[place : place + size])

    def items(self, references: bytes, itemsize: int) -> list[bytes]:
        """The bytes that references lead to.

        Parameters
        ----------
        references : bytes
            Each is a number of items, the address of a heap, and a number in it.
        itemsize : int
            Bytes of an item.

        Raises
        ------
        DamagedFileError
            If some are not there, or all together are longer than the file.
        """
        found, total = [], 0
        for length, address, number in self.content.reference.iter_unpack(references):
            if not address or not length:
                found.append(b"")
                continue
            heap, places = self._known.get(address) or self._heap(address)
            place, size = places.get(number, (0, -1))
            total += size
            if size != length * itemsize:
                raise _misplaced()
            if total > self.content.end:
                raise damaged("its texts or rows are said to be longer than the file")
            found.append(heap[place : place + size])
        return found

    def rows(self, references: bytes, base: DiskType) -> list[NDArray[Any]]:
        """The rows that references lead to.

        Raises
        ------
        DamagedFileError
            See `items`.
        """
        return [
            values if base.convert is None else base.convert(values)
            for values in (
                np.frombuffer(found, base.stored).copy()
                for found in self.items(references, base.stored.itemsize)
            )
        ]

    def size(self, address: int) -> int:
        """Bytes of a heap, with what is free in it."""
        head = self.content.struct("<4sB3xL")
        signature, version, size = head.unpack(self.content.at(address, head.size))
        if signature != b"GCOL" or version != 1 or size < _HEAD_SIZE:
            raise damaged("a text or row in it is said to be where none can be")
        return int(size)

    def _heap(self, address: int) -> Heap:
        self.taken[address] = size = self.size(address)
        heap = self.content.at(address, size)
        item = self.content.struct("<HH4xL")
        places: dict[int, tuple[int, int]] = {}
        place = _HEAD_SIZE
        while place + _HEAD_SIZE <= size:
            number, _, length = item.unpack_from(heap, place)
            if not number:
                break
            begin = place + _HEAD_SIZE
            place = begin + -(-length // _ALIGNED) * _ALIGNED
            if place > size or number in places:
                raise damaged("its texts or rows are in a damaged part of the file")
            places[number] = (begin, length)
        self._passed += len(places)
        if self._passed > _MOST_ITEMS:
            raise damaged("its texts or rows are among too many others")
        self._kept += size
        if self._kept > _MOST_KEPT:
            self._known.clear()
            self._kept = size
        self._known[address] = found = (heap, places)
        return found


def _misplaced() -> DamagedFileError:
    return damaged("a text or row in it is not where it is said to be")


def _ended(text: bytes) -> bytes:
    """A text up to where a zero stands."""
    return text if 0 not in text else text[: text.index(0)]


def text_array(texts: list[bytes], shape: tuple[int, ...]) -> NDArray[Any]:
    """Texts of any length as an array of objects."""
    array: NDArray[Any] = np.empty(len(texts), object)
    array[:] = texts
    return array.reshape(shape)
