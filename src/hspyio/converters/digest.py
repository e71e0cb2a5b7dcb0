"""A short digest of a stored node, so that a type hint never outlives its value."""

from __future__ import annotations

import binascii
import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names
from hspyio.converters.dtypes import content_bytes, dtype_to_json
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Kept, Node, StorageType, Text, Vlen

if TYPE_CHECKING:
    import hashlib

    from numpy.typing import NDArray

_SMALL = 65536


def digest(node: Node, companion: Array | None = None) -> str:
    """Digest of what is stored: type, shape and values.

    A signal inside stands for itself, and an array over 64 KiB inside a group counts with its
    type and shape only: a group's hint is about the kind of the group.

    Parameters
    ----------
    node : Node
        What is stored.
    companion : Array, optional
        The shapes dataset of a ragged array.

    Returns
    -------
    str
        Eight characters.
    """
    content = _content(node, top=True)
    if companion is not None:
        content += _content(companion, top=True)
    summary = quick_blake2b()(content, digest_size=6).digest()
    return binascii.b2a_base64(summary, newline=False).decode()


@cache
def quick_blake2b() -> type[hashlib.blake2b]:
    """Python's own; `hashlib` gives the same, but loads OpenSSL first, longer than a file takes."""
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    return blake2b


def _content(node: Node, *, top: bool = False) -> bytes:
    if isinstance(node, Attribute):
        return b"@" + _type_text(node.type) + _values(node.type, node.value)
    if isinstance(node, Array):
        return _array_content(node, top=top)
    if isinstance(node, (Damaged, Kept)):
        return b"!"
    return _group_content(node)


def _array_content(node: Array, *, top: bool) -> bytes:
    head = b"#" + _type_text(node.type) + repr(tuple(node.shape)).encode()
    item = node.type.itemsize if isinstance(node.type, np.dtype) else 16
    if top or math.prod(node.shape) * item <= _SMALL:
        return head + _values(node.type, node.source.read())
    return head


def _group_content(group: Group) -> bytes:
    summary = quick_blake2b()(digest_size=16)
    for kind, children in ((b"a", group.attributes), (b"m", group.members)):
        for name in sorted(children):
            summary.update(kind + name.encode("utf-8", "surrogatepass") + b"\0")
            if not name.startswith(names.SIGNAL):
                content = _content(children[name])
                summary.update(len(content).to_bytes(8, "little") + content)
    return b"%" + summary.digest()


def _type_text(kind: StorageType) -> bytes:
    if isinstance(kind, Text):
        return f"text{kind.length}{'u' if kind.utf8 else 'a'}".encode()
    if isinstance(kind, Vlen):
        return b"vlen" + _type_text(kind.base)
    return repr(dtype_to_json(kind)).encode()


def _values(kind: StorageType, value: bytes | NDArray[Any]) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(kind, np.dtype):
        return repr(value.shape).encode() + content_bytes(value)
    parts = [repr(value.shape).encode()]
    for content in _contents(kind, value.ravel()):
        parts.append(len(content).to_bytes(8, "little"))
        parts.append(content)
    return b"".join(parts)


def _contents(kind: Text | Vlen, values: NDArray[Any]) -> list[bytes]:
    if isinstance(kind, Vlen):
        return [_values(kind.base, np.asarray(row)) for row in values]
    return list(map(bytes, values.tolist()))
