"""shuffle: bytes of equal significance side by side, which compress better."""

from __future__ import annotations

from hspyio.filters.codec import Codec

__all__ = ["CODEC"]

CODEC = Codec(2, "shuffle", everywhere=True)
