"""Names of links as text, and as HDF5 has them: bytes, which need not be UTF-8."""

from __future__ import annotations

__all__ = ["readable_name", "stored_name"]


def stored_name(where: str | bytes) -> bytes:
    """A path as it stands in the file; what is no UTF-8 is lone surrogates here, bytes in h5py."""
    return where if isinstance(where, bytes) else where.encode("utf-8", "surrogateescape")


def readable_name(name: str | bytes) -> str:
    """Inverse of `stored_name`."""
    return name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
