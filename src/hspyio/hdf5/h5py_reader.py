"""HDF5 file -> nodes: groups filled on demand, arrays whose bytes stay where they are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from h5py import h5, h5a, h5d, h5g, h5i, h5l, h5o, h5p, h5s

from hspyio import names
from hspyio.arrays.workers import Workers
from hspyio.errors import (
    UNREADABLE,
    DamagedFileError,
    HspyError,
    NotHspyError,
)
from hspyio.hdf5.guard_hdf5 import check_attribute
from hspyio.hdf5.h5types import ReadTypes, plain_bytes, plain_values
from hspyio.hdf5.lenient_heaps import References
from hspyio.hdf5.limits import MOST_STEPS, Budget
from hspyio.hdf5.on_demand import OnDemand
from hspyio.hdf5.small import read_small
from hspyio.hdf5.snapshot import FileHandle, cannot_read, close_read, handle_of
from hspyio.hdf5.sources import readable_name, stored_name
from hspyio.hdf5.via_h5py import Session, dataset_node
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Text, Vlen
from hspyio.records import record
from hspyio.system.interrupts import called_back

__all__ = ["node_at", "opened_by_hdf5", "root_of"]

_MOST_LINKS = 16
"""How many soft links may lead on to each other; HDF5's own limit."""
_LISTS = (names.LIST, names.TUPLE)
"""What the names of lists begin with: they are read whole, whenever they are read."""
_UNCHECKED = 65536
"""Bytes of a single value that may stand in an attribute in any case."""
_LOST = -1
_UNLISTED = "not all that is in it can be found: its list is damaged"
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def opened_by_hdf5(
    path: str,
    handle: FileHandle | None,
    *,
    allow_external: bool,
    workers: Workers,
    budget: Budget | None,
) -> tuple[h5py.File, Session]:
    """Open a file in HDF5; whoever asks closes the file, and ends the session then.

    Parameters
    ----------
    path : str
        The file.
    handle : FileHandle or None
        The state of the file that is to be read; as it is now by default.
    allow_external, work, budget : bool, Work, Budget
        See `hspyio.hdf5.opening.open_root`.

    Raises
    ------
    MissingFileError, NotHspyError, DamagedFileError
        If it cannot be opened.
    """
    if handle is None:
        handle, file, number = _opened_twice(path)
    else:
        file, number = _opened_as_was(path, handle)
    session = Session(handle, allow_external, number, workers)
    session.budget = budget or session.budget
    return file, session


def root_of(file: h5py.File, session: Session, *, salvage: bool = False) -> Group:
    """Root group of a file that is open; with `salvage` what can be listed of a damaged group."""
    group = h5g.open(file.id, b".")  # of a file: its root, in the order that it knows
    root = session.census.enter(group, followed=False)
    return _group(group, "/", _Opening(session, ReadTypes(), salvage), (root,))


def node_at(location: Any, where: str, session: Session) -> Group | Array | Damaged:
    """Node of an object that was opened past the groups that lead to it, to be salvaged."""
    address = session.census.enter(location, followed=False)
    if isinstance(location, h5g.GroupID):
        return _group(location, where, _Opening(session, ReadTypes(), salvage=True), (address,))
    if isinstance(location, h5d.DatasetID):
        return dataset_node(location, where, session)
    return Damaged("is a named datatype, which is not part of the format")


def _opened_twice(path: str) -> tuple[FileHandle, h5py.File, int]:
    """The file as a descriptor and in HDF5; the same one, should another take its place now."""
    again = True
    while True:
        handle = handle_of(path)
        try:
            return handle, *_opened(handle)
        except (OSError, RuntimeError, ValueError) as error:
            handle.close()
            if again:  # half of its start may have been new, half old
                again = False
                continue
            raise _cannot_open(path, error) from None


def _opened_as_was(path: str, handle: FileHandle) -> tuple[h5py.File, int]:
    """The state that a handle holds, whatever the path leads to now."""
    try:
        return _opened(handle)
    except (OSError, RuntimeError, ValueError) as error:
        handle.close()
        raise _cannot_open(path, error) from None


def _opened(handle: FileHandle) -> tuple[h5py.File, int]:
    """The file, and what HDF5 calls it.

    What is open in this process already HDF5 takes for the file as it is now: it would show what
    was there before an update, to who opens it again by its path.
    """
    file = h5py.File(handle.place if handle.is_in_place() else handle.view(), "r")
    try:
        root = h5o.get_info(file.id)
        if not handle.is_in_place() or (
            handle.block is not None and handle.block.root != root.addr
        ):
            close_read(file)
            file = h5py.File(handle.view(), "r")
            root = h5o.get_info(file.id)
        return file, int(root.fileno)
    except RuntimeError:  # its root is damaged
        close_read(file)
        raise


def _cannot_open(path: str, error: Exception) -> HspyError:
    """Say what the file is instead, if it is no HDF5 file."""
    if isinstance(error, BlockingIOError):
        from hspyio.system.locks import locked_by_hdf5

        return locked_by_hdf5(path)
    try:
        with open(path, "rb") as stream:
            start = stream.read(512)
    except OSError as unread:
        return cannot_read(path, unread)
    if start[:8] == _SIGNATURE:
        return DamagedFileError(f"is an HDF5 file that HDF5 cannot open: {error}", path=path)
    if not start:
        return NotHspyError("is empty; an HSpy file is an HDF5 file", path=path)
    return NotHspyError(
        f"is not an HDF5 file: looked for HDF5's signature at its start, found {start[:8]!r}",
        path=path,
    )


@record
class _Opening:
    """What the nodes of one open file share.

    With `salvage`, of a group whose members or attributes cannot all be listed the others are read;
    something `Damaged` without a name stands for the rest.
    """

    session: Session
    types: ReadTypes
    salvage: bool = False


def _group(group: h5g.GroupID, where: str, opening: _Opening, ancestors: tuple[Any, ...]) -> Group:
    """Node of a group; `ancestors`, itself the last of them, end circles of links."""
    try:
        opening.session.census.expect(h5a.get_num_attrs(group) + group.get_num_objs())
        creation = group.get_create_plist()
        order = _listing_order(creation.get_link_creation_order())
        links = _links(group, order, salvage=opening.salvage)
        order = _listing_order(creation.get_attr_creation_order())
        listed = _attribute_names(group, order, salvage=opening.salvage)
        attributes = _attributes(group, listed, opening)
    except UNREADABLE as error:
        raise DamagedFileError(
            f"cannot be read: {error}", path=opening.session.path, where=where
        ) from None

    def member(name: str, link: int) -> Group | Array | Damaged:
        place = f"{where.rstrip('/')}/{name}"
        if link == _LOST:
            return Damaged(_UNLISTED)
        try:
            return _member(group, name, place, link, opening, ancestors)
        except HspyError as error:
            return Damaged(error.message)
        except UNREADABLE as error:
            return Damaged(f"cannot be read: {error}")

    # without members, nothing has to keep the group open
    return Group(attributes, OnDemand(links, member) if links else {})


def _listing_order(tracked: int) -> int:
    """The order of creation where the file knows it, else that of the names."""
    return int(h5.INDEX_CRT_ORDER if tracked & h5p.CRT_ORDER_TRACKED else h5.INDEX_NAME)


def _links(group: h5g.GroupID, order: int, *, salvage: bool) -> dict[str, int]:
    """Names of the members, and what kind of link leads to each."""
    found: dict[bytes, int] = {}

    def note(name: bytes, link: Any) -> None:
        found[name] = link.type

    try:
        if group.get_num_objs():
            with called_back():
                group.links.iterate(note, idx_type=order, info=True)
    except UNREADABLE:
        if not salvage:
            raise
        with (
            suppress(*UNREADABLE),
            called_back(),
        ):  # in the order of the file
            group.links.iterate(note, order=h5.ITER_NATIVE, info=True)
        found[b""] = _LOST
    return {readable_name(name): link for name, link in found.items()}


def _member(
    parent: h5g.GroupID,
    name: str,
    where: str,
    link: int,
    opening: _Opening,
    ancestors: tuple[Any, ...],
) -> Group | Array | Damaged:
    if "/" in name or name in ("", "."):  # HDF5 would take it for a path, through any link
        return Damaged("has a name that is none")
    session = opening.session
    followed = link != h5l.TYPE_HARD
    if followed:
        location = _resolved(parent, name, session, _Way())
    else:
        location = h5o.open(parent, stored_name(name))
    if isinstance(location, h5g.GroupID):
        address = session.census.enter(location, followed=followed)
        if address in ancestors:
            return Damaged("is a link to a group that holds it")
        return _group(location, where, opening, (*ancestors, address))
    if not isinstance(location, h5d.DatasetID):
        return Damaged("is a named datatype, which is not part of the format")
    if name.startswith(_LISTS):
        small = read_small(location, opening.types, session)
        if small is not None:
            session.census.pass_by(location)
            return small
        session.check_items(location)
    session.census.enter(location, followed=followed)
    return dataset_node(location, where, session)


@dataclass(slots=True)
class _Way:
    """What may still be gone on the way to where a link leads; each can multiply the next."""

    links: int = _MOST_LINKS
    steps: int = MOST_STEPS

    def step(self, *, link: bool) -> None:
        """Go one name on, or follow one soft link.

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


def _resolved(parent: h5g.GroupID, path: str, session: Session, way: _Way) -> Any:
    """Open what a path leads to, link by link, so that none leads to another file unasked.

    Raises
    ------
    DamagedFileError
        If a link leads to another file, to nothing, or in a circle.
    """
    location: Any = h5i.get_file_id(parent) if path.startswith("/") else parent
    for name in path.split("/"):
        if name in ("", "."):
            continue
        way.step(link=False)
        stored = stored_name(name)
        group = h5o.open(location, b".")  # has to live as long as its links are asked
        links = group.links
        kind = links.get_info(stored).type
        if kind == h5l.TYPE_EXTERNAL and not session.allow_external:
            file = links.get_val(stored)[0].decode(errors="replace")
            raise DamagedFileError(
                f"is a link to another file, {file!r}; allow_external=True follows it"
            )
        if kind != h5l.TYPE_SOFT:
            location = h5o.open(location, stored)
            continue
        way.step(link=True)
        target = readable_name(links.get_val(stored))
        try:
            location = _resolved(group, target, session, way)
        except (AttributeError, KeyError, RuntimeError, ValueError):
            message = f"is a link to {target!r}, which is not there"
            raise DamagedFileError(message) from None
    return location


# attributes


def _attribute_names(group: h5g.GroupID, order: int, *, salvage: bool) -> list[bytes]:
    found: list[bytes] = []
    try:
        h5a.iterate(group, found.append, index_type=order)
    except UNREADABLE:
        if not salvage:
            raise
        found.append(b"")
    return found


def _attributes(
    group: h5g.GroupID, listed: list[bytes], opening: _Opening
) -> dict[str, Attribute | Damaged]:
    session = opening.session
    known = session.attribute_references(group) if listed else {}
    return {
        readable_name(name): _attribute(group, name, opening.types, session, known.get(name))
        if name
        else Damaged(_UNLISTED)
        for name in listed
    }


def _attribute(
    group: h5g.GroupID,
    name: bytes,
    types: ReadTypes,
    session: Session,
    references: References | None,
) -> Attribute | Damaged:
    try:
        if references is not None:
            session.check_references(references)
        handle = h5a.open(group, name)
        extent = handle.get_space().get_simple_extent_type()
        if extent == h5s.NULL:
            return Damaged("is an empty attribute, which is not part of the format")
        stored = types.of(handle.get_type())
        scalar = extent == h5s.SCALAR
        if not scalar or stored.dtype.itemsize > _UNCHECKED or type(stored.kind) is Vlen:
            check_attribute(handle, stored.dtype, group, measured=references is not None)
        # np.empty adds the dimensions of an array type
        values = np.empty(() if scalar else handle.shape, stored.dtype)
        handle.read(values, mtype=stored.memory)
    except HspyError as error:
        return Damaged(error.message)
    except UNREADABLE as error:
        return Damaged(f"cannot be read: {error}")
    if isinstance(stored.kind, Text) and not values.shape:
        return Attribute(stored.kind, plain_bytes(values[()]))
    return Attribute(stored.kind, plain_values(values, stored.kind))
