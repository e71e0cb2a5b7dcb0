"""Heaps of links and attributes where there are many (HDF5's file format specification, III.G)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping

from hspyio.hdf5.format.file_bytes import UNREADABLE_PIECE, FileBytes, damaged, unsupported

__all__ = ["FractalHeap", "count_managers"]

_CHECKSUM = 4
_MOST_BLOCKS = 10_000
_MOST_ROWS = 64
_LARGEST_BLOCK = 2**20
_MANAGED, _HUGE, _TINY = 0, 1, 2
_TINY_BITS = 16
"""The longest number of an object in which the length of a tiny one takes four bits."""


def count_managers(content: FileBytes) -> None:
    """Count what the heaps that were read take to note what is free in them.

    Raises
    ------
    DamagedFileError
        If that is damaged.
    """
    form = content.struct("<4sBB4L4HLOLL4x")
    for address in content.managers:
        if address != content.undefined:
            head = content.at(address, form.size)
            content.check(head)
            signature, *_, sections, _, size = form.unpack(head)
            if signature != b"FSHD" or size > content.end:
                raise damaged("what a heap notes of its free space is damaged")
            content.taken[address] = form.size
            if sections != content.undefined:
                content.taken[sections] = size


class FractalHeap:
    """A heap, the blocks of which are read when something in them is asked for.

    Parameters
    ----------
    content : FileBytes
        The file.
    address : int
        Where the heap begins.

    Attributes
    ----------
    huge_tree : int
        Where the tree of its large objects begins.
    has_huge : bool
        Whether there are any.
    """

    def __init__(self, content: FileBytes, address: int) -> None:
        form = content.struct("<4sBHHBILOLO4L2L2LHLLHHOH4x")
        head = content.at(address, form.size)
        signature, version, of_number, filters, flags, most, *rest = form.unpack(head)
        if signature != b"FRHP" or version:
            raise damaged("a heap is not where it is said to be")
        if filters:
            raise unsupported("its links or attributes stand in a compressed heap")
        content.check(head)
        content.taken[address] = form.size
        _, self.huge_tree, _, manager = rest[:4]
        self.has_huge = bool(rest[9])
        width, start, largest, bits, _, root, rows = rest[12:]
        content.managers.append(manager)
        usual = start and not start & (start - 1) and not largest & (largest - 1) and width
        if not usual or not start <= largest <= _LARGEST_BLOCK or bits > 64 or width > _MOST_ROWS:
            raise damaged("a heap is said to be of a form that none has")
        self._content = content
        self._address = address
        self._checked = bool(flags & 2)
        self._width, self._start, self._largest = width, start, largest
        self._of_number = of_number
        self._of_offset: int = -(-bits // 8)
        self._of_length = min(_width(largest), _width(most))
        self._blocks: dict[int, bytes] = {}
        self._placed = sorted(self._direct(root, rows)) if root != content.undefined else []
        for _, size, place in self._placed:
            content.taken[place] = size
        self._offsets = [offset for offset, _, _ in self._placed]

    def item(self, number: bytes, huge: Mapping[int, tuple[int, int]]) -> bytes:
        """What a heap's number for it leads to.

        Parameters
        ----------
        number : bytes
            The number.
        huge : mapping
            Address and length of large objects, by their own numbers.

        Raises
        ------
        DamagedFileError
            If there is no such thing.
        """
        kind = number[0] >> 4 & 3
        if number[0] & 0xC0 or kind > _TINY:
            raise damaged("what is in a heap is not where it is said to be")
        if kind == _HUGE:
            return self._huge(number, huge)
        if kind == _TINY:
            return self._tiny(number)
        end = 1 + self._of_offset
        offset = int.from_bytes(number[1:end], "little")
        length = int.from_bytes(number[end : end + self._of_length], "little")
        which = bisect_right(self._offsets, offset) - 1
        if which >= 0:
            begin, size, _ = self._placed[which]
            place = offset - begin
            if length and place >= self._head and place + length <= size:
                return self._block(which)[place : place + length]
        raise damaged("what is in a heap is not where it is said to be")

    def _huge(self, number: bytes, huge: Mapping[int, tuple[int, int]]) -> bytes:
        content = self._content
        form = content.extent
        if self._of_number > form.size:
            place, length = form.unpack_from(number, 1)
        else:
            width = min(content.length_size, self._of_number - 1)
            key = int.from_bytes(number[1 : 1 + width], "little")
            place, length = huge.get(key, (content.undefined, 0))
        content.taken[place] = length
        return content.at(place, length)

    def _tiny(self, number: bytes) -> bytes:
        if self._of_number - 1 <= _TINY_BITS:
            start, length = 1, (number[0] & 0x0F) + 1
        else:
            start, length = 2, ((number[0] & 0x0F) << 8 | number[1]) + 1
        found = number[start : start + length]
        if len(found) < length:
            raise damaged("what is in a heap is longer than its number")
        return found

    @property
    def _head(self) -> int:
        """Bytes at the beginning of a block."""
        address = self._content.offset_size
        return 5 + address + self._of_offset + (4 if self._checked else 0)

    def _start_of(self, signature: bytes, offset: int) -> bytes:
        """What a block begins with."""
        address = self._address.to_bytes(self._content.offset_size, "little")
        return signature + b"\0" + address + offset.to_bytes(self._of_offset, "little")

    def _block(self, which: int) -> bytes:
        known = self._blocks.get(which)
        if known is None:
            offset, size, address = self._placed[which]
            known = self._content.at(address, size)
            head = self._start_of(b"FHDB", offset)
            if known[: len(head)] != head:
                raise damaged("a block of a heap is not where it is said to be")
            if self._checked:
                end = len(head) + 4
                self._content.check(
                    known[: len(head)] + bytes(4) + known[end:] + known[len(head) : end]
                )
            self._blocks[which] = known
        return known

    def _direct(self, root: int, rows: int) -> Iterator[tuple[int, int, int]]:
        """Offset, size and address of every block that holds something."""
        if not rows:
            yield 0, self._start, root
            return
        pending, found = [(0, root, rows)], 0
        while pending and found <= _MOST_BLOCKS:
            offset, address, count = pending.pop()
            try:
                blocks = list(self._indirect(offset, address, count))
            except UNREADABLE_PIECE as error:
                self._content.lose(error)
                continue
            for begin, size, place in blocks:
                if place == self._content.undefined:
                    continue
                found += 1
                if size <= self._largest:
                    yield begin, size, place
                else:
                    pending.append((begin, place, _log2(size // (self._start * self._width)) + 1))
        if pending:
            raise damaged("a heap has too many blocks")

    def _indirect(self, offset: int, address: int, rows: int) -> Iterator[tuple[int, int, int]]:
        if not 0 < rows <= _MOST_ROWS:
            raise damaged("a block of a heap is of a form that none has")
        head, content = self._start_of(b"FHIB", offset), self._content
        count = rows * self._width
        block = content.at(address, len(head) + content.offset_size * count + _CHECKSUM)
        content.check(block)
        content.taken[address] = len(block)
        if block[: len(head)] != head:
            raise damaged("a block of a heap is not where it is said to be")
        places = content.struct("<O").iter_unpack(block[len(head) : -_CHECKSUM])
        for index, (place,) in enumerate(places):
            size = self._start << max(0, index // self._width - 1)
            yield offset, size, place
            offset += size


def _log2(size: int) -> int:
    return size.bit_length() - 1


def _width(most: int) -> int:
    """Bytes that numbers up to one take."""
    return (most.bit_length() - 1) // 8 + 1
