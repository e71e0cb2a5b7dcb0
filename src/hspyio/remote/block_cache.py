"""Blocks of files that are far away, kept in a folder on this computer.

A file of blocks and a table beside it for each state of each file. Every block has a checksum in
the table: what a crash or another program has left half-written is fetched again.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import struct
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from hspyio.errors import OptionError
from hspyio.remote.stores import Version

__all__ = ["BlockCache"]

_ENTRY = struct.Struct("<II")
"""A mark, and the CRC-32 of the block."""
_MARK = 0x48535059
_DATA, _TABLE = ".blocks", ".table"

Fetch = Callable[[int, int], Awaitable[bytes | bytearray | memoryview]]


class BlockCache:
    """The kept blocks of one state of one file.

    Parameters
    ----------
    folder : str
        Where they are kept; made where it is not there.
    address : str
        Of the file.
    version : Version
        Its state.
    block : int
        Bytes of a block.
    most : int
        Bytes that all files of the folder may take.
    """

    def __init__(self, folder: str, address: str, version: Version, block: int, most: int) -> None:
        self._folder, self._block, self._most = Path(folder), block, most
        self._size = version.size
        what = repr((address, version.size, version.tag, version.modified, block)).encode()
        name = hashlib.blake2b(what, digest_size=16).hexdigest()
        self._data, self._table = self._folder / (name + _DATA), self._folder / (name + _TABLE)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in (self._data, self._table):
                _opened(path).close()
                os.utime(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no folder can be called so"
            raise OptionError(
                f"storage_options['cache'] cannot be used: {reason}", path=folder
            ) from None

    async def read(self, begin: int, end: int, fetch: Fetch) -> bytes | bytearray | memoryview:
        """A part of the file: what is kept, and the rest by `fetch`, kept from then on."""
        first, stop = begin // self._block, -(-end // self._block)
        start, whole = first * self._block, min(stop * self._block, self._size)
        content = bytearray(whole - start)
        missing = [n for n in range(first, stop) if not self._take(n, content, start)]

        async def fill(low: int, high: int) -> None:
            found = await fetch(low * self._block, min(high * self._block, self._size))
            content[low * self._block - start : low * self._block - start + len(found)] = found
            self._keep(low, found)

        await asyncio.gather(*(fill(low, high) for low, high in _runs(missing)))
        return memoryview(content)[begin - start : end - start]

    def _take(self, number: int, content: bytearray, start: int) -> bool:
        """Put a block that is kept, and sound, in its place."""
        place = number * self._block
        length = min(self._block, self._size - place)
        try:
            with self._table.open("rb") as table, self._data.open("rb") as data:
                table.seek(number * _ENTRY.size)
                entry = table.read(_ENTRY.size)
                if len(entry) < _ENTRY.size:
                    return False
                mark, check = _ENTRY.unpack(entry)
                if mark != _MARK:
                    return False
                data.seek(place)
                block = data.read(length)
        except OSError:
            return False
        if len(block) != length or zlib.crc32(block) != check:
            return False
        content[place - start : place - start + length] = block
        return True

    def _keep(self, first: int, content: bytes | bytearray | memoryview) -> None:
        """Keep blocks; where the disk is full or the folder gone, they are not."""
        view = memoryview(content)
        checks = b"".join(
            _ENTRY.pack(_MARK, zlib.crc32(view[i : i + self._block]))
            for i in range(0, len(view), self._block)
        )
        with suppress(OSError), _opened(self._data) as data, _opened(self._table) as table:
            data.seek(first * self._block)
            data.write(view)
            data.flush()
            table.seek(first * _ENTRY.size)
            table.write(checks)
        self._make_room()

    def _make_room(self) -> None:
        """Remove what was not used for longest, until the folder is small enough."""
        found = []
        with suppress(OSError):
            for path in self._folder.glob("*" + _DATA):
                with suppress(OSError):
                    status = path.stat()
                    found.append((status.st_mtime, _taken(status), path))
        taken = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if taken <= self._most:
                return
            for one in (path, path.with_suffix(_TABLE)):
                with suppress(OSError):
                    one.unlink()
            taken -= size


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Neighbours, from one to the one behind the last."""
    begin = 0
    for i in range(1, len(numbers) + 1):
        if i == len(numbers) or numbers[i] != numbers[i - 1] + 1:
            yield numbers[begin], numbers[i - 1] + 1
            begin = i


def _taken(status: os.stat_result) -> int:
    """Bytes on the disk: what was never kept is a hole."""
    blocks = getattr(status, "st_blocks", None)
    return status.st_size if blocks is None else blocks * 512


def _opened(path: Path) -> BinaryIO:
    """A file to be written to, made for the user alone; a link is not followed."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o600), "r+b")
