"""Sources of bytes that are no local files; those are in `test_calls`."""

from __future__ import annotations

import io
from typing import Any

import pytest

from hspyio.errors import ArgumentError, UnreadableFileError
from hspyio.system.byte_source import FileObjectBytes, check_file_object

CONTENT = bytes(range(256)) * 4


class Short(io.BytesIO):
    """Gives at most 7 bytes at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(7 if size is None or size < 0 else min(size, 7))


@pytest.mark.parametrize("kind", [io.BytesIO, Short])
def test_ranges_are_read_whole(kind: Any) -> None:
    source = FileObjectBytes(kind(CONTENT))
    assert (source.size, source.read(7, 300)) == (1024, CONTENT[7:307])
    parts = bytearray(10), bytearray(0), bytearray(90)
    source.read_into([memoryview(part) for part in parts], 50)
    assert b"".join(parts) == CONTENT[50:150]
    assert source.read(1024, 0) == b""
    for offset, length in ((1019, 6), (1025, 1), (-1, 5)):
        with pytest.raises(OSError, match="the file ends at 1024"):
            source.read(offset, length)
    with pytest.raises(OSError, match="the file ends at 1024"):
        source.read_into([memoryview(bytearray(6))], 1019)


def test_an_object_that_shrank_or_was_closed() -> None:
    file = io.BytesIO(CONTENT)
    source = FileObjectBytes(file)
    file.truncate(100)
    with pytest.raises(OSError, match="the file ends at 100"):
        source.read(50, 100)
    file.close()
    with pytest.raises(UnreadableFileError, match="keep that open"):
        source.read(50, 10)


def test_what_cannot_be_a_source() -> None:
    check_file_object(io.BytesIO(), "x")
    with pytest.raises(ArgumentError, match="x that is open as text"):
        check_file_object(io.StringIO("text"), "x")  # type: ignore[arg-type]
