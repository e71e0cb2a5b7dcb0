"""HDF5's filters by the codecs of numcodecs, which Zarr's readers have."""

from __future__ import annotations

import bz2
import zlib
from typing import Any

from hspyio.filters import codec_of
from hspyio.filters.blosc import details
from hspyio.nodes.node import Filter

__all__ = ["config_of", "encoded", "hindrance"]


def config_of(step: Filter) -> dict[str, Any] | None:
    """The configuration of numcodecs' codec that decodes what an HDF5 filter has encoded."""
    options = step.options
    match step.id:
        case 1:
            return {"id": "zlib", "level": min(options[0], 9) if options else 4}
        case 2 if options and options[0]:
            return {"id": "shuffle", "elementsize": options[0]}
        case 3:
            return {"id": "fletcher32"}
        case 307:
            return {"id": "bz2", "level": options[0] if options and 0 < options[0] < 10 else 9}
        case 32001:
            level, shuffle, compressor = details(options)
            known = ("blosclz", "lz4", "lz4hc", "", "zlib", "zstd")
            if not (compressor < len(known) and known[compressor] and level < 10 and shuffle < 3):
                return None  # numcodecs is built without snappy
            return {
                "id": "blosc",
                "cname": known[compressor],
                "clevel": level,
                "shuffle": shuffle,
                "blocksize": 0,
            }
        case 32015:
            return {"id": "zstd", "level": options[0] if options and options[0] < 23 else 3}
    return None


def hindrance(filters: tuple[Filter, ...], size: int) -> str:
    """Why numcodecs cannot decode chunks of so many bytes; nothing where it can."""
    unknown = [step.name or f"filter {step.id}" for step in filters if config_of(step) is None]
    if unknown:
        return f"are stored by {' and '.join(unknown)}, for which numcodecs has no codec"
    for turn, step in enumerate(filters):
        before = {earlier.id for earlier in filters[:turn]}
        if step.id == 2 and (size % step.options[0] or before - {2}):
            return "are shuffled in a way that numcodecs does not know"
    return ""


def encoded(filters: tuple[Filter, ...], octets: bytes) -> bytes:
    """A chunk as filters that numcodecs has write it, even where that makes it larger."""
    for step in filters:
        if step.id == 1:
            octets = zlib.compress(octets)
        elif step.id == 307:
            octets = bz2.compress(octets)
        else:
            encode = codec_of(step.id).encode
            assert encode is not None
            octets = bytes(encode(octets, step.options))
    return octets
