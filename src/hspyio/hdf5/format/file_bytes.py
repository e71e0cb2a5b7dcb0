"""The bytes of a file, by their addresses, and what is left to HDF5."""

from __future__ import annotations

import sys
from collections.abc import Callable

from hspyio.filters.codec import library
from hspyio.hdf5.format.superblock import lookup3
from hspyio.system.calls import read_into

__all__ = ["Content", "LeftToHdf5Error"]

_PAGE = 65536
_MOST_PAGES = 64
_MOST_PIECE = 64 * 2**20
"""Bytes that are read as one piece of metadata, or as one small array."""
_MOST_SLOWLY = 32768
"""Bytes that are checked without the library, which takes as long to import."""


class LeftToHdf5Error(Exception):
    """Something is rare, or damaged: HDF5 reads it, or says what is wrong with it."""


class Content:
    """A file, of which pieces are read here and there, and kept for a while.

    Parameters
    ----------
    descriptor : int
        Stays open.
    end : int
        Where the file ends, for HDF5.
    group_nodes : tuple of int
        Bytes of the nodes of older groups.

    Attributes
    ----------
    taken : dict
        Bytes of the headers, heaps and indices of groups that were read, by their addresses.
    managers : list of int
        Where heaps that were read note what is free in them.
    """

    def __init__(self, descriptor: int, end: int, group_nodes: tuple[int, int] = (0, 0)) -> None:
        self.descriptor = descriptor
        self.end = end
        self.group_nodes = group_nodes
        self._pages: dict[int, bytes] = {}
        self.taken: dict[int, int] = {}
        self.managers: list[int] = []
        self._checked = 0
        # Where it is imported already it is used from the start.
        self._checksum = _by_library() if "imagecodecs" in sys.modules else lookup3

    def at(self, address: int, length: int) -> bytes:
        """What stands at an address.

        Raises
        ------
        LeftToHdf5Error
            If that is not all in the file, or far too much.
        """
        page, start = divmod(address, _PAGE)
        stop = start + length
        if not 0 <= length <= _MOST_PIECE or not 0 <= address <= self.end - length:
            raise LeftToHdf5Error
        if stop <= _PAGE:
            known = self._pages.get(page)
            return (self._page(page) if known is None else known)[start:stop]
        return self._read(address, length)

    def up_to(self, address: int, length: int) -> bytes:
        """The same; less where the file ends before."""
        return self.at(address, max(0, min(length, self.end - address)))

    def _page(self, number: int) -> bytes:
        if len(self._pages) >= _MOST_PAGES:
            del self._pages[next(iter(self._pages))]
        start = number * _PAGE
        page = self._pages[number] = self._read(start, min(_PAGE, self.end - start))
        return page

    def _read(self, address: int, length: int) -> bytes:
        buffer = bytearray(length)
        try:
            read_into(self.descriptor, [memoryview(buffer)], address)
        except OSError:
            raise LeftToHdf5Error from None
        return bytes(buffer)

    def check(self, piece: bytes) -> None:
        """Compare a piece of metadata with the checksum at its end.

        Raises
        ------
        LeftToHdf5Error
            If they differ.
        """
        self._checked += len(piece)
        if self._checksum is lookup3 and self._checked > _MOST_SLOWLY:
            self._checksum = _by_library()
        if self._checksum(piece[:-4]) != int.from_bytes(piece[-4:], "little"):
            raise LeftToHdf5Error


def _by_library() -> Callable[[bytes], int]:
    """The library's function, asked for once a file and not for each of its pieces."""
    made: Callable[[bytes], int] = library().h5checksum_lookup3
    return made
