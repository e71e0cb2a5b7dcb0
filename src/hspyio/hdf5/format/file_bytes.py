"""The bytes of a file by HDF5's addresses, within bounds, and the numbers of other widths in it."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Sequence
from functools import cache

from hspyio.errors import DamagedFileError, UnsupportedFeatureError
from hspyio.filters.codec import library
from hspyio.hdf5.format.superblock import USUAL_CHUNK_RANK, Superblock, lookup3
from hspyio.system.byte_source import ByteSource

__all__ = ["UNREADABLE_PIECE", "FileBytes", "damaged", "readable", "unsupported"]

_PAGE = 65536
_MOST_PAGES = 64
_MOST_PIECE = 64 * 2**20
"""Bytes that are read as one piece of metadata, or as one small array."""
_MOST_SLOWLY = 32768
"""Bytes that a process checks without the library, which takes as long to import."""
_LETTERS = {2: "H", 4: "I", 8: "Q"}
_USUAL_SIZE, _USUAL_NODES = 8, (544, 328)
"""Of addresses and lengths, and of the nodes of older groups, in nearly every file."""
UNREADABLE_PIECE = (OSError, UnsupportedFeatureError, struct.error, LookupError, ValueError)
"""What the parsing of a damaged structure raises, wherever it is damaged."""


def damaged(what: str) -> DamagedFileError:
    """The error about something that is broken."""
    return DamagedFileError(f"cannot be read: {what}")


def unsupported(
    what: str, mend: str = "h5repack may write it in another form"
) -> UnsupportedFeatureError:
    """The error about something that is rare, and perhaps sound."""
    return UnsupportedFeatureError(f"{what}, which is not read here; {mend}")


def readable(name: bytes) -> str:
    """A name as text; what is no UTF-8 are lone surrogates."""
    return name.decode("utf-8", "surrogateescape")


class FileBytes:
    """A file, of which pieces are read here and there, and kept for a while.

    Parameters
    ----------
    source : ByteSource
        The whole file.
    block : Superblock or None
        Its superblock; ``None`` where that is lost.
    tolerant : bool
        Whether what is damaged is passed over and noted, and all else read.

    Attributes
    ----------
    start : int
        Where in the file addresses count from.
    end : int
        The first address beyond the file.
    offset_size, length_size : int
        Bytes of an address, and of a length.
    undefined : int
        The address of nothing.
    group_nodes : tuple of int
        Bytes of the nodes of older groups.
    chunk_rank : int
        Half of the chunks that a node of an older tree of chunks has room for.
    pair, extent, reference : struct.Struct
        Two addresses; an address and a length; what stands for a value of variable length.
    taken : dict
        Bytes of the headers, heaps and indices that were read, by their addresses; but for heaps
        of texts and rows, see `GlobalHeaps`.
    managers : list of int
        Where heaps that were read note what is free in them.
    losses : int or None
        How many pieces were passed over; ``None`` where none is.
    """

    _checked = 0  # in Python, of all files of the process: many small ones are many bytes, too

    def __init__(
        self, source: ByteSource, block: Superblock | None, *, tolerant: bool = False
    ) -> None:
        self.source = source
        self.losses: int | None = 0 if tolerant else None
        size = source.size
        self.start, self.end = 0, size
        self.offset_size = self.length_size = _USUAL_SIZE
        self.group_nodes, self.chunk_rank = _USUAL_NODES, USUAL_CHUNK_RANK
        if block is not None:
            self.start = block.start
            stated = self.end if tolerant else block.end - block.base
            self.end = min(stated, size - block.start)
            self.offset_size, self.length_size = block.offset_size, block.length_size
            self.group_nodes, self.chunk_rank = block.group_nodes, block.chunk_rank
        self.undefined = (1 << 8 * self.offset_size) - 1
        self.taken: dict[int, int] = {}
        self.managers: list[int] = []
        self._letters = _LETTERS[self.offset_size], _LETTERS[self.length_size]
        self.pair = _struct("<OO", *self._letters)
        self.extent = _struct("<OL", *self._letters)
        self.reference = _struct("<IOI", *self._letters)
        self._pages: dict[int, bytes] = {}
        # Where it is imported already it is used from the start.
        self._checksum = _by_library() if "imagecodecs" in sys.modules else lookup3

    def struct(self, form: str) -> struct.Struct:
        """A structure in which ``O`` is an address, and ``L`` a length."""
        return _struct(form, *self._letters)

    def at(self, address: int, length: int) -> bytes:
        """What stands at an address.

        Raises
        ------
        DamagedFileError
            If that is not all in the file, or far too much.
        """
        page, start = divmod(address, _PAGE)
        stop = start + length
        if not 0 <= length <= _MOST_PIECE or not 0 <= address <= self.end - length:
            raise damaged(f"{length:,} bytes are said to stand at {address:,}, outside the file")
        if stop <= _PAGE:
            known = self._pages.get(page)
            return (self._page(page) if known is None else known)[start:stop]
        return self.source.read(self.start + address, length)

    def up_to(self, address: int, length: int) -> bytes:
        """The same; less where the file ends before."""
        rest = self.end - address
        return self.at(address, length if length <= rest else max(0, rest))

    def _page(self, number: int) -> bytes:
        if len(self._pages) >= _MOST_PAGES:
            self._pages.pop(next(iter(self._pages), -1), None)
        start = number * _PAGE
        page = self._pages[number] = self.source.read(
            self.start + start, min(_PAGE, self.end - start)
        )
        return page

    def expect(self, addresses: Sequence[int], length: int) -> None:
        """Take note of structures that will be read soon."""
        self.source.expect([self.start + one for one in addresses], [length] * len(addresses))

    def lose(self, error: Exception) -> None:
        """Go on without a part of a structure, if that is wanted; else raise what was raised."""
        if self.losses is None:
            raise error
        self.losses += 1

    def check(self, piece: bytes) -> None:
        """Compare a piece of metadata with the checksum at its end.

        Raises
        ------
        DamagedFileError
            If they differ.
        """
        if self._checksum is lookup3:
            FileBytes._checked += len(piece)
            if self._checked > _MOST_SLOWLY:
                self._checksum = _by_library()
        if len(piece) < 5 or self._checksum(piece[:-4]) != int.from_bytes(piece[-4:], "little"):
            raise damaged("a checksum in it is wrong")


@cache
def _struct(form: str, offset: str, length: str) -> struct.Struct:
    return struct.Struct(form.replace("O", offset).replace("L", length))


def _by_library() -> Callable[[bytes], int]:
    """The library's function, asked for once a file and not for each of its pieces."""
    made: Callable[[bytes], int] = library().h5checksum_lookup3
    return made
