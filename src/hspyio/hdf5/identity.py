"""Which file it was: what tells that one which is opened again holds the same arrays.

Not its time: an update of ours leaves every byte where it is, and only moves the root. Not its
inode alone: network file systems number files differently on every host.
"""

from __future__ import annotations

import os
from typing import TypeAlias

from hspyio.hdf5.format.superblock import LENGTH, Superblock, read_superblock
from hspyio.records import value
from hspyio.system.calls import read_into

__all__ = ["Fingerprint", "Identity", "fingerprint", "identity_of", "is_the_same"]

Fingerprint: TypeAlias = tuple[int, int, int]
"""Inode, size, time of the last change in ns; not the device, which differs from host to host."""

_WHOLE = 256 * 2**10
"""Bytes up to which a file is compared whole; of others samples are."""
_HEAD = 64 * 2**10
"""Where headers and the index of chunks stand in files of ours."""
_PIECE = 4096
_PIECES = 6


def fingerprint(status: os.stat_result) -> Fingerprint:
    """What tells one state of a file from another."""
    return (status.st_ino, status.st_size, status.st_mtime_ns)


@value
class Identity:
    """What a file has to be when it is opened again. Plain data, which can be pickled.

    Attributes
    ----------
    state : tuple of int
        Its fingerprint.
    start : bytes
        Its superblock, which names its root; nothing where that is never moved.
    digest : bytes
        Of its content, in samples where it is long; nothing where the state has to be the same.
    """

    state: Fingerprint
    start: bytes = b""
    digest: bytes = b""

    @property
    def block(self) -> Superblock | None:
        """Where the root was."""
        return Superblock(self.start[8], self.start) if self.start else None


def identity_of(descriptor: int, state: Fingerprint, block: Superblock | None) -> Identity:
    """What an open file is.

    Parameters
    ----------
    descriptor : int
        The file.
    state : tuple of int
        Its fingerprint when it was opened; an update since then is of no matter.
    block : Superblock or None
        Where its root was then.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    start = block.content if block is not None else b""
    return Identity(state, start, _digest(descriptor, *_extent(state, block)))


def is_the_same(descriptor: int, identity: Identity) -> bool:
    """Whether an open file holds what it held: it may have been updated, or numbered anew.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    state = fingerprint(os.fstat(descriptor))
    if state == identity.state:
        return True
    if not identity.digest:
        return False
    block = read_superblock(descriptor)
    if state[1:] == identity.state[1:]:
        unmoved = (b"" if block is None else block.content) == identity.start
        return unmoved and _is_alike(descriptor, identity)
    moved = identity.block is not None and _is_moved(identity.block, block)
    return moved and state[0] == identity.state[0] and _is_alike(descriptor, identity)


def _is_moved(old: Superblock, new: Superblock | None) -> bool:
    """Whether a root was put behind the end that the file had: what was before is untouched."""
    return new is not None and new.version == old.version and new.end > new.root >= old.end


def _is_alike(descriptor: int, identity: Identity) -> bool:
    return _digest(descriptor, *_extent(identity.state, identity.block)) == identity.digest


def _extent(state: Fingerprint, block: Superblock | None) -> tuple[int, int]:
    """The part of a file that no update changes."""
    return (0, state[1]) if block is None else (LENGTH, block.end)


def _digest(descriptor: int, begin: int, end: int) -> bytes:
    """Of a part of a file: its head, its tail, and samples between them."""
    import hashlib

    digest = hashlib.blake2b(digest_size=16)
    for start, stop in _pieces(begin, end):
        piece = bytearray(stop - start)
        read_into(descriptor, [memoryview(piece)], start)
        digest.update(piece)
    return digest.digest()


def _pieces(begin: int, end: int) -> list[tuple[int, int]]:
    if end - begin <= _WHOLE:
        return [(begin, end)] if end > begin else []
    step = (end - begin - _HEAD) // _PIECES
    starts = [begin + _HEAD + i * step for i in range(1, _PIECES)]
    between = [(start, start + _PIECE) for start in starts]
    return [(begin, begin + _HEAD), *between, (end - _PIECE, end)]
