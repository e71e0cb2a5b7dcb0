"""Attribute messages (HDF5's file format specification, IV.A.2.m)."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.hdf5.format.btree_v2 import ATTRIBUTES, dense_messages
from hspyio.hdf5.format.datatypes import DiskType, TypeTable, dataspace, values_of
from hspyio.hdf5.format.file_bytes import LeftToHdf5Error
from hspyio.hdf5.format.global_heap import TextHeaps
from hspyio.hdf5.format.object_header import ATTRIBUTE, ATTRIBUTE_INFO, ObjectHeader
from hspyio.nodes.node import Attribute, Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["attributes_of", "places_elsewhere", "text_array"]

_HEAD = struct.Struct("<BBHHH")
_PLACES = struct.Struct("<QQ")
_UNDEFINED = 2**64 - 1
_SCALAR = (b"\x02\x00\x00\x00", b"\x01\x00\x00\x00\x00\x00\x00\x00")


def attributes_of(
    header: ObjectHeader, types: TypeTable, heaps: TextHeaps
) -> dict[bytes, Attribute]:
    """The attributes of an object, in the order of their making or of their names.

    Parameters
    ----------
    header : ObjectHeader
        Of the object.
    types, heaps : TypeTable, TextHeaps
        Those of the file.

    Raises
    ------
    LeftToHdf5Error
        If they are damaged, or one is of a rare type.
    """
    messages = [(order, body) for kind, order, body in header.messages if kind == ATTRIBUTE]
    try:
        info = header.only(ATTRIBUTE_INFO)
        elsewhere = None if info is None else places_elsewhere(info, 2 * (info[1] & 1))
        if elsewhere is not None:
            messages += dense_messages(heaps.content, *elsewhere, ATTRIBUTES)
        found = [(order, *_attribute(body, types, heaps)) for order, body in messages]
    except (struct.error, IndexError, ValueError):
        raise LeftToHdf5Error from None
    found.sort(key=lambda item: item[0] if header.ordered else item[1])
    attributes = {name: attribute for _, name, attribute in found}
    if len(attributes) != len(found):
        raise LeftToHdf5Error
    return attributes


def places_elsewhere(info: bytes, skipped: int) -> tuple[int, int] | None:
    """Addresses of a heap of attributes or links, and of the tree of their names.

    Parameters
    ----------
    info : bytes
        The message that names them.
    skipped : int
        Bytes after its first two, before the addresses.
    """
    if info[0]:
        raise LeftToHdf5Error
    heap, tree = _PLACES.unpack_from(info, 2 + skipped)
    return None if heap == _UNDEFINED else (heap, tree)


def _attribute(body: bytes, types: TypeTable, heaps: TextHeaps) -> tuple[bytes, Attribute]:
    version, flags, of_name, of_type, of_space = _HEAD.unpack_from(body)
    if version == 3:
        place = 9
    elif version in (1, 2):
        place = 8
    else:
        raise LeftToHdf5Error
    if version == 1:
        of_name_there, of_type_there = of_name + 7 & ~7, of_type + 7 & ~7
        of_space_there = of_space + 7 & ~7
    elif flags:
        raise LeftToHdf5Error
    else:
        of_name_there, of_type_there, of_space_there = of_name, of_type, of_space
    name = body[place : place + of_name]
    if name[-1] or name.find(0) != of_name - 1:
        raise LeftToHdf5Error
    place += of_name_there
    kind = types.of(body[place : place + of_type])
    place += of_type_there
    space = body[place : place + of_space]
    place += of_space_there
    if len(space) != of_space:
        raise LeftToHdf5Error
    shape = () if space in _SCALAR else dataspace(space)
    size = kind.size * math.prod(shape)
    content = body[place : place + size]
    if len(content) != size:
        raise LeftToHdf5Error
    return name[:-1], Attribute(kind.kind, _value(content, kind, shape, heaps))


def _value(
    content: bytes, kind: DiskType, shape: tuple[int, ...], heaps: TextHeaps
) -> bytes | NDArray[Any]:
    if kind.dtype is None:
        texts = heaps.texts(content)
        return text_array(texts, shape) if shape else texts[0]
    values = values_of(content, kind, shape)
    if isinstance(kind.kind, Text) and not shape:
        return bytes(values[()])
    return values


def text_array(texts: list[bytes], shape: tuple[int, ...]) -> NDArray[Any]:
    """Texts of any length as an array of objects."""
    array: NDArray[Any] = np.empty(len(texts), object)
    array[:] = texts
    return array.reshape(shape)
