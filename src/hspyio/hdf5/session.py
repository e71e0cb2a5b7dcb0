"""One opening of a file, and what is counted in it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from h5py import h5d, h5g, h5i, h5o

from hspyio.arrays.workers import Workers
from hspyio.hdf5.guard_hdf5 import ObjectCensus
from hspyio.hdf5.lenient_heaps import (
    Heaps,
    References,
    attribute_references,
    check_lengths,
    references_at,
)
from hspyio.hdf5.limits import Budget, repeats
from hspyio.hdf5.snapshot import FileHandle

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
    workers : Workers
        How arrays are read.
    open : bool
        Whether it still lasts.
    shared : bool
        Whether lazy arrays hold the handle, so that it has to outlast the session.
    census : ObjectCensus
        Counts what is reached.
    budget : Budget
        The memory that arrays may take.
    heaps : Heaps
        Where texts of attributes stand.
    usual : bool or None
        Whether addresses in the file are those that attributes hold; ``None`` if not known yet.
    """

    handle: FileHandle
    allow_external: bool
    number: int
    workers: Workers = field(default_factory=Workers)
    open: bool = True
    shared: bool = False
    census: ObjectCensus = field(default_factory=ObjectCensus)
    budget: Budget = field(default_factory=Budget)
    heaps: Heaps = field(default_factory=Heaps)
    usual: bool | None = None

    @property
    def path(self) -> str:
        """The file."""
        return self.handle.path

    def holds(self, item: h5d.DatasetID | h5g.GroupID) -> bool:
        """Whether a dataset or group is in this very file; a link may have led to another."""
        return not self.allow_external or h5o.get_info(item).fileno == self.number

    def attribute_references(self, holder: h5g.GroupID) -> dict[bytes, References]:
        """What the attributes of a group say of their texts, as far as it can be found."""
        if not self._is_usual(holder):
            return {}
        low, high = h5g.get_objinfo(holder, b".").objno
        with self.handle.descriptor() as descriptor:
            return attribute_references(descriptor, low | high << 32)

    def _is_usual(self, holder: h5g.GroupID | h5d.DatasetID) -> bool:
        if self.usual is None:
            creation = h5i.get_file_id(holder).get_create_plist()
            self.usual = creation.get_sizes() == (8, 8) and not creation.get_userblock()
        return self.usual and (not self.allow_external or self.holds(holder))

    def check_texts(self, dataset: h5d.DatasetID, count: int) -> None:
        """Refuse texts of a small dataset, in one block, that HDF5 would not get to the end of.

        Raises
        ------
        DamagedFileError
            If they are longer than the file, or stand in a heap that is damaged.
        """
        place = dataset.get_offset()
        if place is not None and self._is_usual(dataset):
            with self.handle.descriptor() as descriptor:
                references = references_at(descriptor, place, count)
            self.check_references(references)

    def check_references(self, references: References) -> None:
        """Refuse texts that HDF5 would not get to the end of.

        Raises
        ------
        DamagedFileError
            If they are longer than the file, or stand in a heap that is damaged.
        """
        check_lengths(references, self.file_bytes)
        unknown = self.heaps.unknown(references)
        if unknown:
            with self.handle.descriptor() as descriptor:
                self.heaps.check(unknown, descriptor)

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
