"""The codecs of Zarr's format 2, by numcodecs' names and configurations: bytes <-> bytes."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from hspyio.errors import DamagedFileError, FilterError
from hspyio.filters import blosc
from hspyio.filters.codec import Bytes, library
from hspyio.nodes.node import Filter
from hspyio.packages import how_to_get, is_there

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OBJECTS", "Config", "decoded", "filter_of"]

Out: TypeAlias = "NDArray[np.uint8] | None"
Config: TypeAlias = Mapping[str, Any]
"""A codec as JSON has it: its ``id``, and its options."""

OBJECTS = ("vlen-array", "vlen-utf8", "vlen-bytes", "msgpack2", "json2", "pickle")
"""Codecs that make bytes of objects: rows and texts."""
_UNKNOWN_SIZE = 2**31
"""Bytes that a chunk of objects may become."""


class _Wanted(NamedTuple):
    """What a codec is to make: its bytes, if they are known, where, and on how many threads."""

    size: int | None
    out: Out
    threads: int

    @property
    def most(self) -> int:
        """Bytes to ask for: one more than there may be, so that too many are seen."""
        return (_UNKNOWN_SIZE if self.size is None else self.size) + 1


_SAME_SIZE = {"shuffle", "delta"}
"""Filters whose output has as many bytes as their input."""
_EVERYWHERE = 1


def filter_of(config: Config) -> Filter:
    """A codec as a filter, for who shows it: as one that every reader has, which is gzip's number.

    Whoever reads a store has Zarr's codecs, and no plug-in of HDF5's.
    """
    words = [config.get("id"), config.get("cname"), config.get("clevel", config.get("level"))]
    return Filter(_EVERYWHERE, (), " ".join(str(word) for word in words if word is not None))


def decoded(
    configs: list[Config],
    stored: Bytes,
    size: int | None,
    dtype: np.dtype[Any],
    out: Out = None,
    threads: int = 1,
) -> Bytes:
    """A chunk, the last codec undone first.

    Parameters
    ----------
    configs : list of mapping
        In the order of writing.
    stored : buffer
        The chunk.
    size : int or None
        Bytes of the values; ``None`` where nobody knows.
    dtype : numpy dtype
        Of the values, which filters of numcodecs may be told.
    out : ndarray of uint8, optional
        Memory of `size` bytes, which a codec that can decodes into; it is returned then.
    threads : int
        How many a codec may use that can use several.

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
        wanted = _Wanted(hint, out if config is configs[0] else None, threads)
        try:
            stored = decode(stored, wanted) if decode else _by_numcodecs(config, stored)
        except FilterError:
            raise
        except Exception as error:  # whatever a library says of bytes it cannot decode
            raise DamagedFileError(f"a chunk cannot be decoded by {name}: {error}") from None
    if size is not None and len(stored) != size:
        raise DamagedFileError(f"a chunk decodes to {len(stored):,} bytes, not {size:,}")
    return stored


def _by_numcodecs(config: Config, stored: Bytes) -> Bytes:
    name = config.get("id")
    if not is_there("numcodecs"):
        raise FilterError(f"the codec {name!r} takes numcodecs: {how_to_get('numcodecs')}")
    numcodecs: Any = import_module("numcodecs")
    try:
        codec = numcodecs.get_codec(dict(config))
    except Exception as error:  # unknown, or with options that make no sense
        raise FilterError(f"numcodecs has no codec {name!r}: {error}") from None
    return np.asarray(codec.decode(stored)).tobytes()


def _blosc(stored: Any, wanted: _Wanted) -> Bytes:
    size = _announced(stored) if wanted.size is None else wanted.size
    return blosc.decode(stored, size, wanted.out, wanted.threads)


def _announced(stored: Bytes) -> int:
    if len(stored) < 16:
        raise ValueError("is cut")
    size = int(np.frombuffer(stored, "<u4", 1, 4)[0])
    if size > _UNKNOWN_SIZE:
        raise ValueError(f"announces {size:,} bytes")
    return size


def _zlib(stored: Any, wanted: _Wanted) -> Bytes:
    return zlib.decompressobj().decompress(stored, wanted.most)


def _gzip(stored: Any, wanted: _Wanted) -> Bytes:
    return zlib.decompressobj(31).decompress(stored, wanted.most)


def _bz2(stored: Any, wanted: _Wanted) -> Bytes:
    return bz2.BZ2Decompressor().decompress(stored, wanted.most)


def _lzma(stored: Any, wanted: _Wanted) -> Bytes:
    return lzma.LZMADecompressor().decompress(stored, wanted.most)


def _zstd(stored: Any, wanted: _Wanted) -> Bytes:
    if wanted.size is None:
        raise ValueError("its size is not known")
    made: Bytes = library().zstd_decode(
        stored, out=wanted.size if wanted.out is None else wanted.out
    )
    return made


def _lz4(stored: Any, wanted: _Wanted) -> Bytes:
    announced = int.from_bytes(stored[:4], "little")
    if announced > wanted.most:
        raise ValueError(f"announces {announced:,} bytes")
    fits = wanted.out is not None and announced == wanted.out.size
    made: Bytes = library().lz4_decode(stored[4:], out=wanted.out if fits else announced)
    return made


_DECODERS: dict[str, Callable[[Any, _Wanted], Bytes]] = {
    "blosc": _blosc,
    "zlib": _zlib,
    "gzip": _gzip,
    "bz2": _bz2,
    "lzma": _lzma,
    "zstd": _zstd,
    "lz4": _lz4,
}
