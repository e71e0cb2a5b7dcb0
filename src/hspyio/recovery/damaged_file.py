"""A damaged or truncated file, opened as far as it goes, in the tolerant temper of the reader.

Objects can be reached past the groups that lead to them, by their address.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hspyio.arrays.workers import Workers
from hspyio.errors import UNREADABLE, HspyError, reason_of
from hspyio.hdf5.dataset import RowDataset, dataset_node
from hspyio.hdf5.format.attributes import attributes_of
from hspyio.hdf5.format.file_bytes import FileBytes
from hspyio.hdf5.format.links import Link, links_of
from hspyio.hdf5.format.messages import Layout
from hspyio.hdf5.format.object_header import ObjectHeader
from hspyio.hdf5.format.superblock import sound_superblock
from hspyio.hdf5.limits import Budget
from hspyio.hdf5.local_snapshot import snapshot_of
from hspyio.hdf5.opening import ReadPolicy
from hspyio.hdf5.reader import Names, Object, Reader
from hspyio.nodes.node import Array, Attribute, Damaged, Group
from hspyio.recovery.chunks import DamagedArrays
from hspyio.recovery.losses import Losses
from hspyio.recovery.sources import SalvagedRows, SalvagedSource
from hspyio.system.byte_source import ByteSource

__all__ = ["BY_ADDRESS", "DamagedFile", "open_damaged"]

BY_ADDRESS = "\0"
"""What the path of an object begins with that is known by its address only; no name in a file
holds it."""
_LOST = 0
_UNLISTED = "not all that is in it can be found: its list is damaged"
_NO_SUPERBLOCK = "its superblock, the first bytes of the file, is damaged"


class _ByParts(Budget):
    """Arrays are read in parts, which are gone when they are written."""

    def take(self, size: int, *, lazily: bool) -> None:
        """Allow for a part."""


@contextmanager
def open_damaged(
    path: str, policy: ReadPolicy, losses: Losses, workers: Workers
) -> Iterator[DamagedFile]:
    """Open a file, however damaged."""
    snapshot = snapshot_of(path)
    try:
        with snapshot.open_source() as source:
            file = DamagedFile(snapshot, source, policy, workers=workers, budget=_ByParts())
            file.losses = losses
            try:
                yield file
            finally:
                file.end()
    finally:
        snapshot.close()


class DamagedFile(Reader):
    """One opening of a damaged file.

    Attributes
    ----------
    losses : Losses
        What is reached, and what of it is lost.
    """

    losses: Losses

    def _opened(self, source: ByteSource) -> tuple[int, FileBytes]:
        block = sound_superblock(source)
        self._arrays = DamagedArrays()
        self._torn: set[int] = set()
        return _LOST if block is None else block.root, FileBytes(source, block, tolerant=True)

    def root(self) -> Group:
        """The root group: what can be listed of it, perhaps nothing."""
        if self.root_address == _LOST:
            return Group({}, {"": Damaged(f"cannot be read: {_NO_SUPERBLOCK}")})
        try:
            return super().root()
        except HspyError as error:
            return Group({}, {"": Damaged(error.message)})

    def at(self, address: int) -> Group | Array | Damaged:
        """The object at an address, whatever leads to it."""
        where = (f"{BY_ADDRESS}{address}",)
        try:
            return self._member("", address, where, (), followed=False)
        except (HspyError, *UNREADABLE) as error:
            return Damaged(reason_of(error))

    def header(self, address: int) -> ObjectHeader:
        """Read a header, and note whether all of it could be."""
        before = self._lost_pieces()
        header = super().header(address)
        if self._lost_pieces() > before:
            self._torn.add(address)
        return header

    def _lost_pieces(self) -> int:
        return self.content.losses or 0

    def _listed(
        self, header: ObjectHeader
    ) -> tuple[dict[str, Link], dict[str, Attribute | Damaged]]:
        """What can be listed; something damaged without a name stands for the rest."""
        torn = header.address in self._torn
        before = self._lost_pieces()
        try:
            links = links_of(header, self.content)
        except HspyError:
            if not torn:
                raise
            links = {}
        if torn or self._lost_pieces() > before:
            links[""] = _LOST
        before = self._lost_pieces()
        attributes = attributes_of(header, self.types, self.heaps)
        if torn or self._lost_pieces() > before:
            attributes[""] = Damaged(_UNLISTED)
        return links, attributes

    def _nameless(self, name: str) -> Damaged:
        return super()._nameless(name) if name else Damaged(_UNLISTED)

    def _member(
        self,
        name: str,
        address: int,
        where: Names,
        ancestors: tuple[Object, ...],
        *,
        followed: bool,
    ) -> Group | Array | Damaged:
        found = super()._member(name, address, where, ancestors, followed=followed)
        if not isinstance(found, Damaged):
            self.losses.reached.add(address)
        return found

    def _array(self, layout: Layout, where: str, address: int) -> Array:
        array = dataset_node(layout, where, address, self)
        self.losses.shapes[where] = array.shape
        kind: Any = SalvagedRows if isinstance(array.source, RowDataset) else SalvagedSource
        source = kind(array, self._arrays, self.losses)
        return Array(array.type, source, chunks=array.chunks, filters=array.filters)
