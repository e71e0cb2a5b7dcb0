"""What numcodecs' codec ``msgpack2`` has packed: ragged arrays of text, in RosettaSciIO's files."""

from __future__ import annotations

import struct
from typing import Any

__all__ = ["packed", "unpacked"]

_NUMBERS = dict(zip(range(0xCA, 0xD4), (">" + form for form in "fdBHIQbhiq"), strict=True))
_TEXTS = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
_OCTETS = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I"}
_LISTS = {0xDC: ">H", 0xDD: ">I"}
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_DEEPEST = 32


def unpacked(content: bytes) -> Any:
    """The value that bytes stand for: lists, texts, numbers; a `ValueError` for anything else."""
    value, end = _value(memoryview(content), 0, 0)
    if end != len(content):
        raise ValueError("there are bytes behind the end of a packed value")
    return value


def _value(content: memoryview, at: int, depth: int) -> tuple[Any, int]:
    if depth > _DEEPEST or at >= len(content):
        raise ValueError("a packed value is cut, or nested too deep")
    kind = content[at]
    at += 1
    if kind < 0x80 or kind >= 0xE0:
        return (kind if kind < 0x80 else kind - 256), at
    if kind in _CONSTANTS:
        return _CONSTANTS[kind], at
    if kind in _NUMBERS:
        return _number(content, at, _NUMBERS[kind])
    if 0x90 <= kind < 0xA0:
        return _list(content, at, kind & 15, depth)
    if kind in _LISTS:
        return _list(content, *_number(content, at, _LISTS[kind])[::-1], depth)
    if 0xA0 <= kind < 0xC0:
        length, texts = kind & 31, True
    elif kind in _TEXTS or kind in _OCTETS:
        texts = kind in _TEXTS
        length, at = _number(content, at, (_TEXTS if texts else _OCTETS)[kind])
    else:
        raise ValueError(f"a packed value of kind {kind:#x}, which is not read here")
    octets = bytes(content[at : at + length])
    if len(octets) != length:
        raise ValueError("a packed text is cut")
    return (octets.decode("utf-8", "surrogateescape") if texts else octets), at + length


def _number(content: memoryview, at: int, form: str) -> tuple[Any, int]:
    size = struct.calcsize(form)
    if at + size > len(content):
        raise ValueError("a packed number is cut")
    return struct.unpack_from(form, content, at)[0], at + size


def _list(content: memoryview, at: int, count: int, depth: int) -> tuple[list[Any], int]:
    if count > len(content) - at:
        raise ValueError("a packed list is cut")
    found = []
    for _ in range(count):
        item, at = _value(content, at, depth + 1)
        found.append(item)
    return found, at


def packed(value: list[Any] | bytes | int) -> bytes:
    """Lists, texts (as their bytes) and counts, packed."""
    if isinstance(value, int):
        return bytes((value,)) if value < 0x80 else b"\xcf" + struct.pack(">Q", value)
    size = len(value)
    if isinstance(value, bytes):
        head = bytes((0xA0 | size,)) if size < 32 else b"\xdb" + struct.pack(">I", size)
        return head + value
    head = bytes((0x90 | size,)) if size < 16 else b"\xdd" + struct.pack(">I", size)
    return head + b"".join(map(packed, value))
