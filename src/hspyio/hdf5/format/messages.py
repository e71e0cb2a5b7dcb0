"""How an array stands in a file (HDF5's file format specification, IV.A.2.d to i, l)."""

from __future__ import annotations

import math
import struct
from enum import IntEnum

from hspyio.filters import named_filter
from hspyio.hdf5.format.datatypes import DiskType, TypeTable
from hspyio.hdf5.format.file_bytes import FileBytes, damaged, unsupported
from hspyio.hdf5.format.object_header import (
    DATASPACE,
    DATATYPE,
    EXTERNAL,
    FILL,
    FILL_OLD,
    FILTERS,
    LAYOUT,
    ObjectHeader,
)
from hspyio.nodes.node import Filter
from hspyio.records import record

__all__ = ["ChunkIndexKind", "Layout", "layout_of_header"]

_COMPACT, _CONTIGUOUS, _CHUNKED, _VIRTUAL = 0, 1, 2, 3
_NEWEST = 5
_UNFILTERED_EDGES, _FILTERED_SINGLE = 1, 2
_FILTER_HEAD = struct.Struct("<HHHH")
_NAMELESS_HEAD = struct.Struct("<HHH")
_MOST_CHUNK = 2**32
_MOST_FILTERS = 32
_OWN = 256
"""Filters below are HDF5's own, and have no name in a newer message."""
_PARAMETERS = {2: 0, 3: 1, 4: 5, 5: 6}
"""Bytes of what a newer message tells of an index of chunks, by its kind."""


class ChunkIndexKind(IntEnum):
    """What says where the chunks of an array are, by HDF5's numbers; 0 is ours."""

    BTREE_V1 = 0
    SINGLE = 1
    IMPLICIT = 2
    FIXED_ARRAY = 3
    EXTENSIBLE_ARRAY = 4
    BTREE_V2 = 5


@record
class Layout:
    """An array as its header tells of it.

    Attributes
    ----------
    kind : DiskType
        Of the values.
    shape : tuple of int
        Length of each dimension.
    most : tuple of int or None
        How long each may become.
    chunks : tuple of int or None
        Chunk shape; ``None`` where the values stand in one block.
    filters : tuple of Filter
        With the options in the file.
    fill : bytes
        The value of what was never written; nothing for zero.
    address : int or None
        Of the block, or of the index of the chunks; ``None`` if nothing was ever written.
    inside : bytes or None
        The values, where they stand in the header itself.
    index : ChunkIndexKind
        What says where the chunks are.
    single : tuple of int
        Bytes of the only chunk, and filters left out for it, where it is filtered.
    unfiltered_edges : bool
        Whether chunks that reach beyond the array are stored without the filters.
    elsewhere : bool
        Whether the values stand in other files, or datasets.
    """

    kind: DiskType
    shape: tuple[int, ...]
    most: tuple[int | None, ...]
    filters: tuple[Filter, ...] = ()
    fill: bytes = b""
    chunks: tuple[int, ...] | None = None
    address: int | None = None
    inside: bytes | None = None
    index: ChunkIndexKind = ChunkIndexKind.BTREE_V1
    single: tuple[int, ...] = ()
    unfiltered_edges: bool = False
    elsewhere: bool = False


def layout_of_header(header: ObjectHeader, types: TypeTable, content: FileBytes) -> Layout | None:
    """Take a header for that of a dataset; ``None`` for one without a shape.

    Raises
    ------
    DamagedFileError, UnsupportedFeatureError
        If it is damaged, or a rare one.
    """
    described, space, layout = (header.only(kind) for kind in (DATATYPE, DATASPACE, LAYOUT))
    if described is None or space is None or layout is None:
        raise damaged("it is a dataset without a type or a shape")
    extent = types.space(space)
    if extent.shape is None:
        return None
    try:
        if header.only(EXTERNAL) is not None or _is_virtual(layout):
            kind = types.of(described)
            return Layout(kind, extent.shape, extent.most, elsewhere=True)
        kind = types.of(described)
        made = _Parser(content, kind, extent.shape, extent.most)
        made.fill = _fill(header, kind)
        made.filters = _filters(header.only(FILTERS))
        return made.layout(layout)
    except (struct.error, IndexError, ValueError):
        raise damaged("its header ends too early") from None


def _is_virtual(body: bytes) -> bool:
    return body[0] in (3, 4, 5) and body[1] == _VIRTUAL


class _Parser:
    """What a layout message is read with."""

    def __init__(
        self,
        content: FileBytes,
        kind: DiskType,
        shape: tuple[int, ...],
        most: tuple[int | None, ...],
    ) -> None:
        self._content = content
        self._kind, self._shape, self._most = kind, shape, most
        self.fill = b""
        self.filters: tuple[Filter, ...] = ()

    def layout(self, body: bytes) -> Layout:
        """What the message tells."""
        version = body[0]
        if not 1 <= version <= _NEWEST:
            raise unsupported(f"how it is stored is told by a message of version {version}")
        if version < 3:
            return self._old(body)
        where = body[1]
        if where == _COMPACT:
            length = int.from_bytes(body[2:4], "little")
            return self._compact(body[4 : 4 + length], length)
        if where == _CONTIGUOUS:
            return self._contiguous(*self._content.extent.unpack_from(body, 2))
        if where != _CHUNKED:
            raise unsupported(f"it is stored in way {where}")
        if version > 3:
            return self._indexed(body)
        rank = body[2]
        form = self._content.struct(f"<O{rank}I")
        address, *chunks = form.unpack_from(body, 3)
        return self._chunked(chunks, address)

    def _old(self, body: bytes) -> Layout:
        """Of version 1 or 2."""
        rank, where = body[1], body[2]
        place, address = 8, self._content.undefined
        if where != _COMPACT:
            (address,) = self._content.struct("<O").unpack_from(body, place)
            place += self._content.offset_size
        lengths = struct.unpack_from(f"<{rank}I", body, place)
        place += 4 * rank
        if where == _CHUNKED:
            return self._chunked([*lengths, *struct.unpack_from("<I", body, place)], address)
        if where == _CONTIGUOUS:
            return self._contiguous(address, self._bytes())
        if where != _COMPACT:
            raise damaged("how it is stored is damaged")
        (length,) = struct.unpack_from("<I", body, place)
        return self._compact(body[place + 4 : place + 4 + length], length)

    def _bytes(self) -> int:
        return math.prod(self._shape) * self._kind.size

    def _compact(self, inside: bytes, length: int) -> Layout:
        if length != self._bytes() or len(inside) != length or self.filters:
            raise damaged("its values are said to be longer than the header that they stand in")
        return Layout(self._kind, self._shape, self._most, (), self.fill, inside=inside)

    def _contiguous(self, address: int, length: int) -> Layout:
        if self.filters or (length < self._bytes() and address != self._content.undefined):
            raise damaged("its values take more bytes than it is said to have")
        return Layout(
            self._kind, self._shape, self._most, (), self.fill, address=self._defined(address)
        )

    def _chunked(
        self,
        chunks: list[int],
        address: int,
        index: ChunkIndexKind = ChunkIndexKind.BTREE_V1,
        single: tuple[int, ...] = (),
        *,
        unfiltered_edges: bool = False,
    ) -> Layout:
        *steps, length = chunks
        if len(steps) != len(self._shape) or not steps or length != self._kind.size or 0 in steps:
            raise damaged("its chunks have another form than itself")
        if math.prod(steps) * length >= _MOST_CHUNK and index is ChunkIndexKind.BTREE_V1:
            raise damaged("its chunks are of 4 GiB or more, which no such index can list")
        return Layout(
            self._kind, self._shape, self._most, self.filters, self.fill, tuple(steps),
            self._defined(address), None, index, single, unfiltered_edges,
        )  # fmt: skip

    def _indexed(self, body: bytes) -> Layout:
        """Of version 4 or 5, with a choice of indices."""
        flags, rank, width = body[2], body[3], body[4]
        place = 5 + rank * width
        if not 1 <= width <= 8 or place >= len(body):
            raise damaged("how it is stored is damaged")
        chunks = [int.from_bytes(body[i : i + width], "little") for i in range(5, place, width)]
        kind, place = body[place], place + 1
        single: tuple[int, ...] = ()
        if kind == ChunkIndexKind.SINGLE:
            if flags & _FILTERED_SINGLE:
                form = self._content.struct("<LI")
                single = form.unpack_from(body, place)
                place += form.size
        elif kind in _PARAMETERS:
            place += _PARAMETERS[kind]
        else:
            raise unsupported(f"its chunks are listed by an index of kind {kind}")
        (address,) = self._content.struct("<O").unpack_from(body, place)
        edges = bool(flags & _UNFILTERED_EDGES)
        index = ChunkIndexKind(kind)
        return self._chunked(chunks, address, index, single, unfiltered_edges=edges)

    def _defined(self, address: int) -> int | None:
        return None if address == self._content.undefined else address


def _fill(header: ObjectHeader, kind: DiskType) -> bytes:
    """The value of what was never written, as it stands in the file; nothing for zero."""
    body, old = header.only(FILL), header.only(FILL_OLD)
    if body is None:
        given, place = old is not None, 0
        body = old or b""
    elif body[0] == 3:
        given, place = bool(body[1] & 0x20), 2
    elif body[0] in (1, 2):
        given, place = body[0] == 1 or bool(body[3]), 4
    else:
        raise damaged("its fill value is of a version to come, or damaged")
    if not given:
        return b""
    (length,) = struct.unpack_from("<i", body, place)
    if length <= 0:
        return b""
    value = body[place + 4 : place + 4 + length]
    if len(value) != length or length != kind.size:
        raise damaged("its fill value is of another size than its type")
    return value if any(value) else b""


def _filters(body: bytes | None) -> tuple[Filter, ...]:
    """The steps of a chunk's way to the disk."""
    if body is None:
        return ()
    version, count = body[0], body[1]
    if version not in (1, 2) or count > _MOST_FILTERS:
        raise damaged("its filters are of a version to come, or damaged")
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
