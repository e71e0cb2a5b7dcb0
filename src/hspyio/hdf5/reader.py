"""HDF5 file -> nodes, the one way in: groups are filled on demand, arrays stay where they are."""

from __future__ import annotations

import math
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace

import numpy as np

from hspyio.arrays.workers import Workers
from hspyio.errors import (
    UNREADABLE,
    DamagedFileError,
    HspyError,
    TooLargeError,
    UnsupportedFeatureError,
    reason_of,
)
from hspyio.hdf5.dataset import dataset_node, raw_values, small_chunk, stored_bytes
from hspyio.hdf5.format.file_bytes import readable
from hspyio.hdf5.format.global_heap import text_array
from hspyio.hdf5.format.links import ExternalLink, Link, OtherLink, SoftLink
from hspyio.hdf5.format.messages import Layout, layout_of_header
from hspyio.hdf5.format.object_header import DATATYPE, LAYOUT, LINK_INFO, SYMBOL_TABLE, ObjectHeader
from hspyio.hdf5.limits import MOST_LEVELS, MOST_STEPS, Budget, Census, repeats
from hspyio.hdf5.local_snapshot import LocalSnapshot, is_ours, share_lock, snapshot_of
from hspyio.hdf5.opening import Kept, Opening, ReadPolicy, of_file
from hspyio.hdf5.snapshot import Snapshot
from hspyio.nodes.node import (
    Array,
    Attribute,
    Damaged,
    Elsewhere,
    Empty,
    Group,
    LazyMapping,
    MemorySource,
    Text,
)
from hspyio.system.byte_source import ByteSource
from hspyio.system.locks import unlock

__all__ = ["Names", "Object", "Reader", "open_file", "open_reader"]

_LOCKING = "HDF5_USE_FILE_LOCKING"
_READ_LIMIT = 65536
"""Bytes of a list that is read with the group it is in."""
_UNCOUNTED = 1024
"""Bytes of a list that cost no more than the link to it."""
_MOST_LINKS = 16
"""How many soft links may lead on to each other; HDF5's own limit."""

Names = tuple[str, ...]
"""Those that lead to an object from the root."""
Object = tuple[int, int]
"""Which file, and the address of the header in it."""


@contextmanager
def open_file(
    source: str | os.PathLike[str] | Snapshot,
    policy: ReadPolicy | None = None,
    *,
    allow_external: bool = False,
    workers: Workers | None = None,
    budget: Budget | None = None,
) -> Iterator[Group]:
    """Open a file and give its root group, of which all can be read within the ``with`` block.

    Parameters
    ----------
    source : path-like or Snapshot
        The file, or the state of it that is to be read; it is closed at the end, unless lazy
        arrays hold it.
    policy : ReadPolicy, optional
        What is read at once.
    allow_external : bool
        Whether external links, external storage and virtual datasets are followed.
    workers : Workers, optional
        How arrays are read; on this thread by default.
    budget : Budget, optional
        The memory that arrays may take; what there is by default.

    Raises
    ------
    MissingFileError, NotHspyError
        If there is no such file, or it is no HDF5 file.
    FileLockedError
        If another program is writing it.
    DamagedFileError, UnsupportedFeatureError
        If it cannot be read.
    """
    with open_reader(
        source, policy, allow_external=allow_external, workers=workers, budget=budget
    ) as reader:
        yield reader.root()


@contextmanager
def open_reader(
    source: str | os.PathLike[str] | Snapshot,
    policy: ReadPolicy | None = None,
    *,
    allow_external: bool = False,
    workers: Workers | None = None,
    budget: Budget | None = None,
    kept: Kept | None = None,
) -> Iterator[Reader]:
    """The same, and give what reads it, for who wants to know more than its nodes.

    Who opens the same state of a file again and again gives them all one `Kept`.
    """
    snapshot = source if isinstance(source, Snapshot) else _snapshot_of(os.fspath(source))
    reader = None
    try:
        with snapshot.hold() as octets:
            reader = Reader(
                snapshot, octets, policy or ReadPolicy(), allow_external=allow_external,
                workers=workers, budget=budget, kept=kept,
            )  # fmt: skip
            yield reader
    finally:
        if reader is not None:
            reader.end()
        else:
            snapshot.close()


def _snapshot_of(path: str) -> Snapshot:
    """The file as it is now; what this program itself has changed in it by HDF5 is in it."""
    snapshot = snapshot_of(path)
    if "h5py" not in sys.modules:
        return snapshot
    with snapshot.descriptor() as descriptor:
        unlocked = os.environ.get(_LOCKING, "").upper() in ("FALSE", "0")
        if not unlocked and share_lock(descriptor):
            unlock(descriptor)
            return snapshot
        if not unlocked and not is_ours(descriptor):
            return snapshot  # somebody else's
    _flush(path)
    snapshot.close()
    return snapshot_of(path)


def _flush(path: str) -> None:
    """Have HDF5 write what this program has changed in a file, which nobody else would see.

    Only where it has it open: HDF5 crashes over files, listed with all others, that it failed to
    close (seen).
    """
    h5f = sys.modules["h5py"].h5f  # never imported here: without it nothing is open by HDF5
    for file in h5f.get_obj_ids(h5f.OBJ_ALL, h5f.OBJ_FILE):
        with suppress(OSError, ValueError, RuntimeError):
            if os.path.samefile(file.name, path) and file.get_intent() != h5f.ACC_RDONLY:
                h5f.flush(file)


@dataclass(slots=True)
class _Way:
    """What may still be gone on the way to where a link leads; each can multiply the next."""

    links: int = _MOST_LINKS
    steps: int = MOST_STEPS

    def step(self, *, link: bool) -> None:
        """Go one name on, or follow one link.

        Raises
        ------
        DamagedFileError
            If there were too many.
        """
        if link and self.links == 0:
            raise DamagedFileError("is a link that leads in a circle")
        if self.steps == 0:
            raise DamagedFileError(f"is a link that leads over more than {MOST_STEPS} groups")
        self.links -= link
        self.steps -= 1


@dataclass(slots=True)
class _Files:
    """The files that links have led to, while the first is open."""

    held: ExitStack = field(default_factory=ExitStack)
    readers: list[Reader] = field(default_factory=list)
    by_path: dict[str, Reader] = field(default_factory=dict)


class Reader(Opening):
    """Makes nodes of what an open file holds.

    Parameters
    ----------
    snapshot, source, policy, workers, budget, kept
        See `Opening`.
    allow_external : bool
        Whether links to other files are followed.
    first : Reader, optional
        That of the file whose link led here.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        source: ByteSource,
        policy: ReadPolicy,
        *,
        allow_external: bool = False,
        workers: Workers | None = None,
        budget: Budget | None = None,
        kept: Kept | None = None,
        first: Reader | None = None,
    ) -> None:
        self._allow_external = allow_external
        self._files: _Files = first._files if first is not None else _Files()
        self._census: Census = first._census if first is not None else Census()
        self._number = len(self._files.readers)
        self._files.readers.append(self)
        super().__init__(snapshot, source, policy, workers=workers, budget=budget, kept=kept)

    def root(self) -> Group:
        """The root group.

        Raises
        ------
        DamagedFileError, UnsupportedFeatureError
            If it cannot be read.
        """
        with of_file(self.snapshot.path):
            header = self.header(self.root_address)
            self._census.count((self._number, header.address), header.links, followed=False)
            return self._group(header, (), ((self._number, header.address),))

    def end(self) -> None:
        """Close what nobody holds any more."""
        if not self.is_open:
            return
        self.is_open = False
        if not self.shared:
            self.snapshot.close()
        if not self._number:
            self._files.held.close()
            for other in self._files.readers[1:]:
                other.end()
            self._files.readers.clear()  # which hold one another
            self._files.by_path.clear()

    def _check_open(self, where: str) -> None:
        if not self.is_open:
            raise DamagedFileError("is closed", path=self.path, where=where)

    # nodes

    def _group(self, header: ObjectHeader, where: Names, ancestors: tuple[Object, ...]) -> Group:
        """Node of a group; `ancestors`, itself the last of them, end circles of links."""
        links, attributes = self._listed(header)

        def member(name: str, link: Link) -> Group | Array | Damaged:
            place = (*where, name)
            self._check_open("/" + "/".join(place))
            if "/" in name or name in ("", "."):
                return self._nameless(name)
            if len(place) > MOST_LEVELS:
                return Damaged(f"is nested deeper than {MOST_LEVELS:,} levels")
            try:
                opening, address = self, link
                if not isinstance(address, int):
                    opening, address = self._followed(link, header.address, _Way())
                followed = address is not link
                return opening._member(name, address, place, ancestors, followed=followed)
            except (HspyError, *UNREADABLE) as error:
                return Damaged(reason_of(error))

        return Group(attributes, LazyMapping(links, member) if links else {})

    def _listed(
        self, header: ObjectHeader
    ) -> tuple[dict[str, Link], dict[str, Attribute | Damaged]]:
        """The members and the attributes of a group."""
        links = self.links(header)
        if not self.policy.soft_links:
            links = {name: link for name, link in links.items() if isinstance(link, int)}
        return links, self.attributes(header)

    def _nameless(self, name: str) -> Damaged:
        """What a member is whose name programs take for a path, through any link."""
        return Damaged("has a name that is none")

    def _member(
        self,
        name: str,
        address: int,
        where: Names,
        ancestors: tuple[Object, ...],
        *,
        followed: bool,
    ) -> Group | Array | Damaged:
        one = (self._number, address)
        if one in ancestors:
            return Damaged("is a link to a group that holds it")
        header = self.header(address)
        if header.only(LAYOUT) is None:
            if _is_type(header):
                return Damaged("is a named datatype, which is not part of the format")
            self._census.count(one, header.links, followed=followed)
            return self._group(header, where, (*ancestors, one))
        layout = layout_of_header(header, self.types, self.content)
        if layout is None:
            return self._empty(header)
        path = "/" + "/".join(where)
        if layout.elsewhere:
            return self._elsewhere(layout, path)
        if name.startswith(self.policy.lists):
            values = self._list(layout, header, path)
            if values is not None:
                return values
        self._census.count(one, header.links, followed=followed)
        array = self._array(layout, path, address)
        if not self.policy.of_arrays:
            return array
        return replace(array, attributes=self.attributes(header))

    def _empty(self, header: ObjectHeader) -> Damaged:
        reason = "is a dataset without a shape, which is not part of the format"
        described = header.only(DATATYPE)
        return (
            Damaged(reason) if described is None else Empty(reason, self.types.of(described).kind)
        )

    def _array(self, layout: Layout, where: str, address: int) -> Array:
        return dataset_node(layout, where, address, self)

    def _elsewhere(self, layout: Layout, where: str) -> Array | Damaged:
        if not (self._allow_external and isinstance(self.snapshot, LocalSnapshot)):
            reason = "has its values in other files; allow_external=True reads them"
            return Elsewhere(reason, None if None in layout.most else layout.shape)
        from hspyio.hdf5.external import external_array

        kind = layout.kind
        if not isinstance(kind.kind, np.dtype) or kind.shape:
            return Damaged("has values in other files that are no numbers, which are not read here")
        return external_array(self.snapshot, where, kind.kind)

    def _list(self, layout: Layout, header: ObjectHeader, where: str) -> Array | None:
        """A list with its values; ``None`` if it is a large one, or cannot be read so."""
        kind, count = layout.kind, math.prod(layout.shape)
        if kind.shape or not (kind.is_fixed or isinstance(kind.kind, Text)):
            return None
        size = count * kind.size
        source = dataset_node(layout, where, header.address, self).source
        if size > _UNCOUNTED:
            stored = stored_bytes(Array(kind.kind, source))
            self.budget.take_items(count, size, stored)
            if size > _READ_LIMIT or (layout.filters and stored > _READ_LIMIT):
                return None
            self._census.count((self._number, header.address), header.links, followed=False)
        if not kind.is_fixed and repeats(count, self.content.end):
            return None
        try:
            block = layout.chunks is None
            raw = (raw_values if block else small_chunk)(layout, self.content)
            if raw is None:
                values = source.read()
            elif kind.is_fixed:
                values = raw if kind.convert is None else kind.convert(raw)
            else:
                values = text_array(self.heaps.texts(raw.tobytes()), layout.shape)
        except TooLargeError:
            raise
        except (HspyError, struct.error):  # reading it will say why
            return None
        return Array(kind.kind, MemorySource(values), inline=True)

    # links

    def _followed(self, link: Link, parent: int, way: _Way) -> tuple[Reader, int]:
        """The file and the address that a link leads to, link by link.

        Raises
        ------
        DamagedFileError
            If it leads to another file unasked, to nothing, or in a circle.
        """
        if isinstance(link, int):
            return self, link
        if isinstance(link, OtherLink):
            raise UnsupportedFeatureError(
                f"is a link to what only a program of its own finds (kind {link.kind}), "
                "which is not read here"
            )
        target = readable(link.target)
        if isinstance(link, SoftLink):
            way.step(link=True)
            message = f"is a link to {target!r}, which is not there"
            return self._at_end(link.target, parent, way, message)
        assert isinstance(link, ExternalLink)
        name = link.file.decode(errors="replace")
        if not self._allow_external:
            raise DamagedFileError(
                f"is a link to another file, {name!r}, to {target!r} there; "
                "allow_external=True follows it"
            )
        way.step(link=True)
        other = self._other(readable(link.file))
        message = f"is a link to {target!r} in {name!r}, which is not there"
        return other._at_end(link.target, other.root_address, way, message)

    def _at_end(self, path: bytes, parent: int, way: _Way, message: str) -> tuple[Reader, int]:
        opening, address = self, self.root_address if path.startswith(b"/") else parent
        for name in path.split(b"/"):
            if name in (b"", b"."):
                continue
            way.step(link=False)
            link = opening._links_at(address).get(readable(name))
            if link is None:
                raise DamagedFileError(message)
            opening, address = opening._followed(link, address, way)
        return opening, address

    def _links_at(self, address: int) -> dict[str, Link]:
        """The members of a group on the way; none of what is no group."""
        header = self.header(address)
        is_group = {SYMBOL_TABLE, LINK_INFO} & {kind for kind, _, _ in header.messages}
        return self.links(header) if is_group else {}

    def _other(self, name: str) -> Reader:
        """Another file, looked for where HDF5 looks: beside this one, then where we are."""
        folder = os.path.dirname(os.path.realpath(self.snapshot.place))
        places = (os.path.join(folder, name), os.path.join(folder, os.path.basename(name)), name)
        path = next((place for place in places if os.path.exists(place)), None)
        if path is None:
            raise DamagedFileError(f"is a link to another file, {name!r}, which is not there")
        path = os.path.realpath(path)
        known = self._files.by_path.get(path)
        if known is None:
            snapshot = snapshot_of(path)
            source = self._files.held.enter_context(snapshot.open_source())
            known = Reader(
                snapshot, source, self.policy, allow_external=True, workers=self.workers,
                budget=self.budget, first=self,
            )  # fmt: skip
            self._files.by_path[path] = known
        return known


def _is_type(header: ObjectHeader) -> bool:
    """Whether it is a datatype with a name of its own."""
    kinds = {kind for kind, _, _ in header.messages}
    return DATATYPE in kinds and not {SYMBOL_TABLE, LINK_INFO} & kinds
