"""Files on HTTP, S3 and other stores as lazy arrays hold them: an address, and which state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from hspyio.errors import DamagedFileError, NotHspyError
from hspyio.hdf5.format.superblock import Superblock
from hspyio.hdf5.snapshot import Snapshot
from hspyio.remote.object_bytes import ObjectBytes, open_object
from hspyio.remote.storage_options import StorageOptions
from hspyio.remote.stores import Version
from hspyio.system.byte_source import ByteSource

__all__ = ["RemoteSnapshot", "remote_snapshot"]

_PAGE = re.compile(rb"^\s*<(!doctype html|html|\?xml|!--)", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>([^<]{1,120})", re.IGNORECASE)


class RemoteSnapshot(Snapshot):
    """One state of a file that is far away; it is the same for all arrays, and never closed.

    Parameters
    ----------
    address : str
        Of the file, or its key in a store that the options hold.
    options : StorageOptions
        How it is read.
    source : ObjectBytes
        Its bytes.
    """

    is_far = True

    def __init__(self, address: str, options: StorageOptions, source: ObjectBytes) -> None:
        super().__init__(source.requests.name)
        self.place = source.requests.address
        self._address, self._options, self._bytes = address, options, source

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._bytes.size

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process asks for itself, and for this state alone."""
        return _unpickled, (self._options.packed(self._address), self._bytes.version)

    def __copy__(self) -> RemoteSnapshot:
        """Nothing is open that would have to be one's own."""
        return self

    def __deepcopy__(self, memo: object) -> RemoteSnapshot:
        """The same."""
        return self

    def clone(self) -> RemoteSnapshot:
        """The same."""
        return self

    def close(self) -> None:
        """Let go of the blocks that are kept."""
        self._bytes.forget()

    @contextmanager
    def open_source(self) -> Iterator[ByteSource]:
        """The bytes of the file; reading raises `StaleFileError` where it has changed."""
        yield self._bytes

    def find_superblock(self, source: ByteSource) -> Superblock:
        """The superblock; of a web page it is told that it is one."""
        try:
            return super().find_superblock(source)
        except (NotHspyError, DamagedFileError) as error:
            if not _PAGE.match(self._bytes.head):
                raise
            title = _TITLE.search(self._bytes.head)
            named = "" if title is None else f" ({title[1].decode(errors='replace').strip()!r})"
            raise NotHspyError(
                f"is a page of a web site{named}, not an HDF5 file; the address of the file "
                "itself is needed, and perhaps a login",
                path=error.path or self.path,
            ) from None


def remote_snapshot(address: str, options: StorageOptions) -> RemoteSnapshot:
    """The state that a file is in now.

    Raises
    ------
    HspyError
        If it cannot be had.
    """
    return RemoteSnapshot(address, options, open_object(address, options))


@lru_cache(maxsize=8)
def _unpickled(packed: bytes, version: Version) -> RemoteSnapshot:
    """The few that a worker keeps between its tasks: each has read what is small."""
    address, options = StorageOptions.unpacked(packed)
    return RemoteSnapshot(address, options, open_object(address, options, version))
