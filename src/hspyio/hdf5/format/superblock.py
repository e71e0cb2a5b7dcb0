"""The first bytes of an HDF5 file: where its root group is, and where it ends."""

from __future__ import annotations

import struct

from hspyio.errors import IMPORTED, DamagedFileError, NotHspyError, UnsupportedFeatureError
from hspyio.records import value
from hspyio.system.byte_source import ByteSource, LocalBytes

__all__ = [
    "LENGTH",
    "SIGNATURE",
    "USUAL_CHUNK_RANK",
    "Superblock",
    "find_superblock",
    "lookup3",
    "read_superblock",
    "sound_superblock",
]

LENGTH = 96
"""Bytes that are read of a superblock: up to the address of the root group in all versions."""
SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\3\4"

_ADDRESS = struct.Struct("<Q")
_RANKS = struct.Struct("<HH")
_USUAL_RANKS = _RANKS.pack(4, 16)
"""Those of every file that has no extension of its superblock to tell others."""
USUAL_CHUNK_RANK = 32
"""Half of the chunks that a node of an older tree of chunks has room for, likewise."""
_OLDEST, _OLD, _NEW = 0, (0, 1), (2, 3)
_WITH_CHUNK_RANK = 1
_NEWEST = 3
_SIZES = (2, 4, 8)
_FIRST_USER_BLOCK = 512
_BEING_WRITTEN = 0x01 | 0x04


@value
class Superblock:
    """A superblock of any version.

    Attributes
    ----------
    version : int
        0 to 3.
    content : bytes
        The first `LENGTH` bytes of it, or fewer where the file ends before.
    start : int
        Where it stands in the file: after the user block, if there is one. Addresses count from
        there.
    """

    version: int
    content: bytes
    start: int = 0

    @property
    def offset_size(self) -> int:
        """Bytes of an address."""
        return self.content[13 if self.version in _OLD else 9]

    @property
    def length_size(self) -> int:
        """Bytes of a length."""
        return self.content[14 if self.version in _OLD else 10]

    @property
    def base(self) -> int:
        """What the file says of its start."""
        return self._address(0)

    @property
    def end(self) -> int:
        """Where the file ends; what lies beyond is no part of it."""
        return self._address(2)

    @property
    def extension(self) -> int:
        """Address of the extension, in newer versions; of notes on free space in older ones."""
        return self._address(1)

    @property
    def root(self) -> int:
        """Address of the root group."""
        if self.version in _OLD:
            return self._address(4, self.length_size)
        return self._address(3)

    @property
    def driver(self) -> int:
        """Address of what a driver noted that splits files, in older versions."""
        return self._address(3) if self.version in _OLD else self.undefined

    @property
    def undefined(self) -> int:
        """The address of nothing."""
        return (1 << 8 * self.offset_size) - 1

    @property
    def group_nodes(self) -> tuple[int, int]:
        """Bytes of the nodes of older groups: of those of a tree, and of the tables below them."""
        return self.nodes_of(self.content[16:20] if self.version in _OLD else _USUAL_RANKS)

    @property
    def chunk_rank(self) -> int:
        """Half of the chunks that a node of an older tree of chunks has room for."""
        if self.version == _WITH_CHUNK_RANK:
            return int.from_bytes(self.content[24:26], "little")
        return USUAL_CHUNK_RANK

    def nodes_of(self, ranks: bytes) -> tuple[int, int]:
        """The same, by the numbers that an extension tells."""
        table, tree = _RANKS.unpack(ranks)
        address, length = self.offset_size, self.length_size
        of_tree = 8 + 2 * address + 2 * tree * (address + length) + length
        return of_tree, 8 + 2 * table * (address + length + 24)

    @property
    def can_be_switched(self) -> bool:
        """Whether another root can take the place of this one, and old programs still read it.

        Not with superblock version 1, with a user block, with an extension (where a file-space
        strategy other than the default is noted), or while marked as being written.
        """
        if self.start or self.base or (self.offset_size, self.length_size) != (8, 8):
            return False
        if self.extension != self.undefined or self.driver != self.undefined:
            return False
        return self.version == _OLDEST or (self.version in _NEW and not self.content[11])

    def _address(self, number: int, skipped: int = 0) -> int:
        """One of the addresses that stand one behind the other."""
        place = {0: 24, 1: 28}.get(self.version, 12) + number * self.offset_size + skipped
        return int.from_bytes(self.content[place : place + self.offset_size], "little")

    def switched(self, root: int, end: int) -> Superblock:
        """The same with another root, as it is going to be."""
        content = bytearray(self.content)
        for place, piece in self.moved(root, end):
            content[place : place + len(piece)] = piece
        return Superblock(self.version, bytes(content))

    def moved(self, root: int, end: int) -> tuple[tuple[int, bytes], ...]:
        """What to write, and where, for another root: after every one of them a file is whole.

        Version 2 and 3 end in a checksum and change at once. Version 0 has none: a reader could
        see half of a longer write; so the end comes first, then the old root's cached place goes,
        which readers can do without, and eight bytes at last are the switch.
        """
        if self.version == _OLDEST:
            cache = ((72, bytes(24)),) if any(self.content[72:96]) else ()
            return ((40, _ADDRESS.pack(end)), *cache, (64, _ADDRESS.pack(root)))
        start = self.content[:28] + _ADDRESS.pack(end) + _ADDRESS.pack(root)
        return ((28, start[28:] + struct.pack("<I", lookup3(start))),)


def read_superblock(descriptor: int) -> Superblock | None:
    """Read a superblock; ``None`` for a file whose root cannot be switched."""
    source = LocalBytes(descriptor)
    content = source.read(0, min(LENGTH, source.size))
    if content[:8] != SIGNATURE:
        return None
    block = Superblock(content[8] if len(content) > 8 else 0, content.ljust(LENGTH, b"\0"))
    switched = block.version in (_OLDEST, *_NEW) and block.can_be_switched
    return block if switched and block.end <= source.size and _is_sound(block) else None


def find_superblock(source: ByteSource) -> Superblock:
    """Find the superblock of a file: at its start, or after a user block.

    Raises
    ------
    NotHspyError
        If there is none.
    DamagedFileError
        If it is damaged, the file was cut, or a program has not closed it.
    UnsupportedFeatureError
        If it is of a version to come, or one of several parts of a file.
    """
    size, start = source.size, 0
    while start + 9 <= size:
        content = source.read(start, min(LENGTH, size - start))
        if content[:8] == SIGNATURE:
            block = Superblock(content[8], content.ljust(LENGTH, b"\0"), start)
            _check(block, size)
            return block
        start = 2 * start or _FIRST_USER_BLOCK
    found = source.read(0, min(8, size))
    if not found:
        raise NotHspyError("is empty; an HSpy file is an HDF5 file")
    if found.startswith(_ZIP):
        raise NotHspyError(f"is a zip, not an HDF5 file{IMPORTED}")
    raise NotHspyError(
        f"is not an HDF5 file: looked for HDF5's signature at its start, found {found!r}"
    )


def sound_superblock(source: ByteSource) -> Superblock | None:
    """What stands at the start of a damaged file, which may have been cut; ``None`` for none."""
    content = source.read(0, min(LENGTH, source.size)).ljust(LENGTH, b"\0")
    block = Superblock(min(content[8], _NEWEST), content)
    sound = content[:8] == SIGNATURE and content[8] <= _NEWEST and not block.base
    sizes = {block.offset_size, block.length_size}
    return block if sound and sizes <= {*_SIZES} and _is_sound(block) else None


def _check(block: Superblock, size: int) -> None:
    if block.version > _NEWEST:
        raise UnsupportedFeatureError(
            f"is an HDF5 file with a superblock of version {block.version}, "
            "which is not read here; a newer hspyio may"
        )
    sizes = {block.offset_size, block.length_size}
    if not sizes <= {*_SIZES} or not _is_sound(block):
        raise DamagedFileError("is an HDF5 file that cannot be opened: its superblock is damaged")
    if block.driver != block.undefined:
        raise UnsupportedFeatureError(
            "is one of several parts of an HDF5 file, which is not read here; "
            "h5repack makes one file of them"
        )
    if block.version == _NEWEST and block.content[11] & _BEING_WRITTEN:
        raise DamagedFileError(
            "is an HDF5 file that cannot be opened: it is being written, or the program that "
            "wrote it has not closed it; `h5clear -s` takes the mark away"
        )
    if block.end - block.base > size - block.start:
        raise DamagedFileError(
            "is an HDF5 file that cannot be opened: it was cut, and is "
            f"{size - block.start:,} bytes long instead of {block.end - block.base:,}; "
            "hspyio.rescue(old, new), or `hspy rescue OLD NEW`, saves what is left"
        )


def _is_sound(block: Superblock) -> bool:
    """Whether its checksum is right, where it has one."""
    if block.version in _OLD:
        return True
    end = 12 + 4 * block.offset_size
    stated = int.from_bytes(block.content[end : end + 4], "little")
    return stated == lookup3(block.content[:end])


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
    a, b, c = a + x & _WORD, b + y & _WORD, c + z & _WORD
    for count in (14, 11, 25, 16, 4, 14, 24):
        c = (c ^ b) - (b << count | b >> (32 - count)) & _WORD
        a, b, c = b, c, a
    return int(b)
