"""Attribute messages (HDF5's file format specification, IV.A.2.m)."""

from __future__ import annotations

import math
import struct
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.errors import UNREADABLE, HspyError, reason_of
from hspyio.hdf5.format.btree_v2 import ATTRIBUTES, dense_messages
from hspyio.hdf5.format.datatypes import DiskType, TypeTable, values_of
from hspyio.hdf5.format.file_bytes import UNREADABLE_PIECE, FileBytes, damaged
from hspyio.hdf5.format.global_heap import GlobalHeaps, text_array
from hspyio.hdf5.format.object_header import (
    ATTRIBUTE,
    ATTRIBUTE_INFO,
    DATASPACE,
    DATATYPE,
    ObjectHeader,
    shared_body,
)
from hspyio.nodes.node import Attribute, Damaged, Empty, Text, Vlen

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["attributes_of", "places_elsewhere"]

_HEAD = struct.Struct("<BBHHH")
_ORDER, _NAME = itemgetter(0), itemgetter(1)
_TYPE_ELSEWHERE, _SPACE_ELSEWHERE = 1, 2
_MOST = 64 * 2**20
"""Bytes of an attribute; HDF5 takes 64 kB by default."""


def attributes_of(
    header: ObjectHeader, types: TypeTable, heaps: GlobalHeaps
) -> dict[str, Attribute | Damaged]:
    """The attributes of an object, in the order of their making or of their names.

    Parameters
    ----------
    header : ObjectHeader
        Of the object.
    types, heaps : TypeTable, GlobalHeaps
        Those of the file.

    Raises
    ------
    DamagedFileError
        If not all of them can be found.
    """
    content = heaps.content
    messages = [(order, body) for kind, order, body in header.messages if kind == ATTRIBUTE]
    found: list[tuple[int, bytes, Attribute | Damaged]] = []
    try:
        messages += _elsewhere(header, content)
        if not messages:
            return {}
        for order, body in messages:
            try:
                found.append((order, *_attribute(body, types, heaps)))
            except UNREADABLE_PIECE as error:
                content.lose(error)
    except (struct.error, IndexError):
        raise damaged("an attribute ends too early") from None
    found.sort(key=_ORDER if header.ordered else _NAME)
    attributes = {
        name.decode("utf-8", "surrogateescape"): attribute for _, name, attribute in found
    }
    if len(attributes) != len(found):
        content.lose(damaged("two of its attributes have one name"))
    return attributes


def _elsewhere(header: ObjectHeader, content: FileBytes) -> list[tuple[int, bytes]]:
    """Attributes that are so many, or so long, that they stand in a heap."""
    try:
        info = header.only(ATTRIBUTE_INFO)
        places = None if info is None else places_elsewhere(content, info, 2 * (info[1] & 1))
        return [] if places is None else dense_messages(content, *places, ATTRIBUTES)
    except UNREADABLE_PIECE as error:
        content.lose(error)
        return []


def places_elsewhere(content: FileBytes, info: bytes, skipped: int) -> tuple[int, int] | None:
    """Addresses of a heap of attributes or links, and of the tree of their names.

    Parameters
    ----------
    content : FileBytes
        The file.
    info : bytes
        The message that names them.
    skipped : int
        Bytes after its first two, before the addresses.
    """
    if info[0]:
        raise damaged("what says where attributes or links are is damaged")
    heap, tree = content.pair.unpack_from(info, 2 + skipped)
    return None if heap == content.undefined else (heap, tree)


def _attribute(
    body: bytes, types: TypeTable, heaps: GlobalHeaps
) -> tuple[bytes, Attribute | Damaged]:
    version, flags, of_name, of_type, of_space = _HEAD.unpack_from(body)
    if not 1 <= version <= 3:
        raise damaged("an attribute is of a version to come, or damaged")
    place = 9 if version == 3 else 8
    step = 8 if version == 1 else 1
    name = body[place : place + of_name]
    if not name or name[-1] or name.find(0) != of_name - 1:
        raise damaged("the name of an attribute is damaged")
    place += -(-of_name // step) * step
    begin = place
    place += -(-of_type // step) * step
    end = place + of_space
    try:
        if version > 1 and flags & (_TYPE_ELSEWHERE | _SPACE_ELSEWHERE):
            described, space = body[begin:place], body[place:end]
            if flags & _TYPE_ELSEWHERE:
                described = shared_body(heaps.content, DATATYPE, described)
            if flags & _SPACE_ELSEWHERE:
                space = shared_body(heaps.content, DATASPACE, space)
            form = types.form(described + space, len(described), len(described))
        else:
            form = types.form(body[begin:end], of_type, place - begin)
        place += -(-of_space // step) * step
        return name[:-1], _valued(body, place, *form, heaps)
    except (HspyError, *UNREADABLE) as error:
        return name[:-1], Damaged(reason_of(error))


def _valued(
    body: bytes, place: int, kind: DiskType, shape: tuple[int, ...] | None, heaps: GlobalHeaps
) -> Attribute | Damaged:
    if shape is None:
        return Empty("is an empty attribute, which is not part of the format", kind.kind)
    size = kind.size * math.prod(shape) if shape else kind.size
    if size > _MOST:
        return Damaged(f"is an attribute of {size:,} bytes")
    content = body[place : place + size]
    if len(content) != size:
        raise damaged("an attribute ends too early")
    whole = (*shape, *kind.shape)
    if kind.is_fixed:
        values = values_of(content, kind, shape)
        one = isinstance(kind.kind, Text) and not values.shape
        return Attribute(kind.kind, bytes(values[()]) if one else values)
    if isinstance(kind.kind, Text):
        texts = text_array(heaps.texts(content), whole) if whole else heaps.text(content)
        return Attribute(kind.kind, texts)
    return Attribute(kind.kind, _rows(content, kind, heaps).reshape(whole))


def _rows(content: bytes, kind: DiskType, heaps: GlobalHeaps) -> NDArray[Any]:
    if kind.base is None or not kind.base.is_fixed:
        raise damaged("is an attribute of rows of texts, which is not safe to read")
    rows = heaps.rows(content, kind.base)
    array: NDArray[Any] = np.empty(len(rows), object)
    for index, row in enumerate(rows):
        array[index] = row
    assert isinstance(kind.kind, Vlen)
    return array
