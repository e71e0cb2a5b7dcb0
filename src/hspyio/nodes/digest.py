"""Digests of what a node holds: a short one that a type hint carries, a long one that a seal does.

Both stand in files, so that neither may ever give another result.
"""

from __future__ import annotations

import binascii
import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hspyio import names
from hspyio.errors import HspyError
from hspyio.nodes.json import dtype_to_json
from hspyio.nodes.node import (
    Array,
    Attribute,
    Damaged,
    Group,
    Kept,
    Node,
    RaggedList,
    RowSource,
    Selection,
    StorageType,
    Text,
    Vlen,
)
from hspyio.records import record

if TYPE_CHECKING:
    import hashlib

    from numpy.typing import NDArray

__all__ = [
    "TreeDigest",
    "array_bytes",
    "content_bytes",
    "digest",
    "quick_blake2b",
    "tree_digest",
    "type_text",
]

_SMALL = 65536
"""Bytes up to which an array in a tree is part of the tree's digest, with its values."""
_UNREADABLE = (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError)
_POINTER = 16
"""Bytes that count for an item of variable length."""


class _Words(NamedTuple):
    """How a storage type is spelt."""

    text: str
    charsets: tuple[str, str]
    rows: str


_IN_HINT = _Words("text{}{}", ("a", "u"), "vlen")
_IN_SEAL = _Words("text {} {}", ("ascii", "utf-8"), "rows of ")


def type_text(kind: StorageType, words: _Words = _IN_SEAL) -> str:
    """A storage type in a few words, down to byte order and the offsets of fields."""
    if isinstance(kind, Text):
        return words.text.format(kind.length, words.charsets[kind.utf8])
    if isinstance(kind, Vlen):
        return words.rows + type_text(kind.base, words)
    return repr(dtype_to_json(kind))


@cache
def quick_blake2b() -> type[hashlib.blake2b]:
    """Python's own; `hashlib` gives the same, but loads OpenSSL first, longer than a file takes."""
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    return blake2b


def content_bytes(array: NDArray[Any]) -> bytes:
    """The values' bytes, without padding of structures and of x87 numbers, which means nothing."""
    dtype = array.dtype
    if dtype.names is not None:
        return b"".join(content_bytes(array[name]) for name in dtype.names)
    if dtype.kind in "fc" and dtype.itemsize > (8 if dtype.kind == "f" else 16):
        return repr(array.tolist()).encode()
    return array.tobytes()


def _framed(part: bytes | memoryview) -> bytes:
    """A part with its length, so that different parts never make the same bytes."""
    return len(part).to_bytes(8, "little") + part


def _name_bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


# of a type hint


def digest(node: Node, companion: Array | None = None) -> str:
    """Eight characters for type, shape and values, so that a hint never outlives its value."""
    content = _content(node, top=True)
    if companion is not None:  # the shapes of a ragged array
        content += _content(companion, top=True)
    summary = quick_blake2b()(content, digest_size=6).digest()
    return binascii.b2a_base64(summary, newline=False).decode()


def _content(node: Node, *, top: bool = False) -> bytes:
    if isinstance(node, Attribute):
        return b"@" + type_text(node.type, _IN_HINT).encode() + _values(node.type, node.value)
    if isinstance(node, Array):
        return _array_content(node, top=top)
    if isinstance(node, (Damaged, Kept)):
        return b"!"
    return _group_content(node)


def _array_content(node: Array, *, top: bool) -> bytes:
    head = f"#{type_text(node.type, _IN_HINT)}{tuple(node.shape)}".encode()
    item = node.type.itemsize if isinstance(node.type, np.dtype) else _POINTER
    if top or math.prod(node.shape) * item <= _SMALL:  # a group's hint is about its kind
        return head + _values(node.type, node.source.read())
    return head


def _group_content(group: Group) -> bytes:
    summary = quick_blake2b()(digest_size=16)
    for kind, children in ((b"a", group.attributes), (b"m", group.members)):
        for name in sorted(children):
            summary.update(kind + _name_bytes(name) + b"\0")
            if not name.startswith(names.SIGNAL):
                summary.update(_framed(_content(children[name])))
    return b"%" + summary.digest()


def _values(kind: StorageType, value: bytes | NDArray[Any]) -> bytes:
    if isinstance(value, bytes):
        return value
    shape = repr(value.shape).encode()
    if isinstance(kind, np.dtype):
        return shape + content_bytes(value)
    items: Iterable[bytes] = (
        map(bytes, value.ravel().tolist())
        if isinstance(kind, Text)
        else (_values(kind.base, np.asarray(row)) for row in value.ravel())
    )
    return shape + b"".join(map(_framed, items))


# of a seal


@record
class TreeDigest:
    """What a tree holds."""

    digest: str  # of names, types and values in the order in which they are read, as hexadecimal
    arrays: dict[str, Array]  # larger ones, which count with type and shape, by path; "": the node


Reading = Callable[[Array], AbstractContextManager[None]]
"""What holds while an array is read."""


def tree_digest(node: Node, reading: Reading = lambda array: nullcontext()) -> TreeDigest:
    """Digest of all that a reader makes of a node, values of larger arrays aside."""
    walk = _Walk(reading)
    walk.node(node, "", 0)
    return TreeDigest(walk.digest.hexdigest(), walk.arrays)


class _Walk:
    """One call of `tree_digest`."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.digest = quick_blake2b()(digest_size=16)
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
                self._add(mark, _name_bytes(name))
                self.node(_child(children, name), f"{where}/{name}" if where else name, depth + 1)
        self._add(b".")

    def _array(self, array: Array, where: str) -> None:
        self._add(b"#", type_text(array.type).encode(), repr(tuple(array.shape)).encode())
        if not where or not _is_small(array):
            self.arrays[where] = array
            return
        try:
            with self._reading(array):
                self._add(b"=", *array_bytes(array))
        except (HspyError, *_UNREADABLE):
            self._add(b"!")

    def _add(self, mark: bytes, *parts: bytes | memoryview) -> None:
        self.digest.update(mark)
        for part in parts:
            self.digest.update(_framed(part))


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


def array_bytes(array: Array, selection: Selection = ()) -> list[bytes | memoryview]:
    """Values of an array as bytes that other values do not have; may raise `DamagedFileError`."""
    source, kind = array.source, array.type
    if isinstance(kind, Vlen) and isinstance(kind.base, np.dtype):
        if isinstance(source, RowSource):
            rows = source.rows(selection)
        else:
            rows = RaggedList.of(source.read(selection), kind.base).rows()
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
