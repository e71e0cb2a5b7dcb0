"""The codecs of Zarr's format 2, by numcodecs' names and configurations: bytes <-> bytes."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np

from hspyio.errors import DamagedFileError, FilterError
from hspyio.filters import blosc
from hspyio.filters.codec import library
from hspyio.nodes.node import Filter

__all__ = ["OBJECTS", "Config", "decoded", "filter_of"]

Config: TypeAlias = Mapping[str, Any]
"""A codec as JSON has it: its ``id``, and its options."""

OBJECTS = ("vlen-array", "vlen-utf8", "vlen-bytes", "msgpack2", "json2", "pickle")
"""Codecs that make bytes of objects: rows and texts."""
_UNKNOWN_SIZE = 2**31
"""Bytes that a chunk of objects may become."""
_SAME_SIZE = {"shuffle", "delta"}
"""Filters whose output has as many bytes as their input."""
_EVERYWHERE = 1


def filter_of(config: Config) -> Filter:
    """A codec as a filter, for who shows it: as one that every reader has, which is gzip's number.

    Whoever reads a store has Zarr's codecs, and no plug-in of HDF5's.
    """
    words = [config.get("id"), config.get("cname"), config.get("clevel", config.get("level"))]
    return Filter(_EVERYWHERE, (), " ".join(str(word) for word in words if word is not None))


def decoded(configs: list[Config], stored: bytes, size: int | None, dtype: np.dtype[Any]) -> bytes:
    """A chunk, the last codec undone first.

    Parameters
    ----------
    configs : list of mapping
        In the order of writing.
    stored : bytes
        The chunk.
    size : int or None
        Bytes of the values; ``None`` where nobody knows.
    dtype : numpy dtype
        Of the values, which filters of numcodecs may be told.

    Raises
    ------
    DamagedFileError
        If the bytes are none that the codec has made.
    FilterError
        If a codec is not there.
    """
    same = all(config.get("id") in _SAME_SIZE for config in configs[:-1])
    hint = size if same else None
    for config in reversed(configs):
        name = config.get("id")
        decode = _DECODERS.get(str(name))
        try:
            stored = decode(stored, hint) if decode else _by_numcodecs(config, stored)
        except FilterError:
            raise
        except Exception as error:  # whatever a library says of bytes it cannot decode
            raise DamagedFileError(f"a chunk cannot be decoded by {name}: {error}") from None
    if size is not None and len(stored) != size:
        raise DamagedFileError(f"a chunk decodes to {len(stored):,} bytes, not {size:,}")
    return stored


def _by_numcodecs(config: Config, stored: bytes) -> bytes:
    name = config.get("id")
    if find_spec("numcodecs") is None:
        raise FilterError(
            f"the codec {name!r} needs numcodecs, which is not installed; "
            "`pip install numcodecs` does it"
        )
    numcodecs: Any = import_module("numcodecs")
    try:
        codec = numcodecs.get_codec(dict(config))
    except Exception as error:  # unknown, or with options that make no sense
        raise FilterError(f"numcodecs has no codec {name!r}: {error}") from None
    return np.asarray(codec.decode(stored)).tobytes()


def _blosc(stored: bytes, size: int | None) -> bytes:
    if size is None:
        size = _announced(stored)
    decode = blosc.CODEC.decode
    assert decode is not None
    return bytes(decode(stored, (), size, None))


def _announced(stored: bytes) -> int:
    if len(stored) < 16:
        raise ValueError("is cut")
    size = int(np.frombuffer(stored, "<u4", 1, 4)[0])
    if size > _UNKNOWN_SIZE:
        raise ValueError(f"announces {size:,} bytes")
    return size


def _most(size: int | None) -> int:
    return (_UNKNOWN_SIZE if size is None else size) + 1


def _zlib(stored: bytes, size: int | None) -> bytes:
    return zlib.decompressobj().decompress(stored, _most(size))


def _gzip(stored: bytes, size: int | None) -> bytes:
    return zlib.decompressobj(31).decompress(stored, _most(size))


def _bz2(stored: bytes, size: int | None) -> bytes:
    return bz2.BZ2Decompressor().decompress(stored, _most(size))


def _lzma(stored: bytes, size: int | None) -> bytes:
    return lzma.LZMADecompressor().decompress(stored, _most(size))


def _zstd(stored: bytes, size: int | None) -> bytes:
    if size is None:
        raise ValueError("its size is not known")
    return bytes(library().zstd_decode(stored, out=size))


def _lz4(stored: bytes, size: int | None) -> bytes:
    announced = int.from_bytes(stored[:4], "little")
    if announced > _most(size):
        raise ValueError(f"announces {announced:,} bytes")
    return bytes(library().lz4_decode(stored[4:], out=announced))


_DECODERS = {
    "blosc": _blosc,
    "zlib": _zlib,
    "gzip": _gzip,
    "bz2": _bz2,
    "lzma": _lzma,
    "zstd": _zstd,
    "lz4": _lz4,
}
