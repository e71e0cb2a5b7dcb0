"""Where the keys of a Zarr store are: a folder of files, or one zip."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.errors import (
    DamagedFileError,
    FilePermissionError,
    HspyError,
    MissingFileError,
    StaleFileError,
    UnreadableFileError,
)
from hspyio.forks import derived
from hspyio.hdf5.snapshot import Snapshot
from hspyio.system import calls

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GROUP", "METADATA", "StoreSnapshot", "is_store", "store_at"]

GROUP, ARRAY, ATTRIBUTES, METADATA = ".zgroup", ".zarray", ".zattrs", ".zmetadata"
_SUFFIXES = (".zspy", ".zspy.zip")
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_MOST_FILES = 10_000_000
_LARGEST_TEXT = 2**28
"""Bytes of a piece of metadata at most."""


def is_store(path: str) -> bool:
    """Whether that is a store of Zarr's format 2: by its name and what stands there."""
    if os.path.isdir(path):
        return os.path.isfile(os.path.join(path, GROUP))
    return path.lower().endswith(_SUFFIXES) and zipfile.is_zipfile(path)


def store_at(path: str) -> StoreSnapshot | None:
    """The store at a path; ``None`` where something else is."""
    return StoreSnapshot(path) if is_store(path) else None


class StoreSnapshot(Snapshot):
    """A store as it was when it was opened.

    Nothing stays open: each value is a file that is opened when it is read. What is compared is the
    time of the store's metadata, or of the zip.

    Parameters
    ----------
    path : str
        The folder or zip.
    state : tuple, optional
        What it has to be, for one that comes from another process.
    """

    is_local = True
    is_hdf5 = False

    def __init__(self, path: str, state: tuple[int, ...] | None = None) -> None:
        super().__init__(path)
        self.place = os.path.abspath(path)
        self.is_zip = not os.path.isdir(self.place)
        self._state = state or self._state_now()

    def __reduce__(self) -> tuple[Any, ...]:
        """How to get it in another process."""
        return type(self), (self.place, self._state)

    def __copy__(self) -> StoreSnapshot:
        """The same state."""
        return type(self)(self.path, self._state)

    def __deepcopy__(self, memo: object) -> StoreSnapshot:
        """The same."""
        return self.__copy__()

    def clone(self) -> StoreSnapshot:
        """The same state."""
        return self.__copy__()

    def close(self) -> None:
        """Nothing is open."""

    def open_source(self) -> Any:
        """A store is not one piece of bytes."""
        raise NotImplementedError

    def _state_now(self) -> tuple[int, ...]:
        places = [self.place] if self.is_zip else [os.path.join(self.place, METADATA), self.place]
        for place in places:
            try:
                found = os.stat(place)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise self._unreadable(error) from None
            return (found.st_ino, found.st_size, found.st_mtime_ns)
        raise MissingFileError("no such file", path=self.path)

    def check(self) -> None:
        """Raise a `StaleFileError` if it has changed since."""
        if self._state_now() != self._state:
            raise StaleFileError(
                "has changed since it was loaded lazily; load it again", path=self.path
            )

    def _unreadable(self, error: OSError) -> UnreadableFileError:
        kind = FilePermissionError if isinstance(error, PermissionError) else UnreadableFileError
        return kind(f"cannot be read: {error.strerror or error}", path=self.path)

    # what is in it

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        if self.is_zip:
            return os.path.getsize(self.place)
        return sum(found.st_size for _, found in _files(self.place))

    @derived
    def _entries(self) -> Mapping[str, zipfile.ZipInfo]:
        """The members of a zip; of two of one name the later, as zarr and zipfile have it."""
        try:
            with zipfile.ZipFile(self.place) as archive:
                return {entry.filename.rstrip("/"): entry for entry in archive.infolist()}
        except OSError as error:
            raise self._unreadable(error) from None
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise DamagedFileError(f"is no sound zip: {error}", path=self.path) from None

    def keys(self) -> list[str]:
        """All keys, in no order."""
        if self.is_zip:
            return list(self._entries)
        return [name for name, _ in _files(self.place)]

    def sizes(self, prefix: str) -> int:
        """Bytes of what begins with a prefix: of the chunks of an array."""
        if self.is_zip:
            return sum(
                entry.compress_size
                for key, entry in self._entries.items()
                if key.startswith(prefix)
            )
        folder = os.path.join(self.place, *prefix.rstrip("/").split("/"))
        return sum(found.st_size for name, found in _files(folder) if not name.startswith(".z"))

    def get(self, key: str, most: int = _LARGEST_TEXT) -> bytes | None:
        """The bytes of a key; ``None`` where it has none.

        Raises
        ------
        DamagedFileError
            If they are more than `most`, or the zip is damaged there.
        """
        found = self.get_into(key, most, lambda size: np.empty(size, np.uint8))
        return None if found is None else bytes(found)

    def get_into(
        self, key: str, most: int, memory: Callable[[int], NDArray[np.uint8]]
    ) -> memoryview | None:
        """The same, in memory that is asked for when their number is known."""
        try:
            if self.is_zip:
                found = self._in_zip(key, most)
                return None if found is None else memoryview(found)
            return self._in_folder(key, most, memory)
        except HspyError:
            raise
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise self._unreadable(error) from None

    def _in_folder(
        self, key: str, most: int, memory: Callable[[int], NDArray[np.uint8]]
    ) -> memoryview | None:
        # Of many small files every call of the system counts: no file object, no second look.
        descriptor = calls.open_for_reading(f"{self.place}/{key}")
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return None
            if found.st_size > most:
                raise DamagedFileError(
                    f"{key} is larger than the {most:,} bytes it can be", path=self.path
                )
            content = memory(found.st_size).data
            return content[: calls.read_up_to(descriptor, [content], 0)]
        finally:
            calls.close(descriptor)

    def _in_zip(self, key: str, most: int) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.file_size > most or entry.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):
            raise DamagedFileError("is too large, or packed in an unknown way", path=self.path)
        with open(self.place, "rb") as file:
            file.seek(entry.header_offset)
            head = file.read(_LOCAL_HEADER.size)
            if len(head) < _LOCAL_HEADER.size or head[:4] != b"PK\3\4":
                raise DamagedFileError(f"is no sound zip at {key}", path=self.path)
            _, name, extra = _LOCAL_HEADER.unpack(head)
            file.seek(name + extra, os.SEEK_CUR)
            found = file.read(entry.compress_size)
        if entry.compress_type == zipfile.ZIP_DEFLATED:
            try:
                found = zlib.decompressobj(-15).decompress(found, entry.file_size + 1)
            except zlib.error as error:
                raise DamagedFileError(
                    f"{key} cannot be unpacked: {error}", path=self.path
                ) from None
        if len(found) != entry.file_size or zlib.crc32(found) != entry.CRC:
            raise DamagedFileError(f"{key} is damaged in the zip", path=self.path)
        return found


def _files(folder: str, prefix: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """The files in a folder and in those inside it, by keys; links are not followed."""
    pending, count = [(folder, prefix)], 0
    while pending:
        place, above = pending.pop()
        try:
            entries = list(os.scandir(place))
        except OSError:
            continue
        for entry in entries:
            count += 1
            if count > _MOST_FILES:
                return
            found = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                pending.append((entry.path, f"{above}{entry.name}/"))
            elif stat.S_ISREG(found.st_mode):
                yield f"{above}{entry.name}", found
