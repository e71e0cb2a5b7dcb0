"""Rows of variable length in a file that is opened for each read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.arrays.workers import Workers
from hspyio.errors import DamagedFileError
from hspyio.hdf5.limits import Budget
from hspyio.hdf5.snapshot import FileHandle, being_read
from hspyio.hdf5.sources import index_in, named, past_hdf5
from hspyio.nodes.node import Array, Group, RaggedArray, RowSource, Selection
from hspyio.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hspyio.arrays.manifest import ChunkManifest, StoredArray

__all__ = ["LazyRows"]

_COUNTED = 2**20
"""Rows whose lengths are looked at, all of them; of more, those of a few chunks."""
_LEAST = 16
"""Bytes of what stands in the dataset for a row."""


@record
class LazyRows:
    """An array of rows in a file that is opened for each read; can be pickled.

    Attributes
    ----------
    handle : FileHandle
        The file.
    where : str
        Path of the dataset in it.
    shape : tuple of int
        Length of each dimension.
    stored : StoredArray or None
        How the references to the rows stand in the file, where they are read past HDF5.
    base : numpy dtype or None
        Of the rows, likewise.
    """

    handle: FileHandle
    where: str
    shape: tuple[int, ...]
    stored: StoredArray | None = None
    base: np.dtype[Any] | None = None

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection as an object array.

        Raises
        ------
        StaleFileError
            If the file has changed.
        DamagedFileError
            If the values cannot be read.
        """
        with named(self.handle.path, self.where), self._reopened() as array:
            return array.source.read(selection)

    def rows(self, selection: Selection = ()) -> RaggedArray:
        """The same, as one flat array."""
        from hspyio.hdf5.ragged import read_rows

        with named(self.handle.path, self.where):
            references = self._references(selection)
            if references is not None and self.base is not None:
                size = int(references["length"].sum(dtype=np.int64)) * self.base.itemsize
                Budget().take_rows(size, self.handle.fingerprint[1])
                with self.handle.descriptor() as descriptor:
                    return read_rows(references, descriptor, self.base)
            with self._reopened() as array:
                if not isinstance(array.source, RowSource):
                    raise DamagedFileError("is no array of rows any more")
                return array.source.rows(selection)

    def row_bytes(self) -> int:
        """Bytes of a row, on average, by the lengths of all of them or of some."""
        with named(self.handle.path, self.where):
            looked_at = [self._references(part) for part in _samples(self.shape, self._steps())]
        lengths = [part["length"].reshape(-1) for part in looked_at if part is not None]
        count = sum(part.size for part in lengths)
        if not count or self.base is None:
            return max(_LEAST, self.handle.fingerprint[1] // max(1, math.prod(self.shape)))
        total = sum(int(part.sum(dtype=np.int64)) for part in lengths)
        return max(_LEAST, -(-total * self.base.itemsize // count))

    def _steps(self) -> tuple[int, ...]:
        chunks = None if self.stored is None else self.stored.chunks
        return chunks or (*(1,) * (len(self.shape) - 1), self.shape[-1])

    def _references(self, selection: Selection) -> NDArray[Any] | None:
        if self.stored is None:
            return None
        return past_hdf5(self.stored, self._index, self.handle, selection, Workers())

    def _index(self) -> ChunkManifest | None:
        assert self.stored is not None
        find = partial(index_in, self.handle, self.where, self.stored)
        return self.handle.index(self.where, find)

    @contextmanager
    def _reopened(self) -> Iterator[Array]:
        """The array, with the file open in HDF5."""
        from hspyio.hdf5.h5py_reader import opened_by_hdf5, root_of

        handle = self.handle.twin()
        try:
            file, session = opened_by_hdf5(
                handle.path, handle, allow_external=False, workers=Workers(), budget=None
            )
            with being_read(file):
                node: object = root_of(file, session)
                for name in self.where.strip("/").split("/"):
                    node = node.members.get(name) if isinstance(node, Group) else None
                if not isinstance(node, Array):
                    raise DamagedFileError(getattr(node, "reason", "is not there any more"))
                yield node
            session.end()
        finally:
            handle.close()


def _samples(shape: tuple[int, ...], steps: tuple[int, ...]) -> list[Selection]:
    """All of an array, or the chunks at its beginning, its middle and its end."""
    if math.prod(shape) <= _COUNTED:
        return [tuple(slice(0, n) for n in shape)]
    places = [0.0, 0.5, 1.0]
    corners = {
        tuple(
            min(int(place * n) // step * step, (n - 1) // step * step)
            for n, step in zip(shape, steps, strict=True)
        )
        for place in places
    }
    return [
        tuple(
            slice(low, min(low + step, n))
            for low, step, n in zip(corner, steps, shape, strict=True)
        )
        for corner in sorted(corners)
    ]
