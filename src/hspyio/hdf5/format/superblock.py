"""The first bytes of an HDF5 file: where its root group is, and where it ends."""

from __future__ import annotations

import struct

from hspyio.records import value
from hspyio.system.calls import file_size, read_into

__all__ = ["LENGTH", "Superblock", "read_superblock"]

LENGTH = 96
"""Bytes that the longest of the superblocks known here takes."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_NONE = 2**64 - 1
_ADDRESS = struct.Struct("<Q")
_RANKS = struct.Struct("<HH")
_USUAL_RANKS = _RANKS.pack(4, 16)
"""Those of every file that has no extension of its superblock to tell others."""
_OLD = 0
_NEW = (2, 3)


@value
class Superblock:
    """What a root switch needs of a superblock.

    Attributes
    ----------
    version : int
        0, 2 or 3.
    content : bytes
        The first `LENGTH` bytes of the file.
    """

    version: int
    content: bytes

    @property
    def end(self) -> int:
        """Where the file ends; what lies beyond is no part of it."""
        return self._address(40 if self.version == _OLD else 28)

    @property
    def root(self) -> int:
        """Address of the root group."""
        return self._address(64 if self.version == _OLD else 36)

    @property
    def group_nodes(self) -> tuple[int, int]:
        """Bytes of the nodes of older groups: of those of a tree, and of the tables below them."""
        pair = self.content[16:20] if self.version == _OLD else _USUAL_RANKS
        table, tree = _RANKS.unpack(pair)
        return 24 + 32 * tree + 8, 8 + 80 * table

    def _address(self, place: int) -> int:
        return int(_ADDRESS.unpack_from(self.content, place)[0])

    def moved(self, root: int, end: int) -> tuple[tuple[int, bytes], ...]:
        """What to write, and where, for another root: after every one of them a file is whole.

        Version 2 and 3 end in a checksum and change at once. Version 0 has none: a reader could
        see half of a longer write; so the end comes first, then the old root's cached place goes,
        which readers can do without, and eight bytes at last are the switch.
        """
        if self.version == _OLD:
            cache = ((72, bytes(24)),) if any(self.content[72:96]) else ()
            return ((40, _ADDRESS.pack(end)), *cache, (64, _ADDRESS.pack(root)))
        start = self.content[:28] + _ADDRESS.pack(end) + _ADDRESS.pack(root)
        return ((28, start[28:] + struct.pack("<I", lookup3(start))),)


def read_superblock(descriptor: int) -> Superblock | None:
    """Read a superblock; ``None`` for a file whose root cannot be switched.

    Those are files of superblock version 1 or unknown ones, with a user block, with an extension
    (where a file-space strategy other than the default is noted), or marked as being written.
    """
    content = bytearray(LENGTH)
    size = file_size(descriptor)
    if size:
        read_into(descriptor, [memoryview(content)[:size]], 0)
    block = Superblock(content[8], bytes(content))
    if content[:8] != _SIGNATURE or block.end > size:
        return None
    if block.version == _OLD and content[13:15] == b"\x08\x08":
        none = _ADDRESS.pack(_NONE)
        plain = content[24:32] == bytes(8) and content[32:40] == content[48:56] == none
        return block if plain else None
    if block.version in _NEW and content[9:12] == b"\x08\x08\x00":
        plain = content[12:20] == bytes(8) and content[20:28] == _ADDRESS.pack(_NONE)
        sound = struct.unpack_from("<I", content, 44)[0] == lookup3(bytes(content[:44]))
        return block if plain and sound else None
    return None


_WORD = 0xFFFFFFFF
_THREE = struct.Struct("<3I")


def lookup3(content: bytes) -> int:
    """HDF5's checksum of metadata: Bob Jenkins' ``lookup3``, of any number of bytes but none.

    A number is cut to a word before it is shifted; until then it may run over, or below 0.
    """
    a = b = c = (0xDEADBEEF + len(content)) & _WORD
    padded = content + bytes(-len(content) % 12)
    last = len(padded) - 12
    for x, y, z in _THREE.iter_unpack(padded[:last]):
        b += y
        c = c + z & 0xFFFFFFFF
        a = (a + x - c ^ (c << 4 | c >> 28)) & 0xFFFFFFFF
        c += b
        b = (b - a ^ (a << 6 | a >> 26)) & 0xFFFFFFFF
        a += c
        c = (c - b ^ (b << 8 | b >> 24)) & 0xFFFFFFFF
        b += a
        a = (a - c ^ (c << 16 | c >> 16)) & 0xFFFFFFFF
        c += b
        b = (b - a ^ (a << 19 | a >> 13)) & 0xFFFFFFFF
        a += c
        c = (c - b ^ (b << 4 | b >> 28)) & 0xFFFFFFFF
        b += a
    x, y, z = _THREE.unpack_from(padded, last)
    return _final(a + x & _WORD, b + y & _WORD, c + z & _WORD)


def _final(a: int, b: int, c: int) -> int:
    for count in (14, 11, 25, 16, 4, 14, 24):
        c = (c ^ b) - (b << count | b >> (32 - count)) & _WORD
        a, b, c = b, c, a
    return b
