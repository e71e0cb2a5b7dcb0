"""The bytes of a file, wherever they are: what readers of any format are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hspyio.records import record
from hspyio.system.calls import file_size, read_into, read_up_to

__all__ = ["ByteSource", "LocalBytes", "MemoryBytes"]


class ByteSource(Protocol):
    """Bytes that are read in ranges, from many threads at once."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def read_into(self, buffers: Sequence[memoryview], offset: int) -> None:
        """Fill buffers, one after the other, with what stands from an offset on."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """What stands in a range; see `read_into`."""
        ...


@record
class LocalBytes:
    """A file that is open on this computer; whoever opened it closes it.

    Attributes
    ----------
    descriptor : int
        The open file.
    """

    descriptor: int

    @property
    def size(self) -> int:
        """Bytes of the file, as it is now."""
        return file_size(self.descriptor)

    def read_into(self, buffers: Sequence[memoryview], offset: int) -> None:
        """Fill buffers from an offset on."""
        read_into(self.descriptor, buffers, offset)

    def read(self, offset: int, length: int) -> bytes:
        """What stands in a range."""
        buffer = bytearray(length)
        count = read_up_to(self.descriptor, [memoryview(buffer)], offset)
        if count < length:
            raise OSError(f"the file ends at {offset + count}")
        return bytes(buffer)


@record
class MemoryBytes:
    """Bytes that are in memory already.

    Attributes
    ----------
    content : bytes
        All of them.
    """

    content: bytes

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.content)

    def read_into(self, buffers: Sequence[memoryview], offset: int) -> None:
        """Fill buffers from an offset on."""
        for buffer in buffers:
            buffer[:] = self.read(offset, len(buffer))
            offset += len(buffer)

    def read(self, offset: int, length: int) -> bytes:
        """What stands in a range."""
        found = self.content[offset : offset + length]
        if offset < 0 or len(found) < length:
            raise OSError(f"the bytes end at {len(self.content)}")
        return found
