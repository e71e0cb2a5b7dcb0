"""The members of groups (HDF5's file format specification, III.A, B, C and IV.A.2.c, g, r)."""

from __future__ import annotations

import struct

from hspyio.hdf5.format.attributes import places_elsewhere
from hspyio.hdf5.format.btree_v2 import LINKS, dense_messages
from hspyio.hdf5.format.file_bytes import Content, LeftToHdf5Error
from hspyio.hdf5.format.object_header import LINK, LINK_INFO, SYMBOL_TABLE, ObjectHeader

__all__ = ["members_of"]

_PAIR = struct.Struct("<QQ")
_ADDRESS = struct.Struct("<Q")
_HEAP = struct.Struct("<4sB3xQQQ")
_NODE = struct.Struct("<4sBBHQQ")
_TABLE = struct.Struct("<4sBxH")
_ENTRY = struct.Struct("<QQI4x16x")
_MOST_NODES = 100_000
_MOST_LINKS = 1_000_000
_PLAIN = (0, 1)


def members_of(header: ObjectHeader, content: Content) -> dict[bytes, int | None]:
    """Names of the members of a group, and the addresses of their headers.

    Parameters
    ----------
    header : ObjectHeader
        Of the group.
    content : Content
        The file.

    Returns
    -------
    dict
        In the order of their making where the file knows it, else of their names; ``None`` for
        what only HDF5 follows.

    Raises
    ------
    LeftToHdf5Error
        If they are damaged.
    """
    table, info = header.only(SYMBOL_TABLE), header.only(LINK_INFO)
    try:
        if table is not None and info is None:
            found, ordered = _of_table(table, content), False
        elif info is not None and table is None:
            ordered = bool(info[1] & 1)
            bodies = [body for kind, _, body in header.messages if kind == LINK]
            elsewhere = places_elsewhere(info, 8 * ordered)
            if elsewhere is not None:
                bodies += [body for _, body in dense_messages(content, *elsewhere, LINKS)]
            found = [_link(body) for body in bodies]
        else:
            raise LeftToHdf5Error
    except (struct.error, IndexError, ValueError):
        raise LeftToHdf5Error from None
    if ordered and any(order is None for order, _, _ in found):
        raise LeftToHdf5Error
    found.sort(key=lambda link: (link[0] or 0) if ordered else link[1])
    members = {name: address for _, name, address in found}
    if len(members) != len(found):
        raise LeftToHdf5Error
    return members


Link = tuple["int | None", bytes, "int | None"]
"""When it was made, its name, and the address it leads to."""


def _link(body: bytes) -> Link:
    version, flags, place = body[0], body[1], 2
    if version != 1:
        raise LeftToHdf5Error
    kind = 0
    if flags & 8:
        kind, place = body[place], place + 1
    order = None
    if flags & 4:
        (order,) = _ADDRESS.unpack_from(body, place)
        place += 8
    if flags & 16:
        place += 1
    width = 1 << (flags & 3)
    length = int.from_bytes(body[place : place + width], "little")
    place += width
    name = body[place : place + length]
    if len(name) != length or not name or 0 in name:
        raise LeftToHdf5Error
    if kind:
        return order, name, None
    return order, name, _ADDRESS.unpack_from(body, place + length)[0]


def _of_table(table: bytes, content: Content) -> list[Link]:
    """Of a group of HDF5's older form: a tree of tables, and a heap of names."""
    tree, heap = _PAIR.unpack_from(table)
    signature, version, size, _, address = _HEAP.unpack(content.at(heap, _HEAP.size))
    if signature != b"HEAP" or version:
        raise LeftToHdf5Error
    names = content.at(address, size)
    content.taken[heap], content.taken[address] = _HEAP.size, size
    of_node, of_table = content.group_nodes
    found: list[Link] = []
    pending = [(tree, -1)]
    for _ in range(_MOST_NODES):
        if not pending:
            return found
        place, above = pending.pop()
        signature, kind, level, count, _, _ = _NODE.unpack(content.at(place, _NODE.size))
        if signature != b"TREE" or kind or (above >= 0 and level != above - 1):
            raise LeftToHdf5Error
        content.taken[place] = of_node
        rest = content.at(place + _NODE.size, count * 16 + 8)
        children = [_ADDRESS.unpack_from(rest, 8 + 16 * i)[0] for i in range(count)]
        if level:
            pending += [(child, level) for child in children]
        else:
            for child in children:
                content.taken[child] = of_table
                found += _entries(child, names, content)
                if len(found) > _MOST_LINKS:
                    raise LeftToHdf5Error
    raise LeftToHdf5Error


def _entries(address: int, names: bytes, content: Content) -> list[Link]:
    signature, version, count = _TABLE.unpack(content.at(address, _TABLE.size))
    if signature != b"SNOD" or version != 1:
        raise LeftToHdf5Error
    rest = content.at(address + _TABLE.size, count * _ENTRY.size)
    found: list[Link] = []
    for place, header, cached in _ENTRY.iter_unpack(rest):
        name = names[place : names.index(0, place)]
        if not name:
            raise LeftToHdf5Error
        found.append((None, name, header if cached in _PLAIN else None))
    return found
