"""A file, opened without HDF5: groups filled on demand, arrays whose bytes stay where they are."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hspyio import names
from hspyio.arrays.workers import Work
from hspyio.errors import DamagedFileError, HspyError
from hspyio.hdf5.dataset import DirectSource, small_values
from hspyio.hdf5.format.attributes import attributes_of
from hspyio.hdf5.format.btree_v2 import count_managers
from hspyio.hdf5.format.datatypes import TypeTable
from hspyio.hdf5.format.file_bytes import Content, LeftToHdf5Error
from hspyio.hdf5.format.global_heap import TextHeaps
from hspyio.hdf5.format.links import members_of
from hspyio.hdf5.format.messages import Layout, layout_of_header
from hspyio.hdf5.format.object_header import LAYOUT, ObjectHeader, object_header
from hspyio.hdf5.limits import Budget, Census
from hspyio.hdf5.on_demand import OnDemand
from hspyio.hdf5.snapshot import FileHandle, cannot_read, close_read
from hspyio.hdf5.sources import stored_bytes
from hspyio.nodes.node import Array, Damaged, Group, MemorySource
from hspyio.system.calls import file_size
from hspyio.system.locks import LockUnsupportedError, share_with_readers, unlock

if TYPE_CHECKING:
    import h5py

    from hspyio.hdf5.session import Session

__all__ = ["Opening", "opened_directly", "used_at_least"]

_LISTS = (names.LIST, names.TUPLE)
_READ_LIMIT = 65536
"""Bytes of a list that is read with the group it is in."""
_UNCOUNTED = 1024
"""Bytes of a list that cost no more than the link to it."""
_LOCKING = "HDF5_USE_FILE_LOCKING"

Names = tuple[str, ...]
"""Those that lead to an object from the root."""


@contextmanager
def opened_directly(handle: FileHandle, work: Work, budget: Budget) -> Iterator[Group | None]:
    """Give the root group of a file; its arrays can be read within the ``with`` block.

    ``None`` for a file that HDF5 has to open: one that a program is writing, or one that is not
    of the usual kind.

    Parameters
    ----------
    handle : FileHandle
        The file; it is closed at the end, unless lazy arrays hold it.
    work : Work
        How arrays are read.
    budget : Budget
        The memory that arrays may take.
    """
    if handle.block is None or _may_be_open_in_hdf5():
        yield None
        return
    with handle.descriptor() as descriptor:
        if not _holds(descriptor):
            yield None
            return
        try:
            opening = Opening(handle, descriptor, work, budget)
        except OSError as error:
            unlock(descriptor)
            raise cannot_read(handle.path, error) from None
        try:
            yield opening.root()
        finally:
            unlock(descriptor)
            opening.end()


def used_at_least(handle: FileHandle) -> tuple[int, int]:
    """Bytes of a file that are known to be in use: of arrays; of headers, indices and texts.

    Parameters
    ----------
    handle : FileHandle
        The file; it stays open.

    Returns
    -------
    int, int
        0 if HDF5 has to be asked.
    """
    if handle.block is None or _may_be_open_in_hdf5():
        return 0, 0
    with handle.descriptor() as descriptor:
        opening = _Alone(handle, descriptor, Work(), Budget())
        try:
            stored = _stored(opening.root())
            count_managers(opening.content)
        except (LeftToHdf5Error, HspyError):
            return 0, 0
        return stored, sum(opening.content.taken.values())


def _stored(root: Group) -> int:
    """Bytes that the arrays in a group take in the file."""
    found, pending = 0, [(0, root)]
    while pending:
        depth, group = pending.pop()
        for node in group.members.values():
            if isinstance(node, Array):
                found += stored_bytes(node)
            elif isinstance(node, Group) and depth < names.MAX_DEPTH:
                pending.append((depth + 1, node))
    return found


def _may_be_open_in_hdf5() -> bool:
    """Whether this process may be writing the file without a lock that tells."""
    locking = os.environ.get(_LOCKING, "").upper() not in ("FALSE", "0")
    return not locking and "h5py" in sys.modules


def _holds(descriptor: int) -> bool:
    """Keep programs out that would write the file by HDF5, as it does for its readers."""
    try:
        return share_with_readers(descriptor)
    except LockUnsupportedError:
        return True


class Opening:
    """One opening of a file.

    Attributes
    ----------
    handle : FileHandle
        The file.
    content : Content
        Its bytes.
    work : Work
        How arrays are read.
    budget : Budget
        The memory that arrays may take.
    heaps : TextHeaps
        Where texts stand.
    shared : bool
        Whether lazy arrays hold the handle, so that it has to outlast the opening.
    """

    def __init__(self, handle: FileHandle, descriptor: int, work: Work, budget: Budget) -> None:
        assert handle.block is not None
        self.handle = handle
        self.work = work
        self.budget = budget
        end = min(handle.block.end, file_size(descriptor))
        self.content = Content(descriptor, end, handle.block.group_nodes)
        self.heaps = TextHeaps(self.content)
        self.shared = False
        self._types = TypeTable()
        self._census = Census()
        self._open = True
        self._hdf5: tuple[h5py.File, Session, Group] | None = None

    @property
    def path(self) -> str:
        """The file."""
        return self.handle.path

    def root(self) -> Group:
        """The root group."""
        assert self.handle.block is not None
        try:
            header = object_header(self.content, self.handle.block.root)
            self._census.count((0, header.address), header.links, followed=False)
            return self._group(header, (), (header.address,))
        except LeftToHdf5Error:
            return self._root_by_hdf5()

    def end(self) -> None:
        """Close what nobody holds any more."""
        self._open = False
        if self._hdf5 is not None:
            file, session, _ = self._hdf5
            close_read(file)
            session.open = False
            self.shared = self.shared or session.shared
        if not self.shared:
            self.handle.close()

    def check_open(self, where: str) -> None:
        """Refuse to go on when the file was closed.

        Raises
        ------
        DamagedFileError
            If it was.
        """
        if not self._open:
            raise self.damaged("is closed", where)

    def damaged(self, message: str, where: str) -> DamagedFileError:
        """An error about a place in the file."""
        return DamagedFileError(message, path=self.path, where=where)

    # what is left to HDF5

    def by_hdf5(self, where: Names) -> Group | Array | Damaged:
        """What HDF5 finds at the end of some names."""
        node: object = self._root_by_hdf5()
        for name in where:
            if isinstance(node, Damaged):
                return node
            if not isinstance(node, Group) or name not in node.members:
                return Damaged("cannot be read: HDF5 does not find it")
            node = node.members[name]
        assert isinstance(node, (Group, Array, Damaged))
        return node

    def _root_by_hdf5(self) -> Group:
        self.check_open("/")
        if self._hdf5 is None:
            from hspyio.hdf5.h5py_reader import opened_by_hdf5, root_of

            file, session = opened_by_hdf5(
                self.path, self.handle, allow_external=False, work=self.work, budget=self.budget
            )
            try:
                self._hdf5 = (file, session, root_of(file, session))
            except BaseException:
                close_read(file)
                raise
        return self._hdf5[2]

    # nodes

    def _group(self, header: ObjectHeader, where: Names, ancestors: tuple[int, ...]) -> Group:
        """Node of a group; `ancestors`, itself the last of them, end circles of links."""
        found = members_of(header, self.content)
        attributes = {
            name.decode("utf-8", "surrogateescape"): attribute
            for name, attribute in attributes_of(header, self._types, self.heaps).items()
        }
        links = {
            name.decode("utf-8", "surrogateescape"): address for name, address in found.items()
        }

        def member(name: str, address: int | None) -> Group | Array | Damaged:
            place = (*where, name)
            self.check_open("/" + "/".join(place))
            try:
                if address is None or "/" in name or name == ".":
                    raise LeftToHdf5Error
                return self._member(name, address, place, ancestors)
            except LeftToHdf5Error:
                pass
            except HspyError as error:
                return Damaged(error.message)
            try:
                return self.by_hdf5(place)
            except HspyError as error:
                return Damaged(error.message)

        return Group(attributes, OnDemand(links, member) if links else {})

    def _member(
        self, name: str, address: int, where: Names, ancestors: tuple[int, ...]
    ) -> Group | Array | Damaged:
        if address in ancestors:
            return Damaged("is a link to a group that holds it")
        header = object_header(self.content, address)
        if header.only(LAYOUT) is None:
            self._census.count((0, address), header.links, followed=False)
            return self._group(header, where, (*ancestors, address))
        layout = layout_of_header(header, self._types)
        if name.startswith(_LISTS):
            values = self._list(layout, header, where)
            if values is not None:
                return values
        if layout.kind.dtype is None:
            raise LeftToHdf5Error
        self._census.count((0, address), header.links, followed=False)
        return Array(
            layout.kind.kind,
            DirectSource(layout, where, self),
            chunks=layout.chunks,
            filters=layout.filters,
        )

    def _list(self, layout: Layout, header: ObjectHeader, where: Names) -> Array | None:
        """A list with its values; ``None`` if it is a large one."""
        if layout.kind.dtype is None and layout.chunks is not None:
            raise LeftToHdf5Error
        source = DirectSource(layout, where, self)
        count = math.prod(layout.shape)
        size = count * layout.kind.size
        if size > _UNCOUNTED:
            self.budget.take_items(count, size, source.stored_bytes)
        if size > _READ_LIMIT:
            return None
        if size > _UNCOUNTED:
            self._census.count((0, header.address), header.links, followed=False)
        values = small_values(layout, self) if layout.chunks is None else source.small_chunk()
        return Array(layout.kind.kind, MemorySource(values), inline=True)


class _Alone(Opening):
    """One that does without HDF5, or gives up."""

    def _root_by_hdf5(self) -> Group:
        raise LeftToHdf5Error
