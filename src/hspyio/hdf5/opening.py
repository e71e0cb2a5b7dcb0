"""An open file: its bytes, and what its objects share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hspyio.arrays.workers import Workers
from hspyio.errors import UNREADABLE, DamagedFileError, HspyError, UnsupportedFeatureError
from hspyio.hdf5.format.attributes import attributes_of
from hspyio.hdf5.format.datatypes import TypeTable
from hspyio.hdf5.format.file_bytes import FileBytes
from hspyio.hdf5.format.global_heap import GlobalHeaps
from hspyio.hdf5.format.links import Link, links_of
from hspyio.hdf5.format.object_header import (
    CACHE_IMAGE,
    NODE_RANKS,
    PARTS,
    ObjectHeader,
    object_header,
)
from hspyio.hdf5.format.superblock import Superblock
from hspyio.hdf5.limits import Budget
from hspyio.hdf5.local_snapshot import cannot_read
from hspyio.hdf5.snapshot import Snapshot
from hspyio.nodes.node import Attribute, Damaged
from hspyio.records import record
from hspyio.system.byte_source import ByteSource

__all__ = ["Kept", "Opening", "ReadPolicy", "of_file"]

_MOST_KEPT = 20_000
"""Headers, links and attributes that are kept, for who comes by them again."""


def _nothing(where: str) -> bool:
    return False


@record
class ReadPolicy:
    """What a reader wants to be done with what is in a file; all that is known of its meaning.

    Attributes
    ----------
    lists : tuple of str
        What the names of small arrays begin with that are read with the group they are in.
    is_expected : callable
        Whether the array at a path may be of any size, since its reader looks at that itself.
    of_arrays : bool
        Whether the attributes of arrays are read, too.
    soft_links : bool
        Whether links by paths are followed; else what they lead to is passed over.
    """

    lists: tuple[str, ...] = ()
    is_expected: Callable[[str], bool] = _nothing
    of_arrays: bool = False
    soft_links: bool = True


class Kept:
    """What objects of a file say of themselves, for who comes by them again.

    It may outlast an opening: another one of the same state of the file finds them here.
    """

    def __init__(self) -> None:
        self.headers: dict[int, ObjectHeader] = {}
        self.links: dict[int, dict[str, Link]] = {}
        self.attributes: dict[int, dict[str, Attribute | Damaged]] = {}
        self._count = 0

    def make_room(self, count: int) -> None:
        """Forget all if it becomes too much."""
        self._count += count
        if self._count > _MOST_KEPT:
            for kept in (self.headers, self.links, self.attributes):
                kept.clear()
            self._count = count


class Opening:
    """One opening of a file.

    Parameters
    ----------
    snapshot : Snapshot
        The file.
    source : ByteSource
        Its bytes, open as long as this.
    policy : ReadPolicy
        What is read at once.
    workers : Workers, optional
        How arrays are read.
    budget : Budget, optional
        The memory that arrays may take.
    kept : Kept, optional
        What earlier openings of this state of the file have read.

    Attributes
    ----------
    root_address : int
        Of the root group.
    content : FileBytes
        Its bytes.
    types, heaps : TypeTable, GlobalHeaps
        What its objects share.
    shared : bool
        Whether lazy arrays hold the snapshot, so that it has to outlast the opening.
    is_open : bool
        Whether it still lasts.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        source: ByteSource,
        policy: ReadPolicy,
        *,
        workers: Workers | None = None,
        budget: Budget | None = None,
        kept: Kept | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.policy = policy
        self.workers = workers or Workers()
        self.budget = budget or Budget()
        self.shared = False
        self.is_open = True
        self._kept = kept or Kept()
        with of_file(snapshot.path):
            self.root_address, self.content = self._opened(source)
        self.heaps = GlobalHeaps(self.content)
        self.types = TypeTable(self.content)

    @property
    def path(self) -> str:
        """The file."""
        return self.snapshot.path

    def _opened(self, source: ByteSource) -> tuple[int, FileBytes]:
        """The address of the root, and the bytes of the file."""
        block = self.snapshot.find_superblock(source)
        content = FileBytes(source, block)
        self._look_at_extension(content, block)
        return block.root, content

    def _look_at_extension(self, content: FileBytes, block: Superblock) -> None:
        """Refuse what only HDF5 knows how to read, and take note of what it says of sizes."""
        if block.version < 2 or block.extension == block.undefined:
            return
        header = object_header(content, block.extension)
        if header.only(PARTS) is not None:
            raise UnsupportedFeatureError(
                "is one of several parts of an HDF5 file, which is not read here; "
                "h5repack makes one file of them"
            )
        if header.only(CACHE_IMAGE) is not None:
            raise UnsupportedFeatureError(
                "is an HDF5 file with an image of a cache of metadata, which is not read here; "
                "h5repack writes it without one"
            )
        ranks = header.only(NODE_RANKS)
        if ranks is not None and len(ranks) >= 7:
            content.group_nodes = block.nodes_of(ranks[5:7] + ranks[3:5])
            content.chunk_rank = int.from_bytes(ranks[1:3], "little")

    # what objects say of themselves, as a rule read once

    def header(self, address: int) -> ObjectHeader:
        """The header of an object.

        Raises
        ------
        DamagedFileError, UnsupportedFeatureError
            If it cannot be read.
        """
        found = self._kept.headers.get(address)
        if found is None:
            found = object_header(self.content, address)
            self._kept.make_room(1)
            self._kept.headers[address] = found
        return found

    def links(self, header: ObjectHeader) -> dict[str, Link]:
        """The members of a group."""
        found = self._kept.links.get(header.address)
        if found is None:
            found = links_of(header, self.content)
            self._kept.make_room(len(found))
            self._kept.links[header.address] = found
        return found

    def attributes(self, header: ObjectHeader) -> dict[str, Attribute | Damaged]:
        """The attributes of an object."""
        found = self._kept.attributes.get(header.address)
        if found is None:
            found = attributes_of(header, self.types, self.heaps)
            self._kept.make_room(len(found))
            self._kept.attributes[header.address] = found
        return found


@contextmanager
def of_file(path: str) -> Iterator[None]:
    """Errors name the file; what the system says of it becomes one of ours."""
    try:
        yield
    except HspyError as error:
        error.path = error.path or path
        raise
    except OSError as error:
        raise cannot_read(path, error) from None
    except UNREADABLE as error:
        raise DamagedFileError(f"cannot be read: {error}", path=path) from None
