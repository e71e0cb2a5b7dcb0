"""One opening of a file, and what is counted in it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from h5py import h5d, h5o

from hspyio.storage.guard import Budget, Census, repeats
from hspyio.storage.handles import FileHandle
from hspyio.storage.work import Work

__all__ = ["Session"]


@dataclass(slots=True, eq=False, repr=False)
class Session:
    """One opening of a file; its datasets answer while it lasts.

    Attributes
    ----------
    handle : FileHandle
        The same file, for what is read past HDF5, and for lazy arrays.
    allow_external : bool
        Whether external links, external storage and virtual datasets are followed.
    number : int
        What HDF5 calls the file.
    work : Work
        How arrays are read.
    open : bool
        Whether it still lasts.
    shared : bool
        Whether lazy arrays hold the handle, so that it has to outlast the session.
    census : Census
        Counts what is reached.
    budget : Budget
        The memory that arrays may take.
    """

    handle: FileHandle
    allow_external: bool
    number: int
    work: Work = field(default_factory=Work)
    open: bool = True
    shared: bool = False
    census: Census = field(default_factory=Census)
    budget: Budget = field(default_factory=Budget)

    @property
    def path(self) -> str:
        """The file."""
        return self.handle.path

    def holds(self, dataset: h5d.DatasetID) -> bool:
        """Whether a dataset is in this very file; a link may have led to another."""
        return not self.allow_external or h5o.get_info(dataset).fileno == self.number

    @property
    def file_bytes(self) -> int:
        """Size of the file."""
        return self.handle.fingerprint[1]

    def repeats(self, count: int) -> bool:
        """Whether so many texts could be far more than the file."""
        return repeats(count, self.file_bytes)

    def check_items(self, dataset: h5d.DatasetID) -> None:
        """Refuse what would become more objects than the file has items.

        Raises
        ------
        DamagedFileError
            If there are too many.
        """
        count = math.prod(dataset.shape or ())
        size = count * dataset.get_type().get_size()
        self.budget.take_items(count, size, dataset.get_storage_size())

    def end(self) -> None:
        """Close what only this session holds."""
        self.open = False
        if not self.shared:
            self.handle.close()
