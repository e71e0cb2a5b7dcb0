"""Arrays whose values stand in other files, read by HDF5 itself where a caller asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.errors import StaleFileError, located
from hspyio.filters import named_filter
from hspyio.hdf5.identity import fingerprint
from hspyio.hdf5.limits import Budget
from hspyio.hdf5.local_snapshot import LocalSnapshot
from hspyio.hdf5.plugin_filters import check_available
from hspyio.nodes.node import Array, Selection
from hspyio.records import record

if TYPE_CHECKING:
    import h5py
    from numpy.typing import NDArray

__all__ = ["external_array"]


def external_array(snapshot: LocalSnapshot, where: str, dtype: np.dtype[Any]) -> Array:
    """An array whose values are in other files, or in other datasets.

    Parameters
    ----------
    snapshot : LocalSnapshot
        The file that names them; HDF5 finds them from its path.
    where : str
        Path of the dataset in it.
    dtype : numpy dtype
        Of the values.
    """
    with located(snapshot.path, where), _dataset(snapshot, where) as dataset:
        shape = tuple(dataset.shape)
    return Array(dtype, _ExternalSource(snapshot, where, shape, dtype))


@record
class _ExternalSource:
    """Opens the file for each read, as it can change no other way."""

    snapshot: LocalSnapshot
    where: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection."""
        with located(self.snapshot.path, self.where), _dataset(self.snapshot, self.where) as found:
            chosen = np.broadcast_to(np.empty((), bool), self.shape)[(*selection, ...)]
            Budget().take(chosen.size * self.dtype.itemsize, lazily=True)
            return np.asarray(found[(*selection, ...)]).astype(self.dtype, copy=False)

    def detached(self) -> _ExternalSource:
        """The same, when the file is closed: it is not held open."""
        return self


@contextmanager
def _dataset(snapshot: LocalSnapshot, where: str) -> Iterator[h5py.Dataset]:
    import h5py

    with h5py.File(snapshot.place, "r") as file:
        if fingerprint(os.stat(snapshot.place)) != snapshot.fingerprint:
            raise StaleFileError("has changed since it was loaded lazily; load it again")
        dataset = file[where.encode("utf-8", "surrogateescape")]
        creation = dataset.id.get_create_plist()
        listed = (creation.get_filter(i) for i in range(creation.get_nfilters()))
        check_available(
            [named_filter(number, numbers, name) for number, _, numbers, name in listed]
        )
        yield dataset
