"""What a transaction does, in its order: trees that are written, what of the old file stays.

An old object is linked where the new tree is in the same file, else copied raw, chunk by chunk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import h5py
import numpy as np
from h5py import h5l, h5o, h5r

from hspyio import names
from hspyio.arrays.dask import store_graphs
from hspyio.hdf5.format.superblock import LENGTH, Superblock
from hspyio.hdf5.identity import Identity, fingerprint
from hspyio.hdf5.local_snapshot import LocalSnapshot
from hspyio.hdf5.reader import Reader
from hspyio.hdf5.writing.dataset_writer import NewArray, fill_array
from hspyio.hdf5.writing.h5types import readable_name, stored_name
from hspyio.hdf5.writing.output import Output, open_to_copy
from hspyio.hdf5.writing.writer import create_tree, size_of
from hspyio.nodes.node import Group, Kept
from hspyio.records import record
from hspyio.schema.policy import HSPY
from hspyio.schema.sealed_parts import with_room_for_seals
from hspyio.system.byte_source import LocalBytes
from hspyio.system.calls import file_size, read_into
from hspyio.system.interrupts import caught
from hspyio.transaction.copying import open_checked
from hspyio.transaction.unchanged import first_difference

if TYPE_CHECKING:
    from hspyio.integrity.checksums import ArraySums

__all__ = ["Changes", "Rest", "Step", "open_written", "read_back", "write_seal"]


@record
class Rest:
    """What else an object of the old file has, and the new one has not got: it stays.

    Attributes
    ----------
    where : str
        The group or array.
    but : container of str
        Members that go.
    members : bool
        Whether any member stays, or the attributes alone.
    """

    where: str
    but: Container[str] = ()
    members: bool = True


Step: TypeAlias = Group | Rest
"""A tree that is written, in which `Kept` objects are those of the old file; or what else stays."""


@record
class Changes:
    """A new content of a file, planned and encoded.

    Attributes
    ----------
    steps : tuple of Group or Rest
        In the order in which they are done; values of large arrays come after all of them.
    seals : mapping
        The experiments that are sealed at last, with the checksums of what is not to be read again.
    """

    steps: tuple[Step, ...]
    seals: Mapping[str, Mapping[str, ArraySums]]

    @property
    def trees(self) -> tuple[Group, ...]:
        """What is written."""
        return tuple(step for step in self.steps if isinstance(step, Group))

    def write(
        self,
        new: h5py.Group,
        output: Output,
        old: LocalSnapshot | None,
        session: h5py.File | None = None,
    ) -> None:
        """Write into a new root."""
        with self.begun(new, output, old, session):
            store_graphs(output.graphs, output.workers)

    @contextmanager
    def begun(
        self,
        new: h5py.Group,
        output: Output,
        old: LocalSnapshot | None,
        session: h5py.File | None = None,
    ) -> Iterator[None]:
        """Write all but the `graphs` of the output; these are stored within this, seals at its end.

        So dask computes the arrays of several files in one go.
        """
        with ExitStack() as opened:
            stays = (
                None if old is None else opened.enter_context(_Staying(old, new, output, session))
            )
            self._write_trees(new, output, stays)
            yield
            output.graphs.clear()
            if self.seals:
                self._seal(new, output)

    def _write_trees(self, new: h5py.Group, output: Output, stays: _Staying | None) -> None:
        """Write all that is small before the first large array: it survives when a file is cut.

        With the end of this the arrays are closed, and what HDF5 has of them in memory is written.
        """
        large = []
        with caught(output.fail):  # raised under HDF5, Ctrl-C would come out as anything
            for step in self.steps:
                if isinstance(step, Group):
                    large += self._create(step, new, output, stays)
                elif stays is not None:
                    stays.take_over(step)
            if stays is not None:
                stays.take_over_attributes(self.trees)
            if large:
                new.file.flush()
        output.check()
        for made in sorted(large, key=size_of):
            fill_array(made, output)
            output.check()

    def _create(
        self, tree: Group, new: h5py.Group, output: Output, stays: _Staying | None
    ) -> list[NewArray]:
        """Write a tree, with room for the seals of a new file: its headers come before the data."""
        if stays is not None:
            return create_tree(new, tree, output, stays.keep)
        return create_tree(new, with_room_for_seals(tree) if self.seals else tree, output)

    def first_difference(self, root: Group) -> str:
        """The first place where a file does not hold what was to be written; ``""`` if none is."""
        return next(filter(None, (first_difference(tree, root) for tree in self.trees)), "")

    def _seal(self, new: h5py.Group, output: Output) -> None:
        """Read back what was written, and put the checksums of it beside it."""
        from hspyio.integrity.seal import make_seals

        with read_back(new, output.fileno()) as written:
            made = make_seals(written, self.seals, output.workers)
        if made.missing_list is not None:
            new.attrs[names.SEAL] = made.missing_list.value
        for name, content in made.contents.items():
            write_seal(new[stored_name(f"{names.EXPERIMENTS}/{name}")], content)


class _Staying(ExitStack):
    """What gets from an old tree into a new one as it is; closed at the end of the block.

    Values are never read in the session that writes: a heap that HDF5 knows of there it puts new
    texts into, and they would be lost with all that is written below the old end.
    """

    def __init__(
        self, old: LocalSnapshot, new: h5py.Group, output: Output, session: h5py.File | None
    ) -> None:
        super().__init__()
        self._snapshot, self._new, self._output = old, new, output
        self._linked = session is not None
        self._copied: h5py.Group | None = None
        self._check: Callable[[str], None] | None = None
        try:
            self._old = self._values() if session is None else session["/"]
        except BaseException:  # nobody else can close what is open by now
            self.close()
            raise

    def _values(self) -> h5py.Group:
        """The old root, in a file that is only read."""
        if self._copied is None:
            self._copied = self.enter_context(open_to_copy(self._snapshot, self._output))["/"]
        return self._copied

    def keep(self, target: h5py.h5g.GroupID, name: bytes, where: bytes) -> None:
        """Put an old object into a new group."""
        if self._linked:
            target.links.create_hard(name, self._old.id, where)
        else:
            if self._check is None:
                self._check = self.enter_context(open_checked(self._snapshot))
            self._check(readable_name(where))
            h5o.copy(self._old.id, where, target, name)

    def take_over(self, rest: Rest) -> None:
        """Put attributes, members and links into a new object that it has not got."""
        place = stored_name(rest.where.strip("/"))
        before = self._held(place) if place else self._old
        if not isinstance(before, (h5py.Group, h5py.Dataset)):
            return
        inside = before if isinstance(before, h5py.Group) and rest.members else ()
        stay = [name for name in map(stored_name, inside) if readable_name(name) not in rest.but]
        there = isinstance(before, h5py.Group) or _is_in(self._new, place)
        if not (there and (stay or before.attrs)):
            return
        after = self._made(place)
        for name in before.attrs:
            if name not in after.attrs:
                self._copy_attribute(place, after, name)
        for link in stay:
            if after.id.links.exists(link):
                continue
            if before.id.links.get_info(link).type == h5l.TYPE_HARD:
                self.keep(after.id, link, b"/".join([place, link]) if place else link)
            else:
                _copy_link(before.id.links, after.id.links, link)

    def take_over_attributes(self, trees: Iterable[Group]) -> None:
        """Copy single attributes that stay, of whatever type they are."""
        pending: list[tuple[str, object]] = [("", tree) for tree in trees]
        while pending:
            path, group = pending.pop()
            if not isinstance(group, Group):
                continue
            for name, attribute in group.attributes.items():
                if isinstance(attribute, Kept):
                    old = stored_name(attribute.where)
                    self._copy_attribute(old, self._new[stored_name(path)], name)
            members = [(f"{path}/{name}".lstrip("/"), node) for name, node in group.members.items()]
            pending += reversed(members)

    def _held(self, place: bytes) -> object:
        """What is at a place; what cannot be opened raises, for it is there."""
        return self._old[place] if _is_in(self._old, place) else None

    def _made(self, place: bytes) -> h5py.Group:
        if not place:
            return self._new
        return self._new[place] if _is_in(self._new, place) else self._new.create_group(place)

    def _copy_attribute(self, where: bytes, new: h5py.HLObject, name: str) -> None:
        """Copy an attribute; references lead to what has the same path in the new tree."""
        old = self._values()[where or b"."]
        attribute = old.attrs.get_id(name)
        values = old.attrs[name]
        base = h5py.check_vlen_dtype(attribute.dtype) or attribute.dtype
        if h5py.check_ref_dtype(base) is h5py.Reference:
            values = self._led_to(values)
        new.attrs.create(name, values, shape=attribute.shape, dtype=attribute.dtype)

    def _led_to(self, values: Any) -> Any:
        if isinstance(values, h5py.Reference):
            where = h5r.get_name(values, self._values().id) if values else None
            place = None if where is None else where.strip(b"/") or b"."
            there = place is not None and (place == b"." or _is_in(self._new, place))
            return self._new[place].ref if there else h5py.Reference()
        made = np.empty(np.shape(values), object)
        for place in np.ndindex(*made.shape):
            made[place] = self._led_to(values[place])
        return made


def _is_in(group: h5py.Group, place: bytes) -> bool:
    """Whether there is a link at a path; h5py's own way takes its names for text."""
    *above, last = place.split(b"/")
    for name in above:
        if not group.id.links.exists(name):
            return False
        group = group[name]
    return bool(group.id.links.exists(last))


def _copy_link(old: h5l.LinkProxy, new: h5l.LinkProxy, name: bytes) -> None:
    """h5py's own way stumbles over a name that is no text."""
    target = old.get_val(name)
    if old.get_info(name).type == h5l.TYPE_SOFT:
        new.create_soft(name, target)
    else:
        new.create_external(name, *target)


# reading back


@contextmanager
def read_back(root: h5py.Group, descriptor: int) -> Iterator[Group]:
    """What stands in a file that HDF5 is writing; `root` is its root, or is going to be."""
    root.file.flush()
    start = bytearray(LENGTH)
    read_into(descriptor, [memoryview(start)], 0)
    block = Superblock(start[8], bytes(start))  # which may say that the file is being written
    block = block.switched(int(h5o.get_info(root.id).addr), file_size(descriptor))
    with open_written(descriptor, block) as written:
        yield written


@contextmanager
def open_written(descriptor: int, block: Superblock) -> Iterator[Group]:
    """The root of a file that is being written, once all of it has been handed to the system.

    Text of variable length is read; what of it is written afterwards may come to stand beside what
    was there before.
    """
    opening = Reader(_Written(descriptor, block), LocalBytes(descriptor), HSPY)
    try:
        yield opening.root()
    finally:
        opening.end()


class _Written(LocalSnapshot):
    """A handle on the descriptor of a writer, which stays open and locked."""

    def __init__(self, descriptor: int, block: Superblock) -> None:
        super().__init__("", Identity(fingerprint(os.fstat(descriptor)), block.content))
        self._written = descriptor

    def _duplicate(self) -> int:
        return os.dup(self._written)


def write_seal(group: h5py.Group, content: bytes) -> None:
    """Write a seal on a group, in the place of the one that may be there."""
    if names.SEAL in group:
        del group[names.SEAL]
    group.create_dataset(names.SEAL, data=np.frombuffer(content, np.uint8))
    mark = np.frombuffer(content[-names.SEAL_MARK :], np.uint8)
    if names.SEAL in group.attrs:  # as it is done here, its place in the header stays the same
        group.attrs.modify(names.SEAL, mark)
    else:
        group.attrs[names.SEAL] = mark
