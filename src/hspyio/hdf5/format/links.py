"""The members of groups (HDF5's file format specification, III.A, B, C and IV.A.2.c, g, r)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from hspyio.errors import HspyError
from hspyio.hdf5.format.attributes import places_elsewhere
from hspyio.hdf5.format.btree_v2 import LINKS, dense_messages
from hspyio.hdf5.format.file_bytes import UNREADABLE_PIECE, FileBytes, damaged
from hspyio.hdf5.format.object_header import LINK, LINK_INFO, SYMBOL_TABLE, ObjectHeader
from hspyio.records import value

__all__ = ["ExternalLink", "Link", "OtherLink", "SoftLink", "links_of", "table_entries"]

_MOST_NODES = 100_000
_MOST_LINKS = 1_000_000
_SOFT, _EXTERNAL = 1, 64
_SOFT_CACHED = 2


@value
class SoftLink:
    """A link to a path in the same file."""

    target: bytes


@value
class ExternalLink:
    """A link to a path in another file."""

    file: bytes
    target: bytes


@value
class OtherLink:
    """A link of a kind that a program has made up."""

    kind: int


Link = int | SoftLink | ExternalLink | OtherLink
"""A hard link is the address that it leads to."""

_Listed = tuple["int | None", bytes, Link]
"""When it was made, its name, and where it leads."""


def links_of(header: ObjectHeader, content: FileBytes) -> dict[str, Link]:
    """Names of the members of a group, and where they lead.

    Parameters
    ----------
    header : ObjectHeader
        Of the group.
    content : FileBytes
        The file.

    Returns
    -------
    dict
        In the order of their making where the file knows it, else of their names.

    Raises
    ------
    DamagedFileError
        If they are damaged.
    """
    table, info = header.only(SYMBOL_TABLE), header.only(LINK_INFO)
    if (table is None) == (info is None):
        raise damaged("it is a group in two forms, or in none")
    found: list[_Listed] = []
    ordered = info is not None and any(byte & 1 for byte in info[1:2])
    try:
        if info is not None:
            found = _of_info(header, info, content)
        elif table is not None:
            found = _of_table(table, content)
    except (struct.error, IndexError, ValueError):
        content.lose(damaged("one of its links ends too early"))
    except HspyError as error:
        content.lose(error)
    if ordered and any(order is None for order, _, _ in found):
        content.lose(damaged("one of its links has no number"))
    if len(found) > 1:
        found.sort(key=lambda link: (link[0] or 0) if ordered else link[1])
    members = {name.decode("utf-8", "surrogateescape"): target for _, name, target in found}
    if len(members) != len(found):
        content.lose(damaged("two of its members have one name"))
    return members


def _of_info(header: ObjectHeader, info: bytes, content: FileBytes) -> list[_Listed]:
    """Of a group of the newer form, by messages in its header and in a heap."""
    found = _listed((body for kind, _, body in header.messages if kind == LINK), content)
    try:
        elsewhere = places_elsewhere(content, info, 8 * (info[1] & 1))
        if elsewhere is not None:
            bodies = (body for _, body in dense_messages(content, *elsewhere, LINKS))
            found += _listed(bodies, content)
    except UNREADABLE_PIECE as error:
        content.lose(error)
    return found


def _listed(bodies: Iterable[bytes], content: FileBytes) -> list[_Listed]:
    found = []
    for body in bodies:
        try:
            found.append(_link(body, content))
        except UNREADABLE_PIECE as error:
            content.lose(error)
    return found


def _link(body: bytes, content: FileBytes) -> _Listed:
    version, flags, place = body[0], body[1], 2
    if version != 1:
        raise damaged("one of its links is of a version to come, or damaged")
    kind = 0
    if flags & 8:
        kind, place = body[place], place + 1
    order = None
    if flags & 4:
        order = int.from_bytes(body[place : place + 8], "little")
        place += 8
    if flags & 16:
        place += 1
    width = 1 << (flags & 3)
    length = int.from_bytes(body[place : place + width], "little")
    place += width
    name = body[place : place + length]
    if len(name) != length or not name or 0 in name:
        raise damaged("the name of one of its members is damaged")
    return order, name, _target(kind, body[place + length :], content)


def _target(kind: int, rest: bytes, content: FileBytes) -> Link:
    if not kind:
        target = rest[: content.offset_size]
        if len(target) < content.offset_size:
            raise damaged("one of its links ends too early")
        return int.from_bytes(target, "little")
    length = int.from_bytes(rest[:2], "little")
    stated = rest[2 : 2 + length]
    if len(stated) != length:
        raise damaged("one of its links ends too early")
    if kind == _SOFT:
        return SoftLink(stated)
    if kind == _EXTERNAL:
        file, _, target = stated[1:].partition(b"\0")
        return ExternalLink(file, target.rstrip(b"\0"))
    return OtherLink(kind)


def _of_table(table: bytes, content: FileBytes) -> list[_Listed]:
    """Of a group of HDF5's older form: a tree of tables, and a heap of names."""
    tree, heap = content.pair.unpack_from(table)
    names = _local_heap(heap, content)
    of_node, of_table = content.group_nodes
    head, pair = content.struct("<4sBBHOO"), content.struct("<LO")
    found: list[_Listed] = []
    pending = [(tree, -1)]
    for _ in range(_MOST_NODES):
        if not pending:
            return found
        place, above = pending.pop()
        try:
            signature, kind, level, count, _, _ = head.unpack(content.at(place, head.size))
            if signature != b"TREE" or kind or (above >= 0 and level != above - 1):
                raise damaged("the tree of its members is damaged")
            rest = content.at(place + head.size, count * pair.size)
        except UNREADABLE_PIECE as error:
            content.lose(error)
            continue
        content.taken[place] = of_node
        children = [child for _, child in pair.iter_unpack(rest)]
        if level:
            pending += [(child, level) for child in children]
            continue
        for child in children:
            content.taken[child] = of_table
            found += _entries(child, names, content)
            if len(found) > _MOST_LINKS:
                raise damaged("it has too many members")
    raise damaged("the tree of its members has no end")


def _local_heap(address: int, content: FileBytes) -> bytes:
    head = content.struct("<4sB3xLLO")
    signature, version, size, _, place = head.unpack(content.at(address, head.size))
    if signature != b"HEAP" or version:
        raise damaged("the names of its members are not where they are said to be")
    content.taken[address], content.taken[place] = head.size, size
    return content.at(place, size)


def _entries(address: int, names: bytes, content: FileBytes) -> list[_Listed]:
    found: list[_Listed] = []
    try:
        for place, header, cached, scratch in table_entries(address, content):
            name = names[place : names.index(0, place)]
            if not name:
                raise damaged("the name of one of its members is damaged")
            if cached == _SOFT_CACHED:
                target = names[scratch : names.index(0, scratch)]
                found.append((None, name, SoftLink(target)))
            else:
                found.append((None, name, header))
    except UNREADABLE_PIECE as error:
        content.lose(error)
    return found


def table_entries(address: int, content: FileBytes) -> Iterator[tuple[int, int, int, int]]:
    """Of each entry of a symbol table the place of its name, its header, and what is cached.

    Raises
    ------
    DamagedFileError
        If there is no such table.
    """
    signature, version, count = struct.unpack("<4sBxH", content.at(address, 8))
    if signature != b"SNOD" or version != 1:
        raise damaged("a table of its members is not where it is said to be")
    entry = content.struct("<LOI4xI12x")
    return entry.iter_unpack(content.at(address + 8, count * entry.size))
