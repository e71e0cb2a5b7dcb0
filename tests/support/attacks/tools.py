"""What the builders share."""

from __future__ import annotations

import zlib
from pathlib import Path

MIB = 2**20


def patched(path: Path, old: bytes, new: bytes) -> None:
    """Change bytes that HDF5 itself would not write."""
    content = path.read_bytes()
    if len(old) != len(new) or old not in content:
        raise ValueError(f"{path} does not hold {old!r}")
    path.write_bytes(content.replace(old, new))


def deflated_zeros(mebibytes: int) -> bytes:
    """A zlib stream of many zeros, a thousandth of their size."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    segment = stream.compress(bytes(MIB)) + stream.flush(zlib.Z_FULL_FLUSH)
    check = (mebibytes * MIB % 65521) << 16 | 1
    return b"\x78\x9c" + segment * mebibytes + b"\x03\x00" + check.to_bytes(4, "big")
