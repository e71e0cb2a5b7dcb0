"""What nodes hold, as bytes and as digests that say whether it is still the same."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names
from hspyio.converters.dtypes import content_bytes, dtype_to_json
from hspyio.errors import HspyError
from hspyio.hdf5.via_h5py import passing
from hspyio.nodes.node import (
    Array,
    Attribute,
    Damaged,
    Group,
    LooseRows,
    Node,
    RowSource,
    Selection,
    StorageType,
    Text,
    Vlen,
)
from hspyio.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TreeDigest", "array_bytes", "tree_digest", "type_text"]

_SMALL = 65536
"""Bytes up to which an array in a tree is part of the tree's digest, with its values."""

_UNREADABLE = (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError)
_POINTER = 16
"""Bytes that count for an item of variable length."""


@record
class TreeDigest:
    """What a tree holds.

    Attributes
    ----------
    digest : str
        Of names, types and values, in the order in which they are read; 32 hexadecimal digits.
    arrays : dict of str to Array
        The larger arrays, which count with their type and shape only, by path in the tree; and
        the node itself, by the path ``""``, if it is an array.
    """

    digest: str
    arrays: dict[str, Array]


def tree_digest(node: Node) -> TreeDigest:
    """Digest of all that reading makes of a node.

    Two nodes have the same digest if, and practically only if, a reader makes the same of them,
    values of larger arrays aside. What cannot be read counts as such, whatever the reason.

    Parameters
    ----------
    node : Group, Array, Attribute or Damaged
        From a file.
    """
    walk = _Walk()
    walk.node(node, "", 0)
    return TreeDigest(walk.digest.hexdigest(), walk.arrays)


class _Walk:
    """One call of `tree_digest`."""

    def __init__(self) -> None:
        self.digest = hashlib.blake2b(digest_size=16)
        self.arrays: dict[str, Array] = {}

    def node(self, node: Node, where: str, depth: int) -> None:
        """Add a node to the digest."""
        if isinstance(node, Attribute):
            self._add(b"@", type_text(node.type).encode(), *_value_parts(node.type, node.value))
        elif isinstance(node, Array):
            self._array(node, where)
        elif isinstance(node, Group) and depth <= names.MAX_DEPTH:
            self._group(node, where, depth)
        else:  # damaged, or deeper than anything that is read
            self._add(b"!")

    def _group(self, group: Group, where: str, depth: int) -> None:
        self._add(b"%")
        for mark, children in ((b"a", group.attributes), (b"m", group.members)):
            for name in children:
                self._add(mark, name.encode("utf-8", "surrogatepass"))
                self.node(_child(children, name), f"{where}/{name}" if where else name, depth + 1)
        self._add(b".")

    def _array(self, array: Array, where: str) -> None:
        self._add(b"#", type_text(array.type).encode(), repr(tuple(array.shape)).encode())
        if not where or not _is_small(array):
            self.arrays[where] = array
            return
        try:
            with passing(array):
                self._add(b"=", *array_bytes(array))
        except (HspyError, *_UNREADABLE):
            self._add(b"!")

    def _add(self, mark: bytes, *parts: bytes | memoryview) -> None:
        """Every part with its length, so that different parts never make the same bytes."""
        self.digest.update(mark)
        for part in parts:
            self.digest.update(len(part).to_bytes(8, "little"))
            self.digest.update(part)


def _child(children: Any, name: str) -> Node:
    try:
        node: Node = children[name]
    except (HspyError, *_UNREADABLE) as error:
        return Damaged(str(error))
    return node


def _is_small(array: Array) -> bool:
    """Whether an array in a tree counts with its values."""
    item = array.type.itemsize if isinstance(array.type, np.dtype) else _POINTER
    if isinstance(array.type, Text) and array.type.length is not None:
        item = array.type.length
    return math.prod(array.shape) * item <= _SMALL


def type_text(kind: StorageType) -> str:
    """A storage type in a few words, down to byte order and the offsets of fields."""
    if isinstance(kind, Text):
        return f"text {kind.length} {'utf-8' if kind.utf8 else 'ascii'}"
    if isinstance(kind, Vlen):
        return f"rows of {type_text(kind.base)}"
    return repr(dtype_to_json(kind))


def array_bytes(array: Array, selection: Selection = ()) -> list[bytes | memoryview]:
    """Read values of an array, as bytes that other values do not have.

    Parameters
    ----------
    array : Array
        From a file.
    selection : tuple of slice
        What to read.

    Raises
    ------
    DamagedFileError
        If it cannot be read.
    """
    source, kind = array.source, array.type
    if isinstance(kind, Vlen) and isinstance(kind.base, np.dtype):
        if isinstance(source, RowSource):
            rows = source.rows(selection)
        else:
            rows = LooseRows.of(source.read(selection), kind.base).rows()
        return [rows.lengths.tobytes(), content_bytes(rows.values)]
    return _value_parts(kind, source.read(selection))


def _value_parts(kind: StorageType, value: bytes | NDArray[Any]) -> list[bytes | memoryview]:
    if isinstance(value, bytes):
        return [value]
    shape = repr(value.shape).encode()
    if isinstance(kind, np.dtype):
        return [shape, content_bytes(value)]
    if isinstance(kind, Text):
        return [shape, *map(bytes, value.ravel().tolist())]
    rows = [_value_parts(kind.base, np.asarray(row)) for row in value.ravel()]
    return [shape, *(part for row in rows for part in row)]
