"""scaleoffset: integers in as few bits as they need; floats rounded to a number of digits."""

from __future__ import annotations

from hspyio.filters.codec import Codec

__all__ = ["CODEC"]

CODEC = Codec(6, "scaleoffset", everywhere=True, resizes=True)
