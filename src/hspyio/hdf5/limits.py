"""What reading allows a file: how often, how deep, how much. Nothing that a file says is believed.

The limits are far beyond what programs write. What goes beyond one is refused by name; the
rest of the file is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hspyio.errors import DamagedFileError, TooLargeError
from hspyio.system.memory import available_memory

__all__ = [
    "DEFLATE",
    "MIB",
    "MOST_GROWTH",
    "MOST_LEVELS",
    "MOST_OBJECTS",
    "MOST_STEPS",
    "UNSUSPICIOUS",
    "Budget",
    "Census",
    "check_chunks",
    "repeats",
    "size_text",
]

MIB = 2**20

MOST_PATHS = 8
"""By how many paths one object may be reached. Programs of the field make one; a file of one's
own may share an array between experiments. Without a limit thirty pairs of links make a billion
paths; with one there is no more to read than eight times what the file holds."""

MOST_OBJECTS = 1_000_000
"""Groups and datasets that are reached in one opening; a tree of metadata has up to 10,000."""

MOST_LEVELS = 1000
"""Groups within one another; a tree of metadata has up to 100, and each knows all that hold it."""

MOST_STEPS = 1000
"""Names in the path of a soft link, those of the links on the way included."""

UNSUSPICIOUS = 64 * MIB
"""Bytes that are given without a question."""

_MOST_UNWRITTEN = 250_000
"""Items of lists, texts and rows that no byte of the file stands for. Each takes an object in
memory, while an array of numbers that was never written takes nothing."""

_FEW = 16
"""Texts that may be one and the same in a large file."""

DEFLATE = 1032
"""How many bytes one byte of a deflated stream can become."""

MOST_GROWTH = 2**15
"""How many bytes of values one byte of a file may stand for, before they are not read to their end
for a look; the best codecs pack zeros so."""

_WIDE_CHUNK = 4
"""How many times larger than the whole array a chunk may be, where it is larger than that."""


def size_text(size: int) -> str:
    """A number of bytes in decimal units."""
    for unit, name in ((10**15, "PB"), (10**12, "TB"), (10**9, "GB"), (10**6, "MB")):
        if size >= unit:
            return f"{size / unit:,.1f} {name}"
    return f"{size:,} bytes"


@dataclass(slots=True)
class Census:
    """Counts what is reached in one opening of a file.

    Attributes
    ----------
    objects : int
        How many so far.
    paths : dict
        By how many paths an object was reached that has several links; the key is its address.
    """

    objects: int = 0
    paths: dict[tuple[int, int], int] = field(default_factory=dict)

    def expect(self, count: int) -> None:
        """Take note that so many attributes and links of one object are about to be read."""

    def count(self, address: tuple[int, int], links: int, *, followed: bool) -> None:
        """Count an object that was reached.

        Parameters
        ----------
        address : tuple of int
            What the file is called, and where the object's header begins.
        links : int
            How many hard links lead to it.
        followed : bool
            Whether a soft link led there, so that it may have other paths though it has one
            hard link.

        Raises
        ------
        DamagedFileError
            If it was reached by too many paths, or too much was reached.
        """
        self.objects += 1
        if self.objects > MOST_OBJECTS:
            raise DamagedFileError(
                f"is beyond the {MOST_OBJECTS:,} objects that are read of a file"
            )
        if links > 1 or followed:
            count = self.paths[address] = self.paths.get(address, 0) + 1
            if count > MOST_PATHS:
                raise DamagedFileError(
                    f"is one more link to what {MOST_PATHS} others in this file lead to"
                )


@dataclass(slots=True)
class Budget:
    """The memory that the arrays of one opening of a file may take together.

    Attributes
    ----------
    taken : int
        Bytes so far.
    room : int or None
        Bytes that there were when it was first asked for; ``None`` before that.
    unwritten : int
        Items so far that no byte of the file stands for.
    filled : int
        Bytes so far of such arrays, of which memory has to be filled.
    rows : int
        Bytes so far of rows of variable length, and of texts.
    """

    taken: int = 0
    room: int | None = None
    unwritten: int = 0
    filled: int = 0
    rows: int = 0

    def take(self, size: int, *, lazily: bool) -> None:
        """Allow for an array, before memory for it is allocated.

        Parameters
        ----------
        size : int
            Bytes of it.
        lazily : bool
            Whether ``lazy=True`` would help.

        Raises
        ------
        TooLargeError
            If there is not as much memory.
        """
        if self.taken + size > UNSUSPICIOUS:
            if self.room is None:
                found = available_memory()
                self.room = self.taken + found if found is not None else 2**62
            if self.taken + size > self.room:
                raise _too_large(size, self.room - self.taken, lazily)
        self.taken += size

    def give_back(self, size: int) -> None:
        """An array was not made after all."""
        self.taken -= size

    def take_items(self, count: int, size: int, stored: int) -> None:
        """Allow for items that become objects: of lists, texts, rows.

        Parameters
        ----------
        count, size, stored : int
            How many, their bytes, and how many bytes the file has of them.

        Raises
        ------
        DamagedFileError
            If the file does not have them.
        """
        if size <= stored * DEFLATE:
            return
        if self.unwritten + count > _MOST_UNWRITTEN:
            raise DamagedFileError(
                f"is said to have {count:,} items, of which the file has {size_text(stored)}"
            )
        self.unwritten += count

    def take_filled(self, size: int, stored: int) -> None:
        """Allow for a part of an array that is not in the file, and not zero either.

        Raises
        ------
        DamagedFileError
            If that is more than a file has use for.
        """
        if size <= stored * DEFLATE:
            return
        if self.filled + size > UNSUSPICIOUS:
            raise DamagedFileError(
                f"is said to have {size_text(size)}, of which the file has {size_text(stored)}"
            )
        self.filled += size

    def take_rows(self, size: int, file_bytes: int) -> None:
        """Allow for rows or texts; in a sound file no two are the same bytes.

        Raises
        ------
        DamagedFileError
            If they are far more than the file.
        """
        if size > file_bytes or self.rows + size > UNSUSPICIOUS + MOST_PATHS * file_bytes:
            raise DamagedFileError(
                f"is said to have {size_text(size)}, in a file of {size_text(file_bytes)}"
            )
        self.rows += size


def _too_large(size: int, room: int, lazily: bool) -> TooLargeError:
    mend = "; lazy=True reads it in parts" if lazily else ""
    return TooLargeError(
        f"takes {size_text(size)} of memory, {size_text(max(0, room))} are available{mend}"
    )


def repeats(count: int, file_bytes: int) -> bool:
    """Whether so many texts could be far more than the file, if all were the same bytes of it."""
    return count > _FEW and count * file_bytes > UNSUSPICIOUS


def check_chunks(chunk_bytes: int, array_bytes: int) -> None:
    """Refuse chunks that make little data large.

    Raises
    ------
    DamagedFileError
        If a chunk is large, and far larger than the whole array.
    """
    if chunk_bytes > max(UNSUSPICIOUS, _WIDE_CHUNK * array_bytes):
        raise DamagedFileError(
            f"its chunks are of {size_text(chunk_bytes)}, the whole array is of "
            f"{size_text(array_bytes)}"
        )
