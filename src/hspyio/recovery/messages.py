"""What a process that reads a file for another sends it: JSON, and the bytes it speaks of.

Nothing is pickled: the other process has read a file that may have taken it over.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from hspyio.converters.dtypes import dtype_from_json, dtype_to_json
from hspyio.nodes.node import (
    Array,
    Attribute,
    Damaged,
    Filter,
    Group,
    Kept,
    MemorySource,
    Rows,
    StorageType,
    Text,
    Vlen,
)

__all__ = [
    "MessageError",
    "Reader",
    "Writer",
    "node_to_json",
    "receive",
    "send",
    "type_from_json",
]

Json = Any
_HEAD = struct.Struct("<QI")
_LENGTH = struct.Struct("<Q")
_MOST_JSON = 2**30
_MOST_BUFFERS = 2**24


class MessageError(ValueError):
    """What came is no message."""


def send(stream: IO[bytes], content: Json, buffers: Sequence[Any] = ()) -> None:
    """Send one message.

    Parameters
    ----------
    stream : binary file
        A pipe.
    content : dict
        What JSON holds.
    buffers : sequence of bytes-like
        What it speaks of, by number.
    """
    text = json.dumps(content, separators=(",", ":")).encode("ascii")
    stream.write(_HEAD.pack(len(text), len(buffers)))
    stream.write(text)
    for buffer in buffers:
        view = memoryview(buffer)
        view = view.cast("B") if view.nbytes else memoryview(b"")
        stream.write(_LENGTH.pack(view.nbytes))
        stream.write(view)
    stream.flush()


def receive(stream: IO[bytes], most: int) -> tuple[Json, list[bytearray]]:
    """Take one message.

    Parameters
    ----------
    stream : binary file
        A pipe.
    most : int
        Bytes that its buffers may have together.

    Raises
    ------
    EOFError
        If the other side is gone.
    MessageError
        If it is no message, or too long.
    """
    length, count = _HEAD.unpack(_exactly(stream, _HEAD.size))
    if length > _MOST_JSON or count > _MOST_BUFFERS:
        raise MessageError("a message is too long")
    text = _exactly(stream, length)
    buffers = []
    for _ in range(count):
        (size,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
        most -= size
        if most < 0:
            raise MessageError("a message is too long")
        buffers.append(_exactly(stream, size))
    try:
        return json.loads(text), buffers
    except (ValueError, RecursionError) as error:
        raise MessageError(f"a message cannot be read: {error}") from None


def _exactly(stream: IO[bytes], size: int) -> bytearray:
    result = bytearray(size)
    view, done = memoryview(result), 0
    while done < size:
        count = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError("the other side is gone")
        done += count
    return result


# nodes and values


class Writer:
    """Values as JSON, and the buffers that this speaks of.

    Attributes
    ----------
    buffers : list
        In the order in which they are spoken of.
    """

    def __init__(self) -> None:
        self.buffers: list[Any] = []

    def value(self, value: Any) -> Json:
        """Bytes, an array of any kind, or rows."""
        if isinstance(value, bytes):
            return {"bytes": self._buffer(value)}
        if isinstance(value, Rows):
            return {
                "rows": self._plain(value.values),
                "lengths": self._plain(value.lengths),
            }
        array = np.asarray(value)
        if not array.dtype.hasobject:
            return self._plain(array)
        items = array.reshape(-1).tolist()
        if all(type(item) is bytes for item in items):
            lengths = np.fromiter(map(len, items), np.int64, len(items))
            joined = self._buffer(b"".join(items))
            return {"texts": list(array.shape), "lengths": self._plain(lengths), "all": joined}
        return {"objects": list(array.shape), "items": [self.value(item) for item in items]}

    def _plain(self, array: NDArray[Any]) -> Json:
        packed = np.ascontiguousarray(array)
        number = self._buffer(packed.reshape(-1).view(np.uint8) if packed.size else b"")
        return {"array": number, "dtype": dtype_to_json(array.dtype), "shape": list(array.shape)}

    def _buffer(self, content: Any) -> int:
        self.buffers.append(content)
        return len(self.buffers) - 1

    def attributes(self, attributes: Mapping[str, Attribute | Damaged | Kept]) -> Json:
        """Attributes of a group or an array."""
        return {
            name: {"damaged": node.reason}
            if isinstance(node, Damaged)
            else {"type": type_to_json(node.type), "value": self.value(node.value)}
            for name, node in attributes.items()
            if not isinstance(node, Kept)  # there is none in what was read
        }


class Reader:
    """Inverse of `Writer`.

    Parameters
    ----------
    buffers : list of bytearray
        What came with the JSON.
    """

    def __init__(self, buffers: Sequence[bytearray]) -> None:
        self._buffers = buffers

    def value(self, content: Json) -> Any:
        """Bytes, an array or rows.

        Raises
        ------
        MessageError
            If the content does not fit its buffers.
        """
        try:
            return self._value(content)
        except (IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise MessageError(f"a value cannot be read: {error}") from None

    def _value(self, content: Json) -> Any:
        if "bytes" in content:
            return bytes(self._buffers[content["bytes"]])
        if "rows" in content:
            return self._rows(content)
        if "array" in content:
            return self._plain(content)
        result: NDArray[Any] = np.empty(
            math.prod(content["texts" if "texts" in content else "objects"]), object
        )
        if "texts" in content:
            joined, start = bytes(self._buffers[content["all"]]), 0
            for index, length in enumerate(self._plain(content["lengths"]).tolist()):
                result[index] = joined[start : start + length]
                start += length
            return result.reshape(content["texts"])
        for index, item in enumerate(content["items"]):
            result[index] = self._value(item)
        return result.reshape(content["objects"])

    def _rows(self, content: Json) -> Rows:
        rows = Rows(self._plain(content["rows"]), self._plain(content["lengths"]))
        if rows.values.ndim != 1 or rows.lengths.min(initial=0) < 0:
            raise ValueError("rows do not fit")
        if int(rows.lengths.sum()) != len(rows.values):
            raise ValueError("rows do not fit")
        return rows

    def _plain(self, content: Json) -> NDArray[Any]:
        dtype = dtype_from_json(content["dtype"])
        if dtype.hasobject:
            raise ValueError("objects are no plain values")
        buffer = self._buffers[content["array"]]
        if not buffer:
            return np.empty(content["shape"], dtype)
        return np.frombuffer(buffer, dtype).reshape(content["shape"])

    def attributes(self, content: Json) -> dict[str, Attribute | Damaged]:
        """Attributes of a group or an array."""
        return {
            str(name): Damaged(str(node["damaged"]))
            if "damaged" in node
            else Attribute(type_from_json(node["type"]), self.value(node["value"]))
            for name, node in content.items()
        }


def type_to_json(kind: StorageType) -> Json:
    """A storage type."""
    if isinstance(kind, Text):
        return {"text": kind.length, "utf8": kind.utf8}
    if isinstance(kind, Vlen):
        return {"rows": type_to_json(kind.base)}
    return {"dtype": dtype_to_json(kind)}


def type_from_json(content: Json) -> StorageType:
    """Inverse of `type_to_json`."""
    if "text" in content:
        return Text(content["text"], content["utf8"])
    if "rows" in content:
        base = type_from_json(content["rows"])
        if isinstance(base, Vlen):
            raise MessageError("rows of rows")
        return Vlen(base)
    return dtype_from_json(content["dtype"])


def node_to_json(node: object, writer: Writer) -> Json:
    """A node; of a group the names of its members, of an array what it is like."""
    if isinstance(node, Group):
        return {
            "group": list(node.members),
            "attributes": writer.attributes(node.attributes),
            "ordered": node.ordered,
        }
    if isinstance(node, Array):
        held = isinstance(node.source, MemorySource)
        return {
            "value": writer.value(node.source.read()) if held else None,
            "array": type_to_json(node.type),
            "shape": list(node.shape),
            "chunks": None if node.chunks is None else list(node.chunks),
            "filters": [[step.id, list(step.options), step.name] for step in node.filters],
            "attributes": writer.attributes(node.attributes),
        }
    assert isinstance(node, Damaged)
    return {"damaged": node.reason}


def filters_from_json(content: Json) -> tuple[Filter, ...]:
    """The filters of an array."""
    return tuple(Filter(int(a), tuple(map(int, b)), str(c)) for a, b, c in content)
