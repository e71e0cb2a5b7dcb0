"""The bytes of a file, wherever they are: what readers of any format are given."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, Self

from hspyio.errors import ArgumentError, UnreadableFileError
from hspyio.records import record
from hspyio.system.calls import file_size, read_into, read_up_to

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ByteSource", "FileObjectBytes", "LocalBytes", "check_file_object"]


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

    def expect(self, offsets: Sequence[int], sizes: Sequence[int]) -> None:
        """Take note of small ranges that will be read soon: far away they are asked for at once."""
        ...

    def ahead(
        self, offsets: NDArray[Any], sizes: NDArray[Any]
    ) -> AbstractContextManager[ByteSource]:
        """The same bytes, for reading ranges in about the order that is given, by their offsets.

        Far away they are fetched before they are read, near ones in one request.
        """
        ...


class _AtHand:
    """Bytes that are here: nothing is gained by asking for them before."""

    __slots__ = ()

    def expect(self, offsets: Sequence[int], sizes: Sequence[int]) -> None:
        """Nothing is to be done."""

    def ahead(self, offsets: NDArray[Any], sizes: NDArray[Any]) -> AbstractContextManager[Self]:
        """The same."""
        return nullcontext(self)


@record
class LocalBytes(_AtHand):
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


class FileObjectBytes(_AtHand):
    """A file object that somebody else has opened, and closes: from memory, an archive, a store.

    Parameters
    ----------
    file : file object
        Binary and seekable; all of it is the file, wherever it stands at first.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()  # its position is one for all threads
        self.size = file.seek(0, os.SEEK_END)

    def read_into(self, buffers: Sequence[memoryview], offset: int) -> None:
        """Fill buffers from an offset on."""
        with self._lock:
            if self._file.closed:
                raise UnreadableFileError(
                    "cannot be read any more, as its file object was closed; keep that open for as "
                    "long as lazy arrays are read, or load without lazy=True"
                )
            self._file.seek(offset)
            for buffer in buffers:
                offset += self._fill(buffer.cast("B"), offset)

    def _fill(self, buffer: memoryview, offset: int) -> int:
        """Read until a buffer is full: such an object may give less than it is asked for."""
        done = 0
        while done < len(buffer):
            content = self._file.read(len(buffer) - done)
            if not content:
                raise OSError(f"the file ends at {offset + done}")
            buffer[done : done + len(content)] = content
            done += len(content)
        return done

    def read(self, offset: int, length: int) -> bytes:
        """What stands in a range."""
        if offset < 0 or offset + length > self.size:
            raise OSError(f"the file ends at {self.size}")
        buffer = bytearray(length)
        self.read_into([memoryview(buffer)], offset)
        return bytes(buffer)


def check_file_object(file: BinaryIO, what: str) -> None:
    """Say what to do with an object that is closed, text, or without a way back.

    Raises
    ------
    ArgumentError
        If it is one of these.
    """
    try:
        seekable, found = file.seekable(), file.read(0)
    except (OSError, AttributeError, TypeError):
        raise ArgumentError(f"{what} that cannot be read; open the file with mode 'rb'") from None
    except ValueError:
        raise ArgumentError(f"{what} that is closed; load it while it is open") from None
    if not isinstance(found, bytes):
        raise ArgumentError(f"{what} that is open as text; open the file with mode 'rb'")
    if not seekable:
        raise ArgumentError(
            f"{what} in which nobody can go back; read it into memory first: "
            "io.BytesIO(file.read())"
        )
