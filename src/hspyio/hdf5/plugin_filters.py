"""Filters that only a plug-in of HDF5 has, applied to one chunk alone.

HDF5 is given a file of a few hundred bytes that is made here, in memory, with that one chunk in it:
it never sees the metadata of a file from elsewhere.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from hspyio.errors import DamagedFileError, FilterError
from hspyio.filters import codec_of, fletcher32, gzip, lzf
from hspyio.filters.codec import library
from hspyio.hdf5.format.superblock import SIGNATURE, lookup3
from hspyio.hdf5.limits import MIB, size_text
from hspyio.nodes.node import Filter
from hspyio.packages import how_to_get, is_there

__all__ = ["check_available", "decoded_chunk", "filter_available"]

_NONE = 2**64 - 1
_NAMED = 256
"""Filters from this number on have a name in a file."""
_OVERHEAD = 1024
"""What a compressed chunk may have beside its values."""


def filter_available(number: int) -> bool:
    """Whether HDF5 has a filter, after asking hdf5plugin for those it carries."""
    import h5py

    if h5py.h5z.filter_avail(number):
        return True
    if codec_of(number).package == "hdf5plugin":
        try:
            import hdf5plugin  # noqa: F401
        except ImportError:
            return False
    return bool(h5py.h5z.filter_avail(number))


def check_available(filters: Sequence[Filter]) -> None:
    """Refuse what cannot be decoded here.

    Raises
    ------
    FilterError
        If a filter is missing; it says what to install.
    """
    for step in filters:
        if not filter_available(step.id):
            package = codec_of(step.id).package or "its HDF5 plugin"
            missing = package == "hdf5plugin" and not is_there(package)
            mend = how_to_get(package) if missing else f"install {package}"
            text = f"is compressed with {step.name}, which is not available here"
            raise FilterError(f"{text}; {mend}")


def decoded_chunk(content: bytes, mask: int, filters: Sequence[Filter], size: int) -> bytes:
    """Have HDF5 undo the filters of one chunk.

    Parameters
    ----------
    content : bytes
        What stands in the file.
    mask : int
        A bit for each filter that was left out.
    filters : sequence of Filter
        In the order in which writing applies them.
    size : int
        Bytes of the chunk.

    Raises
    ------
    DamagedFileError
        If it inflates to more.
    OSError
        If HDF5 cannot decode it.
    """
    import numpy as np
    from h5py import h5d, h5f, h5s, h5t

    steps = [step for index, step in enumerate(filters) if not mask >> index & 1]
    if not steps:
        return content
    _check_inflation(content, steps, size)
    file = h5f.open_file_image(_file_of_one_chunk(content, steps, size))
    try:
        values = np.empty(size, np.uint8)
        h5d.open(file, b"x").read(h5s.ALL, h5s.ALL, values, h5t.NATIVE_UINT8)
    finally:
        file.close()
    return values.tobytes()


def _check_inflation(content: bytes, steps: Sequence[Filter], size: int) -> None:
    """Refuse what HDF5 would inflate without end: it asks for memory until a stream is over."""
    most = size + size // 256 + _OVERHEAD
    left = list(steps)
    while any(step.id == gzip.CODEC.id for step in left):
        step = left.pop()
        if step.id == fletcher32.CODEC.id:  # checked by HDF5
            content = content[: -fletcher32.CODEC.grows]
            continue
        decode = codec_of(step.id).decode
        if step.id == gzip.CODEC.id:
            found = _inflated(content, most)
        elif step.id == lzf.CODEC.id:
            found = _expanded(content, most)
        elif decode is not None and not codec_of(step.id).resizes:
            found = bytes(decode(content, step.options, len(content), None))
        else:
            raise DamagedFileError(
                "is compressed twice over, so that nothing tells how much memory it would take"
            )
        if found is None:
            raise DamagedFileError(f"inflates to more than the {size_text(size)} it is said to be")
        content = found


def _expanded(content: bytes, most: int) -> bytes | None:
    """What lzf has packed; ``None`` if that is more than so many bytes."""
    try:
        return bytes(library().lzf_decode(content, out=most))
    except RuntimeError:  # or it is damaged
        return None


def _inflated(content: bytes, most: int) -> bytes | None:
    """What a stream holds; ``None`` if that is more than so many bytes."""
    stream, made = zlib.decompressobj(), []
    try:
        while not stream.eof and most >= 0 and content:
            made.append(stream.decompress(content, MIB))
            most -= len(made[-1])
            content = stream.unconsumed_tail
    except zlib.error:  # HDF5 will say so
        return b""
    return None if most < 0 else b"".join(made)


# the file


def _file_of_one_chunk(content: bytes, steps: Sequence[Filter], size: int) -> bytes:
    """A file with one dataset ``x`` of so many bytes, in one chunk."""
    pipeline = struct.pack("<BB", 2, len(steps)) + b"".join(map(_described, steps))
    root = 48
    after = root + len(_header([_link(0), _links()]))
    dataset = [
        (0x01, struct.pack("<BBBBQ", 2, 1, 0, 1, size)),
        (0x03, struct.pack("<B3sIHH", 0x10, b"\0\0\0", 1, 0, 8)),
        (0x05, struct.pack("<BB", 3, 0x0A)),
        (0x0B, pipeline),
    ]
    start = after + len(_header([*dataset, (0x08, _layout(size, 0, 0))]))
    dataset.append((0x08, _layout(size, len(content), start)))
    end = start + len(content)
    block = SIGNATURE + struct.pack("<BBBBQQQQ", 2, 8, 8, 0, 0, _NONE, end, root)
    return b"".join((_summed(block), _header([_link(after), _links()]), _header(dataset), content))


def _described(step: Filter) -> bytes:
    name = b"x".ljust(8, b"\0") if step.id >= _NAMED else b""
    head = struct.pack("<H", step.id)
    head += struct.pack("<H", len(name)) if name else b""
    options = struct.pack(f"<{len(step.options)}I", *step.options)
    return head + struct.pack("<HH", 0, len(step.options)) + name + options


def _layout(size: int, length: int, address: int) -> bytes:
    """A single chunk, with a filter."""
    width = -(-size.bit_length() // 8)
    shape = size.to_bytes(width, "little") + (1).to_bytes(width, "little")
    return bytes((4, 2, 2, 2, width)) + shape + struct.pack("<BQIQ", 1, length, 0, address)


def _link(address: int) -> tuple[int, bytes]:
    return 0x06, struct.pack("<BBB", 1, 0, 1) + b"x" + struct.pack("<Q", address)


def _links() -> tuple[int, bytes]:
    return 0x02, struct.pack("<BBQQ", 0, 0, _NONE, _NONE)


def _header(messages: Sequence[tuple[int, bytes]]) -> bytes:
    inside = b"".join(struct.pack("<BHB", kind, len(body), 0) + body for kind, body in messages)
    return _summed(b"OHDR" + struct.pack("<BBI", 2, 2, len(inside)) + inside)


def _summed(piece: bytes) -> bytes:
    return piece + lookup3(piece).to_bytes(4, "little")
