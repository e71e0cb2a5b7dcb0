"""fletcher32: a checksum a chunk."""

from __future__ import annotations

from hspyio.filters.codec import Codec

__all__ = ["CODEC"]

CODEC = Codec(3, "fletcher32", everywhere=True)
