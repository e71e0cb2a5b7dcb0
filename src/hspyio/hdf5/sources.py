"""What arrays of a file are read by while it is open, and after it was closed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from hspyio import names
from hspyio.arrays.indexing import BasicIndexer
from hspyio.arrays.workers import Workers
from hspyio.errors import UNREADABLE, DamagedFileError, HspyError, TooLargeError
from hspyio.hdf5.limits import UNSUSPICIOUS, Budget, check_chunks
from hspyio.hdf5.snapshot import FileHandle
from hspyio.nodes.node import Array, Selection
from hspyio.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hspyio.arrays.manifest import ChunkManifest, StoredArray

__all__ = [
    "SMALL",
    "LazySource",
    "count_of",
    "index_in",
    "is_data",
    "named",
    "past_hdf5",
    "readable_name",
    "stored_bytes",
    "stored_name",
]

SMALL = 256 * 2**10
"""Bytes below which threads cost more than they bring."""


@record
class LazySource:
    """An array in a file that is opened for each read.

    Attributes
    ----------
    handle : FileHandle
        The file.
    where : str
        Path of the dataset in it.
    shape : tuple of int
        Length of each dimension.
    stored : StoredArray or None
        How it stands in the file, where it is read past HDF5.
    foreign : bool
        Whether its values may stand in another file, which HDF5 finds by the path only.
    """

    handle: FileHandle
    where: str
    shape: tuple[int, ...]
    stored: StoredArray | None = None
    foreign: bool = False

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection.

        Raises
        ------
        StaleFileError
            If the file has changed.
        DamagedFileError
            If the values cannot be read.
        """
        with named(self.handle.path, self.where):
            if self.stored is not None:
                size = count_of(selection, self.shape) * self.stored.dtype.itemsize
                if size > UNSUSPICIOUS:
                    Budget().take(size, lazily=False)
            if self.stored is not None:
                values = past_hdf5(self.stored, self._index, self.handle, selection, Workers())
                if values is not None:
                    return values
            from hspyio.hdf5.via_h5py import read_at

            return read_at(self.handle, self.where, selection, foreign=self.foreign)

    def _index(self) -> ChunkManifest | None:
        assert self.stored is not None
        return self.handle.index(
            self.where, partial(index_in, self.handle, self.where, self.stored)
        )


def index_in(handle: FileHandle, where: str, stored: StoredArray) -> ChunkManifest | None:
    """The chunks of an array, by its tree where it has one; ``None`` if only HDF5 reads it.

    Parameters
    ----------
    handle : FileHandle
        The file.
    where : str
        Path of the dataset in it.
    stored : StoredArray
        How it stands there.
    """
    from hspyio.hdf5.via_h5py import index_at

    return index_at(handle, where, stored)


@contextmanager
def named(path: str, where: str) -> Iterator[None]:
    """Errors name the file and the array; what HDF5 raises becomes one of ours."""
    try:
        yield
    except HspyError as error:
        error.path = error.path or path
        error.where = error.where or where
        raise
    except MemoryError:
        raise TooLargeError(
            "does not fit into memory; lazy=True reads it in parts", path=path, where=where
        ) from None
    except UNREADABLE as error:
        raise DamagedFileError(
            f"its values cannot be read: {error}", path=path, where=where
        ) from None


def past_hdf5(
    stored: StoredArray,
    index: Callable[[], ChunkManifest | None],
    handle: FileHandle,
    selection: Selection,
    workers: Workers,
) -> NDArray[Any] | None:
    """Read on the engine; ``None`` for what only HDF5 reads."""
    from hspyio.arrays.reading import read_block, read_chunks

    if stored.chunks is not None:
        check_chunks(stored.pipeline.size, math.prod(stored.shape) * stored.dtype.itemsize)
    with handle.descriptor() as descriptor:
        if stored.chunks is None:
            return read_block(stored, descriptor, selection, workers)
        chunks = index()
        if chunks is None:
            return None
        return read_chunks(stored, chunks, descriptor, selection, workers)


def stored_name(where: str | bytes) -> bytes:
    """A path as it stands in the file; what is no UTF-8 is lone surrogates here, bytes in h5py."""
    return where if isinstance(where, bytes) else where.encode("utf-8", "surrogateescape")


def readable_name(name: str | bytes) -> str:
    """Inverse of `stored_name`."""
    return name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")


def count_of(selection: Selection, shape: tuple[int, ...]) -> int:
    """Number of values of a selection."""
    if not selection:
        return math.prod(shape)
    return BasicIndexer(selection, shape).size


def is_data(where: str) -> bool:
    """Whether that is the place of an experiment's data, of which its reader knows the size."""
    return where.count("/") == 3 and where.endswith(f"/{names.DATA}")


def stored_bytes(array: Array) -> int:
    """Bytes that an array of an open file takes on disk."""
    return int(getattr(array.source, "stored_bytes", 0))
