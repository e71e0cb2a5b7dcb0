"""Texts of variable length: HDF5's global heaps (file format specification, III.E)."""

from __future__ import annotations

import struct

from hspyio.hdf5.format.file_bytes import Content, LeftToHdf5Error

__all__ = ["TextHeaps"]

_HEAD = struct.Struct("<4sB3xQ")
_ITEM = struct.Struct("<HH4xQ")
_REFERENCE = struct.Struct("<IQI")
_MOST_KEPT = 16 * 2**20
"""Bytes of heaps that are kept."""
_MOST_ITEMS = 4_000_000
"""Texts that are passed on the way to those that are wanted."""

Heap = tuple[bytes, dict[int, tuple[int, int]]]
"""What stands in it, and where, by number."""


class TextHeaps:
    """The heaps of one file, each read once or so.

    Parameters
    ----------
    content : Content
        The file.
    """

    def __init__(self, content: Content) -> None:
        self.content = content
        self._known: dict[int, Heap] = {}
        self._kept = 0
        self._passed = 0

    def texts(self, references: bytes) -> list[bytes]:
        """The texts that references lead to.

        Raises
        ------
        LeftToHdf5Error
            If one is not there, or all together are longer than the file.
        """
        found, total = [], 0
        for length, address, number in _REFERENCE.iter_unpack(references):
            if not address or not length:
                found.append(b"")
                continue
            heap, places = self._known.get(address) or self._heap(address)
            place, size = places.get(number, (0, -1))
            total += length
            if size != length or total > self.content.end:
                raise LeftToHdf5Error
            text = heap[place : place + size]
            found.append(text if 0 not in text else text[: text.index(0)])
        return found

    def _heap(self, address: int) -> Heap:
        signature, version, size = _HEAD.unpack(self.content.at(address, _HEAD.size))
        if signature != b"GCOL" or version != 1 or size < _HEAD.size:
            raise LeftToHdf5Error
        heap = self.content.at(address, size)
        self.content.taken[address] = size
        places: dict[int, tuple[int, int]] = {}
        place = _HEAD.size
        while place + _ITEM.size <= size:
            number, _, length = _ITEM.unpack_from(heap, place)
            if not number:
                break
            begin = place + _ITEM.size
            place = begin + -(-length // 8) * 8
            if place > size or number in places:
                raise LeftToHdf5Error
            places[number] = (begin, length)
        self._passed += len(places)
        if self._passed > _MOST_ITEMS:
            raise LeftToHdf5Error
        self._kept += size
        if self._kept > _MOST_KEPT:
            self._known.clear()
            self._kept = size
        self._known[address] = found = (heap, places)
        return found
