"""How an array stands in a file (HDF5's file format specification, IV.A.2.d to i, l)."""

from __future__ import annotations

import math
import struct

from hspyio.hdf5.format.datatypes import DiskType, TypeTable, dataspace
from hspyio.hdf5.format.file_bytes import LeftToHdf5Error
from hspyio.hdf5.format.object_header import (
    DATASPACE,
    DATATYPE,
    EXTERNAL,
    FILL,
    FILTERS,
    LAYOUT,
    ObjectHeader,
)
from hspyio.hdf5.steps import named_filter
from hspyio.nodes.node import Filter
from hspyio.records import record

__all__ = ["Layout", "layout_of_header"]

_UNDEFINED = 2**64 - 1
_COMPACT, _CONTIGUOUS, _CHUNKED = 0, 1, 2
_PAIR = struct.Struct("<QQ")
_ADDRESS = struct.Struct("<Q")
_FILTER_HEAD = struct.Struct("<HHHH")
_NAMELESS_HEAD = struct.Struct("<HHH")
_MOST_CHUNK = 2**32
_OWN = 256
"""Filters below are HDF5's own, and have no name in a newer message."""


@record
class Layout:
    """An array as its header tells of it.

    Attributes
    ----------
    kind : DiskType
        Of the values.
    shape : tuple of int
        Length of each dimension.
    chunks : tuple of int or None
        Chunk shape; ``None`` where the values stand in one block.
    filters : tuple of Filter
        With the options in the file.
    fill : bytes
        The value of what was never written; nothing for zero.
    address : int or None
        Of the block, or of the tree of the chunks; ``None`` if nothing was ever written.
    inside : bytes or None
        The values, where they stand in the header itself.
    """

    kind: DiskType
    shape: tuple[int, ...]
    chunks: tuple[int, ...] | None
    filters: tuple[Filter, ...]
    fill: bytes
    address: int | None
    inside: bytes | None = None


def layout_of_header(header: ObjectHeader, types: TypeTable) -> Layout:
    """Take a header for that of a dataset.

    Raises
    ------
    LeftToHdf5Error
        If it is a rare one, or damaged.
    """
    described, space, layout = (header.only(kind) for kind in (DATATYPE, DATASPACE, LAYOUT))
    if described is None or space is None or layout is None or header.only(EXTERNAL) is not None:
        raise LeftToHdf5Error
    kind, shape = types.of(described), dataspace(space)
    try:
        fill = _fill(header.only(FILL), kind)
        filters = _filters(header.only(FILTERS))
        return _layout(layout, kind, shape, fill, filters)
    except (struct.error, IndexError, ValueError):
        raise LeftToHdf5Error from None


def _layout(
    body: bytes, kind: DiskType, shape: tuple[int, ...], fill: bytes, filters: tuple[Filter, ...]
) -> Layout:
    version, where = body[0], body[1]
    size = math.prod(shape) * kind.size
    if version not in (3, 4) or where > _CHUNKED or (where != _CHUNKED and filters):
        raise LeftToHdf5Error
    if where == _COMPACT:
        length = int.from_bytes(body[2:4], "little")
        if length != size or len(body) < 4 + length:
            raise LeftToHdf5Error
        return Layout(kind, shape, None, (), fill, None, body[4 : 4 + length])
    if where == _CONTIGUOUS:
        address, length = _PAIR.unpack_from(body, 2)
        if length < size:
            raise LeftToHdf5Error
        return Layout(kind, shape, None, (), fill, _defined(address))
    rank = body[2]
    if version != 3 or rank != len(shape) + 1 or not shape:
        raise LeftToHdf5Error
    (address,) = _ADDRESS.unpack_from(body, 3)
    *chunks, length = struct.unpack_from(f"<{rank}I", body, 11)
    if length != kind.size or 0 in chunks or math.prod(chunks) * length >= _MOST_CHUNK:
        raise LeftToHdf5Error
    return Layout(kind, shape, tuple(chunks), filters, fill, _defined(address))


def _defined(address: int) -> int | None:
    return None if address == _UNDEFINED else address


def _fill(body: bytes | None, kind: DiskType) -> bytes:
    """The value of what was never written, nothing for zero."""
    if body is None or not 1 <= body[0] <= 3:
        raise LeftToHdf5Error
    if body[0] == 3:
        given, place = bool(body[1] & 0x20), 2
    else:
        given, place = body[0] == 1 or bool(body[3]), 4
    if not given:
        return b""
    (length,) = struct.unpack_from("<i", body, place)
    if length <= 0:
        return b""
    value = body[place + 4 : place + 4 + length]
    if kind.dtype is None or len(value) != length or length != kind.size:
        raise LeftToHdf5Error
    if kind.dtype.kind in "bS" and any(value):
        raise LeftToHdf5Error
    return value


def _filters(body: bytes | None) -> tuple[Filter, ...]:
    """The steps of a chunk's way to the disk."""
    if body is None:
        return ()
    version, count = body[0], body[1]
    if version not in (1, 2) or count > 32:
        raise LeftToHdf5Error
    place = 8 if version == 1 else 2
    found = []
    for _ in range(count):
        step, place = _filter(body, place, version)
        found.append(step)
    return tuple(found)


def _filter(body: bytes, place: int, version: int) -> tuple[Filter, int]:
    (number,) = struct.unpack_from("<H", body, place)
    if version == 2 and number < _OWN:
        _, _, count = _NAMELESS_HEAD.unpack_from(body, place)
        place, length = place + _NAMELESS_HEAD.size, 0
    else:
        _, length, _, count = _FILTER_HEAD.unpack_from(body, place)
        place += _FILTER_HEAD.size
    name = body[place : place + length].split(b"\0", 1)[0]
    place += length
    options = struct.unpack_from(f"<{count}I", body, place)
    place += 4 * count + (4 if version == 1 and count % 2 else 0)
    return named_filter(number, options, name), place
